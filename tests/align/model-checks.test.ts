/** What an online stage and DPO refuse before they compute anything: models, prompts and lengths that do not go together. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ONLINE_SCHEMAS, type ResolvedOnlineConfig } from '../../src/align/config/online-schema.ts';
import { runOnline } from '../../src/align/run-online.ts';
import { modelFolder, promptFile } from './online-folders.ts';
import { runStage, stageFolder } from './stage-folders.ts';

/** As many characters as the policy's tokenizer has, so that only their meaning differs. */
const OTHER = 'abcdefghijk';

let place: string;
let files: string;
const models: Record<string, string> = {};
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'corpusmill-checks-'));
  files = await stageFolder();
  promptFile(place);
  models['policy'] = await modelFolder(place, 'policy');
  models['scores'] = await modelFolder(place, 'scores', { head: 'score' });
  models['other'] = await modelFolder(place, 'other', { characters: OTHER });
  models['otherScores'] = await modelFolder(place, 'other-scores', { head: 'score', characters: OTHER });
  models['nowhere'] = join(place, 'nowhere');
});
afterAll(() => {
  for (const folder of [place, files]) rmSync(folder, { recursive: true });
});

/** Models by their names above. */
async function ppo(given: Record<string, unknown>): Promise<unknown> {
  const config = ONLINE_SCHEMAS.ppo.parse({
    model: models['policy'],
    reward: { program: 'agreement' },
    sampling: { maxNewTokens: 4 },
    batch: { prompts: 3, responses: 2, rows: 6 },
    stop: { steps: 1 },
    backend: 'reference',
    ...given,
    data: { prompts: join(place, 'prompts.jsonl'), template: 'none', maxTokens: 8, ...(given['data'] as object) },
  });
  return runOnline('ppo', { ...config, name: 'run', output: join(place, 'run') } as ResolvedOnlineConfig<'ppo'>);
}

const named = (name: string) => ({ model: models[name] });

describe('models beside the policy', () => {
  it.each(['reward', 'critic'])('%s: with another tokenizer, without a head of scores, or not there', async (role) => {
    const critic = role === 'critic';
    await expect(ppo({ [role]: named('otherScores') })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        new RegExp(`^${role}: the tokenizer of the ${critic ? role : 'reward model'} .* is not that of the policy`),
      ),
    });
    await expect(ppo({ [role]: named('policy') })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('is no reward model: it has no head of scores'),
    });
    await expect(ppo({ [role]: named('nowhere') })).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      message: expect.stringContaining(`${role}: there is no folder ${models['nowhere']}`),
    });
  });

  it('a reference with another tokenizer, or a head of scores in place of words', async () => {
    await expect(ppo({ reference: models['other'] })).rejects.toThrow('reference: the tokenizer of the reference');
    await expect(ppo({ reference: models['scores'] })).rejects.toThrow('it is a reward model');
  });

  it('a critic that is to be shared and another model', async () => {
    await expect(ppo({ critic: { ...named('scores'), shared: true } })).rejects.toThrow('both given');
  });

  it('a reference of DPO with another tokenizer', async () => {
    const given = { data: { pairs: 'pairs.jsonl' }, reference: named('other') };
    await expect(runStage('dpo', files, given)).rejects.toThrow('reference: the tokenizer of the reference');
  });
});

describe('lengths', () => {
  it('prompts and responses that are together longer than the context', async () => {
    await expect(ppo({ sampling: { maxNewTokens: 40 } })).rejects.toMatchObject({
      message: expect.stringContaining('made for 16 positions, texts have up to 44 tokens'),
      hint: expect.stringContaining('sampling.maxNewTokens'),
    });
  });

  it('prompts of which none fits', async () => {
    await expect(ppo({ data: { maxTokens: 2 } })).rejects.toThrow('none of 4 records can be used: prompt too long');
  });

  it('pairs that all are longer than a row', async () => {
    const given = { data: { pairs: 'pairs.jsonl' }, batch: { rows: 2, sequenceLength: 8 } };
    await expect(runStage('reward', files, given)).rejects.toThrow('none of 24 records can be used: too long');
  });
});

it('files of another stage', async () => {
  await expect(runStage('dpo', files, { data: { pairs: 'conversations.jsonl' } })).rejects.toThrow(
    'none of 24 records can be used: not a pair',
  );
});
