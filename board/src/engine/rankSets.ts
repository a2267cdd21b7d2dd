// Simultaneous rank sets from paired differences, and tie groups (uqs.stats.paired, .ranksets).
import { noiseDraws } from "./draws";
import { quantile, rounded, sum } from "./numbers";
import type { Random } from "./random";
import type { RunNoise } from "./runNoise";

const FEWEST_DRAWS = 2000;
const BLOCK = 2_000_000;
const MOST = 20_000_000;

export interface RankSets {
  low: number[];
  high: number[];
  /** [i][j]: i is above j beyond the noise. */
  above: boolean[][];
  critical: number;
}

export function pairedSets(estimates: number[], noise: RunNoise, random: Random, level: number, draws: number): RankSets {
  const own = noise.variances.map(sum);
  const near = estimates.map(rounded);
  const order = estimates.map((_, at) => at).sort((i, j) => near[i]! - near[j]! || compare(own[i]!, own[j]!));
  const measured = order.filter((at) => Number.isFinite(own[at]!));
  const critical = criticalValue(measured.map((at) => noise.variances[at]!), noise.freedom, random, level, draws);
  const above = estimates.map((one, i) =>
    estimates.map((other, j) => {
      const error = Math.sqrt(own[i]! + own[j]!);
      const difference = rounded(one - other);
      return difference > 0 && error > 0 && i !== j && difference > critical * error;
    }),
  );
  return {
    low: estimates.map((_, j) => 1 + above.filter((row) => row[j]).length),
    high: estimates.map((_, i) => estimates.length - above[i]!.filter(Boolean).length),
    above,
    critical,
  };
}

/** Infinities are equal. */
const compare = (a: number, b: number): number => (a === b ? 0 : a - b);

/** The quantile of the largest studentised difference when all units are equal. */
function criticalValue(variances: number[][], freedom: number[], random: Random, level: number, asked: number): number {
  const units = variances.length;
  if (units < 2 || !variances.some((row) => row.some((one) => one > 0))) return Number.POSITIVE_INFINITY;
  const draws = Math.min(asked, Math.max(FEWEST_DRAWS, Math.floor(MOST / units ** 2)));
  const block = Math.max(1, Math.floor(BLOCK / units ** 2));
  const spread = Float64Array.from(variances, (row) => Math.sqrt(sum(row)));
  const cells = freedom.length;
  const flat = Float64Array.from(variances.flat());
  const { normals, chi } = noiseDraws(random, units, freedom, draws, block);
  const largest = new Float64Array(draws);
  const means = new Float64Array(units);
  const own = new Float64Array(units);
  for (let draw = 0; draw < draws; draw++) {
    for (let u = 0; u < units; u++) {
      let total = 0;
      for (let c = 0; c < cells; c++) total += chi[draw * cells + c]! * flat[u * cells + c]!;
      own[u] = total;
      means[u] = normals[draw * units + u]! * spread[u]!;
    }
    largest[draw] = Math.sqrt(largestRatio(means, own));
  }
  return quantile(largest, level);
}

/** The largest squared difference over its variance, of all pairs. */
function largestRatio(means: Float64Array, own: Float64Array): number {
  let found = 0;
  for (let i = 0; i < own.length; i++) {
    const mean = means[i]!;
    const variance = own[i]!;
    for (let j = i + 1; j < own.length; j++) {
      const scale = variance + own[j]!;
      const gap = mean - means[j]!;
      const square = gap * gap;
      // a division for each pair would be most of the time
      if (square > found * scale && scale > 0) found = square / scale;
    }
  }
  return found;
}

/** Groups from 1 in which no two are told apart; each is anchored at the best that is left. */
export function tieGroups(estimates: number[], above: boolean[][]): number[] {
  const told = above.map((row, i) => row.map((one, j) => one || above[j]![i]!));
  const known = told.map((row) => row.filter(Boolean).length);
  const near = estimates.map(rounded);
  let left = estimates.map((_, at) => at).sort((i, j) => near[j]! - near[i]! || known[j]! - known[i]!);
  const groups = estimates.map(() => 0);
  for (let group = 1; left.length; group++) {
    const members: number[] = [];
    for (const unit of left) if (!members.some((one) => told[unit]![one])) members.push(unit);
    for (const one of members) groups[one] = group;
    left = left.filter((one) => !groups[one]);
  }
  return groups;
}
