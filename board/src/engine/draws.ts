// Random draws that do not hang on the weights, kept from one score to the next: from the same place they are the same.
import type { Random } from "./random";

interface Kept<Made> {
  name: string;
  made: Made;
  end: Random["place"];
}

/** What `make` draws; where the last call of this name began at the same place, what it drew. */
function remembered<Made>(): (name: string, random: Random, make: () => Made) => Made {
  let kept: Kept<Made> | undefined;
  return (name, random, make) => {
    const full = `${name} ${random.name}`;
    if (kept?.name !== full) {
      const made = make();
      kept = { name: full, made, end: random.place };
    }
    random.place = kept.end;
    return kept.made;
  };
}

export interface NoiseDraws {
  /** [draw][unit], standard normal. */
  normals: Float64Array;
  /** [draw][cell], chi-square over its degrees of freedom. */
  chi: Float64Array;
}

const firstNormals = remembered<Float64Array>();
const lastNoise = remembered<NoiseDraws>();
const lastWeights = remembered<Float64Array>();

/** numpy draws the normals of a block, then its chi-squares. */
export function noiseDraws(random: Random, units: number, freedom: readonly number[], draws: number, block: number): NoiseDraws {
  return lastNoise(`${units} ${draws} ${freedom.join()}`, random, () => {
    const normals = new Float64Array(draws * units);
    const chi = new Float64Array(draws * freedom.length);
    for (let start = 0; start < draws; start += block) {
      const count = Math.min(block, draws - start);
      if (start === 0) normals.set(firstNormals(`${count * units}`, random, () => normalsOf(random, count * units)));
      else for (let at = start * units; at < (start + count) * units; at++) normals[at] = random.normal();
      let at = start * freedom.length;
      for (let draw = 0; draw < count; draw++) {
        for (let c = 0; c < freedom.length; c++) chi[at++] = random.chiSquare(freedom[c]!) / freedom[c]!;
      }
    }
    return { normals, chi };
  });
}

function normalsOf(random: Random, count: number): Float64Array {
  const values = new Float64Array(count);
  for (let at = 0; at < count; at++) values[at] = random.normal();
  return values;
}

/** [draw][metric]: weights that are uniform over all with sum 1. */
export function weightDraws(random: Random, metrics: number, draws: number): Float64Array {
  return lastWeights(`${metrics} ${draws}`, random, () => {
    const weights = new Float64Array(draws * metrics);
    for (let start = 0; start < weights.length; start += metrics) {
      let total = 0;
      for (let k = 0; k < metrics; k++) total += weights[start + k] = random.gamma(1);
      for (let k = 0; k < metrics; k++) weights[start + k]! *= 1 / total;
    }
    return weights;
  });
}
