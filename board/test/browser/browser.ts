// What the browser's tests share: a browser, and pages whose complaints are collected.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";

export const VIEWS = ["ranking", "trust", "pair", "model", "stability", "published", "numbers"];
export const WAIT = { timeout: 480_000 };
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"];

/** The address of the page that an environment variable names. */
export function pageOf(variable: string): string {
  const given = process.env[variable];
  if (!given) throw new Error(`${variable} names no page: uqs board RUN --out DIR makes one`);
  return given.includes("://") ? given : pathToFileURL(given).href;
}

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ARGS });

export interface Opened {
  page: Page;
  faults: string[];
}

/** A page at a place, and what its console complains of or it loads. */
export async function open(browser: Browser, address: string, hash: string, width = 1280, colorScheme: "light" | "dark" = "light"): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const faults: string[] = [];
  page.on("console", (one) => {
    if (one.type() === "error" || one.type() === "warning") faults.push(one.text());
  });
  page.on("pageerror", (one) => faults.push(one.message));
  page.on("dialog", (one) => {
    faults.push(`dialog ${one.message()}`);
    void one.dismiss();
  });
  page.on("request", (one) => {
    if (!one.url().startsWith("blob:") && one.url().split("#")[0] !== address && !one.url().endsWith("/favicon.ico")) faults.push(`loads ${one.url()}`);
  });
  await page.goto(address + hash);
  await page.waitForSelector(".live");
  if (hash.startsWith("#/") && !hash.startsWith("#/numbers")) await page.waitForSelector("#view table, #view [role=status], #view p");
  return { page, faults };
}

export const close = (page: Page): Promise<void> => page.context().close();

/** What axe finds serious or critical. */
export async function serious(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<{ violations: { impact: string; id: string; nodes: { html: string }[] }[] }> } };
    const found = await axe.run({ resultTypes: ["violations"] });
    return found.violations.filter((one) => one.impact === "serious" || one.impact === "critical").map((one) => `${one.id}: ${one.nodes[0]!.html.slice(0, 200)}`);
  });
}
