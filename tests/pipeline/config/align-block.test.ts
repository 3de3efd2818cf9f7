/** The list `align` of a pipeline: what items take from each other, and the mistakes that are found before anything runs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPipeline } from '../../../src/pipeline/config/load.ts';
import type { AlignStage, Pipeline } from '../../../src/pipeline/pipeline.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corpusmill-align-block-'));
  writeFileSync(join(folder, 'tokenizer.json'), '{}');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CORPUS = {
  inputs: ['a.txt'],
  stages: ['normalize', { stage: 'tokenizer.train', vocabSize: 300 }, { stage: 'shards', contextLength: 128 }],
};
const TRAINED = { ...CORPUS, train: { model: 'tiny-qwen3-1m', stop: { steps: 5 } } };
const SFT = { stage: 'sft', data: { conversations: 'chat.jsonl' } };
const REWARD = { stage: 'reward', data: { pairs: 'pairs.jsonl' } };
const PPO = { stage: 'ppo', data: { prompts: 'prompts.jsonl' } };
const DPO = { stage: 'dpo', data: { pairs: 'pairs.jsonl' } };

async function load(align: unknown[], given: object = TRAINED, set: string[] = []): Promise<Pipeline> {
  const file = join(folder, 'p.yaml');
  writeFileSync(file, JSON.stringify({ output: 'run', seed: 11, ...given, align }, null, 1));
  return loadPipeline(file, { env: {}, cwd: folder, set });
}

async function stages(align: unknown[], given: object = TRAINED): Promise<AlignStage[]> {
  return (await load(align, given)).alignment!.stages;
}

/** The lines of the mistakes, from the path on; every one has its line and column. */
async function mistakes(align: unknown[], given: object = TRAINED): Promise<string[]> {
  const error: unknown = await load(align, given).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const lines = String((error as Error | undefined)?.message)
    .split('\n')
    .slice(1);
  for (const line of lines) expect(line).toMatch(/p\.yaml:\d+:\d+: /);
  return lines.map((line) => line.replace(/^.*?:\d+:\d+: /, ''));
}

const linksOf = (stage: AlignStage): string[] => stage.links.map(({ member, from }) => `${member} ← ${from}`);

describe('the list align', () => {
  it('chains: each begins with the policy before it, a reward model with what was taught, PPO is scored by that', async () => {
    const found = await stages([SFT, REWARD, PPO, DPO]);
    expect(found.map((stage) => [stage.name, ...linksOf(stage)])).toEqual([
      ['sft', 'model ← train'],
      ['reward', 'model ← sft'],
      ['ppo', 'model ← sft', 'reward.model ← reward'],
      ['dpo', 'model ← ppo'],
    ]);
    expect(found[2].config).toMatchObject({
      name: 'ppo',
      output: join(folder, 'run', 'output', 'align', 'ppo'),
      seed: 11,
      data: { prompts: join(folder, 'prompts.jsonl') },
    });
  });

  it('branches with `from`, and names models of earlier items where folders could stand', async () => {
    const found = await stages([
      SFT,
      REWARD,
      { ...PPO, from: 'sft', critic: { model: 'reward' }, reference: 'train' },
      { ...DPO, from: 'sft', reference: { model: 'ppo' }, merging: { base: 'train' } },
      { ...REWARD, name: 'tuned', from: 'reward' },
    ]);
    expect(found.slice(2).map(linksOf)).toEqual([
      ['model ← sft', 'reward.model ← reward', 'reference ← train', 'critic.model ← reward'],
      ['model ← sft', 'merging.base ← train', 'reference.model ← ppo'],
      ['model ← reward'],
    ]);
  });

  it('begins with a given model, drawn from the seed, whose tokenizer is the one that the pipeline trains', async () => {
    const [sft] = await stages([{ ...SFT, model: 'tiny-qwen3-1m' }], CORPUS);
    expect(linksOf(sft)).toEqual(['data.tokenizer ← tokenizer.train']);
    expect(sft.config.model).toMatchObject({ from: 'tiny-qwen3-1m', fitVocabulary: true });
  });

  it('needs no documents where the model is given', async () => {
    const first = { ...SFT, model: 'tiny-qwen3-1m', data: { ...SFT.data, tokenizer: 'tokenizer.json' } };
    const pipeline = await load([first, { ...PPO, reward: 'exact-match' }], { prompts: ['Hello'] });
    expect(pipeline.inputs).toEqual([]);
    expect(pipeline.alignment?.asked).toMatchObject({ prompts: ['Hello'], temperature: 0, tokens: 64 });
    expect(pipeline.alignment?.stages[1].config).toMatchObject({ reward: { program: 'exact-match' } });
  });

  it('mixes in the shards that the model was pretrained on, or those of a stage that is named', async () => {
    const stages = [...CORPUS.stages, { stage: 'shards', name: 'more', contextLength: 64 }];
    const given = { ...TRAINED, stages, train: { ...TRAINED.train, data: { shards: 'shards' } } };
    const ppo = { ...PPO, reward: 'exact-match' };
    const found = (
      await load(
        [
          SFT,
          { ...ppo, pretraining: { coefficient: 2 } },
          { ...ppo, name: 'b', stage: 'rloo', pretraining: { shards: 'more' } },
          { ...ppo, name: 'c', stage: 'grpo', pretraining: { shards: ['.', { path: '.', weight: 2 }] } },
        ],
        given,
      )
    ).alignment!.stages;
    expect(found.slice(1).map(linksOf)).toEqual([
      ['model ← sft', 'pretraining.shards ← shards'],
      ['model ← ppo', 'pretraining.shards ← more'],
      ['model ← b'],
    ]);
    expect(found[1].config).toMatchObject({ pretraining: { coefficient: 2, rows: 8 } });
    expect(found[3].config).toMatchObject({ pretraining: { shards: [folder, { path: folder, weight: 2 }] } });
  });

  it('takes values of --set by the names of items', async () => {
    const set = ['align.ppo.stop.steps=3', 'align.0.optimizer.learningRate=0.5'];
    const found = (await load([SFT, REWARD, PPO], TRAINED, set)).alignment!.stages;
    expect(found[2].config.stop.steps).toBe(3);
    expect(found[0].config.optimizer.learningRate).toBe(0.5);
  });
});

describe('mistakes', () => {
  const first = 'a reward stage before or a program';

  it('folders of runs without a checkpoint', async () => {
    mkdirSync(join(folder, 'empty'), { recursive: true });
    const looked = 'has no model: there is no config.json, no checkpoints/step-*/config.json';
    expect(await mistakes([{ ...SFT, model: 'empty' }])).toEqual([expect.stringContaining(looked)]);
    const [reward] = await mistakes([{ ...PPO, reward: { model: 'empty' } }]);
    expect(reward).toContain('align.0: ');
    expect(reward).toContain(looked);
    const train = { ...TRAINED.train, model: 'empty' };
    expect(await mistakes([SFT], { ...TRAINED, train })).toEqual([
      expect.stringMatching(/^train\.model: .*has no model: there is no config\.json/),
    ]);
  });

  it('pretraining text that nobody makes, or that is not there', async () => {
    const ppo = { ...PPO, reward: 'exact-match' };
    const none = { ...TRAINED, stages: ['normalize'], train: undefined };
    const model = { model: 'tiny-qwen3-1m', data: { ...PPO.data, tokenizer: 'tokenizer.json' } };
    expect(await mistakes([{ ...ppo, ...model, pretraining: {} }], none)).toEqual([
      "align.0.pretraining: found no 'shards', and the pipeline makes none, expected 'shards': a folder of shards, or the stage 'shards' among the stages",
    ]);
    expect(await mistakes([{ ...ppo, pretraining: { shards: 'shard' } }])).toEqual([
      "align.0.pretraining.shards: found 'shard', expected the name of a stage 'shards' ('shards') or a folder of shards; did you mean 'shards'?",
    ]);
    expect(await mistakes([{ ...ppo, pretraining: { coefficient: 0 } }])).toEqual([
      expect.stringContaining('align.0.pretraining.coefficient: found 0'),
    ]);
    expect(await mistakes([{ ...DPO, pretraining: {} }])).toEqual([
      expect.stringContaining("unknown option 'pretraining'"),
    ]);
  });

  it.each<[string, unknown[], string[]]>([
    [
      'an unknown stage',
      [{ ...SFT, stage: 'rewrd' }],
      [
        "align.0.stage: found 'rewrd', expected one of sft, reward, ppo, grpo, rloo, rejection, dpo, online-dpo; did you mean 'reward'?",
      ],
    ],
    [
      'no stage',
      [{ data: {} }],
      [
        "align.0.stage: found no 'stage' in a mapping with 'data', expected one of sft, reward, ppo, grpo, rloo, rejection, dpo, online-dpo",
      ],
    ],
    [
      'one name twice',
      [SFT, SFT],
      [
        expect.stringMatching(
          /^align\.1\.stage: found a second alignment stage named 'sft' \(the first: line \d+\), expected a 'name' of its own$/,
        ),
      ],
    ],
    [
      'a name taken by the training',
      [{ ...SFT, name: 'train' }],
      ["align.0.name: found an alignment stage named 'train' beside the block 'train', expected another name"],
    ],
    [
      'an unknown stage to begin with',
      [SFT, { ...DPO, from: 'sfd' }],
      ["align.1.from: found 'sfd', expected one of train, sft; did you mean 'sft'?"],
    ],
    ['one that comes later', [{ ...DPO, from: 'sft' }, SFT], ["align.0.from: found 'sft', expected one of train"]],
    [
      'a policy out of a reward model',
      [REWARD, { ...DPO, from: 'reward' }],
      ["align.1.from: found 'reward', a reward model, expected a stage that leaves a policy"],
    ],
    [
      'two beginnings',
      [{ ...SFT, from: 'train', model: 'tiny-qwen3-1m' }],
      ["align.0.from: found 'from' beside 'model', expected one of them"],
    ],
    [
      'nothing that scores',
      [PPO],
      [
        "align.0.stage: found no 'reward', and no reward model before it, expected a 'reward' item before, or 'reward: {program: NAME}'",
      ],
    ],
    [
      'an unknown program',
      [{ ...PPO, reward: 'exact-mach' }],
      [
        expect.stringMatching(
          new RegExp(`^align\\.0\\.reward: found 'exact-mach', expected ${first}.*; did you mean 'exact-match'\\?$`),
        ),
      ],
    ],
    [
      'a program without what it needs',
      [{ ...PPO, reward: { program: 'style' } }],
      [
        expect.stringMatching(
          /^align\.0\.reward\.options: found an empty mapping: `pattern` must be a regular expression/,
        ),
      ],
    ],
    [
      'two rewards',
      [{ ...PPO, reward: { program: 'style', model: 'x' } }],
      ["align.0.reward: found both 'model' and 'program', expected one of them"],
    ],
    [
      'nothing to learn from',
      [{ stage: 'sft', data: {} }],
      ["align.0.data: found neither 'conversations' nor 'shards', expected one of them"],
    ],
    [
      'a misspelt option',
      [{ ...SFT, neftun: 5 }],
      [expect.stringMatching(/^align\.0\.neftun: found an unknown option 'neftun', .*did you mean 'neftune'\?$/)],
    ],
    [
      'a model that is not there',
      [{ ...SFT, model: 'tiny-qwen9' }],
      [
        expect.stringMatching(
          /^align\.0\.model: found 'tiny-qwen9': the model tiny-qwen9: there is no such file or folder/,
        ),
      ],
    ],
    [
      'a batch that does not come out even',
      [{ ...SFT, batch: { rows: 4, sequenceLength: 100, tokensPerStep: 500 } }],
      [expect.stringMatching(/^align\.0: found settings that do not go together: batch\.tokensPerStep is 500/)],
    ],
  ])('%s', async (_, align, expected) => {
    expect(await mistakes(align)).toEqual(expected);
  });

  it('nothing to begin with, no tokenizer, prompts without stages', async () => {
    expect(await mistakes([SFT], {})).toEqual([
      "align.0.stage: found no 'model', and nothing before it that leaves one, expected a 'model': a name of configs/models or a folder, or the block 'train'",
    ]);
    expect(await mistakes([{ ...SFT, model: 'tiny-qwen3-1m' }], {})).toEqual([
      "align.0.data: found no 'tokenizer', and the model 'tiny-qwen3-1m' has none beside it, expected the tokenizer that its ids are of, or the stage 'tokenizer.train' among the stages",
    ]);
    const file = join(folder, 'p.yaml');
    writeFileSync(file, JSON.stringify({ ...TRAINED, prompts: ['Hello'] }));
    await expect(loadPipeline(file, { env: {}, cwd: folder })).rejects.toThrow(
      "prompts: found 'prompts' without 'align', expected the list 'align', or 'samples' of 'train'",
    );
  });

  it('all at once', async () => {
    expect(await mistakes([{ ...SFT, neftune: -1 }, { stage: 'pp0' }, { ...DPO, from: 'nobody' }])).toHaveLength(3);
  });
});
