// numpy's random streams, so that what Python draws is drawn here too: PCG64 (O'Neill 2014), normal and
// exponential variables by the ziggurat (Marsaglia and Tsang 2000a), gamma (Marsaglia and Tsang 2000b).
import type { Generator } from "../schema";

// PCG64's multiplier 0x2360ed051fc65da44385df649fccf645, 16 bits at a time, the lowest first
const M0 = 0xf645;
const M1 = 0x9fcc;
const M2 = 0xdf64;
const M3 = 0x4385;
const M4 = 0x5da4;
const M5 = 0x1fc6;
const M6 = 0xed05;
const M7 = 0x2360;

const SHIFT = 2 ** -16;

const limbs = (value: bigint): number[] =>
  Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(16 * at)) & 0xffffn));

interface Ziggurat {
  inside: Float64Array;
  width: Float64Array;
  height: Float64Array;
}

function ziggurat(
  end: number,
  area: number,
  steps: number,
  density: (x: number) => number,
  inverse: (y: number) => number,
): Ziggurat {
  const inside = new Float64Array(256);
  const width = new Float64Array(256);
  const height = new Float64Array(256);
  let x = end;
  const base = area / density(end);
  inside[0] = Math.floor((end / base) * steps);
  width[0] = base / steps;
  width[255] = end / steps;
  height[0] = 1;
  height[255] = density(end);
  for (let at = 254; at >= 1; at--) {
    const next = inverse(area / x + density(x));
    inside[at + 1] = Math.floor((next / x) * steps);
    width[at] = next / steps;
    height[at] = density(next);
    x = next;
  }
  return { inside, width, height };
}

const NORMAL_END = 3.6541528853610088;
const NORMAL = ziggurat(
  NORMAL_END,
  0.00492867323397466,
  2 ** 52,
  (x) => Math.exp(-0.5 * x * x),
  (y) => Math.sqrt(-2 * Math.log(y)),
);
const EXPONENTIAL_END = 7.69711747013105;
const EXPONENTIAL = ziggurat(
  EXPONENTIAL_END,
  0.003949659822581558,
  2 ** 53,
  (x) => Math.exp(-x),
  (y) => -Math.log(y),
);

type Limbs = [number, number, number, number, number, number, number, number];

let kept: { start: string; values: Float64Array; end: Limbs } | undefined;

export class Random {
  private s0: number;
  private s1: number;
  private s2: number;
  private s3: number;
  private s4: number;
  private s5: number;
  private s6: number;
  private s7: number;
  private readonly increment: number[];
  private high = 0;
  private low = 0;

  constructor(from: Generator) {
    const start = limbs(BigInt(from.state));
    this.s0 = start[0]!;
    this.s1 = start[1]!;
    this.s2 = start[2]!;
    this.s3 = start[3]!;
    this.s4 = start[4]!;
    this.s5 = start[5]!;
    this.s6 = start[6]!;
    this.s7 = start[7]!;
    this.increment = limbs(BigInt(from.increment));
  }

  /** The next 64 bits, as two unsigned halves in `high` and `low`. Unrolled: this is most of the work of a draw. */
  private step(): void {
    const { s0, s1, s2, s3, s4, s5, s6, s7, increment } = this;
    const t0 = increment[0]! + s0 * M0;
    const c0 = Math.floor(t0 * SHIFT);
    const t1 = increment[1]! + s0 * M1 + s1 * M0 + c0;
    const c1 = Math.floor(t1 * SHIFT);
    const t2 = increment[2]! + s0 * M2 + s1 * M1 + s2 * M0 + c1;
    const c2 = Math.floor(t2 * SHIFT);
    const t3 = increment[3]! + s0 * M3 + s1 * M2 + s2 * M1 + s3 * M0 + c2;
    const c3 = Math.floor(t3 * SHIFT);
    const t4 = increment[4]! + s0 * M4 + s1 * M3 + s2 * M2 + s3 * M1 + s4 * M0 + c3;
    const c4 = Math.floor(t4 * SHIFT);
    const t5 = increment[5]! + s0 * M5 + s1 * M4 + s2 * M3 + s3 * M2 + s4 * M1 + s5 * M0 + c4;
    const c5 = Math.floor(t5 * SHIFT);
    const t6 = increment[6]! + s0 * M6 + s1 * M5 + s2 * M4 + s3 * M3 + s4 * M2 + s5 * M1 + s6 * M0 + c5;
    const c6 = Math.floor(t6 * SHIFT);
    const t7 = increment[7]! + s0 * M7 + s1 * M6 + s2 * M5 + s3 * M4 + s4 * M3 + s5 * M2 + s6 * M1 + s7 * M0 + c6;
    const c7 = Math.floor(t7 * SHIFT);
    this.s0 = t0 - c0 * 65536;
    this.s1 = t1 - c1 * 65536;
    this.s2 = t2 - c2 * 65536;
    this.s3 = t3 - c3 * 65536;
    this.s4 = t4 - c4 * 65536;
    this.s5 = t5 - c5 * 65536;
    this.s6 = t6 - c6 * 65536;
    this.s7 = t7 - c7 * 65536;
    const top = ((this.s7 << 16) | this.s6) >>> 0;
    const high = (top ^ ((this.s3 << 16) | this.s2)) >>> 0;
    const low = (((this.s5 << 16) | this.s4) ^ ((this.s1 << 16) | this.s0)) >>> 0;
    const turn = top >>> 26;
    const from = turn < 32 ? high : low;
    const to = turn < 32 ? low : high;
    const by = turn & 31;
    this.high = by === 0 ? from : ((from >>> by) | (to << (32 - by))) >>> 0;
    this.low = by === 0 ? to : ((to >>> by) | (from << (32 - by))) >>> 0;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    this.step();
    return (this.high * 2 ** 21 + (this.low >>> 11)) / 2 ** 53;
  }

  normal(): number {
    for (;;) {
      this.step();
      const layer = this.low & 0xff;
      const negative = (this.low >>> 8) & 1;
      // bits 9 to 60
      const steps = ((this.high >>> 9) & 0xfffff) * 2 ** 32 + (((this.low >>> 9) | (this.high << 23)) >>> 0);
      const size = steps * NORMAL.width[layer]!;
      const x = negative ? -size : size;
      if (steps < NORMAL.inside[layer]!) return x;
      if (layer === 0) return this.tail(steps);
      const above = NORMAL.height[layer - 1]!;
      const below = NORMAL.height[layer]!;
      if ((above - below) * this.uniform() + below < Math.exp(-0.5 * x * x)) return x;
    }
  }

  private tail(steps: number): number {
    const negative = Math.floor(steps / 256) % 2 === 1;
    for (;;) {
      const beyond = -Math.log1p(-this.uniform()) / NORMAL_END;
      const height = -Math.log1p(-this.uniform());
      if (height + height > beyond * beyond) return negative ? -(NORMAL_END + beyond) : NORMAL_END + beyond;
    }
  }

  exponential(): number {
    for (;;) {
      this.step();
      const layer = (this.low >>> 3) & 0xff;
      const steps = (this.high >>> 11) * 2 ** 32 + (((this.low >>> 11) | (this.high << 21)) >>> 0);
      const x = steps * EXPONENTIAL.width[layer]!;
      if (steps < EXPONENTIAL.inside[layer]!) return x;
      if (layer === 0) return EXPONENTIAL_END - Math.log1p(-this.uniform());
      const above = EXPONENTIAL.height[layer - 1]!;
      const below = EXPONENTIAL.height[layer]!;
      if ((above - below) * this.uniform() + below < Math.exp(-x)) return x;
    }
  }

  gamma(shape: number): number {
    if (shape === 1) return this.exponential();
    return shape < 1 ? this.smallGamma(shape) : this.largeGamma(shape);
  }

  private smallGamma(shape: number): number {
    for (;;) {
      const u = this.uniform();
      const v = this.exponential();
      if (u <= 1 - shape) {
        const x = u ** (1 / shape);
        if (x <= v) return x;
      } else {
        const y = -Math.log((1 - u) / shape);
        const x = (1 - shape + shape * y) ** (1 / shape);
        if (x <= v + y) return x;
      }
    }
  }

  private largeGamma(shape: number): number {
    const b = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * b);
    for (;;) {
      let x: number;
      let v: number;
      do {
        x = this.normal();
        v = 1 + c * x;
      } while (v <= 0);
      v = v * v * v;
      const u = this.uniform();
      if (u < 1 - 0.0331 * (x * x) * (x * x)) return b * v;
      if (Math.log(u) < 0.5 * x * x + b * (1 - v + Math.log(v))) return b * v;
    }
  }

  /** The next `count` normal variables; the same from the same state, so the last ones are kept. */
  normals(count: number): Float64Array {
    const start = this.place();
    if (kept?.start !== start || kept.values.length !== count) {
      const values = new Float64Array(count);
      for (let at = 0; at < count; at++) values[at] = this.normal();
      kept = { start, values, end: this.limbs() };
    } else {
      [this.s0, this.s1, this.s2, this.s3, this.s4, this.s5, this.s6, this.s7] = kept.end;
    }
    return kept.values;
  }

  private limbs(): Limbs {
    return [this.s0, this.s1, this.s2, this.s3, this.s4, this.s5, this.s6, this.s7];
  }

  private place(): string {
    return `${this.limbs().join()} ${this.increment.join()}`;
  }

  chiSquare(freedom: number): number {
    return 2 * this.gamma(freedom / 2);
  }
}
