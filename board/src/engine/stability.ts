// How often each method is first over all weightings, and the Pareto front (uqs.score.stability).
import { weightDraws } from "./draws";
import type { Levels } from "./levels";
import { DECIMALS, rounded, sum } from "./numbers";
import type { Random } from "./random";

/** More than two scores can differ that round alike. */
const NEAR = 10 ** (1 - DECIMALS);
const TINY = 2.2250738585072014e-308;

export interface Acceptability {
  /** The share of all weightings under which a method is first; ties share equally. */
  first: number[];
  /** [method][rank - 1]; all 0 unless asked for. */
  byRank: number[][];
  /** Mean weights under which it is first, null if it never is. */
  central: (number[] | null)[];
}

export function smaa(levels: Levels, metrics: number, random: Random, draws: number, withRanks: boolean): Acceptability {
  const count = levels.values[0]!.length;
  const first = new Array<number>(count).fill(0);
  const byRank = first.map(() => new Array<number>(count).fill(0));
  const central = first.map(() => new Array<number>(metrics).fill(0));
  const parts = alike(levels);
  const drawn = weightDraws(random, metrics, draws);
  const weights = new Float64Array(metrics);
  const score = new Float64Array(count);
  const winners = new Uint32Array(count);
  for (let draw = 0; draw < draws; draw++) {
    for (let k = 0; k < metrics; k++) weights[k] = drawn[draw * metrics + k]!;
    score.fill(0);
    for (const one of parts) add(score, one, weights);
    for (let m = 0; m < count; m++) score[m]! /= levels.strata.length;
    if (withRanks) {
      for (let m = 0; m < count; m++) score[m] = rounded(score[m]!);
      countRanks(byRank, score);
    }
    let top = Number.NEGATIVE_INFINITY;
    for (let m = 0; m < count; m++) if (score[m]! > top) top = score[m]!;
    const best = bestOf(score, top, winners);
    for (let at = 0; at < best; at++) {
      const m = winners[at]!;
      first[m]! += 1 / best;
      for (let k = 0; k < metrics; k++) central[m]![k]! += weights[k]! / best;
    }
  }
  return {
    first: first.map((one) => one / draws),
    byRank: byRank.map((row) => row.map((one) => one / draws)),
    central: central.map((row, m) => (first[m]! > 0 ? row.map((one) => one / first[m]!) : null)),
  };
}

/** Writes who has the highest score, to DECIMALS; only scores as near as that are rounded. Returns how many have it. */
function bestOf(score: Float64Array, top: number, winners: Uint32Array): number {
  const aim = rounded(top);
  let found = 0;
  for (let m = 0; m < score.length; m++) {
    if (score[m]! >= top - NEAR && rounded(score[m]!) === aim) winners[found++] = m;
  }
  return found;
}

function countRanks(byRank: number[][], score: Float64Array): void {
  for (let m = 0; m < score.length; m++) {
    let rank = 0;
    for (let other = 0; other < score.length; other++) if (score[other]! > score[m]!) rank++;
    byRank[m]![rank]! += 1;
  }
}

interface Part {
  /** The metrics that count. */
  used: number[];
  /** [method][used metric], summed over strata. */
  terms: Float64Array;
}

/** Strata where the same metrics count share all weights, so their terms are summed once. */
function alike(levels: Levels): Part[] {
  const parts = new Map<string, Part>();
  levels.available.forEach((available, s) => {
    const used = available.flatMap((one, k) => (one ? [k] : []));
    const own = levels.values[s]!.flatMap((terms) => used.map((k) => terms[k]!));
    const known = parts.get(used.join());
    if (known) own.forEach((term, at) => (known.terms[at]! += term));
    else parts.set(used.join(), { used, terms: Float64Array.from(own) });
  });
  return [...parts.values()];
}

function add(score: Float64Array, { used, terms }: Part, weights: Float64Array): void {
  let total = 0;
  for (const k of used) total += Math.max(weights[k]!, TINY);
  const shares = used.map((k) => Math.max(weights[k]!, TINY) / total);
  let at = 0;
  for (let m = 0; m < score.length; m++) {
    let own = 0;
    for (let k = 0; k < shares.length; k++) own += shares[k]! * terms[at++]!;
    score[m]! += own;
  }
}

/** No other method is at least as good in the mean term of every metric and better in one. */
export function pareto(levels: Levels): boolean[] {
  const strata = levels.strata.length;
  const terms = levels.values[0]!.map((own, m) =>
    own.map((_, k) => rounded(sum(levels.values.map((one, s) => (levels.available[s]![k] ? one[m]![k]! : 0))) / strata)),
  );
  return terms.map((one) => !terms.some((other) => dominates(other, one)));
}

function dominates(other: number[], one: number[]): boolean {
  return other.every((term, k) => term >= one[k]!) && other.some((term, k) => term > one[k]!);
}
