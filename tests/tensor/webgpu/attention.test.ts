/**
 * Attention on WebGPU against the reference backend: random shapes and masks, head sizes that are and are not vectors,
 * few queries over many keys, operands that a binding does not hold, and less workgroup memory; by the kernels of tiles,
 * which GPUs take, and by those for software adapters.
 *
 * Each size of head and kind of mask is a kernel of its own, which software adapters take a second or two to compile: most
 * cases share theirs.
 */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { AttentionMask, AttentionShape } from '../../../src/tensor/reference/attention.ts';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { normals, randomCase, shapeOf, tensorsOf } from '../attention-cases.ts';
import {
  compareOn,
  expectClose,
  type OperationCase,
  operation,
  reference,
  runOperation,
  type Tolerance,
} from '../operation-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

// A software adapter takes a second for each kernel to compile, and much longer when the machine is busy.
vi.setConfig({ testTimeout: 300_000 });

const FORWARD: Tolerance = { ofLargest: 1e-5, absolute: 2e-6 };
/** Where a query sees one key its gradient is 0 but for rounding. */
const BACKWARD: Tolerance = { ofLargest: 2e-5, absolute: 3e-6 };

/** Of the cases that are not about the head. */
const HEAD = 12;

function attributesOf(shape: AttentionShape, mask: AttentionMask): number[] {
  const { batch, queries, keys, queryHeads, keyHeads, headSize, scale } = shape;
  return [batch, queries, keys, queryHeads, keyHeads, headSize, scale, Number(mask.causal), mask.window ?? 0];
}

function forwardCase(shape: AttentionShape, mask: AttentionMask, seed: number): OperationCase {
  const { q, k, v, out, lse } = tensorsOf(shape, seed);
  const inputs = [q, k, v, mask.segmentIds, mask.prefix, mask.keyRange];
  return operation('attention', attributesOf(shape, mask), inputs, [out.length, lse.length]);
}

/** The gradients' inputs hold the reference's own results. */
async function gradientCase(shape: AttentionShape, mask: AttentionMask, seed: number): Promise<OperationCase> {
  const { q, k, v, dout } = tensorsOf(shape, seed);
  const [out, lse] = await runOperation(reference, forwardCase(shape, mask, seed));
  const inputs = [dout, q, k, v, out, lse, mask.segmentIds, mask.prefix, mask.keyRange];
  return operation('attentionGrad', attributesOf(shape, mask), inputs, [q.length, k.length, v.length]);
}

/** Dual chunk attention, whose three rotations are random numbers. */
function dualChunkCase(shape: AttentionShape, length: number, keyRange: Int32Array | undefined, seed: number) {
  const { batch, queries, keys, queryHeads, keyHeads, headSize, scale } = shape;
  const { q, k, v, out, lse } = tensorsOf(shape, seed);
  const random = createRandom(seed + 1);
  const inputs = [q, normals(random, q.length), normals(random, q.length), k, v, keyRange];
  const attributes = [batch, queries, keys, queryHeads, keyHeads, headSize, scale, length];
  return operation('dualChunkAttention', attributes, inputs, [out.length, lse.length]);
}

/** Each combination of masks once, at a shape of its own. */
function maskedCase(code: number): { shape: AttentionShape; mask: AttentionMask } {
  const random = createRandom(100 + code);
  const [causal, hasWindow, hasSegments, hasPrefix, hasRange] = [1, 2, 4, 8, 16].map((bit) => (code & bit) !== 0);
  const keys = 20 + random.below(80);
  const queries = hasSegments ? keys : 9 + random.below(keys - 9);
  const batch = 1 + random.below(2);
  const shape = shapeOf({
    batch,
    queries,
    keys,
    keyHeads: 1 + (code % 2),
    queryHeads: 2,
    headSize: HEAD,
  });
  const perRow = (value: () => number): Int32Array => Int32Array.from({ length: batch }, value);
  const ids = new Int32Array(batch * keys);
  for (let i = 0; i < ids.length; i++) ids[i] = i % keys === 0 ? 0 : ids[i - 1] + Number(random.below(12) === 0);
  const used = Array.from({ length: batch }, () => {
    const first = random.below(keys >> 1);
    return [first, first + random.below(keys - first + 1)];
  }).flat();
  const mask: AttentionMask = {
    causal,
    window: hasWindow ? 1 + random.below(keys / 2) : 0,
    segmentIds: hasSegments ? ids : undefined,
    prefix: hasPrefix ? perRow(() => random.below(keys)) : undefined,
    keyRange: hasRange ? Int32Array.from(used) : undefined,
  };
  return { shape, mask };
}

async function both(backend: WebGpuBackend, shape: AttentionShape, mask: AttentionMask, seed: number): Promise<void> {
  await compareOn(backend, forwardCase(shape, mask, seed), FORWARD);
  await compareOn(backend, await gradientCase(shape, mask, seed), BACKWARD);
}

describeWithWebGpu('attention on WebGPU, by tiles', () => agrees(false));
describeWithWebGpu('attention on WebGPU, by lanes, as in software', () => agrees(true));

function agrees(isSoftware: boolean): void {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webGpuBackend({ products: { isSoftware } });
  });
  afterAll(() => backend?.dispose());

  it('agrees for every combination of masks', async () => {
    for (let code = 0; code < 32; code++) {
      const { shape, mask } = maskedCase(code);
      await both(backend, shape, mask, code);
    }
  });

  it('agrees at random shapes and masks', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { shape, mask } = randomCase(seed);
      const given = { ...shape, headSize: HEAD };
      if (multiplications(given) >= 2e6) continue;
      // Few queries under other masks have a test of their own.
      const isFew = shape.queries <= 8;
      await both(backend, given, isFew ? { causal: mask.causal, window: mask.window } : mask, seed);
    }
  });

  // Both widths of tiles, forward and backward; one vector of a thread and more; vectors and not; the longest.
  it.each(isSoftware ? [1, 64] : [1, 64, 70, 256])('agrees for heads of %i', async (headSize) => {
    const group = 1 + (headSize % 4);
    const shape = shapeOf({ headSize, batch: 2, queries: 70, keys: 83, keyHeads: 2, queryHeads: 2 * group });
    // What the reference does in reasonable time.
    const small = multiplications(shape) < 8e6 ? shape : { ...shape, batch: 1, keyHeads: 1, queryHeads: group };
    // By tiles, gradients have the narrow tile at 1, the wide one at 64 and 70.
    if (!isSoftware && headSize === 256)
      await compareOn(backend, forwardCase(small, { causal: true }, headSize), FORWARD);
    else await both(backend, small, { causal: true }, headSize);
  });

  it('agrees for groups of one to four heads on a KV head, and scales of any sign', async () => {
    for (const group of [1, 2, 3, 4]) {
      const shape = shapeOf({ headSize: HEAD, batch: 2, queries: 33, keys: 65, keyHeads: 2, queryHeads: 2 * group });
      for (const scale of [0.7, -0.3, 0]) await both(backend, { ...shape, scale }, { causal: group % 2 === 0 }, group);
    }
  });

  it('agrees for few queries over many keys', async () => {
    const random = createRandom(5);
    for (const [headSize, keyHeads, group] of [
      [HEAD, 2, 1],
      [HEAD, 1, 7],
      [256, 1, 3],
    ]) {
      for (const queries of headSize === HEAD ? [1, 5, 8] : [5]) {
        const keys = 130 + random.below(1000);
        const sizes = { headSize, batch: 2, queries, keys, keyHeads, queryHeads: keyHeads * group };
        const keyRange = Int32Array.of(0, queries + random.below(100), 40, keys - random.below(20));
        const mask: AttentionMask = { causal: true, keyRange, window: queries === 5 ? 60 : 0 };
        const prefix = queries === 8 && headSize === HEAD ? Int32Array.of(9, 90) : undefined;
        await compareOn(backend, forwardCase(shapeOf(sizes), { ...mask, prefix }, queries), FORWARD);
      }
    }
  });

  it('gives 0 and minus infinity where a query sees no key', async () => {
    // In the second row the last ten queries see keys, in the first none does; then a cache that is empty.
    for (const [queries, keyRange] of [
      [20, [5, 5, 0, 10]],
      [3, [5, 5, 0, 2]],
      [2, [0, 0, 300, 200]],
    ] as const) {
      const shape = shapeOf({ headSize: HEAD, batch: 2, queries, keys: 300, keyHeads: 1, queryHeads: 2 });
      const mask = { causal: true, keyRange: Int32Array.from(keyRange) };
      const given = forwardCase(shape, mask, 1);
      const [out, lse] = await runOperation(backend, given);
      expect([...out.subarray(0, queries * 2 * HEAD)]).toEqual(Array(queries * 2 * HEAD).fill(0));
      expect([...lse.subarray(0, queries * 2)]).toEqual(Array(queries * 2).fill(Number.NEGATIVE_INFINITY));
      await compareOn(backend, given, FORWARD);
      await compareOn(backend, await gradientCase(shape, mask, 1), BACKWARD);
    }
    const none = operation(
      'attention',
      [1, 2, 0, 1, 1, HEAD, 1, 1, 0],
      [new Float32Array(2 * HEAD), new Float32Array(0), new Float32Array(0), undefined, undefined, undefined],
      [2 * HEAD, 2],
    );
    const [out, lse] = await runOperation(backend, none);
    expect([...out, ...lse]).toEqual([...Array(2 * HEAD).fill(0), Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });

  it('agrees in dual chunk attention, by tiles and for few queries', async () => {
    for (const [queries, keys, length, headSize] of [
      [40, 40, 1, HEAD],
      [70, 150, 16, HEAD],
      [100, 200, 50, 7],
      [65, 65, 1000, HEAD],
      [1, 400, 30, HEAD],
      [6, 300, 128, 7],
    ]) {
      const shape = shapeOf({ headSize, batch: 2, queries, keys, keyHeads: 1, queryHeads: 2 });
      const keyRange = Int32Array.of(3, keys, 0, keys >> 1);
      if (headSize === HEAD) await compareOn(backend, dualChunkCase(shape, length, undefined, keys), FORWARD);
      await compareOn(backend, dualChunkCase(shape, length, keyRange, keys), FORWARD);
    }
  });

  it('agrees for operands anywhere in one buffer', async () => {
    const shape = shapeOf({ headSize: HEAD, batch: 1, queries: 30, keys: 40, keyHeads: 2, queryHeads: 4 });
    const few = { ...shape, queries: 3 };
    const mask = { causal: true, prefix: Int32Array.of(7), keyRange: Int32Array.of(2, 38) };
    for (const given of [forwardCase(shape, mask, 1), forwardCase(few, mask, 2), await gradientCase(shape, mask, 3)]) {
      const wanted = await runOperation(reference, given);
      const found = await runInOneBuffer(given, 1);
      found.forEach((values, i) => {
        expectClose(values, wanted[i], BACKWARD, `${given.operation}, output ${i}`);
      });
    }
  });

  /** Outputs of `given` from one buffer, where numbers begin `start` words after a multiple of 64; masks are in another. */
  async function runInOneBuffer(given: OperationCase, start: number): Promise<Float32Array[]> {
    const lengths = { f32: 0, i32: 0 };
    const place = (count: number, dtype: 'f32' | 'i32') => {
      const offset = lengths[dtype] + (dtype === 'i32' ? 1 : start);
      lengths[dtype] = Math.ceil((offset + count) / 64) * 64;
      return { slot: dtype === 'f32' ? 1 : 2, offset, length: count, dtype };
    };
    const inputs = given.inputs.map((values) =>
      values === undefined ? undefined : place(values.length, values instanceof Int32Array ? 'i32' : 'f32'),
    );
    const outputs = given.outputs.flatMap((count) => (count === undefined ? [] : place(count, 'f32')));
    const buffers = [
      backend.createBuffer('f32', lengths.f32, 'numbers'),
      backend.createBuffer('i32', lengths.i32, 'masks'),
    ];
    inputs.forEach((at, i) => {
      const values = given.inputs[i];
      if (at !== undefined && values !== undefined) backend.write(buffers[at.slot - 1], values, at.offset);
    });
    const { operation, attributes } = given;
    const instruction = { operation, attributes, inputs, outputs };
    const executable = backend.compile({ name: 'one buffer', buffers, instructions: [instruction], arenaLength: 0 });
    await executable.run();
    const values = await Promise.all(outputs.map((at) => backend.read(buffers[0], at.offset, at.length)));
    executable.dispose();
    for (const buffer of buffers) backend.disposeBuffer(buffer);
    return values as Float32Array[];
  }

  it('gives the same bits every time', async () => {
    const shape = shapeOf({ headSize: HEAD, batch: 2, queries: 90, keys: 90, keyHeads: 1, queryHeads: 3 });
    const few = { ...shape, queries: 4, keys: 500 };
    for (const given of [
      forwardCase(shape, { causal: true }, 1),
      forwardCase(few, { causal: true }, 1),
      await gradientCase(shape, { causal: true }, 1),
    ]) {
      const [first, second] = [await runOperation(backend, given), await runOperation(backend, given)];
      expect(second).toEqual(first);
    }
  });
}

describeWithWebGpu('attention on lesser WebGPU adapters', () => {
  /** Heads of 40 over 430 keys are more than these hold. */
  const SMALL_BINDINGS = { maxStorageBufferBindingSize: 1 << 16 };

  it('agrees with less workgroup memory and bindings of 64 KB', async () => {
    const backend = await webGpuBackend({
      limits: { ...SMALL_BINDINGS, maxComputeWorkgroupStorageSize: 16384 },
      products: { isSoftware: false },
    });
    await both(backend, ...windowed(40, 150, 430), 40);
    await compareOn(backend, forwardCase(...windowed(40, 4, 430), 1), FORWARD);
    // Segments over keys that are cut.
    const [packed] = windowed(40, 430, 430);
    const segmentIds = Int32Array.from({ length: 860 }, (_, i) => Math.floor((i % 430) / 90) + Math.floor(i / 430));
    await compareOn(backend, forwardCase({ ...packed, queryHeads: 1 }, { causal: true, segmentIds }, 2), FORWARD);
    await dualChunks(backend);
    await backend.dispose();
  });

  it('agrees with half the threads too', async () => {
    const limits = {
      maxComputeInvocationsPerWorkgroup: 128,
      maxComputeWorkgroupSizeX: 128,
      maxComputeWorkgroupStorageSize: 16384,
    };
    const backend = await webGpuBackend({ limits, products: { isSoftware: false } });
    await compareOn(backend, await gradientCase(...windowed(40, 90, 200), 40), BACKWARD);
    await backend.dispose();
  });

  it('agrees with bindings of 64 KB, by lanes', async () => {
    const backend = await webGpuBackend({ limits: SMALL_BINDINGS, products: { isSoftware: true } });
    for (const queries of [150, 4]) await both(backend, ...windowed(40, queries, 430), queries);
    await dualChunks(backend);
    await backend.dispose();
  });

  function windowed(headSize: number, queries: number, keys: number): [AttentionShape, AttentionMask] {
    const shape = shapeOf({ headSize, batch: 2, queries, keys, keyHeads: 1, queryHeads: 2 });
    return [shape, { causal: true, window: 80, prefix: Int32Array.of(30, 2) }];
  }

  async function dualChunks(backend: WebGpuBackend): Promise<void> {
    for (const [headSize, queries, keys] of [
      [256, 8, 200],
      [40, 70, 430],
    ]) {
      const shape = shapeOf({ headSize, queries, keys, queryHeads: 1 });
      await compareOn(backend, dualChunkCase(shape, 30, undefined, 1), FORWARD);
    }
  }
});

function multiplications({ batch, queries, keys, queryHeads, headSize }: AttentionShape): number {
  return batch * queries * keys * queryHeads * headSize;
}
