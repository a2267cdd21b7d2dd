// A built page in a real browser: BOARD_PAGE=FILE_OR_ADDRESS npm run browser
// CHROMIUM names the browser (Debian's by default); with SHOTS=DIR the views are kept as pictures.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

const given = process.env["BOARD_PAGE"];
if (!given) throw new Error("BOARD_PAGE names no page: uqs board RUN --out DIR makes one");
const PAGE = given.includes("://") ? given : pathToFileURL(given).href;
const VIEWS = ["ranking", "trust", "pair", "stability", "numbers"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const WAIT = { timeout: 240_000 };
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"];

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ARGS });
}, 60_000);
afterAll(() => browser.close());

/** A page at a place, and what its console complains of. */
async function open(hash: string, width = 1280, colorScheme: "light" | "dark" = "light"): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  page.on("console", (one) => {
    if (one.type() === "error" || one.type() === "warning") faults.push(one.text());
  });
  page.on("pageerror", (one) => faults.push(one.message));
  page.on("request", (one) => {
    if (!one.url().startsWith("blob:") && one.url().split("#")[0] !== PAGE && !one.url().endsWith("/favicon.ico")) faults.push(`loads ${one.url()}`);
  });
  await page.goto(PAGE + hash);
  await page.waitForSelector(".live");
  return { page, faults };
}

const close = (page: Page): Promise<void> => page.context().close();

const LOOKS = [
  [1280, "light"],
  [1280, "dark"],
  [390, "light"],
  [390, "dark"],
] as const;

test.each(LOOKS)("every view at %i pixels, %s: no complaint, nothing wider than the page, no serious fault for axe", WAIT, async (width, scheme) => {
  for (const view of VIEWS) {
    const { page, faults } = await open(`#/${view}`, width, scheme);
    expect(faults, view).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), view).toBeLessThanOrEqual(width);
    if (process.env["SHOTS"]) await page.screenshot({ path: `${process.env["SHOTS"]}/${view}-${width}-${scheme}.png`, fullPage: true });
    await page.evaluate(AXE);
    const serious = await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(options: object): Promise<{ violations: { impact: string; id: string; nodes: { html: string }[] }[] }> } };
      const found = await axe.run({ resultTypes: ["violations"] });
      return found.violations.filter((one) => one.impact === "serious" || one.impact === "critical").map((one) => `${one.id}: ${one.nodes[0]!.html.slice(0, 200)}`);
    });
    expect(serious, view).toEqual([]);
    await close(page);
  }
});

const rows = (page: Page): Promise<string[]> => page.locator("#view table").first().locator("tbody th").allInnerTexts();

test("a click on a header sorts, and the address brings the order back", WAIT, async () => {
  const { page, faults } = await open("#/ranking");
  await page.getByRole("button", { name: "method" }).click();
  const sorted = await rows(page);
  expect(sorted).toEqual([...sorted].sort((a, b) => a.localeCompare(b, "en")));
  await page.getByRole("button", { name: "method" }).click();
  expect(await rows(page)).toEqual([...sorted].reverse());
  const again = await open(new URL(page.url()).hash);
  expect(await rows(again.page)).toEqual([...sorted].reverse());
  expect(await again.page.locator("th[aria-sort=descending]").count()).toBe(1);
  expect(faults).toEqual([]);
  await Promise.all([close(page), close(again.page)]);
});

test("a slider moved by the keyboard changes the score at once, and the address keeps it", WAIT, async () => {
  const { page, faults } = await open("#/ranking");
  const score = page.locator("#view table").first().locator("tbody tr").first();
  const before = await score.innerText();
  await page.locator(".sliders input").first().focus();
  await page.keyboard.press("Home");
  expect(await page.locator(".sliders .share").first().innerText()).toBe("0%");
  const after = await score.innerText();
  expect(after).not.toBe(before);
  expect(page.url()).toContain("w=0%2C");
  const again = await open(new URL(page.url()).hash);
  expect(await again.page.locator("#view table").first().locator("tbody tr").first().innerText()).toBe(after);
  expect(faults).toEqual([]);
  await Promise.all([close(page), close(again.page)]);
});

test("a filter leaves methods out, and its link restores it", WAIT, async () => {
  const { page, faults } = await open("#/ranking");
  const all = await rows(page);
  await page.locator(".filters summary").click();
  const methods = page.getByRole("group", { name: "Methods" });
  const gone = (await methods.locator("label").first().innerText()).trim();
  await methods.locator("input").first().uncheck();
  expect(await rows(page)).toEqual(all.filter((one) => one !== gone && !one.startsWith(`${gone}@`)));
  const again = await open(new URL(page.url()).hash);
  expect(await rows(again.page)).toEqual(await rows(page));
  await methods.getByRole("button", { name: "none" }).click();
  expect(await page.getByRole("status").innerText()).toContain("two methods or more");
  expect(faults).toEqual([]);
  await Promise.all([close(page), close(again.page)]);
});

test("tables and pictures can be saved", WAIT, async () => {
  const { page, faults } = await open("#/ranking");
  for (const [name, start] of [["CSV", "method,"], ["JSON", "["], ["LaTeX", "% needs"], ["SVG", "<svg"], ["PNG", "\u0089PNG"]] as const) {
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name, exact: true }).first().click()]);
    expect(readFileSync((await file.path())!, "latin1").slice(0, start.length)).toBe(start);
  }
  expect(faults).toEqual([]);
  await close(page);
});

test("with the keyboard alone one gets from view to view", WAIT, async () => {
  const { page, faults } = await open("#/ranking");
  await page.locator("nav[aria-label=Views] a").first().focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#view-title >> text=Which metric to trust");
  expect(page.url()).toContain("#/trust");
  expect(faults).toEqual([]);
  await close(page);
});

test("without script the plain page has every number", WAIT, async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(PAGE);
  expect(await page.locator("main table").count()).toBeGreaterThan(5);
  expect(await page.locator("main").isVisible()).toBe(true);
  await context.close();
});
