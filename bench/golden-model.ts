/**
 * A model with reference values made by PyTorch (shared/goldens/README.md says what a folder holds; peers/golden_models.py makes
 * folders of other configurations), in a backend's memory, and how far this trainer is from them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, type SafetensorsFile } from '../src/io/safetensors/reader.ts';
import { openCheckpoint } from '../src/models/checkpoint/read.ts';
import type { ModelConfig } from '../src/models/config.ts';
import { forward, outputWeight } from '../src/models/forward.ts';
import { ropeTables } from '../src/models/rope-tables.ts';
import { createWeights, type ModelWeights } from '../src/models/weights.ts';
import type { Backend } from '../src/tensor/backend.ts';
import { Graph, type Tensor } from '../src/tensor/graph.ts';
import { linear } from '../src/tensor/ops/matmul.ts';
import { plan } from '../src/tensor/plan.ts';
import { pretrainingObjective } from '../src/training/objective.ts';
import { createTrainStep } from '../src/training/train-step.ts';

/** The folders of shared/goldens. */
export const GOLDEN_MODELS = ['qwen2-gqa', 'qwen2-mha-tied', 'qwen2-yarn', 'qwen2-moe', 'qwen3', 'llama'] as const;

export interface GoldenModel {
  readonly config: ModelConfig;
  readonly weights: ModelWeights;
  readonly reference: SafetensorsFile;
  readonly expected: {
    readonly loss: number;
    readonly grad_norm: number;
    readonly train_losses: readonly number[];
    readonly train_grad_norms: readonly number[];
    readonly greedy_after_training: readonly number[];
  };
  ints(name: string): Promise<Int32Array>;
}

/** Differences from the reference: absolute for logits, relative (of norms: L2) for the rest; the largest of each kind. */
export interface GoldenErrors {
  logits: number;
  packedLogits: number;
  loss: number;
  gradient: number;
  /** The parameter with that gradient. */
  gradientOf: string;
  trajectory: number;
  greedyIdentical: boolean;
}

/** Opens a folder of goldens. */
export async function openGoldenFolder(folder: string, backend: Backend): Promise<GoldenModel> {
  const checkpoint = await openCheckpoint(folder);
  const { config } = checkpoint;
  const weights = createWeights(backend, config);
  for (const { name } of weights.parameters) weights.write(name, await checkpoint.read(name));
  await checkpoint.close();
  const reference = await openSafetensors(join(folder, 'reference.safetensors'));
  return {
    config,
    weights,
    reference,
    expected: JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')),
    ints: async (tensor) => Int32Array.from((await reference.read(tensor)) as ArrayLike<number>, Number),
  };
}

/** Logits of ids [batch, time], of all positions. */
export async function logitsOf(
  backend: Backend,
  golden: GoldenModel,
  batch: number,
  ids: Int32Array,
  packed?: { positions: Int32Array; segmentIds: Int32Array },
): Promise<Float32Array> {
  const { config, weights } = golden;
  const time = ids.length / batch;
  const graph = new Graph('logits');
  const buffers: ReturnType<Backend['createBuffer']>[] = [];
  const put = (name: string, data: Int32Array | Float32Array, shape: number[]): Tensor => {
    const buffer = backend.createBuffer(data instanceof Int32Array ? 'i32' : 'f32', data.length, name);
    buffers.push(buffer);
    backend.write(buffer, data);
    return graph.buffer(buffer, shape);
  };
  const tensors = weights.tensors(graph);
  const { hidden } = forward(config, tensors, {
    batch,
    ids: put('ids', ids, [ids.length]),
    positions: put('positions', packed?.positions ?? ids.map((_, i) => i % time), [ids.length]),
    segmentIds: packed && put('segments', packed.segmentIds, [batch, time]),
    ...(config.architecture !== 'gpt2' && {
      rope: {
        cos: put('cos', ropeTables(config, time).cos, [time, config.headDim / 2]),
        sin: put('sin', ropeTables(config, time).sin, [time, config.headDim / 2]),
      },
    }),
  });
  const logits = linear(hidden, outputWeight(config, tensors));
  const out = backend.createBuffer('f32', ids.length * config.vocabSize, 'logits');
  graph.assign(out, logits);
  const executable = backend.compile(plan(graph));
  await executable.run();
  const values = (await backend.read(out)) as Float32Array;
  executable.dispose();
  for (const buffer of [...buffers, out]) backend.disposeBuffer(buffer);
  return values;
}

/** Errors of the forward pass alone. */
export async function measureLogits(
  backend: Backend,
  golden: GoldenModel,
): Promise<Pick<GoldenErrors, 'logits' | 'packedLogits'>> {
  const logits = await logitsOf(backend, golden, 4, await golden.ints('input_ids'));
  const ids = await golden.ints('packed_input_ids');
  const packed = await logitsOf(backend, golden, 1, ids, {
    positions: ids.map((_, i) => (i < 40 ? i : i - 40)),
    segmentIds: ids.map((_, i) => (i < 40 ? 0 : 1)),
  });
  return {
    logits: largestDifference(logits, await golden.reference.readFloat32('logits')),
    packedLogits: largestDifference(packed, await golden.reference.readFloat32('packed_logits')),
  };
}

/** Errors of the loss and its gradients, of twelve steps of AdamW, and of the greedy text afterwards; changes the weights. */
export async function measureTraining(
  backend: Backend,
  golden: GoldenModel,
): Promise<Omit<GoldenErrors, 'logits' | 'packedLogits'>> {
  const { config, weights, expected } = golden;
  const adam = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clipNorm: 1, maxPositions: 96 };
  const coefficient = config.architecture === 'gpt2' ? 0 : (config.moe?.auxLossCoef ?? 0);
  const total = (metrics: Record<string, Float32Array>): number =>
    metrics['loss'][0] + coefficient * (metrics['balance']?.[0] ?? 0);

  const whole = createTrainStep(backend, weights, {
    ...adam,
    objective: pretrainingObjective({ batch: 4, time: 96, packed: false }),
  });
  const first = batchOf(await golden.ints('input_ids'), await golden.ints('labels'), 4);
  const loss = Math.abs(total(await whole.accumulate(first)) / expected.loss - 1);
  let gradient = 0;
  let gradientOf = '';
  for (const { name, gradient: buffer } of whole.state) {
    const found = (await backend.read(buffer)) as Float32Array;
    const reference = await referenceGradient(golden, name);
    const difference = found.reduce((sum, value, i) => sum + (value - reference[i]) ** 2, 0);
    const norm = reference.reduce((sum, value) => sum + value ** 2, 0);
    // A gradient that is zero by construction (the bias of keys without rotary positions) is rounding on both sides.
    const relative = Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-5 * expected.grad_norm);
    if (relative >= gradient) [gradient, gradientOf] = [relative, name];
  }
  whole.dispose();

  const step = createTrainStep(backend, weights, {
    ...adam,
    objective: pretrainingObjective({ batch: 4, time: 64, packed: false }),
  });
  const batches = await golden.ints('train_batches');
  let trajectory = 0;
  for (let at = 0; at < 12; at++) {
    const ids = batches.slice(at * 256, (at + 1) * 256);
    const found = total(await step.accumulate(batchOf(ids, ids, 4)));
    const { gradientNorm } = await step.update({ learningRate: 3e-3, step: at + 1 });
    const errors = [found / expected.train_losses[at] - 1, gradientNorm / expected.train_grad_norms[at] - 1];
    trajectory = Math.max(trajectory, ...errors.map(Math.abs));
  }
  step.dispose();

  // The first 16 ids are given, the next 24 are the likeliest each time.
  const text = Array.from((await golden.ints('input_ids')).subarray(0, 16));
  while (text.length < 40) {
    const logits = await logitsOf(backend, golden, 1, Int32Array.from(text));
    const last = logits.subarray(-config.vocabSize);
    text.push(last.indexOf(last.reduce((most, value) => Math.max(most, value))));
  }
  const greedyIdentical = text.every((id, i) => id === expected.greedy_after_training[i]);
  return { loss, gradient, gradientOf, trajectory, greedyIdentical };
}

function batchOf(ids: Int32Array, labels: Int32Array, batch: number) {
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
}

/** The reference gradient of a parameter; transformers holds the experts of a layer in fused tensors. */
async function referenceGradient({ reference }: GoldenModel, parameter: string): Promise<Float32Array> {
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

function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} values against ${b.length}`);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
