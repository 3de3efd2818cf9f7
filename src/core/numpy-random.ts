/**
 * numpy's legacy generator, `RandomState(seed).randint(low, high, dtype=uint64)`, number for number: peers draw the
 * constants of their hash functions from it, so equal signatures need equal draws. For compatibility alone; what is random of
 * our own comes from random.ts.
 *
 * MT19937 (Matsumoto & Nishimura 1998), seeded by Knuth's recurrence as in the authors' `init_genrand`. A bounded draw takes
 * 64 bits, the first output above the second, keeps as many low bits as the bound needs, and draws again while the
 * result is above the bound (numpy/random/src/distributions/distributions.c, masked rejection).
 */
const SIZE = 624;
const MIDDLE = 397;

export interface NumpyRandom {
  uint32(): number;
  /** A number from `low` to `high` − 1. The range must need more than 32 bits: for smaller ones numpy draws otherwise. */
  randint(low: bigint, high: bigint): bigint;
}

export function createNumpyRandom(seed: number): NumpyRandom {
  const state = new Uint32Array(SIZE);
  state[0] = seed;
  for (let i = 1; i < SIZE; i++) {
    const last = state[i - 1];
    state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
  }
  let position = SIZE;

  const uint32 = (): number => {
    if (position === SIZE) {
      refill(state);
      position = 0;
    }
    let y = state[position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
  const randint = (low: bigint, high: bigint): bigint => {
    const range = high - low - 1n;
    if (range <= 0xffffffffn || range > 0xffffffffffffffffn) throw new RangeError('a range of 33 to 64 bits is needed');
    const bits = range.toString(2).length;
    for (;;) {
      const upper = BigInt(uint32());
      const drawn = BigInt.asUintN(bits, (upper << 32n) | BigInt(uint32()));
      if (drawn <= range) return low + drawn;
    }
  };
  return { uint32, randint };
}

function refill(state: Uint32Array): void {
  for (let i = 0; i < SIZE; i++) {
    const y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
    state[i] = state[(i + MIDDLE) % SIZE] ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : 0x9908b0df);
  }
}
