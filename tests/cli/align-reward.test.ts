/**
 * Preference-model pretraining, then fine-tuning, as two runs of `corpusmill align reward`: the second begins with the first one's
 * head. The pairs are made up: of two answers of equal length the better one says yes, in words of another kind in the second set.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCheckpoint } from '../../src/models/checkpoint/read.ts';
import { writeTokenizerFiles } from '../../src/tokenizer/tokenizer-files.ts';
import { byteTables } from '../tokenizer/byte-tokenizer.ts';
import { cli } from './cli.ts';

const dir = mkdtempSync(join(tmpdir(), 'corpusmill-cli-reward-'));
afterAll(() => rmSync(dir, { recursive: true }));

const HELD = 64;

function writePairs(name: string, count: number, from: number, ask: (i: number) => string): void {
  const pairs = Array.from({ length: count }, (_, k) => {
    const i = from + k;
    return { prompt: ask(i), chosen: `yes ${(i * 7) % 100}`, rejected: `nay ${(i * 13) % 100}` };
  });
  writeFileSync(join(dir, name), pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(''));
}

/** Fields that every run here has. */
const COMMON = {
  batch: { rows: 4, sequenceLength: 64 },
  samples: { every: 0 },
  tensorboard: false,
  threads: 1,
  schedule: { kind: 'constant', warmup: 0 },
};
// So slow that nothing is learnt: what it can do it could before.
const STILL = { optimizer: { learningRate: 1e-9, weightDecay: 0 }, stop: { steps: 1 } };

beforeAll(async () => {
  mkdirSync(join(dir, 'tokenizer'));
  await writeTokenizerFiles(byteTables(['<|endoftext|>', '<|im_start|>', '<|im_end|>']), join(dir, 'tokenizer'));
  const shape = { hidden_size: 16, intermediate_size: 32, num_hidden_layers: 2, num_attention_heads: 2 };
  writeFileSync(
    join(dir, 'config.json'),
    JSON.stringify({
      model_type: 'qwen2',
      vocab_size: 259,
      ...shape,
      num_key_value_heads: 1,
      max_position_embeddings: 64,
      tie_word_embeddings: true,
      eos_token_id: 256,
    }),
  );
  writePairs('votes.jsonl', 200, 0, (i) => `vote ${i}`);
  writePairs('pairs.jsonl', 24, 500, (i) => `Is ${i} fine?`);
  writePairs('held.jsonl', HELD, 700, (i) => `Is ${i} fine?`);
  const files: Record<string, object> = {
    'votes.yaml': {
      ...COMMON,
      model: 'config.json',
      data: { pairs: 'votes.jsonl', validation: 'held.jsonl', tokenizer: 'tokenizer', epochs: 4 },
      optimizer: { learningRate: 0.005 },
      evaluation: { every: 0 },
    },
    'pairs.yaml': {
      ...COMMON,
      model: 'runs/votes',
      data: { pairs: 'pairs.jsonl', validation: 'held.jsonl' },
      optimizer: { learningRate: 0.001 },
    },
  };
  for (const [name, config] of Object.entries(files)) writeFileSync(join(dir, name), JSON.stringify(config));
});

interface Evaluation {
  pairs: number;
  accuracy: number;
  low: number;
  high: number;
}

async function reward(...args: string[]): Promise<{ evaluation: Evaluation; checkpoint: string; output: string }> {
  const { code, stdout, stderr } = await cli(['align', 'reward', ...args, '--json'], { cwd: dir });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as { evaluation: Evaluation; checkpoint: string; output: string };
}

it('fine-tuning begins with the head of pretraining: held-out pairs of its own kind are in order before it has learnt any', async () => {
  const still = Object.entries({
    'optimizer.learningRate': STILL.optimizer.learningRate,
    'optimizer.weightDecay': 0,
    'stop.steps': STILL.stop.steps,
  }).flatMap(([path, value]) => ['--set', `${path}=${value}`]);

  const pretrained = await reward('votes.yaml');
  expect(pretrained.evaluation.pairs).toBe(HELD);
  expect(pretrained.evaluation.low).toBeGreaterThan(0.8);

  // A step that moves nothing: from the run's folder the head comes along, to the very accuracy …
  const taken = await reward('pairs.yaml', ...still, '-o', 'runs/taken');
  expect(taken.evaluation.accuracy).toBe(pretrained.evaluation.accuracy);
  const log = readFileSync(join(taken.output, 'train-log.jsonl'), 'utf8').split('\n');
  const { model } = JSON.parse(log[0]) as { model: { startedFrom: string } };
  expect(model.startedFrom).toBe(pretrained.checkpoint);
  const [before, after] = await Promise.all([pretrained, taken].map(({ checkpoint }) => readCheckpoint(checkpoint)));
  const [head, same] = [before, after].map(({ parameters }) => parameters.get('score.weight')!);
  same.forEach((value, i) => expect(value).toBeCloseTo(head[i], 6));
  // … while the model without that run orders them by the accident of its draws.
  const tokenizer = ['--set', 'data.tokenizer=tokenizer', '--set', 'model=config.json'];
  const fresh = await reward('pairs.yaml', ...still, ...tokenizer, '-o', 'runs/fresh');
  expect(fresh.evaluation.high).toBeLessThan(pretrained.evaluation.low);

  const tuned = await reward('pairs.yaml');
  expect(tuned.evaluation.low).toBeGreaterThan(0.8);
}, 120_000);

it('is refused where the first run has left no model', async () => {
  mkdirSync(join(dir, 'runs/none'), { recursive: true });
  const { code, stderr } = await cli(['align', 'reward', 'pairs.yaml', '--set', 'model=runs/none'], { cwd: dir });
  expect(code).not.toBe(0);
  expect(stderr).toContain('has no model: there is no config.json, no checkpoints/step-*/config.json');
  expect(stderr).not.toContain(' at ');
});
