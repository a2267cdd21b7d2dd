import { expect, test } from "vitest";
import type { Board } from "../src/schema";
import { selection } from "../src/selection";

const board = { benchmarks: ["a/x", "a/y", "b/x"], bases: ["x", "y", "x"], methods: ["m@weak", "m@strong", "n"] } as unknown as Board;
const of = (query: string): string[] | null => {
  const found = selection(board, new URLSearchParams(query)).benchmarks;
  return found && [...found];
};

test("a base model keeps its benchmarks, within those that are chosen", () => {
  expect(of("")).toBeNull();
  expect(of("base=x")).toEqual(["a/x", "b/x"]);
  expect(of("base=x&b=b/x&b=a/y")).toEqual(["b/x"]);
  expect(of("base=z")).toEqual([]);
});

test("a method without strengths is at every strength", () => {
  expect([...selection(board, new URLSearchParams("st=weak")).methods!]).toEqual(["m@weak", "n"]);
});
