/**
 * The list `align` of a pipeline, and its `prompts`. An item has the options of its stage's own configuration, less what the
 * pipeline knows: where it writes, and, unless they are written, what it begins with and what scores.
 */
import { z } from 'zod';
import { ONLINE_SCHEMAS, type OnlineStage, pretrainingShards } from '../../align/config/online-schema.ts';
import { ALIGN_SCHEMAS, type OfflineStage } from '../../align/config/schema.ts';
import { pipelineTrainSchema } from '../../training/config/schema.ts';

export type AlignStageKind = OfflineStage | OnlineStage;

/** The kinds of stages, in the order in which they are mostly chained. */
export const ALIGN_STAGES = ['sft', 'reward', 'ppo', 'grpo', 'rloo', 'rejection', 'dpo', 'online-dpo'] as const;

export function isOnline(stage: AlignStageKind): stage is OnlineStage {
  return stage in ONLINE_SCHEMAS;
}

const common = {
  from: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the earlier item whose model it begins with, or `train`. Default: the policy left before it.'),
  seed: pipelineTrainSchema.shape.seed.describe("Of weights, order, draws and dropout. Default: the pipeline's."),
  model: pipelineTrainSchema.shape.model
    .optional()
    .describe('In place of `from`: a name of configs/models, a config.json, or a folder with a model or a run.'),
};

const rewardShape = ONLINE_SCHEMAS.ppo.shape.reward;
const reward = z
  .union([z.string().min(1), rewardShape])
  .optional()
  .describe(
    'What scores a response: the name of an earlier `reward` item or of a program, or a mapping with one of model and program. Default: the last reward model before.',
  );

const pretraining = ONLINE_SCHEMAS.ppo.shape.pretraining
  .unwrap()
  .extend({
    shards: pretrainingShards
      .optional()
      .describe(
        'Of pretraining text: the name of a stage `shards`, a folder, or a mixture of folders. Default: those of `train`, or of the last stage `shards`.',
      ),
  })
  .optional()
  .describe('PPO-ptx: each update learns from pretraining text too, against forgetting.');

const withoutPlace = { name: true, output: true } as const;
const online = { ...common, reward };
const mixed = { ...online, pretraining };

/** The schemas of items by their stages; `stage` and `name` are checked apart. */
export const ALIGN_BLOCK_SCHEMAS = {
  sft: ALIGN_SCHEMAS.sft.omit(withoutPlace).extend(common),
  reward: ALIGN_SCHEMAS.reward.omit(withoutPlace).extend(common),
  dpo: ALIGN_SCHEMAS.dpo.omit(withoutPlace).extend(common),
  ppo: ONLINE_SCHEMAS.ppo.omit(withoutPlace).extend(mixed),
  grpo: ONLINE_SCHEMAS.grpo.omit(withoutPlace).extend(mixed),
  rloo: ONLINE_SCHEMAS.rloo.omit(withoutPlace).extend(mixed),
  rejection: ONLINE_SCHEMAS.rejection.omit(withoutPlace).extend(online),
  'online-dpo': ONLINE_SCHEMAS['online-dpo'].omit(withoutPlace).extend(online),
} as const;

export type AlignBlocks = { [S in AlignStageKind]: z.output<(typeof ALIGN_BLOCK_SCHEMAS)[S]> };

const askedPrompts = z.array(z.string().min(1)).min(1).max(50);

/** `prompts`: a list, or a mapping that says how answers are drawn too. */
export const promptsSchema = z.union([
  askedPrompts,
  z.object({
    ask: askedPrompts.describe('What a user says.'),
    system: z.string().optional().describe('A turn of the system before each.'),
    tokens: z.int().positive().default(64).describe('Of an answer, at most.'),
    temperature: z.number().min(0).default(0).describe('0: the likeliest answer.'),
    topP: z.number().gt(0).max(1).default(1),
    seed: z.int().nonnegative().max(0x7fffffff).default(0).describe('Of the draws, the same after every stage.'),
  }),
]);

export type PromptsBlock = z.output<typeof promptsSchema>;

/** `prompts` as a mapping, with every default. */
export function askedOf(block: PromptsBlock): Extract<PromptsBlock, { ask: string[] }> {
  return Array.isArray(block) ? { ask: block, tokens: 64, temperature: 0, topP: 1, seed: 0 } : block;
}
