// How long a board of 10,000 runs of 12 metrics takes in a browser:
//   python perf/board_results.py RESULTS.parquet && uqs board RESULTS.parquet --out DIR
//   cd board && npm ci && node ../perf/board.mjs DIR/index.html
// CHROMIUM names the browser, Debian's by default.
import { pathToFileURL } from "node:url";
import { chromium } from "../board/node_modules/playwright-core/index.mjs";

const page = pathToFileURL(process.argv[2]).href;
const TIMES = 11;
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });

async function opened() {
  const tab = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  await tab.goto(page);
  await tab.waitForSelector("#view table tbody tr");
  return tab;
}

const told = (name, times, unit = "ms") => {
  const sorted = [...times].sort((a, b) => a - b);
  console.log(`${name}: ${sorted[Math.floor(sorted.length / 2)].toFixed(0)} ${unit} (median of ${sorted.length}), ${sorted[0].toFixed(0)} to ${sorted.at(-1).toFixed(0)} ${unit}`);
};

const paints = [];
for (let at = 0; at < 5; at++) {
  const tab = await opened();
  paints.push(await tab.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
  await tab.context().close();
}
told("first paint", paints);

/** From a press of a key or of the mouse to the next picture, as the browser tells it (Event Timing), in steps of 8 ms. */
async function answers(tab, act) {
  await tab.evaluate(() => {
    window.seen = [];
    new PerformanceObserver((list) => window.seen.push(...list.getEntries().map((one) => one.duration))).observe({ type: "event", durationThreshold: 16 });
  });
  const found = [];
  for (let at = 0; at < TIMES; at++) {
    await tab.evaluate(() => { window.seen = []; });
    await act(at);
    await tab.waitForTimeout(400);
    found.push(Math.max(0, ...(await tab.evaluate(() => window.seen))));
  }
  return found;
}

const tab = await opened();
await tab.locator(".sliders input").first().focus();
told("slider to the next picture", await answers(tab, () => tab.keyboard.press("ArrowRight")));
await tab.evaluate(() => { document.querySelector(".filters").open = true; });
const boxes = tab.getByRole("group", { name: "Methods" }).locator("input");
told("filter to the next picture", await answers(tab, (at) => boxes.nth(at).click()));
await browser.close();
