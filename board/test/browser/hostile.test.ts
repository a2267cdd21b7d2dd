// A page full of hostile text (scripts/board_hostile.py) in a real browser: nothing runs, and nothing breaks.
// BOARD_PAGE=PAGE BOARD_HOSTILE=PAGE npm run browser
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { VIEWS, WAIT, close, launch, open, pageOf } from "./browser";

/** All cells of a CSV; a quoted one may hold commas and line ends. */
const cellsOf = (text: string): string[] => [...text.matchAll(/"((?:[^"]|"")*)"|([^",\r\n]+)/g)].map((one) => one[1]?.replaceAll('""', '"') ?? one[2]!);

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
}, 120_000);
afterAll(() => browser.close());

test.skipIf(!process.env["BOARD_HOSTILE"])("10,000 hostile strings: none runs, none breaks a view", WAIT, async () => {
  const address = pageOf("BOARD_HOSTILE");
  for (const view of VIEWS) {
    const everything = view === "model" ? "?show=all&rows=all&behinds=all" : view === "pair" ? "?rows=all" : "";
    const { page, faults } = await open(browser, address, `#/${view}${everything}`);
    if (view === "model") await page.waitForSelector("#view .asked");
    expect(await page.evaluate(() => "hit" in window), view).toBe(false);
    expect(await page.evaluate(() => [...document.querySelectorAll("#app script, #app iframe, #app base, #app style, #app meta, #app math, main iframe, main base, main style, main script")].length), view).toBe(0);
    expect(await page.evaluate(() => [...document.querySelectorAll("#app *, main *")].filter((one) => [...one.attributes].some((own) => own.name.startsWith("on"))).length), view).toBe(0);
    expect(await page.evaluate(() => [...document.querySelectorAll("a")].filter((one) => !one.getAttribute("href")!.startsWith("#")).length), view).toBe(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), view).toBeLessThanOrEqual(1280);
    expect(await page.locator("nav[aria-label=Views]").isVisible(), view).toBe(true);
    expect(faults, view).toEqual([]);
    if (view === "model") {
      const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV", exact: true }).first().click()]);
      const cells = cellsOf(readFileSync((await file.path())!, "utf8"));
      expect(cells.length).toBeGreaterThan(500);
      expect(cells.filter((one) => /^[=+\-@\t\r]/.test(one))).toEqual([]);
    }
    await close(page);
  }
});
