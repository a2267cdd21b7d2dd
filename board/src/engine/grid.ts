// Values by method, run and oracle in one flat array; NaN where there is none.
export interface Grid {
  methods: number;
  runs: number;
  oracles: number;
  values: Float64Array;
}

export const grid = (methods: number, runs: number, oracles: number): Grid => ({ methods, runs, oracles, values: new Float64Array(methods * runs * oracles).fill(Number.NaN) });

/** The part with these methods, runs and oracles, in this order; -1 is a run without values. */
export function part(from: Grid, methods: readonly number[], runs: readonly (readonly number[])[], oracles: readonly number[]): Grid {
  const made = grid(methods.length, runs[0]?.length ?? 0, oracles.length);
  let at = 0;
  methods.forEach((m) => {
    for (const r of runs[m]!) for (const o of oracles) made.values[at++] = r < 0 ? Number.NaN : from.values[(m * from.runs + r) * from.oracles + o]!;
  });
  return made;
}

export const complete = (one: Grid): boolean => !one.values.some(Number.isNaN);
