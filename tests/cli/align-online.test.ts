import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { modelFolder, promptFile } from '../align/online-folders.ts';
import { cli } from './cli.ts';

const dir = mkdtempSync(join(tmpdir(), 'corpusmill-cli-align-'));
beforeAll(async () => {
  await modelFolder(dir, 'policy');
  promptFile(dir);
  const config = {
    model: 'policy',
    data: { prompts: 'prompts.jsonl', template: 'none', maxTokens: 8 },
    reward: { program: 'digits-sorted' },
    sampling: { maxNewTokens: 4 },
    batch: { prompts: 2, responses: 2, rows: 4 },
    stop: { steps: 2 },
    backend: 'reference',
  };
  writeFileSync(join(dir, 'grpo.yaml'), JSON.stringify(config));
});
afterAll(() => rmSync(dir, { recursive: true }));

const align = (...args: string[]) => cli(['align', ...args], { cwd: dir });

it('runs a stage, shows rewards and samples, and says where the policy is', async () => {
  const { code, stdout, stderr } = await align('grpo', 'grpo.yaml');
  expect(code).toBe(0);
  expect(stderr).toMatch(/^grpo of grpo: 3 of 4 prompts, reward digits-sorted$/m);
  expect(stderr).toMatch(/^step 2 {2}reward \d\.\d{3}/m);
  expect(stdout).toMatch(/^Model .*runs\/grpo\/checkpoints\/step-00000002\/policy$/m);
  expect(stdout).toMatch(/^Report .*runs\/grpo\/report\.html$/m);
  expect(stderr).toMatch(/^ {2}"\d+>" → /m);
  const page = readFileSync(join(dir, 'runs/grpo/report.html'), 'utf8');
  for (const text of ['grpo – corpusmill grpo', 'Before', 'Step 2', 'finished after 2 steps'])
    expect(page).toContain(text);
});

it('goes on where it was, and prints JSON', async () => {
  const { code, stdout } = await align('grpo', 'grpo.yaml', '--steps', '3', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    stage: 'grpo',
    step: 3,
    last: { kind: 'online', algorithm: 'grpo', step: 3 },
  });
});

it('writes the report of a run anew, also under another name', async () => {
  const { code, stdout } = await cli(['train', 'report', 'runs/grpo', '-o', 'again.html'], { cwd: dir });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^grpo: 3 steps, reward \d\.\d{3}/m);
  expect(readFileSync(join(dir, 'again.html'), 'utf8')).toBe(readFileSync(join(dir, 'runs/grpo/report.html'), 'utf8'));
});

it('averages policies of two steps', async () => {
  const checkpoints = 'runs/grpo/checkpoints';
  const folders = [2, 3].map((step) => `${checkpoints}/step-0000000${step}/policy`);
  const { code, stdout } = await cli(['model', 'average', ...folders, '-o', 'mean'], { cwd: dir });
  expect([code, stdout]).toEqual([0, 'mean: the mean of 2 checkpoints\n']);
});

it('says what is wrong with a configuration, with its line', async () => {
  const { code, stderr } = await align('ppo', 'grpo.yaml', '--set', 'clip=-1');
  expect(code).toBe(2);
  expect(stderr).toContain('clip');
});

it('prints the configuration with defaults for --dry-run', async () => {
  const { code, stdout } = await align('ppo', 'grpo.yaml', '--dry-run', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    stage: 'ppo',
    config: { kl: { coefficient: 0.04 }, critic: { clip: 0.15 } },
  });
});
