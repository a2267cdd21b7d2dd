export const DECIMALS = 12;
const SCALE = 10 ** DECIMALS;

/** Rounded to DECIMALS places, halves to even, as numpy does. */
export function rounded(value: number): number {
  const scaled = value * SCALE;
  const down = Math.floor(scaled);
  const rest = scaled - down;
  const up = rest > 0.5 || (rest === 0.5 && down % 2 !== 0);
  return (up ? down + 1 : down) / SCALE;
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** The mean of the numbers that exist; NaN without any. */
export function knownMean(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length ? mean(known) : Number.NaN;
}

export const clip = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** Where straight lines through (`xs`, `ys`), `xs` ascending, have x; the ends beyond them. Of equal `xs` the last. */
export function interpolate(x: number, xs: readonly number[], ys: readonly number[]): number {
  const last = xs.length - 1;
  if (x < xs[0]!) return ys[0]!;
  if (x >= xs[last]!) return ys[last]!;
  let at = 0;
  while (xs[at + 1]! <= x) at++;
  return ys[at]! + ((ys[at + 1]! - ys[at]!) / (xs[at + 1]! - xs[at]!)) * (x - xs[at]!);
}

/** The quantile with straight lines between the order statistics. */
export function quantile(values: Float64Array, level: number): number {
  const ordered = values.slice().sort();
  const place = (ordered.length - 1) * level;
  const below = Math.floor(place);
  const above = Math.min(below + 1, ordered.length - 1);
  return ordered[below]! + (ordered[above]! - ordered[below]!) * (place - below);
}

/** Rank 1 for the highest; equal values (to DECIMALS) share the best of their ranks. */
export function ranks(values: readonly number[]): number[] {
  const all = values.map(rounded);
  return all.map((own) => 1 + all.filter((other) => other > own).length);
}
