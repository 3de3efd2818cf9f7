/** Pipelines that align: stages in a chain, kept, interrupted, run again from the first that changed, and what the reports say. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../../src/core/run-summary.ts';
import { cli, filesUnder, hasStackTrace, startCli, summaryOf, timingOf, waitFor, workspace } from './cli.ts';

const SORT = Array.from({ length: 40 }, (_, i) => {
  const prompt = String(100 + ((i * 37) % 900));
  return JSON.stringify({ prompt, completion: [...prompt].sort().join('') });
}).join('\n');
const PAIRS = Array.from({ length: 24 }, (_, i) => {
  const prompt = String(100 + ((i * 53) % 900));
  return JSON.stringify({ prompt, chosen: [...prompt].sort().join(''), rejected: '000' });
}).join('\n');

const MODEL = {
  from: 'tiny-qwen3-1m',
  set: { hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, head_dim: 4, max_position_embeddings: 64 },
};
const COMMON = { backend: 'reference', checkpoints: { every: 2 } };
const OFFLINE = { ...COMMON, checkpoints: { every: 2, best: false }, evaluation: { every: 2 }, tensorboard: false };
const SFT = {
  ...OFFLINE,
  stage: 'sft',
  model: MODEL,
  data: { conversations: 'sort.jsonl', validationShare: '20%' },
  batch: { rows: 4, sequenceLength: 40 },
  stop: { steps: 4 },
  samples: { every: 0 },
};
const REWARD = {
  ...OFFLINE,
  stage: 'reward',
  data: { pairs: 'pairs.jsonl', validationShare: '30%' },
  batch: { rows: 4, sequenceLength: 64 },
  stop: { steps: 3 },
};
const GRPO = {
  ...COMMON,
  stage: 'grpo',
  data: { prompts: 'sort.jsonl' },
  sampling: { maxNewTokens: 4 },
  batch: { prompts: 2, responses: 2, rows: 4 },
  stop: { steps: 4 },
};
const DPO = {
  ...OFFLINE,
  stage: 'dpo',
  from: 'sft',
  data: { pairs: 'pairs.jsonl' },
  batch: { rows: 4, sequenceLength: 64 },
  stop: { steps: 2 },
  samples: { every: 0 },
};

function pipeline(align: object[] = [SFT, REWARD, GRPO, DPO], given: object = {}): string {
  return JSON.stringify({
    name: 'aligned',
    output: 'run',
    seed: 3,
    inputs: [{ path: 'sort.jsonl', conversations: true }],
    stages: [{ stage: 'tokenizer.train', vocabSize: 259 }],
    prompts: { ask: ['<b>321</b>', '654'], tokens: 4 },
    align,
    ...given,
  });
}

const files = { 'sort.jsonl': SORT, 'pairs.jsonl': PAIRS, 'p.yaml': pipeline() };

/** Which phases ran, by title. */
function ran(cwd: string): string[] {
  return timingOf(join(cwd, 'run'))
    .phases.filter(({ reused }) => !reused)
    .map(({ title }) => title);
}

function alignmentOf(cwd: string): NonNullable<RunSummary['alignment']> {
  return summaryOf(join(cwd, 'run')).alignment!;
}

describe('a pipeline with a list `align`', { timeout: 180_000 }, () => {
  it('runs the chain, reports it, and runs nothing twice', async () => {
    const cwd = workspace(files);
    const plan = await cli(['run', 'p.yaml', '--dry-run', '--json'], cwd);
    expect(plan.code, plan.stderr).toBe(0);
    expect((JSON.parse(plan.stdout) as { phases: { title: string }[] }).phases.map(({ title }) => title)).toEqual([
      'read, features for tokenizer.train',
      'tokenizer.train',
      'align sft',
      'align reward',
      'align grpo',
      'align dpo',
      'the same prompts after each stage',
    ]);
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/^Alignment$/m);
    expect(result.stdout).toMatch(/grpo +from sft, 4 steps, reward /);

    const { stages, answers } = alignmentOf(cwd);
    expect(stages.map(({ name, from, reward, steps, model }) => ({ name, from, reward, steps, model }))).toEqual([
      {
        name: 'sft',
        from: 'tiny-qwen3-1m',
        reward: null,
        steps: 4,
        model: 'output/align/sft/checkpoints/step-00000004',
      },
      { name: 'reward', from: 'sft', reward: null, steps: 3, model: 'output/align/reward/checkpoints/step-00000003' },
      {
        name: 'grpo',
        from: 'sft',
        reward: 'reward',
        steps: 4,
        model: 'output/align/grpo/checkpoints/step-00000004/policy',
      },
      { name: 'dpo', from: 'sft', reward: null, steps: 2, model: 'output/align/dpo/checkpoints/step-00000002' },
    ]);
    for (const { model } of stages) {
      expect(filesUnder(join(cwd, 'run', model))).toEqual(
        expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
      );
    }
    // Before the first and after each that leaves a policy.
    expect(answers?.policies.map(({ name, stage }) => [name, stage])).toEqual([
      ['tiny-qwen3-1m', null],
      ['sft', 'sft'],
      ['grpo', 'grpo'],
      ['dpo', 'dpo'],
    ]);
    for (const policy of answers!.policies) expect(policy.answers).toHaveLength(2);
    expect(stages[1].evaluation?.pairs).toBeGreaterThan(0);
    expect(stages[2].charts.map(({ title }) => title)).toEqual(
      expect.arrayContaining(['Reward', 'Entropy (nats a token)', 'Clip fraction', 'Response length (tokens)']),
    );

    const page = readFileSync(join(cwd, 'run', 'report.html'), 'utf8');
    for (const text of [
      'The same prompts after each stage',
      'held-out pair',
      'chart-align-2-0',
      '&lt;b&gt;321&lt;/b&gt;',
    ]) {
      expect(page).toContain(text);
    }
    expect(page).not.toContain('<b>321</b>');
    expect(readFileSync(join(cwd, 'run', 'report.md'), 'utf8')).toContain('### Alignment');
    const report = JSON.parse(readFileSync(join(cwd, 'run', 'report.json'), 'utf8')) as { alignment: unknown };
    expect(report.alignment).toEqual({ stages, answers });
    expect(existsSync(join(cwd, 'run', 'output', 'align', 'sft', 'report.html'))).toBe(true);

    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(ran(cwd)).toEqual([]);
    const logs = filesUnder(join(cwd, 'run', 'output', 'align')).filter((file) => file.endsWith('log.jsonl'));
    expect(logs).toHaveLength(4);
  });

  it('runs again from the first changed stage on, other branches left as they are', async () => {
    const cwd = workspace(files);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const first = alignmentOf(cwd);

    // Prompts cost no training.
    expect((await cli(['run', 'p.yaml', '--set', 'prompts.tokens=3'], cwd)).code).toBe(0);
    expect(ran(cwd)).toEqual(['the same prompts after each stage']);

    expect((await cli(['run', 'p.yaml', '--set', 'align.reward.centering=0.1'], cwd)).code).toBe(0);
    expect(ran(cwd)).toEqual(['align reward', 'align grpo', 'the same prompts after each stage']);

    // Back again: to the bit what it was.
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(alignmentOf(cwd)).toEqual(first);

    // Stages that are no longer there go with what they left.
    const removed = await cli(['run', 'p.yaml', '--set', `align=${JSON.stringify([SFT])}`], cwd);
    expect(removed.code, removed.stderr).toBe(0);
    expect(ran(cwd)).toEqual(['the same prompts after each stage']);
    expect(existsSync(join(cwd, 'run', 'output', 'align', 'dpo'))).toBe(false);
    expect(existsSync(join(cwd, 'run', 'output', 'align', 'sft'))).toBe(true);

    // Fewer steps than there are checkpoints of: another model, as if there had been no more.
    const fewer = ['--set', `align=${JSON.stringify([{ ...SFT, stop: { steps: 2 } }])}`];
    expect((await cli(['run', 'p.yaml', ...fewer], cwd)).code).toBe(0);
    const fresh = workspace(files);
    expect((await cli(['run', 'p.yaml', ...fewer], fresh)).code).toBe(0);
    expect(alignmentOf(cwd)).toEqual(alignmentOf(fresh));
    expect(alignmentOf(cwd).stages[0].steps).toBe(2);
  });

  it('goes on after Ctrl-C in the middle of a stage, to the same models and answers', async () => {
    const long = pipeline([SFT, { ...GRPO, reward: 'digits-sorted', stop: { steps: 30 } }]);
    const whole = workspace({ ...files, 'p.yaml': long });
    expect((await cli(['run', 'p.yaml'], whole)).code).toBe(0);
    const cwd = workspace({ ...files, 'p.yaml': long });
    const run = startCli(['run', 'p.yaml'], cwd);
    const checkpoints = join(cwd, 'run', 'output', 'align', 'grpo', 'checkpoints');
    const started = await waitFor(() => existsSync(join(checkpoints, 'step-00000002')), run);
    expect(started).toBe(true);
    run.child.kill('SIGINT');
    const stopped = await run.done;
    expect(stopped.code, stopped.stderr).toBe(130);
    expect(hasStackTrace(stopped)).toBe(false);

    const resumed = await cli(['run', 'p.yaml'], cwd);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(ran(cwd)).toEqual(['align grpo', 'the same prompts after each stage']);
    expect(alignmentOf(cwd)).toEqual(alignmentOf(whole));
  });

  it('mixes the shards of its own pretraining into PPO', async () => {
    const ppo = { ...GRPO, stage: 'ppo', reward: 'digits-sorted', critic: { warmup: 0 }, stop: { steps: 2 } };
    const given = {
      stages: [
        { stage: 'tokenizer.train', vocabSize: 259 },
        { stage: 'shards', contextLength: 32, padToken: '<|im_end|>' },
      ],
      train: {
        model: MODEL,
        stop: { steps: 2 },
        batch: { rows: 2 },
        backend: 'reference',
        samples: { every: 0 },
      },
      prompts: ['321'],
    };
    const cwd = workspace({ ...files, 'p.yaml': pipeline([{ ...ppo, pretraining: { rows: 2 } }], given) });
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code, result.stderr).toBe(0);
    const [stage] = alignmentOf(cwd).stages;
    expect(stage.charts.map(({ title }) => title)).toContain('Pretraining loss (nats a token)');
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(ran(cwd)).toEqual([]);
    // Another weight is another policy.
    expect((await cli(['run', 'p.yaml', '--set', 'align.ppo.pretraining.coefficient=2'], cwd)).code).toBe(0);
    expect(ran(cwd)).toEqual(['align ppo', 'the same prompts after each stage']);
  });

  it('takes the best checkpoint of a stage that keeps it along the chain', async () => {
    const sft = {
      ...SFT,
      checkpoints: { every: 0, best: true, keep: 1 },
      evaluation: { every: 1 },
      // So large that the loss on held-out records does not only fall.
      optimizer: { learningRate: 1 },
      schedule: { kind: 'constant', warmup: 0 },
      stop: { steps: 6 },
    };
    const cwd = workspace({
      ...files,
      'p.yaml': pipeline([sft, { ...GRPO, reward: 'digits-sorted', stop: { steps: 1 } }]),
    });
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code, result.stderr).toBe(0);
    const records = (path: string): Record<string, never>[] =>
      readFileSync(join(cwd, 'run', 'output', 'align', path), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, never>);
    const evaluations = records('sft/train-log.jsonl').filter(({ kind }) => kind === 'evaluation');
    const best = evaluations.reduce((a, b) => (b['loss'] < a['loss'] ? b : a));
    expect(best['step']).toBeLessThan(6);
    const checkpoint = `checkpoints/step-0000000${best['step']}`;
    expect(alignmentOf(cwd).stages[0].model).toBe(`output/align/sft/${checkpoint}`);
    const [{ settings }] = records('grpo/align-log.jsonl');
    expect(JSON.stringify(settings)).toContain(checkpoint);
  });

  it('needs no documents where model and tokenizer are given', async () => {
    const made = workspace(files);
    expect((await cli(['run', 'p.yaml', '--set', `align=${JSON.stringify([SFT])}`], made)).code).toBe(0);
    const model = join(made, 'run', alignmentOf(made).stages[0].model);
    const only = {
      name: 'only',
      output: 'run',
      align: [{ ...GRPO, model, reward: 'digits-sorted' }],
      prompts: ['321'],
    };
    const cwd = workspace({ 'sort.jsonl': SORT, 'p.yaml': JSON.stringify(only) });
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).not.toContain('documents');
    expect(result.stderr).not.toContain('warning');
    expect(alignmentOf(cwd).answers?.policies).toHaveLength(2);
    const page = readFileSync(join(cwd, 'run', 'report.html'), 'utf8');
    expect(page).not.toContain('id="funnel"');
  });

  it('says before anything runs that a file of pairs is missing', async () => {
    const cwd = workspace({ 'sort.jsonl': SORT, 'p.yaml': pipeline() });
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code).toBe(3);
    expect(result.stderr).toContain('the alignment stage reward:');
    expect(result.stderr).toContain('pairs.jsonl');
    expect(existsSync(join(cwd, 'run', 'phases'))).toBe(false);
    const checked = await cli(['validate', 'p.yaml'], cwd);
    expect(checked.code).toBe(0);
    expect(checked.stderr).toContain('warning:');
  });
});
