// numpy's random streams, so that what Python draws is drawn here too: PCG64 (O'Neill 2014), normal and
// exponential variables by the ziggurat (Marsaglia and Tsang 2000a), gamma (Marsaglia and Tsang 2000b).
import type { Generator } from "../schema";

// PCG64's multiplier 0x2360ed051fc65da44385df649fccf645, 24 bits at a time, the lowest first: sums of six products
// of 24 bits are exact
const M0 = 0xccf645;
const M1 = 0xdf649f;
const M2 = 0xa44385;
const M3 = 0x1fc65d;
const M4 = 0x60ed05;
const M5 = 0x23;

type Limbs = [number, number, number, number, number, number];

const LIMB = 2 ** 24;
const SHIFT = 2 ** -24;

const limbs = (value: bigint): Limbs => Array.from({ length: 6 }, (_, at) => Number((value >> BigInt(24 * at)) & 0xffffffn)) as Limbs;

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

export class Random {
  private s0: number;
  private s1: number;
  private s2: number;
  private s3: number;
  private s4: number;
  private s5: number;
  private readonly i0: number;
  private readonly i1: number;
  private readonly i2: number;
  private readonly i3: number;
  private readonly i4: number;
  private readonly i5: number;
  private high = 0;
  private low = 0;

  constructor(from: Generator) {
    [this.s0, this.s1, this.s2, this.s3, this.s4, this.s5] = limbs(BigInt(from.state));
    [this.i0, this.i1, this.i2, this.i3, this.i4, this.i5] = limbs(BigInt(from.increment));
  }

  /** The next 64 bits, as two unsigned halves in `high` and `low`. Unrolled: this is most of the work of a draw. */
  private step(): void {
    const { s0, s1, s2, s3, s4, s5 } = this;
    const t0 = this.i0 + s0 * M0;
    const c0 = Math.floor(t0 * SHIFT);
    const t1 = this.i1 + s0 * M1 + s1 * M0 + c0;
    const c1 = Math.floor(t1 * SHIFT);
    const t2 = this.i2 + s0 * M2 + s1 * M1 + s2 * M0 + c1;
    const c2 = Math.floor(t2 * SHIFT);
    const t3 = this.i3 + s0 * M3 + s1 * M2 + s2 * M1 + s3 * M0 + c2;
    const c3 = Math.floor(t3 * SHIFT);
    const t4 = this.i4 + s0 * M4 + s1 * M3 + s2 * M2 + s3 * M1 + s4 * M0 + c3;
    const c4 = Math.floor(t4 * SHIFT);
    const t5 = this.i5 + s0 * M5 + s1 * M4 + s2 * M3 + s3 * M2 + s4 * M1 + s5 * M0 + c4;
    const n0 = t0 - c0 * LIMB;
    const n1 = t1 - c1 * LIMB;
    const n2 = t2 - c2 * LIMB;
    const n3 = t3 - c3 * LIMB;
    const n4 = t4 - c4 * LIMB;
    // the last limb has the 8 bits that are left of 128
    const n5 = t5 - Math.floor(t5 / 256) * 256;
    this.s0 = n0;
    this.s1 = n1;
    this.s2 = n2;
    this.s3 = n3;
    this.s4 = n4;
    this.s5 = n5;
    const top = ((n5 << 24) | n4) >>> 0;
    const high = (top ^ ((n2 << 16) | (n1 >>> 8))) >>> 0;
    const low = (((n3 << 8) | (n2 >>> 16)) ^ ((n1 << 24) | n0)) >>> 0;
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

  /** Where the stream stands: equal places have equal futures. */
  get place(): Limbs {
    return [this.s0, this.s1, this.s2, this.s3, this.s4, this.s5];
  }

  set place(to: Limbs) {
    [this.s0, this.s1, this.s2, this.s3, this.s4, this.s5] = to;
  }

  /** In words, with the stream. */
  get name(): string {
    return [...this.place, this.i0, this.i1, this.i2, this.i3, this.i4, this.i5].join();
  }

  chiSquare(freedom: number): number {
    return 2 * this.gamma(freedom / 2);
  }
}
