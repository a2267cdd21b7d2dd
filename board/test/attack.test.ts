// Against slow loops over all pairs and all thresholds.
import { expect, test } from "vitest";
import { auc, bestThreshold, rates } from "../src/engine/attack";

let state = 7;
const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
// rounded, so that there are ties
const losses = (count: number, shift: number): number[] => Array.from({ length: count }, () => Math.round(20 * (random() + shift)) / 20);
const CASES = Array.from({ length: 20 }, (_, at) => [losses(5 + at, 0), losses(3 + 2 * at, (at % 5) / 10)] as const);

test("the area under the curve is the share of pairs that are in order", () => {
  for (const [members, others] of CASES) {
    let total = 0;
    for (const one of members) for (const other of others) total += one < other ? 1 : one === other ? 0.5 : 0;
    expect(auc(members, others)).toBeCloseTo(total / (members.length * others.length), 12);
  }
});

test("no threshold has more true less false positives than the first one shown", () => {
  for (const [members, others] of CASES) {
    const gain = (at: number): number => rates(members, others, at).truePositive - rates(members, others, at).falsePositive;
    const best = gain(bestThreshold(members, others));
    for (const one of [...members, ...others]) expect(gain(one)).toBeLessThanOrEqual(best + 1e-12);
  }
});

test("rates count a loss that equals the threshold", () => {
  expect(rates([1, 2, 3], [2, 4], 2)).toEqual({ truePositive: 2 / 3, falsePositive: 1 / 2 });
  expect(rates([1, 2, 3], [2, 4], 0)).toEqual({ truePositive: 0, falsePositive: 0 });
});
