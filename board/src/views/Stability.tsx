// How far the ranking hangs on the weights: who is first over all of them, ranks, and the Pareto front.
import * as Plot from "@observablehq/plot";
import { useMemo } from "preact/hooks";
import type { Concentration } from "../engine/concentration";
import type { MethodScore, Result } from "../engine/score";
import { MOST_CURVED } from "../engine/score";
import { effective, overall } from "../engine/levels";
import { meansOf } from "../means";
import { Chart, colour, symbol } from "../ui/Chart";
import { One } from "../ui/Choice";
import { Filters } from "../ui/Filters";
import type { Column } from "../ui/Table";
import { Table } from "../ui/Table";
import { Weights } from "../ui/Weights";
import { listed, percent, withError } from "../words";
import type { ViewProps } from "./Ranking";
import { useScore } from "./Ranking";

export function Stability(props: ViewProps) {
  if (!props.board.score) return <p>The methods cannot be ranked: {props.board.unscored}.</p>;
  return <Stable {...props} />;
}

function Stable({ board, params, change }: ViewProps) {
  const { from, selected, form, weights, found } = useScore(board, params, true);
  return (
    <>
      <Filters board={board} selected={selected} change={change} />
      <Weights score={from} chosen={weights} form={form} change={change} />
      {typeof found === "string" ? <p role="status">{found}</p> : <Pictures {...{ board, params, change, found }} />}
    </>
  );
}

const STEPS = 20;
const GROUPS: [string, string[]][] = [["privacy", ["FA", "MIA"]], ["utility", ["RA"]], ["oracle", ["AD", "JS"]]];

interface Corner {
  x: number;
  y: number;
  first: number[];
}

function Pictures({ board, params, change, found }: ViewProps & { found: Result }) {
  const corners = useMemo(() => triangle(found), [found]);
  const space = useMemo(() => (corners ? spaceOf(found, corners) : null), [corners]);
  const here = found.cube.benchmarks;
  const on = here.includes(params.get("on") ?? "") ? params.get("on")! : here[0]!;
  const front = useMemo(() => frontOf(board, found, params, on), [found, on]);
  const leaders = found.methods.filter((one) => one.first > 0).sort((a, b) => b.first - a.first);
  return (
    <>
      <p class="answer" role="status">
        {leaders[0]!.method} is first under {percent(leaders[0]!.first)} of all weightings
        {leaders.length > 1 ? `, ${listed(leaders.slice(1, 5).map((one) => `${one.method} under ${percent(one.first)}`))}` : ""}.
      </p>
      {space ? (
        <>
          <Chart label="Who is first, by the weights of privacy, utility and nearness to the oracle" file="uqs-weights" words={`At the corners one group has all the weight. ${cornerWords(found, corners!)}`} options={space} wide />
          <Legend found={found} corners={corners!} />
          <p class="note">Within a group its metrics weigh alike. Each mark is one weighting; a small circle is a tie.</p>
        </>
      ) : (
        <p class="note">
          {WHY[unmapped(board, found)]}{" "}
          {found.form === "calibrated" ? <button type="button" class="small" onClick={() => change({ f: "published" })}>Show it in the published form</button> : null}
        </p>
      )}
      <Table
        caption="Over all weightings"
        file="uqs-stability"
        columns={columns(found)}
        rows={[...found.methods].sort((a, b) => b.first - a.first)}
        sort={params.get("sort") ?? ""}
        onSort={(sort) => change({ sort })}
      />
      {found.concentration.length ? (
        <>
          <Table caption="When the weights move about the chosen ones" file="uqs-concentration" columns={CURVE} rows={found.concentration} sort={params.get("curve") ?? ""} onSort={(curve) => change({ curve })} />
          <p class="note">Weights drawn from Dirichlet(kappa x weights): the larger kappa, the nearer to the chosen ones. tau-b with the ranking above.</p>
        </>
      ) : (
        <p class="note">
          When the weights move about the chosen ones: computed in the page for at most {MOST_CURVED} methods (filter them);
          {" "}uqs score --full has it for all.
        </p>
      )}
      {front ? (
        <>
          <h3>Forgetting and utility</h3>
          <One label="Benchmark" options={here} value={on} onChange={(value) => change({ on: value })} />
          <Chart label={`Forget accuracy against retain accuracy on ${on}, with one standard error`} file="uqs-front" words={front.words} options={front.options} />
          <p class="note">
            Filled: on the Pareto front of these two (no other method forgets as much and keeps as much, and one of both more). The star is the oracle,
            which a good method is near to: an FA below the oracle's is over-forgetting.
          </p>
        </>
      ) : null}
    </>
  );
}

const WHY = {
  ladders:
    "The map of weights spans privacy (FA, MIA), utility (RA) and nearness to the oracle (AD, JS). Where references calibrate the score only FA and MIA " +
    "are weighed (RA and JS multiply the whole, AD does not count), so there is no such map: the table below has who is first over all weights of FA and MIA.",
  missing: "The map of weights needs metrics of all three groups, privacy (FA, MIA), utility (RA) and nearness to the oracle (AD, JS), on every benchmark.",
};

const unmapped = (board: ViewProps["board"], found: Result): keyof typeof WHY =>
  found.form === "calibrated" && found.cube.benchmarks.some((name) => board.score!.ladders[name]) ? "ladders" : "missing";

/** Scores over a grid of group weights; null where a group has no metric on a benchmark. */
function triangle(found: Result): Corner[] | null {
  const { metrics } = found.cube;
  const groups = GROUPS.map(([, names]) => names.filter((name) => metrics.includes(name)));
  const every = found.levels.available.every((row) => groups.every((names) => names.some((name) => row[metrics.indexOf(name)])));
  if (!every) return null;
  const grid: Corner[] = [];
  for (let a = 0; a <= STEPS; a++) {
    for (let b = 0; a + b <= STEPS; b++) {
      const parts = [a, b, STEPS - a - b].map((one) => one / STEPS);
      const weights = metrics.map((name) => {
        const at = groups.findIndex((names) => names.includes(name));
        return parts[at]! / groups[at]!.length;
      });
      const scores = overall(found.levels, effective(found.levels, [weights])).map((one) => Math.round(one * 1e12));
      const top = Math.max(...scores);
      grid.push({ x: parts[1]! + parts[2]! / 2, y: parts[2]! * (Math.sqrt(3) / 2), first: scores.flatMap((one, m) => (one === top ? [m] : [])) });
    }
  }
  return grid;
}

function spaceOf(found: Result, corners: Corner[]): Plot.PlotOptions {
  const names = [
    { x: 0, y: -0.05, name: "all privacy (FA, MIA)", anchor: "start" },
    { x: 1, y: -0.05, name: "all utility (RA)", anchor: "end" },
    { x: 0.5, y: 0.93, name: "all nearness to the oracle (AD, JS)", anchor: "middle" },
  ];
  const marks = corners.map((one) => ({ ...one, at: one.first.length === 1 ? one.first[0]! : null }));
  type Mark = (typeof marks)[number];
  return {
    width: 460,
    height: 430,
    margin: 24,
    x: { axis: null, domain: [-0.03, 1.03] },
    y: { axis: null, domain: [-0.08, 0.98] },
    symbol: { type: "identity" },
    color: { type: "identity" },
    marks: [
      Plot.dot(marks, {
        x: "x",
        y: "y",
        r: (one: Mark) => (one.at === null ? 2 : 6),
        fill: (one: Mark) => (one.at === null ? "var(--muted)" : colour(one.at)),
        symbol: (one: Mark) => (one.at === null ? "circle" : symbol(one.at)),
        title: (one: Mark) => one.first.map((m) => found.cube.methods[m]).join(", "),
      }),
      ...names.map((one) => Plot.text([one], { x: "x", y: "y", text: "name", textAnchor: one.anchor as "start" })),
    ],
    r: { type: "identity" },
  };
}

function Legend({ found, corners }: { found: Result; corners: Corner[] }) {
  const held = [...new Set(corners.flatMap((one) => (one.first.length === 1 ? one.first : [])))].sort((a, b) => a - b);
  const options = useMemo(
    (): Plot.PlotOptions => ({
      width: 300,
      height: 12 + 22 * held.length,
      margin: 6,
      x: { axis: null, domain: [0, 1] },
      y: { axis: null, domain: held.map(String) },
      symbol: { type: "identity" },
      color: { type: "identity" },
      marks: [
        Plot.dot(held, { x: () => 0.03, y: (m: number) => `${m}`, r: 6, fill: (m: number) => colour(m), symbol: (m: number) => symbol(m) }),
        Plot.text(held, { x: () => 0.08, y: (m: number) => `${m}`, text: (m: number) => found.cube.methods[m]!, textAnchor: "start", fontSize: 12 }),
      ],
    }),
    [found],
  );
  return <Chart label="Marks" words={listed(held.map((m) => found.cube.methods[m]!))} options={options} />;
}

function cornerWords(found: Result, corners: Corner[]): string {
  const count = new Map<string, number>();
  for (const one of corners) {
    const name = one.first.length === 1 ? found.cube.methods[one.first[0]!]! : "a tie";
    count.set(name, (count.get(name) ?? 0) + 1);
  }
  return [...count].map(([name, many]) => `${name} is first at ${many} of ${corners.length} weightings`).join("; ");
}

function columns(found: Result): Column<MethodScore>[] {
  const { metrics, methods } = found.cube;
  const at = (one: MethodScore): number => methods.indexOf(one.method);
  return [
    { id: "method", title: "method", words: true, value: (one) => one.method },
    { id: "first", title: "first", hint: "all weightings", high: true, value: (one) => one.first, show: (one) => percent(one.first) },
    { id: "likely", title: "likeliest rank", value: (one) => likeliest(found, at(one)).rank, show: (one) => `${likeliest(found, at(one)).rank} (${percent(likeliest(found, at(one)).share)})` },
    { id: "pareto", title: "Pareto front", hint: "of all terms", words: true, value: (one) => (one.pareto ? "yes" : "no") },
    ...metrics.map((metric, k): Column<MethodScore> => ({
      id: `w-${metric}`,
      title: metric,
      hint: "weight where first",
      value: (one) => found.acceptability.central[at(one)]?.[k] ?? null,
      show: (one) => {
        const weight = found.acceptability.central[at(one)]?.[k];
        return weight === undefined ? <span class="status">never first</span> : percent(weight);
      },
    })),
  ];
}

function likeliest(found: Result, m: number): { rank: number; share: number } {
  const row = found.acceptability.byRank[m]!;
  const share = Math.max(...row);
  return { rank: row.indexOf(share) + 1, share };
}

const CURVE: Column<Concentration>[] = [
  { id: "kappa", title: "kappa", value: (one) => one.kappa },
  { id: "sd", title: "sd of a weight", value: (one) => one.weightSd, show: (one) => one.weightSd.toFixed(3) },
  { id: "tau", title: "mean tau-b", high: true, value: (one) => one.tau, show: (one) => (one.tau === null ? <span class="status">all tie</span> : one.tau.toFixed(3)) },
  { id: "same", title: "same first", high: true, value: (one) => one.sameFirst, show: (one) => percent(one.sameFirst) },
];

function frontOf(board: ViewProps["board"], found: Result, params: URLSearchParams, on: string): { options: Plot.PlotOptions; words: string } | null {
  if (!board.runs.metrics["FA"] || !board.runs.metrics["RA"]) return null;
  const seeds = params.has("s") ? new Set(params.getAll("s").map(Number)) : null;
  const means = meansOf(board, seeds);
  const points = found.cube.methods.flatMap((method, at) => {
    const [fa, ra] = [means(on, method, "FA"), means(on, method, "RA")];
    return fa.value === null || ra.value === null ? [] : [{ method, at, fa: fa.value, ra: ra.value, faSe: fa.se ?? 0, raSe: ra.se ?? 0 }];
  });
  if (!points.length) return null;
  type Point = (typeof points)[number];
  const beaten = (one: Point): boolean => points.some((other) => other.fa <= one.fa && other.ra >= one.ra && (other.fa < one.fa || other.ra > one.ra));
  const reference = (metric: string) => board.references.find((one) => one.benchmark === on && one.metric === metric)?.oracle?.value;
  const [fa, ra] = [reference("FA"), reference("RA")];
  const oracle = fa === undefined || ra === undefined ? [] : [{ fa, ra }];
  return {
    words: points.map((one) => `${one.method}: FA ${withError(one.fa, one.faSe)}, RA ${withError(one.ra, one.raSe)}${beaten(one) ? "" : ", on the front"}`).join("; "),
    options: {
      width: 560,
      height: 420,
      marginLeft: 48,
      marginRight: 110,
      x: { label: "forget accuracy (FA)", domain: [0, 1], grid: true },
      y: { label: "retain accuracy (RA)", grid: true, nice: true },
      symbol: { type: "identity" },
      color: { type: "identity" },
      marks: [
        Plot.ruleY(points, { y: "ra", x1: (one: Point) => one.fa - one.faSe, x2: (one: Point) => one.fa + one.faSe, stroke: (one: Point) => colour(one.at) }),
        Plot.ruleX(points, { x: "fa", y1: (one: Point) => one.ra - one.raSe, y2: (one: Point) => one.ra + one.raSe, stroke: (one: Point) => colour(one.at) }),
        Plot.dot(points, { x: "fa", y: "ra", r: 5, stroke: (one: Point) => colour(one.at), fill: (one: Point) => (beaten(one) ? "var(--paper)" : colour(one.at)), symbol: (one: Point) => symbol(one.at), title: "method" }),
        Plot.dot(oracle, { x: "fa", y: "ra", r: 7, symbol: "asterisk", stroke: "var(--ink)", strokeWidth: 2, title: () => "oracle" }),
        ...(points.length <= 12 ? [Plot.text(points, { x: "fa", y: "ra", text: "method", dx: 9, dy: -7, textAnchor: "start", stroke: "var(--paper)", fill: "var(--ink)" })] : []),
      ],
    },
  };
}
