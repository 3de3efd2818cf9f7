/** `corpusmill train` as a user runs it: a process that is stopped, killed and started again, and files that others open. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { comparable, type LogRecord, parseLog } from '../../src/training/log.ts';
import { cli, filesUnder, hasStackTrace, startCli, waitFor, workspace } from './cli.ts';

/** Enough text that a row can begin at many places. */
const TEXT = Array.from({ length: 400 }, (_, i) => `Line ${i % 37} says ${(i * i) % 101} to the ${i % 7}th.\n`).join(
  '',
);

function config(given: object = {}): string {
  return JSON.stringify({
    model: {
      from: 'tiny-qwen3-1m',
      set: { hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, head_dim: 4, max_position_embeddings: 32 },
      fitVocabulary: true,
    },
    data: { text: 'text.txt', tokenizer: 'characters', validationShare: '10%' },
    batch: { rows: 2, sequenceLength: 16, accumulation: 2 },
    optimizer: { learningRate: 0.01 },
    dropout: 0.1,
    stop: { steps: 24 },
    evaluation: { every: 8, batches: 3 },
    samples: { every: 12, prompts: ['Line '], tokens: 8 },
    checkpoints: { every: 4, keep: 2 },
    backend: 'reference',
    output: 'run',
    ...given,
  });
}

const files = { 'text.txt': TEXT, 'train.json': config() };

function logOf(cwd: string, run = 'run'): LogRecord[] {
  return parseLog(readFileSync(join(cwd, run, 'train-log.jsonl'), 'utf8'));
}

/** Bytes of the last checkpoint but for the time that its state tells. */
function lastCheckpoint(cwd: string, run = 'run'): Record<string, string> {
  const folder = join(cwd, run, 'checkpoints', 'step-00000024');
  return Object.fromEntries(
    filesUnder(folder).map((name) => {
      const bytes = readFileSync(join(folder, name));
      return [
        name,
        name === 'training-state.json' ? bytes.toString().replace(/"seconds": .*/, '') : bytes.toString('base64'),
      ];
    }),
  );
}

describe('corpusmill train', { timeout: 180_000 }, () => {
  it('trains, and leaves a log, checkpoints and a model that `model info` knows', async () => {
    const cwd = workspace(files);
    const result = await cli(['train', 'train.json', '--json'], cwd);
    expect(result.code, result.stderr).toBe(0);
    const told = JSON.parse(result.stdout) as { step: number; loss: number; checkpoint: string; reason: string };
    expect(told).toMatchObject({ step: 24, reason: 'steps', checkpoint: join(cwd, 'run/checkpoints/step-00000024') });
    expect(filesUnder(told.checkpoint)).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'optimizer.safetensors', 'tokenizer.json']),
    );
    const records = logOf(cwd);
    expect(records[0]).toMatchObject({ kind: 'run', name: 'train', accumulation: 2, tokensPerStep: 64, steps: 24 });
    expect(records.filter(({ kind }) => kind === 'step')).toHaveLength(24);
    const evaluations = records.filter((record) => record.kind === 'evaluation');
    expect(evaluations.map(({ step }) => step)).toEqual([8, 16, 24]);
    expect(evaluations[2].loss).toBeLessThan(evaluations[0].loss!);
    expect(records.filter(({ kind }) => kind === 'sample')).toHaveLength(2);
    expect(records.at(-1)).toMatchObject({ kind: 'end', reason: 'steps', step: 24 });
    // Not a word of control sequences where nobody looks at a terminal.
    expect(result.stderr).not.toContain('\u001b');
  });

  it('--profile times every operation and trains nothing', async () => {
    const cwd = workspace(files);
    const text = await cli(['train', 'train.json', '--profile', '1'], cwd);
    expect(text.code, text.stderr).toBe(0);
    expect(text.stdout).toMatch(/^one micro-batch of 32 tokens and one update, reference: [\d,]+ tokens\/s$/m);
    expect(text.stdout).toMatch(/^operation +calls +ms +share +GFLOP\/s +GB\/s$/m);
    expect(text.stdout).toMatch(/^linearCrossEntropy +1 +[\d.]+ +[\d.]+ % +[\d.]+ +[\d.]+$/m);
    const json = await cli(['train', 'train.json', '--profile', '--json'], cwd);
    const profile = JSON.parse(json.stdout) as { places: number; operations: { operation: string; flops: number }[] };
    expect(profile.places).toBe(32);
    expect(profile.operations.map(({ operation }) => operation)).toEqual(
      expect.arrayContaining(['matmul', 'attentionGrad', 'adamw']),
    );
    expect(existsSync(join(cwd, 'run', 'train-log.jsonl'))).toBe(false);
  });

  it('killed while it writes a checkpoint, it goes on to the same log and the same weights', async () => {
    const whole = workspace(files);
    expect((await cli(['train', 'train.json'], whole)).code).toBe(0);
    const cwd = workspace(files);
    const checkpoints = join(cwd, 'run', 'checkpoints');
    const writing = (step: number) => join(checkpoints, `.step-${String(step).padStart(8, '0')}.writing`);
    for (const step of [8, 16]) {
      const run = startCli(['train', 'train.json'], cwd);
      expect(await waitFor(() => existsSync(writing(step)), run)).toBe(true);
      run.child.kill('SIGKILL');
      await run.done;
    }
    const last = await cli(['train', 'train.json'], cwd);
    expect(last.code, last.stderr).toBe(0);
    expect(last.stderr).toContain('going on after step');
    expect(comparable(logOf(cwd))).toEqual(comparable(logOf(whole)).map((record) => replaceFolder(record, whole, cwd)));
    expect(lastCheckpoint(cwd)).toEqual(
      Object.fromEntries(
        Object.entries(lastCheckpoint(whole)).map(([name, text]) => [name, text.replaceAll(whole, cwd)]),
      ),
    );
    const events = 'tensorboard/events.out.tfevents.0000000000.corpusmill';
    expect(readFileSync(join(cwd, 'run', events))).toEqual(readFileSync(join(whole, 'run', events)));
    expect(filesUnder(checkpoints).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('Ctrl-C writes a checkpoint and ends with 130; the same command goes on', async () => {
    const cwd = workspace({
      ...files,
      'train.json': config({ stop: { steps: 100_000 }, schedule: { kind: 'constant', warmup: 0 } }),
    });
    const run = startCli(['train', 'train.json'], cwd);
    const log = join(cwd, 'run', 'train-log.jsonl');
    expect(await waitFor(() => existsSync(log) && readFileSync(log, 'utf8').includes('"step":10,'), run)).toBe(true);
    run.child.kill('SIGINT');
    const stopped = await run.done;
    expect(stopped.code, stopped.stderr).toBe(130);
    expect(stopped.stderr).toMatch(/training was stopped after step \d+/);
    expect(hasStackTrace(stopped)).toBe(false);
    const { step } = logOf(cwd).at(-1) as { step: number };
    const again = await cli(['train', 'train.json', '--steps', String(step + 3)], cwd);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain(`going on after step ${step}`);
  });

  it('a full disk ends it with 5 and leaves the last checkpoint; with room it goes on', async ({ skip }) => {
    const cwd = workspace({ ...files, 'train.json': config({ checkpoints: { every: 4, keep: 4 } }) });
    const disk = join(cwd, 'disk');
    mkdirSync(disk);
    try {
      // One checkpoint of this model takes about 60 KB.
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'corpusmill-test', disk], { stdio: 'ignore' });
    } catch {
      skip('this user may not mount a file system');
    }
    try {
      const full = await cli(['train', 'train.json', '--output', 'disk/run'], cwd);
      expect(full.code, full.stderr).toBe(5);
      expect(full.stderr).toMatch(/The disk is full: .*The last checkpoint is whole: \S+step-0000/s);
      expect(hasStackTrace(full)).toBe(false);
      execFileSync('mount', ['-o', `remount,size=${16 << 20}`, disk]);
      const again = await cli(['train', 'train.json', '--output', 'disk/run'], cwd);
      expect(again.code, again.stderr).toBe(0);
      expect(again.stderr).toContain('going on after step');
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('refuses another configuration in the same folder, unless --fresh', async () => {
    const cwd = workspace({ ...files, 'train.json': config({ stop: { steps: 4 } }) });
    expect((await cli(['train', 'train.json'], cwd)).code).toBe(0);
    const other = await cli(['train', 'train.json', '--set', 'optimizer.learningRate=0.02'], cwd);
    expect(other.code).toBe(5);
    expect(other.stderr).toContain('optimizer.learningRate was 0.01, now it is 0.02');
    const fresh = await cli(['train', 'train.json', '--set', 'optimizer.learningRate=0.02', '--fresh'], cwd);
    expect(fresh.code, fresh.stderr).toBe(0);
  });

  it('says what is wrong with a configuration, with line and column', async () => {
    const cwd = workspace({
      ...files,
      'bad.yaml': 'model: tiny-qwen3-1m\ndata: { txt: text.txt }\nbatch: { rows: 0 }\nstop: { steps: 10 }\n',
    });
    const bad = await cli(['train', 'bad.yaml'], cwd);
    expect(bad.code).toBe(2);
    expect(bad.stderr).toContain("bad.yaml:2:9: data.txt: found an unknown key 'txt'");
    expect(bad.stderr).toContain("did you mean 'text'?");
    expect(bad.stderr).toMatch(/bad\.yaml:3:16: batch\.rows: found 0, expected a whole number/);
  });

  it('goes on from the weights of a folder, and grows experts from a dense model', async () => {
    const cwd = workspace({
      ...files,
      'train.json': config({ stop: { steps: 8 }, evaluation: { every: 8, batches: 3 } }),
    });
    expect((await cli(['train', 'train.json'], cwd)).code).toBe(0);
    const trained = 'run/checkpoints/step-00000008';
    const shape = ['--experts', '4', '--per-token', '2', '--expert-width', '16'];
    const grown = await cli(['model', 'upcycle', trained, 'experts', ...shape], cwd);
    expect(grown.code, grown.stderr).toBe(0);
    const stepsOf = (run: string) => logOf(cwd, run).filter((record) => record.kind === 'step');
    const goOn = async (model: string, output: string) => {
      const evaluation = { every: 4, batches: 3 };
      writeFileSync(join(cwd, 'more.json'), config({ model, output, stop: { steps: 8 }, evaluation }));
      const result = await cli(['train', 'more.json'], cwd);
      expect(result.code, result.stderr).toBe(0);
      return stepsOf(output);
    };
    const first = stepsOf('run');
    const dense = await goOn(trained, 'dense');
    // It begins where the first run ended, not where a new model does.
    const begins = dense[0].loss!;
    expect(Math.abs(begins - first.at(-1)!.loss!)).toBeLessThan(Math.abs(begins - first[0].loss!));
    expect(dense.at(-1)!.loss).toBeLessThan(begins);
    const experts = await goOn('experts', 'of-experts');
    expect(experts.at(-1)!.loss).toBeLessThan(experts[0].loss!);
    expect(experts[0].metrics!['balance']).toBeGreaterThan(0);
  });

  it('--dry-run tells parameters, memory and steps, and trains nothing', async () => {
    const cwd = workspace(files);
    const dry = await cli(['train', 'train.json', '--dry-run'], cwd);
    expect(dry.code, dry.stderr).toBe(0);
    expect(dry.stdout).toMatch(/64 tokens: 2 rows of 16 × 2 micro-batches; 24 steps/);
    expect(dry.stdout).toMatch(/memory +[\d.]+ [KM]iB of [\d.]+ [GM]iB free/);
    expect(existsSync(join(cwd, 'run', 'train-log.jsonl'))).toBe(false);
  });
});

/** The same record of a run in another folder. */
function replaceFolder(record: Record<string, unknown>, from: string, to: string): Record<string, unknown> {
  return JSON.parse(JSON.stringify(record).replaceAll(from, to)) as Record<string, unknown>;
}
