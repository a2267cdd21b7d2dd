// The runs that a filter leaves, by benchmark, method and run (uqs.score.cube).
import type { Board, Score } from "../schema";
import { knownMean } from "./numbers";

/** What to keep; null keeps all. Methods are names with their strength. */
export interface Filter {
  benchmarks: ReadonlySet<string> | null;
  methods: ReadonlySet<string> | null;
  seeds: ReadonlySet<number> | null;
}

export interface Run {
  seed: number;
  /** By metric of UQS, NaN where there is none. */
  values: number[];
  /** By oracle and metric. */
  byOracle: number[][];
}

export interface Cube {
  benchmarks: string[];
  methods: string[];
  metrics: string[];
  /** [benchmark][method][run] */
  runs: Run[][][];
  /** [benchmark][method][metric], NaN where no run has a value. */
  means: number[][][];
  /** Methods without runs on every benchmark, and the number of benchmarks where they have some. */
  partial: Map<string, number>;
  /** Benchmarks without any run. */
  unmeasured: string[];
}

export class NoRanking extends Error {}

export function build(board: Board, score: Score, filter: Filter): Cube {
  const found = new Map<string, Map<string, Run[]>>();
  const seen = new Set<string>();
  const metrics = score.metrics;
  const runs = runsOf(board, metrics);
  board.runs.seed.forEach((seed, row) => {
    const benchmark = board.benchmarks[board.runs.benchmark[row]!]!;
    const method = board.methods[board.runs.method[row]!]!;
    if (filter.benchmarks?.has(benchmark) === false || filter.methods?.has(method) === false) return;
    if (filter.seeds?.has(seed) === false) return;
    seen.add(benchmark);
    const run = runs[row];
    if (!run) return;
    const cells = found.get(benchmark) ?? new Map<string, Run[]>();
    found.set(benchmark, cells);
    const cell = cells.get(method) ?? [];
    cells.set(method, cell);
    cell.push(run);
  });
  return assembled(board, metrics, found, seen);
}

const known = new WeakMap<Board, (Run | null)[]>();

/** Every run of a table; null where it has no value. No filter changes them, so they are made once. */
function runsOf(board: Board, metrics: string[]): (Run | null)[] {
  const made = known.get(board) ?? makeRuns(board, metrics);
  known.set(board, made);
  return made;
}

function makeRuns(board: Board, metrics: string[]): (Run | null)[] {
  const columns = metrics.map((name) => board.runs.metrics[name]!);
  const most = Math.max(1, ...columns.map((one) => one.oracles?.[0]?.length ?? 1));
  return board.runs.seed.map((seed, row) => {
    const values = columns.map((one) => one.values[row] ?? Number.NaN);
    if (values.every(Number.isNaN)) return null;
    const against = (oracle: number): number[] =>
      columns.map((one, at) => {
        const own = one.oracles?.[row];
        return own?.length === most ? (own[oracle] ?? Number.NaN) : values[at]!;
      });
    return { seed, values, byOracle: most === 1 ? [values] : Array.from({ length: most }, (_, oracle) => against(oracle)) };
  });
}

function assembled(
  board: Board,
  metrics: string[],
  found: Map<string, Map<string, Run[]>>,
  seen: Set<string>,
): Cube {
  const benchmarks = board.benchmarks.filter((name) => found.has(name));
  const held = (method: string): number => benchmarks.filter((name) => found.get(name)!.has(method)).length;
  const everyone = board.methods.filter((name) => held(name) > 0);
  const methods = everyone.filter((name) => held(name) === benchmarks.length);
  if (methods.length < 2) {
    throw new NoRanking(
      `A ranking needs two methods or more with runs on every benchmark, not ${methods.length} of ${everyone.length}.`,
    );
  }
  const runs = benchmarks.map((benchmark) =>
    methods.map((method) => found.get(benchmark)!.get(method)!.sort((a, b) => a.seed - b.seed)),
  );
  const means = runs.map((cells) =>
    cells.map((cell) => metrics.map((_, k) => knownMean(cell.map((run) => run.values[k]!)))),
  );
  const differs = runs.some((cells, b) =>
    metrics.some((_, k) => {
      const all = cells.flatMap((cell) => cell.map((run) => run.values[k]!)).filter((one) => !Number.isNaN(one));
      return means[b]!.every((cell) => !Number.isNaN(cell[k]!)) && new Set(all).size > 1;
    }),
  );
  if (!differs) throw new NoRanking("No metric differs between these methods on any benchmark where all of them have it.");
  return {
    benchmarks,
    methods,
    metrics,
    runs,
    means,
    partial: new Map(everyone.filter((one) => !methods.includes(one)).map((one) => [one, held(one)])),
    unmeasured: board.benchmarks.filter((name) => seen.has(name) && !found.has(name)),
  };
}
