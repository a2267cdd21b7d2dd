import { expect, test } from "vitest";
import { read, write } from "../src/hash";
import escaped from "./golden/latex.json";
import { latexText } from "../src/ui/latex";
import { csv, json } from "../src/ui/save";

test("an address restores what it was written from, whatever the names", () => {
  const params = new URLSearchParams([["m", "a&b=c#d"], ["m", "x y/\u202e"], ["w", "0.5,1"]]);
  const place = read(write("ranking", params));
  expect(place.view).toBe("ranking");
  expect([...place.params]).toEqual([...params]);
});

test("a plain anchor is no view", () => {
  expect(read("#gates").view).toBe("");
});

test("no address is the first view, so that what is changed there stays there", () => {
  expect(read("").view).toBe("ranking");
  expect(write(read("").view, new URLSearchParams("w=1"))).toBe("#/ranking?w=1");
});

test("a spreadsheet runs no cell of a file", () => {
  expect(csv(["a", "b"], [["=1+1", 'x"y,z'], [-2, null]])).toBe('a,b\r\n\'=1+1,"x""y,z"\r\n-2,\r\n');
});

test("LaTeX has every text as Python writes it", () => {
  expect(escaped.length).toBeGreaterThan(200);
  for (const [text, latex] of escaped) expect(latexText(text!)).toBe(latex);
});

test("JSON has null where there is no number", () => {
  expect(JSON.parse(json(["a"], [[null], [1]]))).toEqual([{ a: null }, { a: 1 }]);
});
