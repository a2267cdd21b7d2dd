// UQS of the runs that a filter leaves, under given weights: what `uqs score` computes (uqs.score.scoring).
import type { Board, Score } from "../schema";
import type { Concentration } from "./concentration";
import { concentrations } from "./concentration";
import type { Cube, Filter } from "./cube";
import type { Levels } from "./levels";
import { effective, overall, pooledForm, scores, spread } from "./levels";
import { mean, ranks, sum } from "./numbers";
import { prepared } from "./prepared";
import { Random } from "./random";
import { pairedSets, tieGroups } from "./rankSets";
import { noise } from "./runNoise";
import type { Acceptability } from "./stability";
import { pareto, smaa } from "./stability";
import type { Form, LeftOut } from "./terms";

export interface MethodScore {
  method: string;
  uqs: number;
  /** Null where the noise of runs is not known. */
  se: number | null;
  rank: number;
  rankLow: number;
  rankHigh: number;
  group: number;
  first: number;
  pareto: boolean;
  byBenchmark: number[];
}

/** With more methods the curve about the weights takes seconds. */
export const MOST_CURVED = 20;

export interface Result {
  form: Form;
  cube: Cube;
  /** What the overall score is the weighted sum of. */
  levels: Levels;
  /** In the order of `cube.methods`. */
  methods: MethodScore[];
  leftOut: LeftOut[];
  /** Benchmarks where no repeat shows the noise. */
  single: string[];
  acceptability: Acceptability;
  /** Empty unless asked for, and with more than MOST_CURVED methods. */
  concentration: Concentration[];
}

/** One row by metric, or one for each of the benchmarks that the filter leaves. */
export type WeightsOf = (benchmarks: string[]) => number[][];

/** `curve`: also how often a method has each rank, and the ranking under weights about the given ones.
 * Throws NoRanking. */
export function score(board: Board, from: Score, filter: Filter, weights: WeightsOf, form: Form, curve = false): Result {
  const ready = prepared(board, from, filter, form);
  const { cube, used, local } = ready;
  const chosen = weights(cube.benchmarks);
  const together = pooledForm(form, chosen);
  const levels = together ? ready.pooled() : local;
  const shares = effective(levels, chosen);
  const runNoise = noise(cube, ready.runTerms(together), together ? spread(used.available, shares[0]!) : shares);
  const estimates = overall(levels, shares);
  const random = new Random(from.generator);
  const sets = pairedSets(estimates, runNoise, random, from.level, from.draws);
  const acceptability = smaa(levels, cube.metrics.length, random, from.draws, curve);
  const centre = cube.metrics.map((_, k) => mean(shares.map((row) => row[k]!)));
  const concentration = curve && cube.methods.length <= MOST_CURVED ? concentrations(levels, centre, random, from.draws) : [];
  const front = pareto(levels);
  const place = ranks(estimates);
  const groups = tieGroups(estimates, sets.above);
  const here = scores(local, effective(local, chosen));
  const variances = runNoise.variances.map(sum);
  return {
    form,
    cube,
    levels,
    methods: cube.methods.map((method, m) => ({
      method,
      uqs: estimates[m]!,
      se: Number.isFinite(variances[m]!) ? Math.sqrt(variances[m]!) : null,
      rank: place[m]!,
      rankLow: sets.low[m]!,
      rankHigh: sets.high[m]!,
      group: groups[m]!,
      first: acceptability.first[m]!,
      pareto: front[m]!,
      byBenchmark: here.map((one) => one[m]!),
    })),
    leftOut: used.leftOut,
    single: runNoise.single,
    acceptability,
    concentration,
  };
}

/** Weights with sum 1; null if all are zero. */
export function normalised(weights: number[]): number[] | null {
  const most = Math.max(...weights);
  if (!(most > 0)) return null;
  const scaled = weights.map((one) => one / most);
  const total = sum(scaled);
  return scaled.map((one) => one / total);
}
