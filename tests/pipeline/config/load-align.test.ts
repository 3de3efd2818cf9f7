/** Configurations of the alignment stages: shipped examples, the published schemas, mistakes with their place, paths. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../../src/core/package-root.ts';
import { loadStageConfig, stageJsonSchema } from '../../../src/pipeline/config/load-align.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpusmill-align-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const STAGES = ['sft', 'reward', 'dpo'] as const;

describe.each(STAGES)('%s', (stage) => {
  it('the shipped example is valid, by the code and by the published schema', async () => {
    const path = join(packageRoot(), 'configs', 'align', `${stage}.yaml`);
    expect((await loadStageConfig(stage, path, { env: {} })).name).toBe(stage);
    const validate = new Ajv2020({ strict: false }).compile(stageJsonSchema(stage));
    expect(validate(parse(readFileSync(path, 'utf8'))), JSON.stringify(validate.errors)).toBe(true);
  });

  it(`configs/align-STAGE.schema.json is what the code gives (corpusmill schema align-STAGE)`, () => {
    const path = join(packageRoot(), 'configs', `align-${stage}.schema.json`);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(JSON.parse(JSON.stringify(stageJsonSchema(stage))));
  });
});

describe('a file', () => {
  const load = (text: string) => {
    const path = join(folder, 'run.yaml');
    writeFileSync(path, text);
    return loadStageConfig('dpo', path, { env: {}, cwd: '/elsewhere' });
  };

  it('has its paths relative to itself, and the defaults of its stage', async () => {
    const config = await load('model: tiny-qwen2-1m\ndata: { pairs: [a.jsonl, b/*.gz], template: dialogue }\n');
    expect(config.data.pairs).toEqual([join(folder, 'a.jsonl'), join(folder, 'b/*.gz')]);
    expect(config.data.template).toBe('dialogue');
    expect(config).toMatchObject({
      output: '/elsewhere/runs/run',
      model: 'tiny-qwen2-1m',
      loss: { kind: 'sigmoid', beta: 0.1 },
      optimizer: { learningRate: 3.5e-5, weightDecay: 0.1, clipNorm: 1 },
      schedule: { kind: 'cosine', warmup: '10%' },
      data: { epochs: 1 },
    });
  });

  it('names every mistake with line, column and the nearest name', async () => {
    const bad = 'model: x\ndata:\n  pairs: a.jsonl\n  mask: qwen\nloss:\n  kind: sigmoyd\n  betta: 0.1\n';
    const message = await load(bad).catch((error: Error) => error.message);
    expect(message).toContain('run.yaml:4:3');
    expect(message).toContain("run.yaml:6:9: loss.kind: found 'sigmoyd', expected 'sigmoid'");
    expect(message).toContain('run.yaml:7:3');
    expect(message).toContain("did you mean 'beta'");
  });
});
