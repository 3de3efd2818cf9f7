/** A golden model of the shared folder, in a backend's memory, with its reference values. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, type SafetensorsFile } from '../../src/io/safetensors/reader.ts';
import type { ModelConfig } from '../../src/models/config.ts';
import { readModelConfig } from '../../src/models/hf-config.ts';
import { createWeights, type ModelWeights } from '../../src/models/weights.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { shared } from '../shared.ts';

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

export async function openGolden(name: string, backend: Backend): Promise<GoldenModel> {
  const folder = shared(`goldens/${name}`);
  const json = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  const config = readModelConfig(json, name);
  const file = await openSafetensors(join(folder, 'model.safetensors'));
  const weights = createWeights(backend, config);
  for (const { name: parameter, shape } of weights.parameters) {
    if (file.tensors.has(parameter)) {
      weights.write(parameter, await file.readFloat32(parameter));
      continue;
    }
    // Experts lie one by one in the file.
    const [experts] = shape;
    const parts: Float32Array[] = [];
    for (let e = 0; e < experts; e++) {
      parts.push(await file.readFloat32(parameter.replace('.experts.', `.experts.${e}.`)));
    }
    const joined = new Float32Array(experts * parts[0].length);
    parts.forEach((part, e) => joined.set(part, e * part.length));
    weights.write(parameter, joined);
  }
  await file.close();
  const reference = await openSafetensors(join(folder, 'reference.safetensors'));
  return {
    config,
    weights,
    reference,
    expected: JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')),
    ints: async (tensor) => Int32Array.from((await reference.read(tensor)) as ArrayLike<number>, Number),
  };
}
