// The browser's score against Python's (scripts/board_golden.py).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { score } from "../src/engine/score";
import type { Board, Score } from "../src/schema";
import { chosen } from "../src/weights";

interface Case {
  form: Score["form"];
  weights: number[] | string;
  benchmarks?: string[];
  methods?: string[];
  seeds?: number[];
  error?: string;
  found?: { methods: Record<string, unknown>[]; curve: Record<string, number | null>[] };
}

const NEAR = 1e-9;

function golden(name: string): { board: Board; cases: Case[]; presets: Case[] } {
  return JSON.parse(readFileSync(join(import.meta.dirname, "golden", `${name}.json`), "utf8"));
}

const kept = <T>(some: T[] | undefined): ReadonlySet<T> | null => (some ? new Set(some) : null);

function compare(board: Board, one: Case, curve: boolean): void {
  const weights = typeof one.weights === "string" ? chosen(board.score!, one.weights).rows : () => [one.weights as number[]];
  const filter = { benchmarks: kept(one.benchmarks), methods: kept(one.methods), seeds: kept(one.seeds) };
  if (one.error) {
    expect(() => score(board, board.score!, filter, weights, one.form), one.error).toThrow();
    return;
  }
  const found = score(board, board.score!, filter, weights, one.form, curve);
  expect(new Set(found.methods.map((own) => own.method))).toEqual(new Set(one.found!.methods.map((own) => own["method"])));
  for (const expected of one.found!.methods) {
    const own = found.methods.find((method) => method.method === expected["method"])!;
    for (const [name, value] of Object.entries(expected)) {
      const mine = own[name as keyof typeof own];
      if (name === "byBenchmark") (value as number[]).forEach((part, at) => expect(Math.abs(part - own.byBenchmark[at]!)).toBeLessThan(NEAR));
      else if (typeof value === "number" && typeof mine === "number") expect(Math.abs(mine - value), name).toBeLessThan(NEAR);
      else expect(mine, name).toBe(value);
    }
  }
  if (!curve) return;
  one.found!.curve.forEach((expected, at) => {
    const own = found.concentration[at]!;
    expect(own.sameFirst).toBeCloseTo(expected["sameFirst"]!, 9);
    if (expected["tau"] === null) expect(own.tau).toBeNull();
    else expect(own.tau).toBeCloseTo(expected["tau"]!, 9);
  });
}

describe.each(["published", "demo"])("%s", (name) => {
  const { board, cases, presets } = golden(name);
  test(`${cases.length} weightings and filters have Python's values, ranks and classes`, { timeout: 300_000 }, () => {
    cases.forEach((one, at) => compare(board, one, at % 10 === 0));
  });
  test("presets that can be used have Python's too", { timeout: 60_000 }, () => {
    const usable = new Set(board.score!.presets.filter((one) => !one.reason).map((one) => one.name));
    // learned weights were learned in the form that the table is scored in
    const same = presets.filter((one) => usable.has(one.weights as string) && one.form === board.score!.form);
    expect(same.length).toBeGreaterThan(1);
    for (const one of same) compare(board, one, true);
  });
});
