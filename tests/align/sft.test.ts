/** NEFTune's noise, and that a model learns to answer and to stop. */
import { describe, expect, it } from 'vitest';
import { exampleData } from '../../src/align/data/example-data.ts';
import { embeddingNoise, sftObjective } from '../../src/align/sft.ts';
import { readModelConfig } from '../../src/models/hf-config.ts';
import { createWeights } from '../../src/models/weights.ts';
import { openBackend } from '../../src/tensor/open-backend.ts';
import { createGenerator } from '../../src/training/generation/generator.ts';
import { createTrainStep } from '../../src/training/train-step.ts';
import { createTrainer } from '../../src/training/trainer.ts';
import { evaluate } from '../tensor/graph-run.ts';
import { tinyConfig } from '../training/tiny-training.ts';
import { chatFormat } from './chat.ts';

const ADAM = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clipNorm: 1 };

describe('the noise on embeddings', () => {
  const PLACES = 512;
  const draw = async (seed: number[]): Promise<Float32Array> => {
    const backend = openBackend('native', { threads: 2 });
    const scale = Float32Array.from({ length: PLACES }, (_, i) => (i < 256 ? 2 : 0));
    const leaves = [
      { shape: [PLACES, 1], values: scale, frozen: true },
      { shape: [2], values: Int32Array.from(seed), dtype: 'i32' as const },
    ];
    const [noise] = await evaluate(backend, leaves, ([of, from], graph) => [
      embeddingNoise(graph, { ...tinyConfig(), hiddenSize: 64 }, of, from),
    ]);
    await backend.dispose();
    return noise as Float32Array;
  };

  it('is uniform within ± scale / √hidden, of mean 0 and a third of the bound’s square for variance', async () => {
    const noise = await draw([1, 2]);
    const drawn = noise.subarray(0, 256 * 64);
    const bound = 2 / Math.sqrt(64);
    const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
    const variance = drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length;
    expect(drawn.every((x) => Math.abs(x) < bound)).toBe(true);
    // Standard errors: bound / √(3n) = .0011 of the mean, 1.2 % of the variance... five of each.
    expect(Math.abs(mean)).toBeLessThan(0.006);
    expect(variance / (bound ** 2 / 3)).toBeCloseTo(1, 1);
    // Each tenth of the range holds a tenth of the values.
    for (let tenth = 0; tenth < 10; tenth++) {
      const from = bound * (tenth / 5 - 1);
      const share = drawn.filter((x) => x >= from && x < from + bound / 5).length / drawn.length;
      expect(share).toBeGreaterThan(0.085);
      expect(share).toBeLessThan(0.115);
    }
    expect(noise.subarray(256 * 64).every((x) => x === 0)).toBe(true);
  });

  it('depends on the seed alone', async () => {
    expect(await draw([1, 2])).toEqual(await draw([1, 2]));
    expect(await draw([1, 3])).not.toEqual(await draw([1, 2]));
  });

  it('is there in training and not in evaluation', async () => {
    const backend = openBackend('native', { threads: 1 });
    const weights = createWeights(backend, tinyConfig());
    weights.initialize(1);
    const objective = sftObjective({ rows: 1, time: 4, neftune: 5, labelSmoothing: 0 });
    const step = createTrainStep(backend, weights, { ...ADAM, objective, maxPositions: 4 });
    const data = {
      ids: Int32Array.of(1, 2, 3, 4),
      positions: Int32Array.of(0, 1, 2, 3),
      segmentIds: new Int32Array(4),
      labels: Int32Array.of(2, 3, 4, -100),
      tokenWeights: Float32Array.of(1 / 3, 1 / 3, 1 / 3, 0),
      noiseScale: new Float32Array(4).fill(20),
      share: Float32Array.of(1),
    };
    const clean = (await step.evaluate(data))['loss'][0];
    const noisy = (await step.accumulate(data, { seed: [1, 1] }))['loss'][0];
    const other = (await step.accumulate(data, { seed: [1, 2] }))['loss'][0];
    expect(noisy).not.toBe(clean);
    expect(other).not.toBe(noisy);
    expect((await step.evaluate(data))['loss'][0]).toBe(clean);
    await backend.dispose();
  });
});

it('a model that is fine-tuned answers, and stops', async () => {
  const format = chatFormat();
  const answers = { a: 'one', b: 'two, two', c: '3' };
  const encoded = Object.entries(answers).map(([question, answer]) =>
    format.encode({
      messages: [
        { role: 'user', content: question },
        { role: 'assistant', content: answer },
      ],
    }),
  );
  const ids = Int32Array.from(encoded.flatMap((example) => Array.from(example.ids)));
  const labels = Int32Array.from(encoded.flatMap((example) => Array.from(example.labels)));
  const lengths = Uint32Array.from(encoded, (example) => example.ids.length);
  const backend = openBackend('native', { threads: 2 });
  const config = readModelConfig(
    {
      model_type: 'qwen2',
      vocab_size: 259,
      hidden_size: 32,
      intermediate_size: 64,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      max_position_embeddings: 64,
      tie_word_embeddings: true,
    },
    'test',
  );
  const weights = createWeights(backend, config);
  weights.initialize(2);
  const trainer = createTrainer({
    backend,
    weights,
    objective: sftObjective({ rows: 2, time: 64, neftune: 0, labelSmoothing: 0 }),
    data: exampleData(
      { ids, labels, lengths },
      { rows: 2, time: 64, packing: 'best-fit', order: 'shuffled', seed: 1, epochs: 1000, name: 'test', padId: 256 },
    ),
    optimizer: { ...ADAM, learningRate: 0.01 },
    schedule: { kind: 'constant', unit: 'steps', warmup: 5 },
    accumulation: 1,
    sequenceLength: 64,
    seed: 1,
    stop: { steps: 120 },
  });
  await trainer.run();
  const generator = createGenerator(backend, weights, { slots: 3, capacity: 64, vocabSize: 259 });
  const made = await generator.generate(
    Object.keys(answers).map((question, seed) => ({
      ids: format.encodePrompt([{ role: 'user', content: question }]),
      maxNewTokens: 24,
      sampling: { temperature: 0 },
      stopTokens: [format.endOfTurn],
      seed,
    })),
  );
  const said = made.map((one) => format.opened.tokenizer.decode(one.ids, { skipSpecial: true }));
  expect(said).toEqual(Object.values(answers));
  await backend.dispose();
}, 60_000);
