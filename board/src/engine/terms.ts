// From values of metrics to terms of UQS in [0, 1], higher is better (uqs.score.transforms, .calibration, .levels).
import type { Ladder, Response, Scale, Score } from "../schema";
import type { Cube } from "./cube";
import { clip, interpolate } from "./numbers";

export type Form = Score["form"];
/** Values by metric to terms by metric, NaN where a metric is not used. */
export type Terms = (values: readonly number[]) => number[];

export interface LeftOut {
  benchmark: string;
  metric: string;
  why: string;
}

export interface Used {
  /** By benchmark. */
  terms: Terms[];
  /** [benchmark][metric] */
  available: boolean[][];
  leftOut: LeftOut[];
}

const UTILITY = "RA";
const DISTANCES = new Set(["AD", "JS"]);
/** With references: the metrics of what a model knows, which alone have a term. */
const KNOWING = new Set(["FA", "MIA"]);
/** With references: the metrics whose known shares are compared. */
const AGREEING = new Set([...KNOWING, "JS"]);

/** The form of arXiv 2605.02206. */
export function published(metric: string, value: number): number {
  if (metric === "RA") return value;
  return metric === "AD" ? 1 / (1 + value) : 1 - value;
}

export function usedTerms(cube: Cube, score: Score, form: Form): Used {
  const leftOut: LeftOut[] = [];
  const available: boolean[][] = [];
  const terms = cube.benchmarks.map((benchmark, b) => {
    const ladder = form === "calibrated" ? score.ladders[benchmark] : undefined;
    const scales = score.scales.filter((one) => one.benchmark === benchmark);
    const usable = cube.metrics.map((metric, k) => {
      const missing = cube.means[b]!.filter((cell) => Number.isNaN(cell[k]!)).length;
      const scale = scales.find((one) => one.metric === metric);
      let why = "";
      if (missing) why = `${missing} of ${cube.methods.length} methods have no value`;
      else if (ladder) why = ladder.why[metric] ?? "";
      else if (form === "calibrated") why = scale ? scale.status : "no scale";
      if (why) leftOut.push({ benchmark, metric, why });
      return !why;
    });
    available.push(usable.map((one, k) => one && (!ladder || KNOWING.has(cube.metrics[k]!))));
    if (ladder) return onLadder(ladder, cube.metrics, usable);
    return eachAlone(cube.metrics, usable, form, scales);
  });
  return { terms, available, leftOut };
}

function eachAlone(metrics: string[], usable: boolean[], form: Form, scales: Scale[]): Terms {
  const by = new Map(scales.map((one) => [one.metric, one]));
  return (values) =>
    metrics.map((metric, k) => {
      if (!usable[k]) return Number.NaN;
      return form === "published" ? published(metric, values[k]!) : calibrated(by.get(metric)!, values[k]!);
    });
}

function calibrated(scale: Scale, value: number): number {
  let gap = Math.abs(value - scale.oracle);
  if (scale.metric === UTILITY) gap = Math.max(scale.oracle - value, 0);
  else if (DISTANCES.has(scale.metric)) gap = value;
  return clip((scale.zero - gap) / (scale.zero - scale.one), 0, 1);
}

/** The share of the forget entities that a model with this value would have been taught. */
export function knownShare(response: Response, value: number): number {
  const { shares, direction } = response;
  const means = response.means.map((one) => one * direction);
  const aim = value * direction;
  if (aim < means[0]!) return shares[0]!;
  if (aim > means.at(-1)!) return shares.at(-1)!;
  const last = interpolate(aim, means, shares);
  const turned = [...means].reverse().map((one) => -one);
  const mirrored = [...shares].reverse().map((one) => -one);
  return (last - interpolate(-aim, turned, mirrored)) / 2;
}

export interface Gates {
  utility: number;
  agreement: number;
  shares: Map<string, number>;
}

function onLadder(ladder: Ladder, metrics: string[], usable: boolean[]): Terms {
  return (values) => {
    const { utility, agreement, shares } = gates(ladder, metrics, usable, values);
    return metrics.map((metric) =>
      KNOWING.has(metric) && shares.has(metric) ? (1 - shares.get(metric)!) * utility * agreement : Number.NaN,
    );
  };
}

/** What a model kept of RA, and how far its metrics agree on one known share; the factors of all its terms. */
export function gates(ladder: Ladder, metrics: string[], usable: boolean[], values: readonly number[]): Gates {
  const shares = new Map<string, number>();
  metrics.forEach((metric, k) => {
    const response = ladder.responses[metric];
    if (usable[k] && response && AGREEING.has(metric)) shares.set(metric, knownShare(response, values[k]!));
  });
  const knowing = [...shares].flatMap(([metric, share]) => (KNOWING.has(metric) ? [share] : []));
  if (!knowing.length) return { utility: 1, agreement: 1, shares };
  const common = knowing.reduce((a, b) => a + b, 0) / knowing.length;
  const all = [...shares.values()];
  const tolerance = Math.min(ladder.tolerance, 0.99);
  const agreement = 1 - Math.max(Math.max(...all) - Math.min(...all) - tolerance, 0) / (1 - tolerance);
  const at = metrics.indexOf(UTILITY);
  if (at < 0 || !usable[at] || !ladder.utility) return { utility: 1, agreement, shares };
  const { shares: rungs, means, sd } = ladder.utility;
  const expected = interpolate(common, rungs, means) - sd;
  return { utility: clip(values[at]! / Math.max(expected, 1e-9), 0, 1), agreement, shares };
}
