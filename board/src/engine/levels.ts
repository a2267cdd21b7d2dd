// Terms of the methods and their weighted sum (uqs.score.levels).
import type { Cube } from "./cube";
import { NoRanking } from "./cube";
import { sum } from "./numbers";
import type { Form, Used } from "./terms";
import { published } from "./terms";

/** A stratum is a benchmark, or all of them as one. */
export interface Levels {
  strata: string[];
  /** [stratum][method][metric] */
  values: number[][][];
  /** [stratum][metric] */
  available: boolean[][];
}

export function byBenchmark(cube: Cube, used: Used): Levels {
  return {
    strata: cube.benchmarks,
    values: cube.means.map((methods, b) => methods.map((means) => used.terms[b]!(means))),
    available: used.available,
  };
}

/** The published form with one weight vector: means over benchmarks, then transformed, as in the study. */
export function pooled(cube: Cube, used: Used): Levels {
  const available = cube.metrics.map((_, k) => used.available.some((one) => one[k]!));
  const means = pooledMeans(cube, used.available);
  const values = means.map((own) =>
    own.map((value, k) => (available[k] ? published(cube.metrics[k]!, value) : Number.NaN)),
  );
  return { strata: ["all benchmarks"], values: [values], available: [available] };
}

/** [method][metric]: the mean over the benchmarks where the metric is available; 0 where it is on none. */
export function pooledMeans(cube: Cube, available: boolean[][]): number[][] {
  return cube.methods.map((_, m) =>
    cube.metrics.map((_, k) => {
      const here = cube.benchmarks.map((_, b) => b).filter((b) => available[b]![k]);
      return sum(here.map((b) => cube.means[b]![m]![k]!)) / Math.max(here.length, 1);
    }),
  );
}

/** [benchmark][metric]: weights of the means over benchmarks as weights of each benchmark's own values. */
export function spread(available: boolean[][], shares: readonly number[]): number[][] {
  return available.map((here) =>
    shares.map((share, k) => {
      const held = Math.max(available.filter((one) => one[k]).length, 1);
      return here[k] ? (share * available.length) / held : 0;
    }),
  );
}

export function pooledForm(form: Form, weights: number[][]): boolean {
  return form === "published" && weights.length === 1;
}

/** [stratum][metric]: the weights over the available terms, with sum 1. */
export function effective(levels: Levels, weights: number[][]): number[][] {
  return levels.available.map((available, s) => {
    const own = weights.length === 1 ? weights[0]! : weights[s]!;
    const kept = own.map((weight, k) => (available[k] ? weight : 0));
    const total = sum(kept);
    if (total <= 0) throw new NoRanking(`${levels.strata[s]} cannot be scored: none of its metrics has a weight above 0.`);
    return kept.map((weight) => weight / total);
  });
}

/** [stratum][method] */
export function scores(levels: Levels, shares: number[][]): number[][] {
  return levels.values.map((methods, s) =>
    methods.map((terms) => sum(terms.map((term, k) => (levels.available[s]![k] ? term * shares[s]![k]! : 0)))),
  );
}

export function overall(levels: Levels, shares: number[][]): number[] {
  const found = scores(levels, shares);
  return levels.values[0]!.map((_, m) => sum(found.map((one) => one[m]!)) / found.length);
}
