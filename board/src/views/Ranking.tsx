// Methods in classes that the noise allows, recomputed for every filter and weighting.
import * as Plot from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import { NoRanking } from "../engine/cube";
import type { MethodScore, Result } from "../engine/score";
import { score as compute } from "../engine/score";
import { knownShare } from "../engine/terms";
import type { Change } from "../hash";
import type { Means } from "../means";
import { gap, meansOf, reference } from "../means";
import type { Board, Score } from "../schema";
import type { Selection } from "../selection";
import { selection } from "../selection";
import { Chart, colour, symbol } from "../ui/Chart";
import { One } from "../ui/Choice";
import { Filters } from "../ui/Filters";
import type { Column } from "../ui/Table";
import { Table } from "../ui/Table";
import { Weights } from "../ui/Weights";
import { chosen as weightsOf } from "../weights";
import { listed, percent, range, signed, spoken, withError } from "../words";

export interface ViewProps {
  board: Board;
  params: URLSearchParams;
  change: (change: Change) => void;
}

/** The score, or why there is none. */
export function useScore(board: Board, params: URLSearchParams, curve = false) {
  const from = board.score!;
  // the score hangs on these parameters alone: sorting a table must not compute it again
  const key = ["b", "base", "m", "st", "s", "w", "f"].map((name) => JSON.stringify(params.getAll(name))).join();
  const selected = useMemo(() => selection(board, params), [board, key]);
  const form: Score["form"] = params.get("f") === "published" ? "published" : params.get("f") === "calibrated" ? "calibrated" : from.form;
  const weights = useMemo(() => weightsOf(from, params.get("w")), [board, key]);
  const found = useMemo((): Result | string => {
    try {
      return compute(board, from, selected, weights.rows, form, curve);
    } catch (error) {
      if (error instanceof NoRanking) return error.message;
      throw error;
    }
  }, [board, key, curve]);
  return { from, selected, form, weights, found };
}

export function Ranking({ board, params, change }: ViewProps) {
  if (!board.score) return <p>The methods cannot be ranked: {board.unscored}.</p>;
  return <Ranked board={board} params={params} change={change} />;
}

function Ranked({ board, params, change }: ViewProps) {
  const { from, selected, form, weights, found } = useScore(board, params);
  const means = useMemo(() => meansOf(board, selected.seeds), [board, params.getAll("s").join()]);
  return (
    <>
      <Filters board={board} selected={selected} change={change} />
      <Weights score={from} chosen={weights} form={form} change={change} />
      {typeof found === "string" ? (
        <p role="status">{found}</p>
      ) : (
        <Classes {...{ board, params, change, found, means, selected }} />
      )}
    </>
  );
}

interface Found extends ViewProps {
  found: Result;
  means: Means;
  selected: Selection;
}

function Classes({ board, params, change, found, means, selected }: Found) {
  const here = board.benchmarks.filter((name) => selected.benchmarks?.has(name) !== false);
  const on = here.includes(params.get("on") ?? "") ? params.get("on")! : here[0]!;
  const best = found.methods.filter((one) => one.group === 1).sort((a, b) => b.uqs - a.uqs);
  const options = useMemo(() => picture(found), [found]);
  const sort = params.get("sort") ?? "group";
  return (
    <>
      <p class="answer" role="status">
        {best.length > 1
          ? `${listed(best.map((one) => one.method))} cannot be told apart: each may be first.`
          : `${best[0]!.method} is first beyond the noise.`}
      </p>
      {found.single.length ? (
        <p class="note">No repeat shows the noise on {listed(found.single)}, so nothing is told apart.</p>
      ) : null}
      <Chart
        label={`UQS with one standard error, by class, over ${listed(found.cube.benchmarks)}`}
        file="uqs-ranking"
        words={inWords(found)}
        options={options}
      />
      <One label="Metrics on" options={here} value={on} onChange={(value) => change({ on: value === here[0] ? null : value })} />
      <Table
        caption={`Methods in classes, and their metrics on ${on}`}
        file="uqs-ranking"
        columns={columns(board, found, means, on)}
        rows={[...found.methods].sort((a, b) => a.group - b.group || b.uqs - a.uqs)}
        sort={sort}
        onSort={(next) => change({ sort: next === "group" ? null : next })}
        mark={sort === "group" ? (one) => `${one.group}` : undefined}
      />
      <p class="note">
        Methods of one class cannot be told apart by the noise of seeds and oracles (simultaneous 95%); each class is anchored at
        the best method left. First: the share of all weightings under which a method is first. Small print of a metric: its gap to
        the oracle, as a difference, or as a multiple ({"\u00d7"}) of the distance between oracles; and the known share that references
        with such a value were taught. Everything here is computed from the runs in this page.
      </p>
      {found.cube.partial.size ? (
        <p class="note">Not ranked, without runs on every benchmark: {listed([...found.cube.partial.keys()])}.</p>
      ) : null}
      {found.leftOut.length ? (
        <ul class="note">
          {found.leftOut.map((one) => <li key={`${one.benchmark} ${one.metric}`}>{one.metric} is left out on {one.benchmark}: {one.why}.</li>)}
        </ul>
      ) : null}
    </>
  );
}

function columns(board: Board, found: Result, means: Means, on: string): Column<MethodScore>[] {
  const ladder = board.score?.ladders[on];
  return [
    { id: "method", title: "method", value: (one) => one.method, words: true },
    { id: "group", title: "class", value: (one) => one.group },
    { id: "uqs", title: "UQS", value: (one) => one.uqs, show: (one) => withError(one.uqs, one.se), high: true },
    { id: "ranks", title: "ranks", hint: "95%", value: (one) => (one.rankLow + one.rankHigh) / 2, show: (one) => range(one.rankLow, one.rankHigh) },
    { id: "first", title: "first", hint: "all weightings", value: (one) => one.first, show: (one) => percent(one.first), high: true },
    ...(found.cube.benchmarks.length > 1
      ? found.cube.benchmarks.map((name, at): Column<MethodScore> => ({
          id: `on-${name}`,
          title: "UQS",
          hint: name,
          value: (one) => one.byBenchmark[at]!,
          show: (one) => withError(one.byBenchmark[at]!, null),
          high: true,
        }))
      : []),
    ...board.metrics.map((metric): Column<MethodScore> => ({
      id: metric.name,
      title: spoken(metric.name),
      hint: metric.words,
      high: metric.better === "higher",
      value: (one) => means(on, one.method, metric.name).value,
      show: (one) => {
        const mean = means(on, one.method, metric.name);
        if (mean.value === null) return <span class="status">{mean.status}</span>;
        const away = gap(reference(board, on, metric.name), mean.value);
        const response = ladder?.responses[metric.name];
        return (
          <>
            {withError(mean.value, mean.se)}
            {mean.known < mean.runs ? ` (${mean.known} of ${mean.runs})` : ""}
            {away ? <small>{"ratio" in away ? `${away.ratio.toFixed(2)}\u00d7` : signed(away.difference, 3)}</small> : null}
            {response ? <small>knows {percent(knownShare(response, mean.value))}</small> : null}
          </>
        );
      },
    })),
  ];
}

function picture(found: Result): Plot.PlotOptions {
  const rows = [...found.methods].sort((a, b) => a.group - b.group || b.uqs - a.uqs);
  const names = rows.map((one) => one.method);
  return {
    width: 640,
    height: 50 + 22 * rows.length,
    marginLeft: 8 + Math.min(220, 6.6 * Math.max(...names.map((name) => name.length + 9))),
    x: { label: "UQS", grid: true, nice: true },
    y: { domain: names, label: null, tickFormat: (name: string) => `class ${rows.find((one) => one.method === name)!.group}: ${short(name)}`, tickSize: 0 },
    marks: [
      Plot.ruleY(rows.filter((one) => one.se !== null), {
        y: "method",
        x1: (one: MethodScore) => one.uqs - one.se!,
        x2: (one: MethodScore) => one.uqs + one.se!,
        stroke: (one: MethodScore) => colour(one.group - 1),
        strokeWidth: 2,
      }),
      Plot.dot(rows, {
        y: "method",
        x: "uqs",
        r: 5,
        fill: (one: MethodScore) => colour(one.group - 1),
        symbol: (one: MethodScore) => symbol(one.group - 1),
      }),
    ],
    symbol: { type: "identity" },
    color: { type: "identity" },
  };
}

const short = (name: string): string => (name.length > 26 ? `${name.slice(0, 25)}\u2026` : name);

function inWords(found: Result): string {
  return [...found.methods].sort((a, b) => a.group - b.group || b.uqs - a.uqs).slice(0, 12)
    .map((one) => `${one.method}: class ${one.group}, ${withError(one.uqs, one.se)}`).join("; ");
}
