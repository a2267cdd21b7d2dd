// What of a score does not hang on the weights, kept for the filter and form that were asked for last.
import type { Board, Score } from "../schema";
import type { Cube, Filter } from "./cube";
import { build } from "./cube";
import type { Levels } from "./levels";
import { byBenchmark, pooled, pooledMeans } from "./levels";
import type { RunTerms } from "./runNoise";
import { runTerms } from "./runNoise";
import type { Form, Used } from "./terms";
import { usedTerms } from "./terms";

export interface Prepared {
  cube: Cube;
  used: Used;
  local: Levels;
  /** What is scored when means over benchmarks are transformed; made when first asked for. */
  pooled: () => Levels;
  /** By benchmark, around the means of each benchmark or of all. */
  runTerms: (pooled: boolean) => RunTerms[];
}

let last: { board: Board; key: string; made: Prepared } | undefined;

export function prepared(board: Board, from: Score, filter: Filter, form: Form): Prepared {
  const key = JSON.stringify([form, ...[filter.benchmarks, filter.methods, filter.seeds].map((one) => one && [...one])]);
  if (last?.board !== board || last.key !== key) last = { board, key, made: prepare(board, from, filter, form) };
  return last.made;
}

function prepare(board: Board, from: Score, filter: Filter, form: Form): Prepared {
  const cube = build(board, from, filter);
  const used = usedTerms(cube, from, form);
  const terms = (centres: number[][][]): RunTerms[] => cube.benchmarks.map((_, b) => runTerms(cube, used.terms[b]!, centres[b]!, b));
  const together = once(() => terms(cube.benchmarks.map(() => pooledMeans(cube, used.available))));
  const apart = once(() => terms(cube.means));
  return { cube, used, local: byBenchmark(cube, used), pooled: once(() => pooled(cube, used)), runTerms: (all) => (all ? together() : apart()) };
}

function once<Made>(make: () => Made): () => Made {
  let made: { value: Made } | undefined;
  return () => (made ??= { value: make() }).value;
}
