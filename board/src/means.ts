// A metric of a method on a benchmark, as the plain page has it: mean, error, gap to the oracle.
import type { Board, Reference } from "./schema";
import { mean, sum } from "./engine/numbers";

export interface Mean {
  value: number | null;
  se: number | null;
  known: number;
  runs: number;
  /** Why there is no value. */
  status: string;
}

export type Means = (benchmark: string, method: string, metric: string) => Mean;

/** The means of all cells, of the seeds that are kept. */
export function meansOf(board: Board, seeds: ReadonlySet<number> | null): Means {
  const rows = new Map<string, number[]>();
  board.runs.seed.forEach((seed, row) => {
    if (seeds?.has(seed) === false) return;
    const key = `${board.runs.benchmark[row]} ${board.runs.method[row]}`;
    const own = rows.get(key);
    if (own) own.push(row);
    else rows.set(key, [row]);
  });
  const [benchmarks, methods] = [positions(board.benchmarks), positions(board.methods)];
  const known = new Map<string, Mean>();
  return (benchmark, method, metric) => {
    const cell = `${benchmarks.get(benchmark)} ${methods.get(method)}`;
    const key = `${cell} ${metric}`;
    const found = known.get(key) ?? cellMean(board, rows.get(cell) ?? [], metric);
    known.set(key, found);
    return found;
  };
}

const positions = (names: string[]): Map<string, number> => new Map(names.map((name, at) => [name, at]));

function cellMean(board: Board, rows: number[], metric: string): Mean {
  const column = board.runs.metrics[metric]!;
  const known = rows.filter((row) => column.values[row] !== null);
  if (!known.length) {
    const words = [...new Set(rows.map((row) => column.statuses[row]!))];
    return { value: null, se: null, known: 0, runs: rows.length, status: words.length === 1 ? words[0]! : words.length ? "too few values" : "not measured" };
  }
  const values = known.map((row) => column.values[row]!);
  const errors = known.flatMap((row) => column.errors[row] ?? []);
  const value = mean(values);
  const parts: number[] = [];
  if (values.length > 1) parts.push(sum(values.map((one) => (one - value) ** 2)) / (values.length - 1) / values.length);
  if (errors.length) parts.push(mean(errors) ** 2);
  return { value, se: parts.length ? Math.sqrt(sum(parts)) : null, known: known.length, runs: rows.length, status: "" };
}

export function reference(board: Board, benchmark: string, metric: string): Reference | undefined {
  return board.references.find((one) => one.benchmark === benchmark && one.metric === metric);
}

/** A value less the oracle's own, or a distance as a multiple of that between oracles. */
export function gap(found: Reference | undefined, value: number | null): { ratio: number } | { difference: number } | null {
  if (value === null || !found) return null;
  if (found.oracle) return { difference: value - found.oracle.value };
  return found.floor && found.floor.value ? { ratio: value / found.floor.value } : null;
}
