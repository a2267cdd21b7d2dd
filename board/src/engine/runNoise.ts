// The noise of seeds and oracles in the differences of scores (uqs.score.noise, .run_noise, uqs.stats.resolution).
import type { Cube } from "./cube";
import type { Grid } from "./grid";
import { complete, grid, part } from "./grid";
import { mean } from "./numbers";

const SAME = 1e-9;

export interface RunNoise {
  /** [method][benchmark], infinite where not known. */
  variances: number[][];
  /** By benchmark. */
  freedom: number[];
  /** Benchmarks with one run of each method and one oracle. */
  single: string[];
}

/** Terms of single runs against single oracles, around the methods' means: all that does not hang on the weights. */
export interface RunTerms {
  /** [method][run][oracle][metric] */
  terms: Float64Array;
  /** Where a run is: the values are 0; else NaN. */
  empty: Grid;
}

/** `centres` are the methods' means that their score is computed from. */
export function runTerms(cube: Cube, terms: (values: readonly number[]) => number[], centres: number[][], b: number): RunTerms {
  const cells = cube.runs[b]!;
  const oracles = cells[0]![0]!.byOracle.length;
  const metrics = cube.metrics.length;
  const empty = grid(cells.length, Math.max(...cube.runs.flatMap((all) => all.map((cell) => cell.length))), oracles);
  const made = new Float64Array(empty.values.length * metrics);
  cells.forEach((cell, m) => {
    const shift = centres[m]!.map((centre, k) => centre - cube.means[b]![m]![k]!);
    cell.forEach((run, r) => {
      run.byOracle.forEach((values, o) => {
        const at = (m * empty.runs + r) * oracles + o;
        const own = terms(values.map((value, k) => Math.max(value + shift[k]!, 0)));
        for (let k = 0; k < metrics; k++) made[at * metrics + k] = own[k]!;
        empty.values[at] = 0;
      });
    });
  });
  return { terms: made, empty };
}

/** `weights`: by benchmark and metric. */
export function noise(cube: Cube, terms: RunTerms[], weights: number[][]): RunNoise {
  const count = cube.benchmarks.length;
  const found = cube.benchmarks.map((_, b) => runError(scoresOfRuns(terms[b]!, weights[b]!), cube, b));
  return {
    variances: cube.methods.map((_, m) => found.map((one) => one.variances[m]! / count ** 2)),
    freedom: found.map((one) => Math.max(one.freedom, 1)),
    single: cube.benchmarks.filter((_, b) => found[b]!.freedom === 0),
  };
}

/** NaN where a value is missing that has a weight. */
function scoresOfRuns({ terms, empty }: RunTerms, weights: number[]): Grid {
  const used = weights.flatMap((weight, k) => (weight > 0 ? [k] : []));
  const values = empty.values.slice();
  for (let at = 0; at < values.length; at++) {
    let total = values[at]!;
    for (const k of used) total += terms[at * weights.length + k]! * weights[k]!;
    values[at] = total;
  }
  return { ...empty, values };
}

interface RunError {
  variances: number[];
  freedom: number;
}

function runError(scores: Grid, cube: Cube, b: number): RunError {
  const runs = runsWithValues(scores);
  const { table, methods } = crossed(scores, cube, b);
  const [held, oracles] = [table.runs, table.oracles];
  if (table.methods < 2 || held * oracles < 2) {
    return { variances: runs.map(() => Number.POSITIVE_INFINITY), freedom: 0 };
  }
  const found = meanSquares(table);
  // rounded values that agree hide an error of up to half a step
  const error = Math.max(found.error, (smallestStep(table) ?? 0) ** 2 / 4);
  const variances = runs.map((_, m) => (error / (held * oracles)) * Math.max(held / Math.max(runs[m]!, 1), 1));
  methods.forEach((m, at) => {
    variances[m] = Math.max(found.own[at]!, error) / (held * oracles);
  });
  return { variances: variances.map((one, m) => (runs[m]! > 0 ? one : Number.POSITIVE_INFINITY)), freedom: found.freedom };
}

function runsWithValues({ methods, runs, oracles, values }: Grid): number[] {
  return Array.from({ length: methods }, (_, m) => {
    let found = 0;
    for (let r = 0; r < runs; r++) {
      const from = (m * runs + r) * oracles;
      if (values.subarray(from, from + oracles).some((one) => !Number.isNaN(one))) found++;
    }
    return found;
  });
}

/** The complete part, by the seeds' numbers if methods share two of them, else by their order. */
function crossed(scores: Grid, cube: Cube, b: number): { table: Grid; methods: number[] } {
  const cells = cube.runs[b]!;
  const everyone = cells.map((_, m) => m);
  const oracles = Array.from({ length: scores.oracles }, (_, o) => o).filter((o) => scores.values.some((value, at) => at % scores.oracles === o && !Number.isNaN(value)));
  const numbers = [...new Set(cells.flatMap((cell) => cell.map((run) => run.seed)))].sort((x, y) => x - y);
  const bySeed = cells.map((cell) => {
    const places = new Map(cell.map((run, r) => [run.seed, r]));
    return numbers.map((seed) => places.get(seed) ?? -1);
  });
  const byOrder = everyone.map(() => Array.from({ length: scores.runs }, (_, r) => r));
  const seeds = completePart(part(scores, everyone, bySeed, oracles));
  if (seeds.table.runs > 1 && seeds.methods.length > 1) return seeds;
  return completePart(part(scores, everyone, byOrder, oracles));
}

/** What lacks the largest share of its values goes first: methods that lack as much together, else the last. */
function completePart(all: Grid): { table: Grid; methods: number[] } {
  const kept: [number[], number[], number[]] = [all.methods, all.runs, all.oracles].map((count) => Array.from({ length: count }, (_, at) => at)) as [number[], number[], number[]];
  if (complete(all)) return { table: all, methods: kept[0] };
  for (;;) {
    const lacking = kept.map((one) => one.map(() => 0)) as [number[], number[], number[]];
    let missing = 0;
    kept[0].forEach((m, i) =>
      kept[1].forEach((r, j) =>
        kept[2].forEach((o, k) => {
          if (!Number.isNaN(all.values[(m * all.runs + r) * all.oracles + o]!)) return;
          missing++;
          lacking[0][i]!++;
          lacking[1][j]!++;
          lacking[2][k]!++;
        }),
      ),
    );
    if (!missing) return { table: part(all, kept[0], Array.from({ length: all.methods }, () => kept[1]), kept[2]), methods: kept[0] };
    const size = kept[0].length * kept[1].length * kept[2].length;
    const shares = lacking.map((one, axis) => one.map((count) => count / (size / kept[axis]!.length)));
    const worst = shares.map((one) => Math.max(...one));
    const axis = worst.indexOf(Math.max(...worst));
    const drop = shares[axis]!.flatMap((share, at) => (share >= worst[axis]! - SAME ? [at] : []));
    const gone = new Set(axis === 0 ? drop : drop.slice(-1));
    kept[axis] = kept[axis]!.filter((_, at) => !gone.has(at));
  }
}

interface MeanSquares {
  error: number;
  freedom: number;
  own: number[];
}

function meanSquares({ methods, runs: seeds, oracles, values }: Grid): MeanSquares {
  const size = seeds * oracles;
  const centre = new Float64Array(size);
  for (let at = 0; at < values.length; at++) centre[at % size]! += values[at]! / methods;
  const share = methods / (methods - 1);
  const ownSeed: number[] = [];
  const ownOracle: number[] = [];
  const ownRest: number[] = [];
  for (let m = 0; m < methods; m++) {
    const centred = values.subarray(m * size, (m + 1) * size).map((value, at) => value - centre[at]!);
    const effect = mean([...centred]);
    const bySeed = new Float64Array(seeds).fill(-effect);
    const byOracle = new Float64Array(oracles).fill(-effect);
    centred.forEach((value, at) => {
      bySeed[Math.floor(at / oracles)]! += value / oracles;
      byOracle[at % oracles]! += value / seeds;
    });
    let rest = 0;
    centred.forEach((value, at) => {
      rest += (value - effect - bySeed[Math.floor(at / oracles)]! - byOracle[at % oracles]!) ** 2;
    });
    ownSeed.push(((oracles * squares(bySeed)) / Math.max(seeds - 1, 1)) * share);
    ownOracle.push(((seeds * squares(byOracle)) / Math.max(oracles - 1, 1)) * share);
    ownRest.push((rest / Math.max((seeds - 1) * (oracles - 1), 1)) * share);
  }
  if (seeds === 1 || oracles === 1) {
    const own = seeds > 1 ? ownSeed : ownOracle;
    return { error: mean(own), freedom: (methods - 1) * ((seeds > 1 ? seeds : oracles) - 1), own };
  }
  const own = ownSeed.map((seed, m) => Math.max(seed + ownOracle[m]! - ownRest[m]!, 0));
  return { ...interactionError(mean(ownSeed), mean(ownOracle), mean(ownRest), methods - 1, seeds - 1, oracles - 1), own };
}

const squares = (values: Float64Array): number => {
  let total = 0;
  for (const one of values) total += one * one;
  return total;
};

/** The error and its degrees of freedom (Satterthwaite). */
function interactionError(
  seed: number,
  oracle: number,
  residual: number,
  m: number,
  s: number,
  k: number,
): { error: number; freedom: number } {
  const error = seed + oracle - residual;
  const larger = Math.max(seed, oracle);
  if (error <= larger) return { error: larger, freedom: seed >= oracle ? m * s : m * k };
  const spread = seed ** 2 / (m * s) + oracle ** 2 / (m * k) + residual ** 2 / (m * s * k);
  return { error, freedom: Math.max(1, error ** 2 / spread) };
}

function smallestStep({ values }: Grid): number | null {
  const ordered = values.slice().sort();
  const largest = Math.max(Math.abs(ordered[0] ?? 0), Math.abs(ordered.at(-1) ?? 0));
  let found: number | null = null;
  for (let at = 1; at < ordered.length; at++) {
    const gap = ordered[at]! - ordered[at - 1]!;
    if (gap > SAME * largest && (found === null || gap < found)) found = gap;
  }
  return found;
}
