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
  tab.setDefaultTimeout(240_000);
  const session = await tab.context().newCDPSession(tab);
  // of the page's own thread: other processes do not count
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const used = async () => {
    const found = new Map((await session.send("Performance.getMetrics")).metrics.map((one) => [one.name, one.value]));
    // what drives the browser from outside does not count either
    return 1000 * (found.get("TaskDuration") - found.get("DevToolsCommandDuration"));
  };
  await tab.goto(page);
  await tab.waitForSelector("#view svg[role=img]", { state: "attached" });
  return { tab, used };
}

const told = (name, times) => {
  const sorted = [...times].sort((a, b) => a - b);
  console.log(`${name}: ${sorted[Math.floor(sorted.length / 2)].toFixed(0)} ms (median of ${sorted.length}), ${sorted[0].toFixed(0)} to ${sorted.at(-1).toFixed(0)} ms`);
};

const [paints, ready] = [[], []];
for (let at = 0; at < 5; at++) {
  const { tab, used } = await opened();
  paints.push(await tab.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
  ready.push(await used());
  await tab.context().close();
}
told("first paint, by the clock", paints);
told("until the ranking stands, processor time", ready);

/** Processor time of all that answers an act, with the new picture. */
async function answers({ tab, used }, act) {
  const found = [];
  for (let at = 0; at < TIMES; at++) {
    const before = await used();
    await act(at);
    await tab.waitForTimeout(600);
    found.push((await used()) - before);
  }
  return found;
}

const seen = await opened();
const slider = seen.tab.locator(".sliders input").first();
await slider.focus();
told("slider, processor time", await answers(seen, () => seen.tab.keyboard.press("ArrowRight")));
await seen.tab.evaluate(() => { document.querySelector(".filters").open = true; });
// found before the clock starts: looking through a page of 13 MB for them takes longer than the answer
const boxes = await seen.tab.locator(".filters fieldset").nth(1).locator("input").elementHandles();
told("filter, processor time", await answers(seen, (at) => boxes[at].evaluate((one) => one.click())));
await browser.close();
