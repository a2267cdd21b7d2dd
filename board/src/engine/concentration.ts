// The ranking under weights drawn about the chosen ones (uqs.score.stability, its local curve).
import type { Levels } from "./levels";
import { effective, overall } from "./levels";
import { knownMean, ranks, rounded, sum } from "./numbers";
import type { Random } from "./random";

export const KAPPAS = [5, 20, 100, 500];

export interface Concentration {
  kappa: number;
  /** Mean standard deviation of one weight. */
  weightSd: number;
  /** Mean tau-b with the ranking under the chosen weights; null if all methods tie there. */
  tau: number | null;
  /** The share of draws with the same best method. */
  sameFirst: number;
}

/** `centre` is the mean over strata of the weights that count. */
export function concentrations(levels: Levels, centre: number[], random: Random, draws: number): Concentration[] {
  const base = ranks(overall(levels, effective(levels, [centre])));
  return KAPPAS.map((kappa) => local(levels, centre, base, kappa, random, draws));
}

function local(levels: Levels, centre: number[], base: number[], kappa: number, random: Random, draws: number): Concentration {
  const used = centre.flatMap((weight, k) => (weight > 0 ? [k] : []));
  const weights = centre.map(() => 0);
  let same = 0;
  const taus: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const drawn = used.map((k) => random.gamma(kappa * centre[k]!));
    const total = 1 / sum(drawn);
    weights.fill(0);
    used.forEach((k, at) => {
      weights[k] = drawn[at]! * total;
    });
    const found = ranksOf(levels, weights);
    if (found.every((rank, m) => (rank === 1) === (base[m] === 1))) same++;
    taus.push(tauB(found, base));
  }
  const tau = knownMean(taus);
  return {
    kappa,
    weightSd: sum(centre.map((one) => Math.sqrt((one * (1 - one)) / (kappa + 1)))) / centre.length,
    tau: Number.isNaN(tau) ? null : tau,
    sameFirst: same / draws,
  };
}

const TINY = 2.2250738585072014e-308;

function ranksOf(levels: Levels, weights: number[]): number[] {
  const total = levels.values[0]!.map(() => 0);
  levels.strata.forEach((_, s) => {
    const available = levels.available[s]!;
    const all = sum(weights.map((weight, k) => (available[k] ? Math.max(weight, TINY) : 0)));
    levels.values[s]!.forEach((terms, m) => {
      for (let k = 0; k < weights.length; k++) if (available[k]) total[m]! += (Math.max(weights[k]!, TINY) / all) * terms[k]!;
    });
  });
  const near = total.map((one) => rounded(one / levels.strata.length));
  return near.map((own) => {
    let rank = 1;
    for (const other of near) if (other > own) rank++;
    return rank;
  });
}

/** NaN if either side is all ties. */
export function tauB(a: number[], b: number[]): number {
  let [balance, untiedA, untiedB] = [0, 0, 0];
  for (let j = 1; j < a.length; j++) {
    for (let i = 0; i < j; i++) {
      const [x, y] = [Math.sign(a[i]! - a[j]!), Math.sign(b[i]! - b[j]!)];
      balance += x * y;
      untiedA += Math.abs(x);
      untiedB += Math.abs(y);
    }
  }
  const scale = Math.sqrt(untiedA * untiedB);
  return scale > 0 ? balance / scale : Number.NaN;
}
