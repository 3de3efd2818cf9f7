/** Random inputs of attention, and comparisons, for tests of the twin and of the native kernels. */
import { createRandom } from '../../src/core/random.ts';
import type { AttentionMask, AttentionShape } from '../../src/tensor/reference/attention.ts';

type Random = ReturnType<typeof createRandom>;

export interface Tensors {
  q: Float32Array;
  k: Float32Array;
  v: Float32Array;
  out: Float32Array;
  lse: Float32Array;
  dout: Float32Array;
  dq: Float32Array;
  dk: Float32Array;
  dv: Float32Array;
}

/** About normal (a sum of three uniform numbers), so that some scores are large. */
export function normals(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => 2 * (random.float() + random.float() + random.float()) - 3);
}

export function shapeOf(sizes: Partial<AttentionShape> & { headSize: number }): AttentionShape {
  const queries = sizes.queries ?? sizes.keys ?? 1;
  const keyHeads = sizes.keyHeads ?? 1;
  return {
    batch: 1,
    queries,
    keys: sizes.keys ?? queries,
    queryHeads: sizes.queryHeads ?? keyHeads,
    keyHeads,
    scale: 1 / Math.sqrt(sizes.headSize),
    ...sizes,
  };
}

/** Inputs drawn from `seed`; results are filled with 7, so that what is not written shows. */
export function tensorsOf(shape: AttentionShape, seed: number): Tensors {
  const random = createRandom(seed);
  const { batch, queries, keys, queryHeads, keyHeads, headSize } = shape;
  const [querySize, keySize] = [batch * queries * queryHeads * headSize, batch * keys * keyHeads * headSize];
  const unset = (size: number): Float32Array => new Float32Array(size).fill(7);
  return {
    q: normals(random, querySize),
    k: normals(random, keySize),
    v: normals(random, keySize),
    dout: normals(random, querySize),
    out: unset(querySize),
    lse: unset(batch * queries * queryHeads),
    dq: unset(querySize),
    dk: unset(keySize),
    dv: unset(keySize),
  };
}

/** A shape and a mask with any of the options. */
export function randomCase(seed: number): { shape: AttentionShape; mask: AttentionMask } {
  const random = createRandom(seed);
  const pick = <T>(...items: T[]): T => items[random.below(items.length)] as T;
  const keyHeads = 1 + random.below(3);
  const isPacked = random.below(3) === 0;
  const keys = pick(1, 2, 5, 17, 63, 64, 65, 128, 130, 200, 300);
  const queries = isPacked ? keys : pick(keys, keys, 1, 3, 40);
  const batch = 1 + random.below(3);
  const shape = shapeOf({
    batch,
    queries,
    keys,
    keyHeads,
    queryHeads: keyHeads * (1 + random.below(3)),
    headSize: pick(2, 3, 8, 16, 20, 32, 40, 64, 80, 128),
  });
  const mask: AttentionMask = { causal: random.below(4) !== 0 };
  if (random.below(3) === 0) mask.window = 1 + random.below(keys + 20);
  if (isPacked) mask.segmentIds = segmentIds(random, batch, keys);
  if (random.below(3) === 0) mask.prefix = Int32Array.from({ length: batch }, () => random.below(keys + 2));
  if (random.below(3) === 0) {
    mask.keyRange = Int32Array.from({ length: 2 * batch }, (_, i) =>
      i % 2 === 0 ? random.below(1 + (keys >> 1)) : keys - random.below(1 + (keys >> 2)),
    );
  }
  return { shape, mask };
}

function segmentIds(random: Random, batch: number, keys: number): Int32Array {
  const ids = new Int32Array(batch * keys);
  for (let b = 0; b < batch; b++) {
    let id = random.below(3);
    for (let j = 0; j < keys; j++) {
      if (random.below(Math.max(2, keys >> 2)) === 0) id += 1 + random.below(2);
      ids[b * keys + j] = id;
    }
  }
  return ids;
}

/** The largest difference beside the larger of 1 and the exact value's size; infinite values must be equal. */
export function largestError(found: Float32Array, exact: Float32Array): number {
  let worst = 0;
  for (let i = 0; i < exact.length; i++) {
    if (found[i] === exact[i]) continue;
    const error = Math.abs(found[i] - exact[i]) / Math.max(1, Math.abs(exact[i]));
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  }
  return worst;
}
