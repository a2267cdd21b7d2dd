// Against numpy 2: default_rng(0), its first draws of each kind.
import { expect, test } from "vitest";
import { Random } from "../src/engine/random";

const START = { state: "35399562948360463058890781895381311971", increment: "87136372517582989555478159403783844777" };

test("normal, chi-square, uniform and exponential draws are numpy's", () => {
  const random = new Random(START);
  let total = 0;
  for (let at = 0; at < 100_000; at++) total += random.normal();
  expect(total).toBeCloseTo(-90.82507731206121, 8);
  const freedom = [1, 2, 3.7, 18.25];
  const sums = freedom.map(() => 0);
  for (let at = 0; at < 20_000; at++) freedom.forEach((one, k) => { sums[k]! += random.chiSquare(one); });
  [20117.842082401185, 40180.97893578037, 74335.06502272408, 364359.060295877].forEach((expected, k) => expect(sums[k]).toBeCloseTo(expected, 6));
  expect(random.uniform()).toBe(0.18378647252247637);
  expect(random.exponential()).toBeCloseTo(0.9768631829958957, 14);
});
