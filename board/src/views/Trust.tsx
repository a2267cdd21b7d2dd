// Which metric to trust: one row a metric, how metrics agree, and the audit's verdicts.
import * as Plot from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import type { Association, Board, Card, Order, Pair } from "../schema";
import { Chart, Spark } from "../ui/Chart";
import { One } from "../ui/Choice";
import type { Column } from "../ui/Table";
import { Table } from "../ui/Table";
import { fixed, listed, percent, signed, spoken } from "../words";
import type { ViewProps } from "./Ranking";

interface Row {
  metric: string;
  card: Card | undefined;
  orders: Order[];
  friend: { name: string; tau: number } | null;
}

export function Trust({ board, params, change }: ViewProps) {
  const on = board.benchmarks.includes(params.get("on") ?? "") ? params.get("on")! : board.benchmarks[0]!;
  const rows = useMemo(() => rowsOf(board, on), [board, on]);
  const asked = params.get("metric");
  const card = rows.find((one) => one.metric === asked)?.card ?? rows.find((one) => one.card)?.card;
  const dose = useMemo(() => (card ? doseResponse(card, false) : null), [card]);
  return (
    <>
      <One label="Benchmark" options={board.benchmarks} value={on} onChange={(value) => change({ on: value === board.benchmarks[0] ? null : value })} />
      <Table
        caption={`What each metric can be trusted with on ${on}`}
        file="uqs-trust"
        columns={columns()}
        rows={rows}
        sort={params.get("sort") ?? ""}
        onSort={(sort) => change({ sort })}
      />
      <p class="note">
        References were taught a known share of the forget entities. Smallest share: from which difference of share on the metric
        tells two models apart. Suppressed models know everything and do not say it; damaged models know everything and broke
        elsewhere. Told apart: the share of pairs of these methods that the metric tells apart beyond the noise.
      </p>
      {card && dose ? (
        <>
          <One
            label="Dose and response of"
            options={rows.filter((one) => one.card).map((one) => one.metric)}
            value={card.metric}
            onChange={(metric) => change({ metric })}
            name={spoken}
          />
          <Chart label={`${spoken(card.metric)} against the share of the forget entities that a model was taught, on ${on}`} file="uqs-dose" words={doseWords(card)} options={dose} />
        </>
      ) : (
        <p class="note">The table has no references on {on}: what a value says of knowledge cannot be asked there.</p>
      )}
      <Agreement board={board} params={params} change={change} />
      <details open={params.get("all") === "1"} onToggle={(event) => change({ all: event.currentTarget.open ? "1" : null })}>
        <summary>All verdicts</summary>
        <ul>{board.trust.verdicts.map((one) => <li key={one}>{one}</li>)}</ul>
      </details>
    </>
  );
}

function rowsOf(board: Board, on: string): Row[] {
  return board.metrics.map(({ name }) => ({
    metric: name,
    card: board.trust.cards.find((one) => one.benchmark === on && one.metric === name),
    orders: board.trust.orders.filter((one) => one.benchmark === on && one.metric === name),
    friend: nearest(board.trust.pairs, name),
  }));
}

function nearest(pairs: Pair[], name: string): Row["friend"] {
  const known = pairs.filter((one) => (one.a === name || one.b === name) && one.within.value !== null);
  const best = known.sort((x, y) => y.within.value! - x.within.value!)[0];
  return best ? { name: best.a === name ? best.b : best.a, tau: best.within.value! } : null;
}

function columns(): Column<Row>[] {
  return [
    { id: "metric", title: "metric", words: true, value: (one) => spoken(one.metric) },
    {
      id: "ladder",
      title: "on the ladder",
      words: true,
      value: (one) => (one.card ? one.card.why : "no references"),
      show: (one) => (one.card ? <Small card={one.card} /> : <span class="status">no references</span>),
    },
    {
      id: "smallest",
      title: "smallest share",
      value: (one) => one.card?.smallest ?? null,
      show: (one) => (one.card?.smallest == null ? <span class="status">none</span> : percent(one.card.smallest)),
    },
    { id: "blind", title: "blinded by suppression", words: true, value: (one) => kinds(one.card, "suppressed"), show: (one) => verdict(one.card, "suppressed") },
    { id: "fooled", title: "fooled by damage", words: true, value: (one) => kinds(one.card, "damaged"), show: (one) => verdict(one.card, "damaged") },
    {
      id: "told",
      title: "told apart",
      hint: "pairs of methods",
      high: true,
      value: (one) => one.orders[0]?.separated ?? null,
      show: (one) => told(one.orders),
    },
    {
      id: "agrees",
      title: "agrees most with",
      words: true,
      value: (one) => one.friend?.tau ?? null,
      show: (one) => (one.friend ? `${spoken(one.friend.name)} (${signed(one.friend.tau, 2)})` : <span class="status">undefined</span>),
    },
  ];
}

function told(orders: Order[]) {
  if (!orders.length) return <span class="status">not measured</span>;
  return orders.map((one) => (
    <div key={one.strength}>
      {one.separated === null ? <span class="status">{one.shown}</span> : percent(one.separated)}
      {one.strength ? ` at ${one.strength}` : ""}
    </div>
  ));
}

function kinds(card: Card | undefined, kind: "suppressed" | "damaged"): string | null {
  if (!card || !card[kind]) return null;
  const missed = kind === "suppressed" ? card.blind : card.fooled;
  return missed.length ? `yes, by ${missed.length} of ${card[kind]}` : `no, by none of ${card[kind]}`;
}

function verdict(card: Card | undefined, kind: "suppressed" | "damaged") {
  const said = kinds(card, kind);
  if (said === null || !card) return <span class="status">not tested</span>;
  const missed = kind === "suppressed" ? card.blind : card.fooled;
  return <>{said}{missed.length ? <small>{listed(missed)}</small> : null}</>;
}

function Small({ card }: { card: Card }) {
  const options = useMemo(() => doseResponse(card, true), [card]);
  return <div class="beside-spark"><Spark options={options} label={`${spoken(card.metric)}: ${card.why}`} /><span>{card.usable ? "follows the share" : card.why}</span></div>;
}

function doseResponse(card: Card, small: boolean): Plot.PlotOptions {
  const points = card.rungs.flatMap((rung) => rung.values.map((value) => ({ share: rung.share, value, kind: rung.kind, name: rung.name || "trained with this share" })));
  const ladder = points.filter((one) => one.kind === "ladder");
  const beside = points.filter((one) => one.kind !== "ladder");
  const line = card.response?.shares.map((share, at) => ({ share, value: card.response!.means[at]! })) ?? [];
  const look = { suppressed: { fill: "var(--m1)", symbol: "triangle" }, damaged: { fill: "var(--m3)", symbol: "square" } } as const;
  const axes = small
    ? { axis: null, width: 120, height: 34, margin: 4 }
    : { width: 560, height: 300, marginLeft: 56, grid: true };
  return {
    ...axes,
    x: small ? { axis: null, domain: [0, 1] } : { label: "known share", domain: [0, 1], tickFormat: "%" },
    y: small ? { axis: null } : { label: spoken(card.metric), nice: true },
    symbol: { type: "identity" },
    color: { type: "identity" },
    marks: [
      Plot.line(line, { x: "share", y: "value", stroke: "currentColor", strokeWidth: 1.5 }),
      Plot.dot(ladder, { x: "share", y: "value", r: small ? 2 : 4, stroke: "var(--m0)", strokeWidth: 1.5 }),
      Plot.dot(beside, {
        x: "share",
        y: "value",
        r: small ? 2 : 4,
        dx: small ? -3 : -8,
        fill: (one: (typeof beside)[number]) => look[one.kind as keyof typeof look].fill,
        symbol: (one: (typeof beside)[number]) => look[one.kind as keyof typeof look].symbol,
        title: small ? undefined : (one: (typeof beside)[number]) => `${one.kind}, ${one.name}: ${fixed(one.value, 3)}`,
      }),
    ],
  };
}

function doseWords(card: Card): string {
  const rungs = card.rungs.filter((one) => one.kind === "ladder");
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const said = rungs.map((one) => `${percent(one.share)}: ${fixed(mean(one.values), 3)}`).join(", ");
  return `Circles: trained with this share (${said}). Triangles: suppressed. Squares: damaged. ${card.usable ? "Follows the share" : card.why}`;
}

const SCALES = ["within benchmarks", "pooled"];

function Agreement({ board, params, change }: ViewProps) {
  const names = [...new Set(board.trust.pairs.flatMap((one) => [one.a, one.b]))];
  const scales = [...SCALES, ...board.benchmarks];
  const scale = scales.includes(params.get("tau") ?? "") ? params.get("tau")! : SCALES[0]!;
  const options = useMemo(() => heatMap(board.trust.pairs, names, scale), [board, scale]);
  const reversed = board.trust.pairs.filter((one) => one.reverses);
  const { clusters } = board.trust;
  if (names.length < 2) return <p>The table has fewer than two metrics: there is nothing to agree.</p>;
  return (
    <>
      <h3>Do the metrics agree?</h3>
      <One label="Kendall's tau-b" options={scales} value={scale} onChange={(tau) => change({ tau: tau === SCALES[0] ? null : tau })} />
      <Chart
        label={`Kendall's tau-b of every two metrics, ${scale}; both turned so that higher is better`}
        file="uqs-agreement"
        words="The table below has every number"
        wide
        options={options}
      />
      <p class="note">
        {SCALES[0]}: the mean over benchmarks; small: on how many of them it is defined. A cell without a number is undefined. Pooled
        mixes the benchmarks, which can turn a sign round (Simpson); {reversed.length ? `here it does for ${listed(reversed.map((one) => `${spoken(one.a)} and ${spoken(one.b)}`))}.` : "here it does so for no pair."}
      </p>
      <p>
        {clusters.groups.length
          ? `Two groups of metrics: ${clusters.groups.map((one) => one.map(spoken).join(", ")).join(" | ")}${clusters.support === null ? "" : `, in ${percent(clusters.support)} of ${clusters.resamples} resamples of the methods`}.${clusters.reason ? ` ${clusters.reason}.` : ""}`
          : `No groups of metrics: ${clusters.reason || "nothing is defined"}.`}
      </p>
      <details>
        <summary>Every pair</summary>
        <Table caption="Agreement of every two metrics" file="uqs-agreement" columns={pairColumns()} rows={board.trust.pairs} sort={params.get("pairs") ?? ""} onSort={(pairs) => change({ pairs })} />
      </details>
    </>
  );
}

function at(pair: Pair, scale: string): Association {
  if (scale === SCALES[0]) return pair.within;
  return scale === SCALES[1] ? pair.pooled : (pair.benchmarks[scale] ?? { value: null, status: "not measured" });
}

function heatMap(pairs: Pair[], names: string[], scale: string): Plot.PlotOptions {
  const cells = pairs.flatMap((pair) => {
    const { value, status } = at(pair, scale);
    const small = scale === SCALES[0] && value !== null ? `${pair.defined} of ${pair.groups}` : "";
    const cell = { value, small, status };
    return [{ ...cell, a: pair.a, b: pair.b }, { ...cell, a: pair.b, b: pair.a }];
  });
  const fill = (one: (typeof cells)[number]): string => {
    if (one.value === null) return "var(--panel)";
    const step = Math.round(Math.abs(one.value) * 5) * 20;
    return `color-mix(in oklab, var(--${one.value < 0 ? "minus" : "plus"}) ${step}%, var(--mid))`;
  };
  const size = 58;
  return {
    width: 130 + size * names.length,
    height: 96 + 40 * names.length,
    marginLeft: 126,
    marginTop: 90,
    marginRight: 4,
    marginBottom: 6,
    x: { domain: names, axis: "top", label: null, tickFormat: spoken, tickRotate: -40, tickSize: 0 },
    y: { domain: names, label: null, tickFormat: spoken, tickSize: 0 },
    color: { type: "identity" },
    marks: [
      Plot.cell(cells, { x: "a", y: "b", fill, inset: 1, title: (one: (typeof cells)[number]) => `${spoken(one.b)} and ${spoken(one.a)}: ${one.value === null ? one.status : signed(one.value, 2)}` }),
      Plot.text(cells, { x: "a", y: "b", dy: -5, fontSize: 12, fill: "var(--ink)", text: (one: (typeof cells)[number]) => (one.value === null ? "–" : signed(one.value, 2)) }),
      Plot.text(cells, { x: "a", y: "b", dy: 9, fontSize: 9, fill: "var(--ink)", text: "small" }),
    ],
  };
}

function pairColumns(): Column<Pair>[] {
  const shown = (one: Association) => (one.value === null ? <span class="status">{one.status}</span> : signed(one.value, 2));
  return [
    { id: "pair", title: "pair", words: true, value: (one) => `${spoken(one.a)} and ${spoken(one.b)}` },
    { id: "within", title: "tau-b", hint: "within benchmarks", high: true, value: (one) => one.within.value, show: (one) => <>{shown(one.within)}<small>{one.defined} of {one.groups}</small></> },
    { id: "p", title: "p", hint: "Benjamini-Hochberg", value: (one) => one.p, show: (one) => (one.p === null ? <span class="status">undefined</span> : one.p.toPrecision(2)) },
    { id: "pooled", title: "tau-b", hint: "pooled", high: true, value: (one) => one.pooled.value, show: (one) => <>{shown(one.pooled)}{one.reverses ? <small>sign reverses</small> : null}</> },
  ];
}
