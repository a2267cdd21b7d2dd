// How long the board's score takes on 10,000 runs of 12 metrics, made up: cd board && npm ci && node ../perf/board.mjs
import { build } from "../board/node_modules/vite/dist/node/index.js";

const HERE = new URL("../board/", import.meta.url).pathname;
const made = await build({ root: HERE, configFile: false, logLevel: "error", build: { write: false, lib: { entry: `${HERE}src/engine/score.ts`, formats: ["es"] } } });
const { score } = await import(`data:text/javascript;base64,${Buffer.from([made].flat()[0].output[0].code).toString("base64")}`);

const [BENCHMARKS, METHODS, SEEDS] = [5, 40, 50];
const METRICS = ["FA", "RA", "MIA", "AD", "JS", ...Array.from({ length: 7 }, (_, at) => `M${at}`)];
let state = 1;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
const cells = [];
for (let b = 0; b < BENCHMARKS; b++) for (let m = 0; m < METHODS; m++) for (let s = 0; s < SEEDS; s++) cells.push([b, m, s]);
const names = (word, count) => Array.from({ length: count }, (_, at) => `${word}${String(at).padStart(2, "0")}`);
const column = () => ({ values: cells.map(([, m]) => (m / METHODS + random()) / 2), errors: [], statuses: [], oracles: null });
const board = {
  benchmarks: names("b", BENCHMARKS),
  methods: names("m", METHODS),
  runs: { benchmark: cells.map((one) => one[0]), method: cells.map((one) => one[1]), seed: cells.map((one) => one[2]), metrics: Object.fromEntries(METRICS.map((name) => [name, column()])) },
};
const from = { form: "published", metrics: METRICS.slice(0, 5), ladders: {}, scales: [], presets: [], generator: { state: "1", increment: "3" }, level: 0.95, draws: 10_000 };
const all = { benchmarks: null, methods: null, seeds: null };
const times = Array.from({ length: 11 }, (_, at) => {
  const start = process.cpuUsage().user;
  score(board, from, all, () => [[0.2, 0.2, 0.2, 0.2, 0.2].map((one, k) => one + (k === at % 5 ? 0.1 : 0)).map((one) => one / 1.1)], "published");
  return (process.cpuUsage().user - start) / 1000;
}).sort((a, b) => a - b);
console.log(`${cells.length} runs, ${METHODS} methods: a score in ${times[5].toFixed(0)} ms of processor time (median of 11), ${times[0].toFixed(0)} to ${times[10].toFixed(0)} ms`);
