import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../../src/models/checkpoint/write.ts';
import { readModelConfig } from '../../src/models/hf-config.ts';
import { createWeights } from '../../src/models/weights.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { SMALL } from '../models/small-models.ts';
import { byteTokenizer } from '../tokenizer/byte-tokenizer.ts';
import { cli, type Outcome } from './cli.ts';

let dir: string;
const TEMPLATE =
  "{% for m in messages %}<start>{{ m['role'] }}:{{ m['content'] }}<end>{% endfor %}{% if add_generation_prompt %}<start>assistant:{% endif %}";

async function writeModel(name: string, json: object, withTokenizer = true): Promise<void> {
  const config = readModelConfig({ initializer_range: 0.3, ...json }, 'test');
  const backend = createReferenceBackend();
  const weights = createWeights(backend, config);
  weights.initialize(9);
  await writeCheckpoint(join(dir, name), {
    config,
    values: (parameter) => weights.read(parameter),
    ...(withTokenizer && { tokenizer: join(dir, 'tokenizer') }),
  });
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-cli-generate-'));
  await mkdir(join(dir, 'tokenizer'));
  const json = byteTokenizer(['<start>', '<end>']).toJson();
  await writeFile(join(dir, 'tokenizer', 'tokenizer.json'), JSON.stringify(json));
  const tokens = { bos_token: '<start>', eos_token: '<end>', chat_template: TEMPLATE };
  await writeFile(join(dir, 'tokenizer', 'tokenizer_config.json'), JSON.stringify(tokens));
  const base = { ...SMALL['qwen2'], vocab_size: 264, eos_token_id: 257 };
  await writeModel('model', base);
  await writeModel('bare', base, false);
  await writeModel('gpt2', { ...SMALL['gpt2'], vocab_size: 264 });
  await writeFile(join(dir, 'prompts.txt'), 'One\n\nTwo\n');
  await writeFile(
    join(dir, 'chats.jsonl'),
    `${JSON.stringify({ messages: [{ role: 'user', content: 'Hi <end>' }] })}\n`,
  );
  const documents = ['The quay was empty.', 'Nobody came. '.repeat(9)].map((text) => `${JSON.stringify({ text })}\n`);
  await writeFile(join(dir, 'texts.jsonl'), documents.join(''));
  await writeFile(join(dir, 'note.txt'), 'A note.\n');
  const questions = [
    { prompt: 'One,', choices: ['two', 'three'], answer: 0 },
    { prompt: 'A', choices: ['b', 'c', 'd'], answer: 'd' },
  ];
  await writeFile(join(dir, 'questions.jsonl'), questions.map((q) => `${JSON.stringify(q)}\n`).join(''));
  await writeFile(join(dir, 'broken.jsonl'), '{"prompt": "A", "choices": ["b", "c"], "answer": 2}\n');
});
afterAll(() => rm(dir, { recursive: true }));

const here = (...args: string[]): Promise<Outcome> => cli(args, { cwd: dir });
const json = async (...args: string[]) => {
  const outcome = await here(...args, '--json');
  expect(outcome.stderr).toBe('');
  return JSON.parse(outcome.stdout);
};

describe('generate', () => {
  it('prints the prompt and what follows, which is what --json says', async () => {
    const { code, stdout } = await here('generate', 'model', '--prompt', 'One', '-n', '6');
    const { texts } = await json('generate', 'model', '--prompt', 'One', '-n', '6');
    expect([code, stdout]).toEqual([0, `One${texts[0].text}\n`]);
    expect(texts[0]).toMatchObject({ prompt: 'One', promptIds: [79, 110, 101], seed: 0, finish: 'length' });
    expect(texts[0].ids).toHaveLength(6);
  });

  it('prompts of a file, samples of each with their own seeds, and never an id of the padding', async () => {
    const flags = ['--prompts', 'prompts.txt', '--samples', '2', '--seed', '5', '--temperature', '2', '-n', '20'];
    const { texts } = await json('generate', 'model', ...flags, '--log-probs');
    expect(texts.map((t: { prompt: string; seed: number }) => [t.prompt, t.seed])).toEqual([
      ['One', 5],
      ['One', 6],
      ['Two', 5],
      ['Two', 6],
    ]);
    expect(texts[0].text).not.toBe(texts[1].text);
    expect(Math.max(...texts.flatMap((t: { ids: number[] }) => t.ids))).toBeLessThan(258);
    for (const { ids, logProbs } of texts) expect(logProbs).toHaveLength(ids.length);
    const alone = await json('generate', 'model', '--prompt', 'Two', '--seed', '6', '--temperature', '2', '-n', '20');
    expect(alone.texts[0].ids).toEqual(texts[3].ids);
    const { stdout } = await here('generate', 'model', ...flags);
    expect(stdout).toBe(texts.map((t: { prompt: string; text: string }) => `${t.prompt}${t.text}\n`).join('\n'));
  });

  it("--chat puts a prompt into the folder's template, and its words cannot forge a border", async () => {
    const { texts } = await json('generate', 'model', '--chat', '--prompts', 'chats.jsonl', '--system', 'S', '-n', '1');
    const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];
    expect(texts[0].promptIds).toEqual([
      ...[256, ...bytes('system:S'), 257, 256, ...bytes('user:Hi <end>'), 257, 256, ...bytes('assistant:')],
    ]);
  });

  it('stops where it is told', async () => {
    const { texts } = await json('generate', 'model', '--prompt', 'One', '-n', '6');
    const [first, second] = texts[0].ids;
    const stopped = await json('generate', 'model', '--prompt', 'One', '-n', '6', '--stop-token', String(second));
    const expected = first === second ? [first] : [first, second];
    expect(stopped.texts[0]).toMatchObject({ ids: expected, finish: 'token' });
  });

  it("takes a run's folder for its newest checkpoint", async () => {
    await mkdir(join(dir, 'run', 'checkpoints'), { recursive: true });
    await cp(join(dir, 'bare'), join(dir, 'run', 'checkpoints', 'step-00000001'), { recursive: true });
    await cp(join(dir, 'model'), join(dir, 'run', 'checkpoints', 'step-00000002'), { recursive: true });
    const flags = ['--prompt', 'One', '-n', '6'];
    expect((await json('generate', 'run', ...flags)).texts).toEqual((await json('generate', 'model', ...flags)).texts);
    const { results } = await json('eval', 'run', 'texts.jsonl');
    expect(results).toEqual((await json('eval', 'model', 'texts.jsonl')).results);
  });

  it.each([
    [['model'], 2, 'generate: there is no prompt'],
    [['bare', '--prompt', 'a'], 3, 'bare has no tokenizer beside its weights'],
    [['nothing', '--prompt', 'a'], 3, 'nothing/config.json: there is no such file'],
    [['gpt2', '--prompt', 'a'.repeat(40)], 2, 'prompt 1 has 40 tokens, the model is made for 32'],
    [['model', '--prompt', 'a', '--stop-token', '<eot>'], 2, 'the tokenizer has no token "<eot>"'],
    [['model', '--prompt', 'a', '--top-p', '7'], 2, 'topP is 7'],
    [['model', '--prompt', 'a', '--temperature', 'hot'], 2, 'expected a number'],
    [['model', '--prompts', 'none.txt'], 3, 'none.txt: there is no such file'],
    [['model', '--prompts', 'texts.jsonl'], 3, 'line 1: no prompt and no messages'],
    [['model', '--prompts', 'chats.jsonl'], 2, 'prompt 1 is a conversation'],
    [['bare', '--tokenizer', 'tokenizer/none.json', '--prompt', 'a'], 3, 'none.json'],
  ])('%j: exit code %i', async (args, code, message) => {
    const outcome = await here('generate', ...args);
    expect(outcome.stderr).toContain(message);
    expect(outcome.code).toBe(code);
  });

  it('takes sampling and stop tokens of generation_config.json, and flags over them', async () => {
    const file = join(dir, 'model', 'generation_config.json');
    const greedy = await json('generate', 'model', '--prompt', 'One', '-n', '8');
    await writeFile(file, JSON.stringify({ do_sample: true, temperature: 3, top_k: 0, eos_token_id: [256, 257] }));
    const sampled = await json('generate', 'model', '--prompt', 'One', '-n', '8');
    const flagged = await json('generate', 'model', '--prompt', 'One', '-n', '8', '--temperature', '0');
    expect(sampled.texts[0].ids).not.toEqual(greedy.texts[0].ids);
    expect(flagged.texts[0].ids).toEqual(greedy.texts[0].ids);
    await writeFile(file, '{"top_k": -1}');
    expect((await here('generate', 'model', '--prompt', 'a')).stderr).toContain('generation_config.json: top_k:');
    await rm(file);
  });
});

describe('eval', () => {
  it('perplexity by token and byte, with its error', async () => {
    const { results } = await json('eval', 'model', 'texts.jsonl', 'note.txt', '--window', '40', '--stride', '10');
    // The text's bytes are its tokens, and the end of texts stands before the first.
    expect(results[0]).toMatchObject({
      kind: 'perplexity',
      documents: 2,
      tokens: 136,
      bytes: 136,
      window: 40,
      stride: 10,
    });
    expect(results[0].tokenPerplexity).toBeCloseTo(2 ** results[0].bitsPerByte, 6);
    expect(results[0].tokenPerplexityError).toBeGreaterThan(0);
    expect(results[1]).toMatchObject({ documents: 1, bytes: 8, tokenPerplexityError: null });
    const { stdout } = await here('eval', 'model', 'texts.jsonl', '--window', '40', '--stride', '10');
    expect(stdout).toContain('2 documents, 136 tokens, 136 bytes');
    expect(stdout).toContain(`${results[0].tokenPerplexity.toFixed(4)} ± `);
  });

  it('questions', async () => {
    const { results } = await json('eval', 'model', 'questions.jsonl');
    expect(results[0]).toMatchObject({ kind: 'questions', questions: 2 });
    const { answers, acc } = results[0];
    const right = [0, 2].filter((answer, i) => answers[i].acc === answer).length;
    expect(acc.value).toBe(right / 2);
    expect((await here('eval', 'model', 'questions.jsonl')).stdout).toMatch(/acc_norm +[\d.]+ ± /);
  });

  it.each([
    [['model', 'broken.jsonl'], 3, 'line 1: the answer 2 is none of the choices'],
    [['model', 'missing.jsonl'], 3, 'missing.jsonl'],
    [['model', 'texts.jsonl', '--window', '20', '--stride', '20'], 2, 'windows of 20 tokens would leave tokens out'],
    [['model', 'texts.jsonl', '--window', '65'], 2, 'is made for 64 positions'],
    [['bare', 'texts.jsonl'], 3, 'has no tokenizer'],
    [['model', 'texts.jsonl', '--text-field', 'body'], 3, 'body'],
  ])('%j: exit code %i', async (args, code, message) => {
    const outcome = await here('eval', ...args);
    expect(outcome.stderr).toContain(message);
    expect(outcome.code).toBe(code);
  });
});
