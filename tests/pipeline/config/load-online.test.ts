import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ONLINE_SCHEMAS, type OnlineStage } from '../../../src/align/config/online-schema.ts';
import { packageRoot } from '../../../src/core/package-root.ts';
import { loadOnlineConfig, onlineJsonSchema } from '../../../src/pipeline/config/load-online.ts';

const configs = join(packageRoot(), 'configs');

describe.each(Object.keys(ONLINE_SCHEMAS) as OnlineStage[])('%s', (stage) => {
  it('has a shipped configuration that its schema accepts and that loads, paths absolute', async () => {
    const path = join(configs, 'align', `${stage}.yaml`);
    const validate = new Ajv2020({ strict: false }).compile(onlineJsonSchema(stage));
    expect(validate(parse(readFileSync(path, 'utf8'))), JSON.stringify(validate.errors)).toBe(true);
    const config = await loadOnlineConfig(stage, path, { cwd: '/somewhere' });
    expect(config.name).toBe(stage);
    expect(config.output).toBe(join('/somewhere', 'runs', stage));
    expect(config.data.prompts).toBe(
      join(packageRoot(), 'data', stage === 'grpo' ? 'prompts-with-answers.jsonl' : 'prompts.jsonl'),
    );
  });

  it('has a shipped schema', () => {
    const shipped = readFileSync(join(configs, `align-${stage}.schema.json`), 'utf8');
    expect(JSON.parse(shipped)).toEqual(JSON.parse(JSON.stringify(onlineJsonSchema(stage))));
  });
});

it('names a member that is not there', async () => {
  const set = ['kl.coeficient=1'];
  await expect(loadOnlineConfig('ppo', join(configs, 'align', 'ppo.yaml'), { set })).rejects.toThrow(/coeficient/);
});
