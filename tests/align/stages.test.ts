/** Stages as runs: each after the other from its checkpoint, stopped and gone on to the bit, refused where it cannot be. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALIGN_SCHEMAS, type OfflineStage } from '../../src/align/config/schema.ts';
import { withAbsoluteStagePaths } from '../../src/align/config/stage-files.ts';
import { prepareStage } from '../../src/align/prepare-stage.ts';
import { readRewardEvaluation } from '../../src/align/reward-task.ts';
import { readCheckpoint } from '../../src/models/checkpoint/read.ts';
import { writeTokenizerFiles } from '../../src/tokenizer/tokenizer-files.ts';
import { comparable, type LogRecord, parseLog } from '../../src/training/log.ts';
import { byteTables } from '../tokenizer/byte-tokenizer.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpusmill-stages-'));
afterAll(() => rmSync(folder, { recursive: true }));

const jsonl = (records: readonly unknown[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join('');

beforeAll(async () => {
  mkdirSync(join(folder, 'tokenizer'));
  await writeTokenizerFiles(byteTables(['<|endoftext|>', '<|im_start|>', '<|im_end|>']), join(folder, 'tokenizer'));
  const questions = Array.from({ length: 40 }, (_, i) => `say ${i}`);
  const conversations = questions.map((prompt, i) => ({ prompt, completion: `${i} it is` }));
  writeFileSync(join(folder, 'conversations.jsonl'), jsonl(conversations));
  // The better answer is polite.
  const pairs = questions.map((prompt, i) => ({ prompt, chosen: `please ${i}`, rejected: `no ${i * 7}`, margin: 0.5 }));
  writeFileSync(join(folder, 'pairs.jsonl'), jsonl([...pairs, { prompt: 'x', chosen: 'y', rejected: 'y' }]));
  const config = {
    model_type: 'qwen2',
    vocab_size: 259,
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
    eos_token_id: 256,
    pad_token_id: 256,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
});

async function prepare<S extends OfflineStage>(stage: S, given: Record<string, unknown>) {
  const { data, ...rest } = given;
  const raw = {
    model: 'config.json',
    output: `out/${stage}`,
    batch: { rows: 2, sequenceLength: 64 },
    data: { tokenizer: 'tokenizer', ...(data as object) },
    samples: { every: 0 },
    tensorboard: false,
    threads: 1,
    ...rest,
  };
  const parsed = ALIGN_SCHEMAS[stage].parse(raw);
  const config = withAbsoluteStagePaths<S>(parsed as never, { folder, name: stage, cwd: folder });
  return prepareStage(stage, config, {});
}

async function run<S extends OfflineStage>(stage: S, given: Record<string, unknown>, abortAfter?: number) {
  const prepared = await prepare(stage, given);
  const controller = new AbortController();
  const outcome = await prepared.run({
    signal: controller.signal,
    onRecord: (record) => {
      if (record.kind === 'step' && record.step === abortAfter) controller.abort();
    },
  });
  await prepared.close();
  const output = prepared.config.output;
  const records = parseLog(readFileSync(join(output, 'train-log.jsonl'), 'utf8'));
  const last = join(output, 'checkpoints', `step-${String(outcome.state.step).padStart(8, '0')}`);
  return { outcome, output, last, records, comparable: comparable(records) };
}

const steps = (records: readonly LogRecord[]) => records.filter((record) => record.kind === 'step');
const SFT = { data: { conversations: 'conversations.jsonl' }, stop: { steps: 12 }, optimizer: { learningRate: 0.01 } };
const PAIRS = { pairs: 'pairs.jsonl', validationShare: '25%', epochs: 4 };

describe('SFT', () => {
  it('is the same run when it was stopped and gone on, noise and dropout included', async () => {
    const given = { ...SFT, neftune: 5, dropout: 0.1 };
    const whole = await run('sft', { ...given, output: 'out/whole' });
    await run('sft', { ...given, output: 'out/cut' }, 5);
    const cut = await run('sft', { ...given, output: 'out/cut' });
    expect(steps(cut.records).map(({ loss }) => loss)).toEqual(steps(whole.records).map(({ loss }) => loss));
    expect((await readCheckpoint(cut.last)).parameters).toEqual((await readCheckpoint(whole.last)).parameters);
  });

  it('leaves a checkpoint that ends with the turn’s token, padding being another, and asks by the template', async () => {
    const { last } = await run('sft', SFT);
    const { config } = await readCheckpoint(last);
    expect(config.eosTokenIds).toEqual([258, 256]);
    expect(config.padTokenId).toBe(256);
    const { chat_template: template } = JSON.parse(readFileSync(join(last, 'tokenizer_config.json'), 'utf8')) as {
      chat_template?: string;
    };
    expect(template ?? existsSync(join(last, 'chat_template.jinja'))).toBeTruthy();
  });

  it('refuses what it cannot learn from', async () => {
    await expect(prepare('sft', { data: {} })).rejects.toThrow('neither conversations nor shards');
    await expect(prepare('sft', { data: { conversations: 'nowhere.jsonl' } })).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
    });
    await expect(prepare('sft', { data: { conversations: 'pairs.jsonl', template: 'none.jinja' } })).rejects.toThrow(
      'no such file',
    );
    const long = { data: { conversations: 'conversations.jsonl' }, batch: { rows: 2, sequenceLength: 65 } };
    mkdirSync(join(folder, 'empty'), { recursive: true });
    await expect(prepare('sft', { ...SFT, model: 'empty' })).rejects.toThrow(
      /^model: .*empty has no model: there is no config\.json, no checkpoints\/step-\*\/config\.json/,
    );
    await expect(prepare('sft', long)).rejects.toThrow('made for 64 positions, rows have 65 tokens');
  });
});

describe('a reward model', () => {
  it('learns the order of pairs from the SFT model, goes on from its own head, and is no language model', async () => {
    await run('sft', SFT);
    const given = {
      // The run's folder stands for its checkpoint.
      model: 'out/sft',
      data: PAIRS,
      optimizer: { learningRate: 0.005 },
      margin: 'data',
      evaluation: { every: 5 },
    };
    const { last, output, records } = await run('reward', given);
    const [began] = records.filter((record) => record.kind === 'run');
    expect(began.model.startedFrom).toBe(join(folder, 'out/sft/checkpoints/step-00000012'));
    const evaluation = await readRewardEvaluation(output);
    // The checkpoint of the lowest loss on held-out pairs, which later stages take.
    const losses = records.filter((record) => record.kind === 'evaluation');
    const lowest = losses.reduce((a, b) => (b.loss! < a.loss! ? b : a));
    expect(evaluation!.checkpoint).toBe(`step-${String(lowest.step).padStart(8, '0')}`);
    expect(evaluation).toMatchObject({ accuracy: 1, baselines: { bagOfWords: { accuracy: 1 } } });
    expect(evaluation!.swapDifference).toBeLessThan(1e-5);
    const evaluated = records.filter((record) => record.kind === 'evaluation').at(-1);
    expect(evaluated).toMatchObject({ perplexity: null, metrics: { accuracy: 1 } });
    const [first] = records.filter((record) => record.kind === 'run');
    expect(first.data.records).toMatchObject({
      records: 41,
      skipped: [{ reason: 'chosen equals rejected', count: 1 }],
    });

    // Fine-tuning after pretraining on other pairs: the head is the first run's, not a new one.
    const tuned = await run('reward', {
      ...given,
      model: last,
      output: 'out/tuned',
      stop: { steps: 1 },
      optimizer: { learningRate: 1e-9 },
    });
    const [before, after] = [await readCheckpoint(last), await readCheckpoint(tuned.last)];
    const [old, now] = [before, after].map(({ parameters }) => parameters.get('score.weight')!);
    now.forEach((value, i) => expect(value).toBeCloseTo(old[i], 6));
    await expect(prepare('dpo', { model: last, data: PAIRS })).rejects.toThrow('it is a reward model');
  }, 60_000);
});

describe('online merging', () => {
  const NAME = 'model.layers.1.mlp.up_proj.weight';
  const valuesOf = async (checkpoint: string) => (await readCheckpoint(checkpoint)).parameters.get(NAME)!;
  const DPO = { data: PAIRS, optimizer: { learningRate: 0.002 }, dropout: 0, schedule: { warmup: 0 } };

  it('adds to an update of DPO some of what SFT had changed, as the formula has it', async () => {
    const { last: base } = await run('sft', { ...SFT, stop: { steps: 3 }, output: 'out/base' });
    const { last: tuned } = await run('sft', { ...SFT, model: base, output: 'out/tuned-sft' });
    const given = { ...DPO, model: 'out/tuned-sft', stop: { steps: 1 } };
    const plain = await run('dpo', { ...given, output: 'out/plain' });
    const merging = { base: 'out/base', reserve: 1, alpha: 0.25 };
    const merged = await run('dpo', { ...given, merging, output: 'out/merged' });
    const [before, start, moved, found] = await Promise.all([base, tuned, plain.last, merged.last].map(valuesOf));
    let learnt = 0;
    found.forEach((value, i) => {
      const tau = start[i] - before[i];
      learnt = Math.max(learnt, Math.abs(tau));
      expect(value).toBeCloseTo(start[i] + 0.25 * tau + 0.75 * (moved[i] - start[i]), 6);
    });
    expect(learnt).toBeGreaterThan(0.01);
  }, 60_000);

  it.each<[OfflineStage, Record<string, unknown>]>([
    ['dpo', { ...DPO, stop: { steps: 5 } }],
    ['sft', { ...SFT, stop: { steps: 5 } }],
  ])(
    'of %s goes on to the bit, and is another run than without',
    async (stage, given) => {
      const merging = { kind: 'ties', reserve: 0.5, alpha: 0.01 };
      const { last: base } = await run('sft', { ...SFT, stop: { steps: 3 }, output: `out/base-${stage}` });
      await run('sft', { ...SFT, model: base, stop: { steps: 3 }, output: `out/from-${stage}` });
      const all = { ...given, model: `out/from-${stage}`, merging: { ...merging, base } };
      const whole = await run(stage, { ...all, output: `out/m-whole-${stage}` });
      await run(stage, { ...all, output: `out/m-cut-${stage}` }, 2);
      const cut = await run(stage, { ...all, output: `out/m-cut-${stage}` });
      expect((await readCheckpoint(cut.last)).parameters).toEqual((await readCheckpoint(whole.last)).parameters);
      await expect(prepare(stage, { ...all, merging: undefined, output: `out/m-cut-${stage}` })).rejects.toThrow(
        /checkpoints of another run: merging/,
      );
    },
    60_000,
  );

  it('is refused for a model of draws, a base of another shape, and a base that is not there', async () => {
    const { last: base } = await run('sft', { ...SFT, stop: { steps: 1 }, output: 'out/one' });
    const drawn = { ...SFT, merging: { base }, output: 'out/drawn' };
    await expect(run('sft', drawn)).rejects.toThrow('merging is given, but the model begins with weights drawn');
    const smaller = { from: 'config.json', set: { hidden_size: 8 } };
    const { last: other } = await run('sft', { ...SFT, model: smaller, stop: { steps: 1 }, output: 'out/smaller' });
    const mismatched = { ...SFT, model: base, merging: { base: other }, output: 'out/mismatched' };
    await expect(run('sft', mismatched)).rejects.toThrow(/online merging: .* is not of one shape/);
    const nowhere = { ...SFT, model: base, merging: { base: 'nowhere' }, output: 'out/nowhere' };
    await expect(run('sft', nowhere)).rejects.toThrow(/nowhere/);
  }, 60_000);
});

describe('DPO', () => {
  it('begins at ln 2, raises the chosen over the rejected, and is the same with the reference’s weights at hand', async () => {
    const given = { data: PAIRS, optimizer: { learningRate: 0.002 }, dropout: 0 };
    const { records, output } = await run('dpo', { ...given, output: 'out/precomputed' });
    const done = steps(records);
    expect(done[0].loss).toBeCloseTo(Math.LN2, 5);
    expect(done.at(-1)!.metrics).toMatchObject({ accuracy: 1 });
    expect(done.at(-1)!.metrics!['margin']).toBeGreaterThan(0.1);
    expect(existsSync(join(output, 'reference-log-probs'))).toBe(true);
    const live = await run('dpo', { ...given, reference: { mode: 'weights' }, output: 'out/live' });
    steps(live.records).forEach(({ loss }, i) => expect(loss).toBeCloseTo(done[i].loss!, 4));
  }, 60_000);

  it('is the same run when it was stopped and gone on', async () => {
    const given = { data: PAIRS, optimizer: { learningRate: 0.002 }, loss: { kind: 'ipo', sftWeight: 0.1 } };
    const whole = await run('dpo', { ...given, output: 'out/dpo-whole' });
    await run('dpo', { ...given, output: 'out/dpo-cut' }, 4);
    const cut = await run('dpo', { ...given, output: 'out/dpo-cut' });
    expect(steps(cut.records).map(({ loss, metrics }) => [loss, metrics])).toEqual(
      steps(whole.records).map(({ loss, metrics }) => [loss, metrics]),
    );
  }, 60_000);

  it('refuses label smoothing where the loss has none', async () => {
    await expect(prepare('dpo', { data: PAIRS, loss: { kind: 'hinge', labelSmoothing: 0.1 } })).rejects.toThrow(
      'loss.labelSmoothing is 0.1 for the loss hinge',
    );
  });
});
