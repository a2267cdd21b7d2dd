// A built page in a real browser: BOARD_PAGE=FILE_OR_ADDRESS npm run browser
// CHROMIUM names the browser (Debian's by default); with SHOTS=DIR the views are kept as pictures.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Opened } from "./browser";
import { VIEWS, WAIT, close, launch, open as openAt, pageOf, serious } from "./browser";

const PAGE = pageOf("BOARD_PAGE");

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
}, 120_000);
afterAll(() => browser.close());

const open = (hash: string, width?: number, scheme?: "light" | "dark"): Promise<Opened> => openAt(browser, PAGE, hash, width, scheme);

const LOOKS = [
  [1280, "light"],
  [1280, "dark"],
  [500, "light"],
  [500, "dark"],
] as const;

test.each(LOOKS)("every view at %i pixels, %s: no complaint, nothing wider than the page, no serious fault for axe", WAIT, async (width, scheme) => {
  for (const view of VIEWS) {
    const { page, faults } = await open(`#/${view}`, width, scheme);
    if (view === "model") await page.waitForSelector("#view h3");
    expect(await page.evaluate(() => document.documentElement.scrollWidth), view).toBeLessThanOrEqual(width);
    if (process.env["SHOTS"]) await page.screenshot({ path: `${process.env["SHOTS"]}/${view}-${width}-${scheme}.png`, fullPage: true });
    expect(await serious(page), view).toEqual([]);
    expect(faults, view).toEqual([]);
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
  await page.waitForURL(/sort=-method/);
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
  await page.waitForURL(/w=0%2C/);
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
  await page.waitForURL(/m=/);
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

test("what is changed on the first view stays there", WAIT, async () => {
  const { page, faults } = await open("");
  await page.locator(".sliders input").first().focus();
  await page.keyboard.press("ArrowRight");
  await page.waitForURL(/#\/ranking\?w=/);
  expect(await page.locator("#view-title").innerText()).toBe("Ranking");
  expect(faults).toEqual([]);
  await close(page);
});

const said = (page: Page, at: number): Promise<string> => page.locator("#view [role=status]").nth(at).innerText();

test("a model: answers can be filtered and saved, pictures are shown, and the link restores it", WAIT, async () => {
  const { page, faults } = await open("#/model");
  await page.waitForSelector("#view .asked");
  const leaks = await page.locator("#view table").first().locator("caption").innerText();
  await page.getByLabel("Show").first().selectOption("all");
  const all = await page.locator("#view table").first().locator("caption").innerText();
  expect(all).not.toBe(leaks);
  expect(all).toContain("(100%)");
  const image = page.locator("#view .asked img").first();
  await image.scrollIntoViewIfNeeded();
  await expect.poll(() => image.evaluate((one) => (one as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV", exact: true }).first().click()]);
  const lines = readFileSync((await file.path())!, "utf8").trim().split("\r\n");
  expect(`${lines.length - 1} of`).toBe(all.split(" of")[0] + " of");
  await page.waitForURL(/show=all/);
  const again = await open(new URL(page.url()).hash);
  await again.page.waitForSelector("#view .asked");
  expect(await again.page.locator("#view table").first().locator("caption").innerText()).toBe(all);
  expect(faults).toEqual([]);
  await Promise.all([close(page), close(again.page)]);
});

test("the threshold of the attack is dragged, and moved by the keyboard", WAIT, async () => {
  const { page, faults } = await open("#/model");
  await page.waitForSelector(".threshold-chart svg .threshold", { state: "attached" });
  const before = await said(page, 1);
  const picture = page.locator(".threshold-chart svg[role=img]");
  await picture.scrollIntoViewIfNeeded();
  const box = (await picture.boundingBox())!;
  await page.mouse.move(box.x + 0.6 * box.width, box.y + 0.4 * box.height);
  await page.mouse.down();
  await page.mouse.move(box.x + 0.8 * box.width, box.y + 0.4 * box.height, { steps: 5 });
  const during = await said(page, 1);
  await page.mouse.up();
  expect(during).not.toBe(before);
  await page.waitForURL(/t=/);
  const again = await open(new URL(page.url()).hash);
  await again.page.waitForSelector(".threshold-chart svg .threshold", { state: "attached" });
  expect(await said(again.page, 1)).toBe(during);
  const slider = page.getByRole("slider", { name: "Threshold" });
  await slider.focus();
  await page.keyboard.press("Home");
  await expect.poll(() => said(page, 1)).toContain("0% of forget (true positives) and 0% of holdout");
  await page.keyboard.press("End");
  await expect.poll(() => said(page, 1)).toContain("100% of forget (true positives) and 100% of holdout");
  expect(faults).toEqual([]);
  await Promise.all([close(page), close(again.page)]);
});

test("pick two: the questions that changed are as many as the sentence says", WAIT, async () => {
  const { page, faults } = await open("#/pair?rows=all");
  await page.waitForSelector("#view .asked");
  const [, only, alone] = /(\d+) are still right in .* alone, and (\d+) in/.exec(await said(page, 1))!;
  expect(await page.locator("#view table").last().locator("tbody tr").count()).toBe(Number(only) + Number(alone));
  expect(faults).toEqual([]);
  await close(page);
});

test("published: every figure comes out, a group can be chosen, and runs stand beside those of the page", WAIT, async () => {
  const { page, faults } = await open("#/published");
  expect(await said(page, 0)).toBe("50 of 50 printed figures come out of the published rows.");
  await page.getByLabel("Show").selectOption("Weights");
  expect(await page.locator("#view table").first().locator("tbody tr").count()).toBe(5);
  expect(await page.locator("#view table").last().locator("tbody tr").count()).toBe(36);
  await page.waitForURL(/group=Weights/);
  expect(faults).toEqual([]);
  await close(page);
});

test("stability: the map of weights is drawn, or the page says why not and leads to it", WAIT, async () => {
  const { page, faults } = await open("#/stability");
  const lead = page.getByRole("button", { name: "Show it in the published form" });
  if (await lead.count()) {
    expect(await page.locator("#view").innerText()).toContain("there is no such map");
    await lead.click();
  }
  await page.waitForSelector("#view svg[aria-label^='Who is first']");
  expect(faults).toEqual([]);
  await close(page);
});

test("served over HTTP every view works as from a file", WAIT, async () => {
  const text = PAGE.startsWith("file:") ? readFileSync(new URL(PAGE)) : null;
  if (!text) return;
  const server = createServer((_, answer) => answer.setHeader("Content-Type", "text/html; charset=utf-8").end(text)).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  for (const view of VIEWS) {
    const { page, faults } = await openAt(browser, address, `#/${view}`);
    if (view === "model") await page.waitForSelector("#view .asked");
    expect(faults, view).toEqual([]);
    await close(page);
  }
  server.close();
});
