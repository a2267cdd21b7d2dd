// numpy's random streams, so that what Python draws is drawn here too: PCG64 (O'Neill 2014), normal and
// exponential variables by the ziggurat (Marsaglia and Tsang 2000a), gamma (Marsaglia and Tsang 2000b).
import type { Generator } from "../schema";

const LIMBS = 8;
const BASE = 65536;
const MULTIPLIER = limbs(0x2360ed051fc65da44385df649fccf645n);

function limbs(value: bigint): Float64Array {
  return Float64Array.from({ length: LIMBS }, (_, at) => Number((value >> BigInt(16 * at)) & 0xffffn));
}

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
  private readonly state: Float64Array;
  private readonly increment: Float64Array;
  private readonly next = new Float64Array(LIMBS);
  private high = 0;
  private low = 0;

  constructor(from: Generator) {
    this.state = limbs(BigInt(from.state));
    this.increment = limbs(BigInt(from.increment));
  }

  /** The next 64 bits, as two unsigned halves in `high` and `low`. */
  private step(): void {
    const { state, increment, next } = this;
    let carry = 0;
    for (let at = 0; at < LIMBS; at++) {
      let total = increment[at]! + carry;
      for (let part = 0; part <= at; part++) total += state[part]! * MULTIPLIER[at - part]!;
      carry = Math.floor(total / BASE);
      next[at] = total - carry * BASE;
    }
    state.set(next);
    const word = (at: number): number => ((state[at + 1]! << 16) | state[at]!) >>> 0;
    const top = word(6);
    const high = (top ^ word(2)) >>> 0;
    const low = (word(4) ^ word(0)) >>> 0;
    const turn = top >>> 26;
    const [from, to] = turn < 32 ? [high, low] : [low, high];
    const by = turn & 31;
    this.high = by === 0 ? from : ((from >>> by) | (to << (32 - by))) >>> 0;
    this.low = by === 0 ? to : ((to >>> by) | (from << (32 - by))) >>> 0;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    this.step();
    return ((this.high >>> 5) * 67108864 + (this.low >>> 6)) / 9007199254740992;
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
      const [above, below] = [NORMAL.height[layer - 1]!, NORMAL.height[layer]!];
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
      const [above, below] = [EXPONENTIAL.height[layer - 1]!, EXPONENTIAL.height[layer]!];
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

  chiSquare(freedom: number): number {
    return 2 * this.gamma(freedom / 2);
  }
}
