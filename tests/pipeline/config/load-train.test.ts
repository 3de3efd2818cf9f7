/** Configurations of training runs: shipped examples, mistakes with their place, paths, the published schema. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../../src/core/package-root.ts';
import { loadTrainConfig, trainJsonSchema } from '../../../src/pipeline/config/load-train.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpusmill-train-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const examples = join(packageRoot(), 'configs', 'training');

function file(text: string): string {
  const path = join(folder, 'run.yaml');
  writeFileSync(path, text);
  return path;
}

const load = (text: string, set: string[] = []) => loadTrainConfig(file(text), { set, env: {}, cwd: '/elsewhere' });

describe('configs/training', () => {
  const validate = new Ajv2020({ strict: false }).compile(trainJsonSchema());

  it.each(readdirSync(examples))('%s is valid, by the code and by the published schema', async (name) => {
    const config = await loadTrainConfig(join(examples, name), { env: {} });
    expect(config.name).toBe(name.replace('.yaml', ''));
    expect(validate(parse(readFileSync(join(examples, name), 'utf8'))), JSON.stringify(validate.errors)).toBe(true);
  });

  it('configs/train.schema.json is what the code gives (corpusmill schema train > configs/train.schema.json)', () => {
    const shipped: unknown = JSON.parse(readFileSync(join(packageRoot(), 'configs', 'train.schema.json'), 'utf8'));
    expect(shipped).toEqual(JSON.parse(JSON.stringify(trainJsonSchema())));
  });
});

describe('a file', () => {
  const good = 'model: tiny-qwen3-1m\ndata: { text: a.txt, tokenizer: bytes }\nstop: { steps: 5 }\n';

  it('has its paths relative to itself, and its run where the command is', async () => {
    const config = await load(good);
    expect(config.data.text).toBe(join(folder, 'a.txt'));
    expect(config.output).toBe('/elsewhere/runs/run');
    expect(config.optimizer).toMatchObject({ learningRate: 1e-3, beta2: 0.95, clipNorm: 1 });
  });

  it('takes overrides, which are held to the same rules', async () => {
    expect((await load(good, ['optimizer.learningRate=3e-4', 'output=out'])).optimizer.learningRate).toBe(3e-4);
    await expect(load(good, ['batch.rows=none'])).rejects.toThrow(
      "--set batch.rows=none: batch.rows: found the string 'none', expected a whole number",
    );
  });

  it('names every mistake with line, column and the nearest name', async () => {
    const bad = 'model: tiny-qwen3-1m\ndata: { text: a.txt }\nschedule:\n  kind: cosin\nstopp: { steps: 5 }\n';
    await expect(load(bad)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const message = await load(bad).catch((error: Error) => error.message);
    expect(message).toMatch(/run\.yaml:4:9: schedule\.kind: found 'cosin', expected .*did you mean 'cosine'\?/);
    expect(message).toMatch(/run\.yaml:5:1: stopp: found an unknown key 'stopp'.*did you mean 'stop'\?/);
  });

  it('says so when it is not there', async () => {
    await expect(loadTrainConfig('/nowhere/x.yaml')).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  });
});
