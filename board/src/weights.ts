// The weights of UQS as the address names them: a preset, or one's own numbers.
import type { Preset, Score } from "./schema";
import { mean } from "./engine/numbers";
import { normalised } from "./engine/score";

export interface Chosen {
  name: string;
  /** What the sliders show, with sum 1. */
  shown: number[];
  /** One row, or one for each of these benchmarks. */
  rows: (benchmarks: string[]) => number[][];
  reason: string;
}

export const OWN = "own";

/** `w` is a preset's name, or numbers by metric such as `0.5,1,0,0,1`. */
export function chosen(score: Score, w: string | null): Chosen {
  const preset = score.presets.find((one) => one.name === (w ?? "equal"));
  if (preset && !preset.reason) return ofPreset(preset);
  const given = (w ?? "").split(",").map(Number);
  const own = given.length === score.metrics.length && given.every((one) => one >= 0 && Number.isFinite(one)) ? normalised(given) : null;
  if (own) return { name: OWN, shown: own, rows: () => [own], reason: "" };
  const equal = ofPreset(score.presets.find((one) => one.name === "equal")!);
  return { ...equal, reason: preset?.reason ?? "The address has weights that cannot be used; equal weights are shown." };
}

function ofPreset(preset: Preset): Chosen {
  const shown = preset.weights[0]!.map((_, k) => mean(preset.weights.map((row) => row[k]!)));
  const rows = (benchmarks: string[]): number[][] =>
    preset.weights.length === 1
      ? preset.weights
      : benchmarks.map((name) => preset.weights[preset.benchmarks.indexOf(name)] ?? shown);
  return { name: preset.name, shown, rows, reason: "" };
}
