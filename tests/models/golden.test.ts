/** The six golden architectures against PyTorch's values: see shared/goldens/README.md for what they are and the limits. */
import { expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { forward, outputWeight } from '../../src/models/forward.ts';
import { ropeTables } from '../../src/models/rope-tables.ts';
import type { Backend, Buffer } from '../../src/tensor/backend.ts';
import { Graph, type Tensor } from '../../src/tensor/graph.ts';
import { createNativeBackend } from '../../src/tensor/native/backend.ts';
import { linear } from '../../src/tensor/ops/matmul.ts';
import { plan } from '../../src/tensor/plan.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { pretrainingObjective } from '../../src/training/objective.ts';
import { createTrainStep } from '../../src/training/train-step.ts';
import { describeWithShared } from '../shared.ts';
import { GOLDEN_MODELS, type GoldenModel, openGolden } from './golden-model.ts';

/** Logits of ids [batch, time]. */
async function logitsOf(
  backend: Backend,
  golden: GoldenModel,
  batch: number,
  ids: Int32Array,
  packed?: { positions: Int32Array; segmentIds: Int32Array },
): Promise<Float32Array> {
  const { config, weights } = golden;
  const time = ids.length / batch;
  const graph = new Graph('logits');
  const put = (name: string, data: Int32Array | Float32Array, shape: number[]): Tensor => {
    const buffer = backend.createBuffer(data instanceof Int32Array ? 'i32' : 'f32', data.length, name);
    backend.write(buffer, data);
    return graph.buffer(buffer, shape);
  };
  if (config.architecture === 'gpt2') throw new TypeError('no golden of GPT-2');
  const tables = ropeTables(config, time);
  const shape = [time, config.headDim / 2];
  const tensors = weights.tensors(graph);
  const { hidden } = forward(config, tensors, {
    batch,
    ids: put('ids', ids, [ids.length]),
    positions: put('positions', packed?.positions ?? ids.map((_, i) => i % time), [ids.length]),
    segmentIds: packed && put('segments', packed.segmentIds, [batch, time]),
    rope: { cos: put('cos', tables.cos, shape), sin: put('sin', tables.sin, shape) },
  });
  const logits = linear(hidden, outputWeight(config, tensors));
  const out: Buffer = backend.createBuffer('f32', ids.length * config.vocabSize, 'logits');
  graph.assign(out, logits);
  await backend.compile(plan(graph)).run();
  return (await backend.read(out)) as Float32Array;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

/** The reference backend is slow: where the native one is there, the long part runs on two architectures of it. */
const backends = [
  {
    name: 'reference',
    open: createReferenceBackend,
    long: native !== undefined ? ['qwen2-moe', 'qwen3'] : GOLDEN_MODELS,
  },
  ...(native !== undefined
    ? [{ name: 'native', open: () => createNativeBackend({ threads: 2 }) as Backend, long: GOLDEN_MODELS }]
    : []),
];

describeWithShared('golden architectures', () => {
  for (const { name: backendName, open, long } of backends) {
    for (const name of GOLDEN_MODELS) {
      it(`${name} on the ${backendName} backend: logits within 2e-4, also of packed documents`, async () => {
        const backend = open();
        const golden = await openGolden(name, backend);
        const ids = await golden.ints('input_ids');
        const logits = await logitsOf(backend, golden, 4, ids);
        expect(largestDifference(logits, await golden.reference.readFloat32('logits'))).toBeLessThan(2e-4);
        const packed = await golden.ints('packed_input_ids');
        const packedLogits = await logitsOf(backend, golden, 1, packed, {
          positions: packed.map((_, i) => (i < 40 ? i : i - 40)),
          segmentIds: packed.map((_, i) => (i < 40 ? 0 : 1)),
        });
        expect(largestDifference(packedLogits, await golden.reference.readFloat32('packed_logits'))).toBeLessThan(2e-4);
        await golden.reference.close();
      });

      if (!(long as readonly string[]).includes(name)) continue;
      it(`${name} on the ${backendName} backend: loss, every gradient and twelve steps of AdamW`, async () => {
        const backend = open();
        const golden = await openGolden(name, backend);
        const { config, weights, expected } = golden;
        const batchOf = (ids: Int32Array, labels: Int32Array, batch: number) => {
          const time = ids.length / batch;
          const shifted = labels.map((_, i) => (i % time === time - 1 ? -100 : labels[i + 1]));
          const trained = shifted.filter((label) => label >= 0).length;
          return {
            ids,
            labels: shifted,
            positions: ids.map((_, i) => i % time),
            tokenWeights: new Float32Array(ids.length).fill(1 / trained),
            share: Float32Array.of(1),
          };
        };
        const adam = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clipNorm: 1, maxPositions: 96 };
        const coefficient = config.architecture === 'gpt2' ? 0 : (config.moe?.auxLossCoef ?? 0);
        const total = (metrics: Record<string, Float32Array>): number =>
          metrics['loss'][0] + coefficient * (metrics['balance']?.[0] ?? 0);

        const whole = createTrainStep(backend, weights, {
          ...adam,
          objective: pretrainingObjective({ batch: 4, time: 96, packed: false }),
        });
        const first = batchOf(await golden.ints('input_ids'), await golden.ints('labels'), 4);
        expect(Math.abs(total(await whole.accumulate(first)) / expected.loss - 1)).toBeLessThan(1e-5);
        for (const { name: parameter, gradient } of whole.state) {
          const found = (await backend.read(gradient)) as Float32Array;
          const reference = await referenceGradient(golden, parameter);
          const difference = found.reduce((sum, value, i) => sum + (value - reference[i]) ** 2, 0);
          const norm = reference.reduce((sum, value) => sum + value ** 2, 0);
          expect(Math.sqrt(difference / norm), parameter).toBeLessThan(1e-3);
        }

        const step = createTrainStep(backend, weights, {
          ...adam,
          objective: pretrainingObjective({ batch: 4, time: 64, packed: false }),
        });
        const batches = await golden.ints('train_batches');
        for (let at = 0; at < 12; at++) {
          const ids = batches.slice(at * 256, (at + 1) * 256);
          const loss = total(await step.accumulate(batchOf(ids, ids, 4)));
          const { gradientNorm } = await step.update({ learningRate: 3e-3, step: at + 1 });
          expect(Math.abs(loss / expected.train_losses[at] - 1), `loss of step ${at}`).toBeLessThan(1e-3);
          expect(Math.abs(gradientNorm / expected.train_grad_norms[at] - 1), `norm of step ${at}`).toBeLessThan(1e-3);
        }

        // The first 16 ids are given, the next 24 are the likeliest each time.
        const text = Array.from((await golden.ints('input_ids')).subarray(0, 16));
        while (text.length < 40) {
          const logits = await logitsOf(backend, golden, 1, Int32Array.from(text));
          const last = logits.subarray(-config.vocabSize);
          text.push(last.indexOf(last.reduce((most, value) => Math.max(most, value))));
        }
        expect(text).toEqual(expected.greedy_after_training);
        await golden.reference.close();
      });
    }
  }
});

/** The reference gradient of a parameter; transformers holds an expert's gate and up projections in one tensor. */
async function referenceGradient(golden: GoldenModel, parameter: string): Promise<Float32Array> {
  const { reference } = golden;
  if (reference.tensors.has(`grad.${parameter}`)) return reference.readFloat32(`grad.${parameter}`);
  const down = `grad.${parameter.replace(/\.weight$/, '')}`;
  if (reference.tensors.has(down)) return reference.readFloat32(down);
  const fused = `grad.${parameter.replace(/(gate|up)_proj\.weight$/, 'gate_up_proj')}`;
  const both = await reference.readFloat32(fused);
  const [experts, rows, columns] = reference.tensors.get(fused)?.shape ?? [];
  const half = (rows / 2) * columns;
  const offset = parameter.includes('up_proj') ? half : 0;
  const out = new Float32Array(experts * half);
  for (let e = 0; e < experts; e++)
    out.set(both.subarray(2 * e * half + offset, 2 * e * half + offset + half), e * half);
  return out;
}
