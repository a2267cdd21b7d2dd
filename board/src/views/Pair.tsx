// Two methods side by side: what every metric says of their difference.
import * as Plot from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { knownShare } from "../engine/terms";
import type { Means } from "../means";
import { meansOf } from "../means";
import type { Board, Order } from "../schema";
import { Chart } from "../ui/Chart";
import { One } from "../ui/Choice";
import type { Column } from "../ui/Table";
import { Table } from "../ui/Table";
import { percent, signed, spoken, withError } from "../words";
import { Changed } from "./Changed";
import type { ViewProps } from "./Ranking";

export interface Difference {
  metric: string;
  /** Of the means, or of the means of logarithms. */
  value: number;
  /** Half of the simultaneous 95% interval. */
  half: number;
  log: boolean;
  told: boolean;
}

/** First less second, with the interval that holds for all pairs of methods at once; null where none is known. */
export function difference(order: Order, first: string, second: string): Difference | null {
  const [i, j] = [order.methods.indexOf(first), order.methods.indexOf(second)];
  if (i < 0 || j < 0 || order.critical === null) return null;
  const value = order.means[i]! - order.means[j]!;
  const half = order.critical * Math.sqrt((order.errors[i]! ** 2 + order.errors[j]! ** 2) / 2);
  return { metric: order.metric, value, half, log: order.log, told: Math.abs(value) > half };
}

interface Row {
  metric: string;
  better: string;
  found: Difference | null;
  why: string;
}

export function Pair({ board, params, change }: ViewProps) {
  const pick = (name: string, options: string[], at: number): string =>
    options.includes(params.get(name) ?? "") ? params.get(name)! : (options[at] ?? options[0]!);
  const on = pick("on", board.benchmarks, 0);
  const first = pick("first", board.methods, 0);
  const second = pick("second", board.methods, 1);
  const means = useMemo(() => meansOf(board, null), [board]);
  const rows = useMemo(() => rowsOf(board, on, first, second), [board, on, first, second]);
  const options = useMemo(() => picture(rows, first, second), [rows]);
  const told = rows.filter((one) => one.found?.told);
  return (
    <>
      <One label="First" options={board.methods} value={first} onChange={(value) => change({ first: value })} />
      <One label="Second" options={board.methods} value={second} onChange={(value) => change({ second: value })} />
      <One label="Benchmark" options={board.benchmarks} value={on} onChange={(value) => change({ on: value })} />
      <p class="answer" role="status">
        {first === second
          ? "Choose two different methods."
          : told.length
            ? `${told.length} of ${rows.length} metrics tell ${first} and ${second} apart on ${on}: ${told.map((one) => spoken(one.metric)).join(", ")}.`
            : `No metric tells ${first} and ${second} apart on ${on}.`}
      </p>
      {rows.some((one) => one.found) ? (
        <Chart
          label={`Difference of ${first} less ${second} over the smallest one that is told apart`}
          file="uqs-pair"
          words="Beyond one on either side the two are told apart. The table below has every number"
          options={options}
        />
      ) : null}
      <Table
        caption={`${first} and ${second} on ${on}`}
        file="uqs-pair"
        columns={columns(board, means, on, first, second)}
        rows={rows}
        sort={params.get("sort") ?? ""}
        onSort={(sort) => change({ sort })}
      />
      <p class="note">
        Both methods were measured on the same items, by the same seeds and against the same oracles, so only what moves them
        differently is noise. The intervals hold for all pairs of methods at this strength at once (studentised range, 95%). A
        distance to the oracle is compared by its logarithm: ×2 is twice as far. Known: the share of the forget entities that
        references with such a value were taught.
      </p>
      {first !== second ? <Changed on={on} first={first} second={second} params={params} change={change} /> : null}
    </>
  );
}

function rowsOf(board: Board, on: string, first: string, second: string): Row[] {
  return board.metrics.map(({ name, words }) => {
    const orders = board.trust.orders.filter((one) => one.benchmark === on && one.metric === name);
    const order = orders.find((one) => one.methods.includes(first) && one.methods.includes(second));
    const found = order && first !== second ? difference(order, first, second) : null;
    let why = "";
    if (!orders.length) why = "not measured";
    else if (!order) why = orders.length > 1 ? "not compared: other strengths, or no values" : "no values of both";
    else if (!found) why = order.shown || "the same method";
    return { metric: name, better: words, found, why };
  });
}

function columns(board: Board, means: Means, on: string, first: string, second: string): Column<Row>[] {
  const ladder = board.score?.ladders[on];
  const own = (method: string, id: string): Column<Row> => ({
    id,
    title: method,
    value: (one) => means(on, method, one.metric).value,
    show: (one) => {
      const mean = means(on, method, one.metric);
      const response = ladder?.responses[one.metric];
      if (mean.value === null) return <span class="status">{mean.status}</span>;
      return <>{withError(mean.value, mean.se)}{response ? <small>knows {percent(knownShare(response, mean.value))}</small> : null}</>;
    },
  });
  return [
    { id: "metric", title: "metric", words: true, value: (one) => spoken(one.metric), show: (one) => <>{spoken(one.metric)}<small>{one.better}</small></> },
    own(first, "one"),
    own(second, "two"),
    { id: "difference", title: "difference", hint: "95%, all pairs", value: (one) => one.found?.value ?? null, show: (one) => (one.found ? shown(one.found) : <span class="status">{one.why}</span>) },
    { id: "told", title: "told apart", words: true, value: (one) => (one.found ? (one.found.told ? "yes" : "no") : null), show: (one) => (one.found ? (one.found.told ? <strong>yes</strong> : "no") : <span class="status">not known</span>) },
  ];
}

function shown(found: Difference): string {
  const [low, high] = [found.value - found.half, found.value + found.half];
  if (found.log) return `×${Math.exp(found.value).toFixed(2)} (×${Math.exp(low).toFixed(2)} to ×${Math.exp(high).toFixed(2)})`;
  return `${signed(found.value, 3)} (${signed(low, 3)} to ${signed(high, 3)})`;
}

function picture(rows: Row[], first: string, second: string): Plot.PlotOptions {
  const known = rows.flatMap((one) => (one.found && one.found.half > 0 ? [{ name: spoken(one.metric), at: one.found.value / one.found.half, told: one.found.told }] : []));
  const most = Math.max(1.5, ...known.map((one) => Math.abs(one.at) + 1));
  return {
    width: 640,
    height: 60 + 22 * known.length,
    marginLeft: 130,
    x: { label: `${second} larger ← differences → ${first} larger`, domain: [-most, most], grid: true, labelAnchor: "center", labelArrow: "none" },
    y: { domain: known.map((one) => one.name), label: null, tickSize: 0 },
    symbol: { type: "identity" },
    color: { type: "identity" },
    marks: [
      Plot.ruleX([-1, 1], { stroke: "var(--muted)", strokeDasharray: "3 3" }),
      Plot.ruleX([0], { stroke: "var(--muted)" }),
      Plot.ruleY(known, { y: "name", x1: (one: (typeof known)[number]) => one.at - 1, x2: (one: (typeof known)[number]) => one.at + 1, stroke: "var(--m0)", strokeWidth: 2 }),
      Plot.dot(known, { y: "name", x: "at", r: 5, stroke: "var(--m0)", fill: (one: (typeof known)[number]) => (one.told ? "var(--m0)" : "var(--paper)"), symbol: (one: (typeof known)[number]) => (one.told ? "square" : "circle") }),
    ],
  };
}
