// The noise of seeds and oracles in the differences of scores (uqs.score.noise, .run_noise, uqs.stats.resolution).
import type { Cube } from "./cube";
import type { Levels } from "./levels";
import { pooledMeans } from "./levels";
import { mean, sum } from "./numbers";
import type { Used } from "./terms";

const SAME = 1e-9;
/** [method][run][oracle] */
type Table = number[][][];

export interface RunNoise {
  /** [method][benchmark], infinite where not known. */
  variances: number[][];
  /** By benchmark. */
  freedom: number[];
  /** Benchmarks with one run of each method and one oracle. */
  single: string[];
}

export function noise(cube: Cube, used: Used, levels: Levels, shares: number[][]): RunNoise {
  const count = cube.benchmarks.length;
  const found = cube.benchmarks.map((_, b) => runError(scoresOfRuns(cube, used, levels, shares, b), cube, b));
  return {
    variances: cube.methods.map((_, m) => found.map((one) => one.variances[m]! / count ** 2)),
    freedom: found.map((one) => Math.max(one.freedom, 1)),
    single: cube.benchmarks.filter((_, b) => found[b]!.freedom === 0),
  };
}

/** Scores of single runs against single oracles, around the methods' means; NaN where a value is missing. */
function scoresOfRuns(cube: Cube, used: Used, levels: Levels, shares: number[][], b: number): Table {
  let centres = cube.means[b]!;
  let weights = shares[b]!;
  if (levels.strata !== cube.benchmarks) {
    centres = pooledMeans(cube, used.available);
    weights = shares[0]!.map((share, k) => {
      const held = Math.max(used.available.filter((one) => one[k]).length, 1);
      return used.available[b]![k] ? (share * cube.benchmarks.length) / held : 0;
    });
  }
  const most = Math.max(...cube.runs.flatMap((cells) => cells.map((cell) => cell.length)));
  return cube.runs[b]!.map((cell, m) => {
    const oracles = cell[0]!.byOracle.length;
    return Array.from({ length: most }, (_, r) =>
      Array.from({ length: oracles }, (_, o) => {
        const run = cell[r];
        if (!run) return Number.NaN;
        const moved = run.byOracle[o]!.map((value, k) => Math.max(centres[m]![k]! + value - cube.means[b]![m]![k]!, 0));
        const terms = used.terms[b]!(moved);
        return sum(terms.map((term, k) => (weights[k]! > 0 ? term * weights[k]! : 0)));
      }),
    );
  });
}

interface RunError {
  variances: number[];
  freedom: number;
}

function runError(scores: Table, cube: Cube, b: number): RunError {
  const runs = scores.map((own) => own.filter((one) => one.some((value) => !Number.isNaN(value))).length);
  const { table, methods } = crossed(scores, cube, b);
  const [held, oracles] = [table[0]?.length ?? 0, table[0]?.[0]?.length ?? 0];
  if (table.length < 2 || held * oracles < 2) {
    return { variances: scores.map(() => Number.POSITIVE_INFINITY), freedom: 0 };
  }
  const found = meanSquares(table);
  // rounded values that agree hide an error of up to half a step
  const error = Math.max(found.error, (smallestStep(table) ?? 0) ** 2 / 4);
  const variances = scores.map((_, m) => (error / (held * oracles)) * Math.max(held / Math.max(runs[m]!, 1), 1));
  methods.forEach((m, at) => {
    variances[m] = Math.max(found.own[at]!, error) / (held * oracles);
  });
  return { variances: variances.map((one, m) => (runs[m]! > 0 ? one : Number.POSITIVE_INFINITY)), freedom: found.freedom };
}

/** The complete part, by the seeds' numbers if methods share two of them, else by their order. */
function crossed(all: Table, cube: Cube, b: number): { table: Table; methods: number[] } {
  const oracles = (all[0]?.[0] ?? []).map((_, o) => o).filter((o) => all.some((own) => own.some((run) => !Number.isNaN(run[o]!))));
  const scores = all.map((own) => own.map((run) => oracles.map((o) => run[o]!)));
  const cells = cube.runs[b]!;
  const numbers = [...new Set(cells.flatMap((cell) => cell.map((run) => run.seed)))].sort((x, y) => x - y);
  const byNumber = scores.map((own, m) =>
    numbers.map((seed) => {
      const at = cells[m]!.map((run) => run.seed).lastIndexOf(seed);
      return at < 0 ? oracles.map(() => Number.NaN) : own[at]!;
    }),
  );
  for (const table of [byNumber, scores]) {
    const kept = completePart(table);
    if ((kept[0].length > 1 && kept[1].length > 1) || table === scores) {
      return { table: kept[0].map((m) => kept[1].map((r) => kept[2].map((o) => table[m]![r]![o]!))), methods: kept[0] };
    }
  }
  throw new Error("unreachable");
}

/** What lacks the largest share of its values goes first: methods that lack as much together, else the last. */
function completePart(table: Table): [number[], number[], number[]] {
  const kept: [number[], number[], number[]] = [
    table.map((_, at) => at),
    (table[0] ?? []).map((_, at) => at),
    (table[0]?.[0] ?? []).map((_, at) => at),
  ];
  for (;;) {
    const lacking = kept.map((one) => one.map(() => 0)) as [number[], number[], number[]];
    let missing = 0;
    kept[0].forEach((m, i) =>
      kept[1].forEach((r, j) =>
        kept[2].forEach((o, k) => {
          if (!Number.isNaN(table[m]![r]![o]!)) return;
          missing++;
          lacking[0][i]!++;
          lacking[1][j]!++;
          lacking[2][k]!++;
        }),
      ),
    );
    if (!missing) return kept;
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

function meanSquares(values: Table): MeanSquares {
  const [methods, seeds, oracles] = [values.length, values[0]!.length, values[0]![0]!.length];
  const at = (s: number, o: number): number => mean(values.map((own) => own[s]![o]!));
  const centre = values[0]!.map((run, s) => run.map((_, o) => at(s, o)));
  const share = methods / (methods - 1);
  const ownSeed: number[] = [];
  const ownOracle: number[] = [];
  const ownRest: number[] = [];
  for (const own of values) {
    const centred = own.map((run, s) => run.map((value, o) => value - centre[s]![o]!));
    const effect = mean(centred.map(mean));
    const bySeed = centred.map((run) => mean(run) - effect);
    const byOracle = centred[0]!.map((_, o) => mean(centred.map((run) => run[o]!)) - effect);
    const rest = sum(centred.flatMap((run, s) => run.map((value, o) => (value - effect - bySeed[s]! - byOracle[o]!) ** 2)));
    ownSeed.push(((oracles * sum(bySeed.map((x) => x * x))) / Math.max(seeds - 1, 1)) * share);
    ownOracle.push(((seeds * sum(byOracle.map((x) => x * x))) / Math.max(oracles - 1, 1)) * share);
    ownRest.push((rest / Math.max((seeds - 1) * (oracles - 1), 1)) * share);
  }
  if (seeds === 1 || oracles === 1) {
    const own = seeds > 1 ? ownSeed : ownOracle;
    return { error: mean(own), freedom: (methods - 1) * ((seeds > 1 ? seeds : oracles) - 1), own };
  }
  const own = ownSeed.map((seed, m) => Math.max(seed + ownOracle[m]! - ownRest[m]!, 0));
  return { ...interactionError(mean(ownSeed), mean(ownOracle), mean(ownRest), methods - 1, seeds - 1, oracles - 1), own };
}

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

function smallestStep(table: Table): number | null {
  const ordered = Float64Array.from(table.flat(2)).sort();
  const largest = Math.max(Math.abs(ordered[0] ?? 0), Math.abs(ordered.at(-1) ?? 0));
  let found: number | null = null;
  for (let at = 1; at < ordered.length; at++) {
    const gap = ordered[at]! - ordered[at - 1]!;
    if (gap > SAME * largest && (found === null || gap < found)) found = gap;
  }
  return found;
}
