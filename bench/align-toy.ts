/**
 * A task that a model of 100,000 weights learns in seconds: digits in, the same digits in ascending order out. The true reward is the
 * share of places that are right. A short supervised stage gives a policy that is right about half the time, from which the
 * alignment stages have somewhere to go.
 */
import type { OnlinePrompt } from '../src/align/scored-rollout.ts';
import { createRandom } from '../src/core/random.ts';
import type { ModelConfig } from '../src/models/config.ts';
import { readModelConfig } from '../src/models/hf-config.ts';
import { createWeights, type ModelWeights } from '../src/models/weights.ts';
import type { Backend } from '../src/tensor/backend.ts';
import { pretrainingObjective } from '../src/training/objective.ts';
import { createTrainStep } from '../src/training/train-step.ts';

/** Ids: padding, end of a turn, then these characters. */
const CHARACTERS = '>0123456789';
export const END = 1;
export const DIGITS = 6;
/** Prompt (digits and `>`), response and its end. */
export const CAPACITY = 2 * DIGITS + 2;

export function encodeToy(text: string): Int32Array {
  return Int32Array.from(text, (c) => CHARACTERS.indexOf(c) + 2);
}

export function decodeToy(ids: Int32Array): string {
  return Array.from(ids, (id) => CHARACTERS[id - 2] ?? '').join('');
}

export function toyConfig(): ModelConfig {
  return readModelConfig(
    {
      model_type: 'qwen3',
      vocab_size: CHARACTERS.length + 2,
      hidden_size: 64,
      intermediate_size: 128,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 16,
      max_position_embeddings: 32,
      rope_theta: 10000,
      tie_word_embeddings: true,
      eos_token_id: END,
      pad_token_id: 0,
    },
    'the toy model',
  );
}

/** Prompts of random digits; `answer` is what is right. */
export function toyPrompts(count: number, seed: number): OnlinePrompt[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const digits = Array.from({ length: DIGITS }, () => String(random.below(10)));
    const text = `${digits.join('')}>`;
    return { text, ids: encodeToy(text), data: { answer: digits.sort().join('') } };
  });
}

/** The supervised stage: `steps` steps of 64 right answers each. */
export async function toySupervised(backend: Backend, seed: number, steps: number): Promise<ModelWeights> {
  const weights = createWeights(backend, toyConfig());
  weights.initialize(seed);
  const [batch, time] = [64, CAPACITY - 1];
  const step = createTrainStep(backend, weights, {
    objective: pretrainingObjective({ batch, time, packed: false }),
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-8,
    weightDecay: 0,
    clipNorm: 1,
    maxPositions: time,
  });
  for (let number = 1; number <= steps; number++) {
    const prompts = toyPrompts(batch, seed * 100_003 + number);
    const ids = new Int32Array(batch * time);
    const labels = new Int32Array(batch * time).fill(-1);
    prompts.forEach(({ ids: prompt, data }, row) => {
      const text = [...prompt, ...encodeToy(String(data['answer'])), END];
      for (let t = 0; t < time; t++) {
        ids[row * time + t] = text[t];
        if (t + 1 >= prompt.length) labels[row * time + t] = text[t + 1];
      }
    });
    const trained = batch * (DIGITS + 1);
    await step.accumulate({
      ids,
      labels,
      positions: ids.map((_, i) => i % time),
      tokenWeights: new Float32Array(batch * time).fill(1 / trained),
      share: Float32Array.of(1),
    });
    await step.update({ learningRate: 3e-3 * Math.min(1, number / 20), step: number });
  }
  step.dispose();
  return weights;
}

/** A copy of a model in memory of its own, with another head where `head` says so. */
export async function copyWeights(
  backend: Backend,
  from: ModelWeights,
  options: { head?: 'score' } = {},
): Promise<ModelWeights> {
  const copy = createWeights(backend, { ...from.config, ...options });
  const known = new Set(from.parameters.map(({ name }) => name));
  for (const { name } of copy.parameters) if (known.has(name)) copy.write(name, await from.read(name));
  return copy;
}
