// A loss attack at one threshold: what it takes for training data.
export interface Rates {
  /** The share of the forget questions with a loss of at most the threshold, and that of holdout. */
  truePositive: number;
  falsePositive: number;
}

const share = (losses: readonly number[], threshold: number): number => losses.filter((one) => one <= threshold).length / losses.length;

export function rates(members: readonly number[], others: readonly number[], threshold: number): Rates {
  return { truePositive: share(members, threshold), falsePositive: share(others, threshold) };
}

/** The chance that a member has a smaller loss than another question; ties count half. */
export function auc(members: readonly number[], others: readonly number[]): number {
  const sorted = Float64Array.from(others).sort();
  const below = (value: number, equal: boolean): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! < value || (equal && sorted[middle] === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  let total = 0;
  for (const one of members) total += sorted.length - below(one, true) + (below(one, true) - below(one, false)) / 2;
  return total / (members.length * sorted.length);
}

/** The loss at which true less false positives is largest; of several the smallest. */
export function bestThreshold(members: readonly number[], others: readonly number[]): number {
  const all = [...members.map((loss) => ({ loss, step: 1 / members.length })), ...others.map((loss) => ({ loss, step: -1 / others.length }))];
  all.sort((a, b) => a.loss - b.loss);
  let [best, most, sum] = [all[0]!.loss, Number.NEGATIVE_INFINITY, 0];
  all.forEach((one, at) => {
    sum += one.step;
    if (all[at + 1]?.loss !== one.loss && sum > most + 1e-12) [best, most] = [one.loss, sum];
  });
  return best;
}
