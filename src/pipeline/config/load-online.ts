/** The configuration of an online stage of alignment from its file, with mistakes' lines and columns as of every other (load-train.ts). */
import type { z } from 'zod';
import { withAbsoluteOnlinePaths } from '../../align/config/online-files.ts';
import {
  ONLINE_SCHEMAS,
  type OnlineConfigs,
  type OnlineStage,
  type ResolvedOnlineConfig,
} from '../../align/config/online-schema.ts';
import { type LoadTrainOptions, loadRunConfig } from './load-train.ts';
import { inputJsonSchema, type JsonSchema } from './phrases.ts';

/** Throws ConfigError (CONFIG_INVALID) with every mistake; INPUT_NOT_FOUND or INPUT_UNREADABLE for the file itself. */
export async function loadOnlineConfig<S extends OnlineStage>(
  stage: S,
  file: string,
  options: LoadTrainOptions = {},
): Promise<ResolvedOnlineConfig<S>> {
  const words = {
    members: "a mapping with 'model', 'data' and 'reward'",
    hint: `nothing was run; docs/alignment.md and configs/align-${stage}.schema.json list every member`,
  };
  const schema = ONLINE_SCHEMAS[stage] as unknown as z.ZodType<OnlineConfigs[S]>;
  const { value, place } = await loadRunConfig(file, schema, words, options);
  return withAbsoluteOnlinePaths<S>(value, place);
}

const TITLES: Readonly<Record<OnlineStage, string>> = {
  ppo: 'corpusmill PPO',
  grpo: 'corpusmill GRPO',
  rloo: 'corpusmill RLOO',
  rejection: 'corpusmill rejection sampling',
  'online-dpo': 'corpusmill online DPO',
};

/** JSON Schema (draft 2020-12) of such files; shipped as configs/align-STAGE.schema.json. */
export function onlineJsonSchema(stage: OnlineStage): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: TITLES[stage],
    description: 'A policy, its prompts, what scores its responses, and how it learns from them.',
    ...inputJsonSchema(ONLINE_SCHEMAS[stage]),
  };
}
