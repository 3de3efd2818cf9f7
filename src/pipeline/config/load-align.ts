/** The configuration of an alignment stage from its file, with the mistakes' lines and columns as of every other (load-train.ts). */
import type { z } from 'zod';
import { ALIGN_SCHEMAS, type OfflineStage } from '../../align/config/schema.ts';
import { type ResolvedStageConfig, type StageConfigs, withAbsoluteStagePaths } from '../../align/config/stage-files.ts';
import { type LoadTrainOptions, loadRunConfig } from './load-train.ts';
import { inputJsonSchema, type JsonSchema } from './phrases.ts';

const MEMBERS: Readonly<Record<OfflineStage, string>> = {
  sft: "a mapping with 'model' and 'data'",
  reward: "a mapping with 'model' and 'data'",
  dpo: "a mapping with 'model' and 'data'",
};

/** Throws ConfigError (CONFIG_INVALID) with every mistake; INPUT_NOT_FOUND or INPUT_UNREADABLE for the file itself. */
export async function loadStageConfig<S extends OfflineStage>(
  stage: S,
  file: string,
  options: LoadTrainOptions = {},
): Promise<ResolvedStageConfig<S>> {
  const hint = `nothing was run; docs/alignment.md and configs/align-${stage}.schema.json list every member`;
  const schema = ALIGN_SCHEMAS[stage] as unknown as z.ZodType<StageConfigs[S]>;
  const { value, place } = await loadRunConfig(file, schema, { members: MEMBERS[stage], hint }, options);
  return withAbsoluteStagePaths<S>(value, place);
}

const TITLES: Readonly<Record<OfflineStage, string>> = {
  sft: 'corpusmill supervised fine-tuning',
  reward: 'corpusmill reward model',
  dpo: 'corpusmill preference optimization (DPO)',
};

/** JSON Schema (draft 2020-12) of such files; shipped as configs/align-STAGE.schema.json. */
export function stageJsonSchema(stage: OfflineStage): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: TITLES[stage],
    description: 'A model, what it learns from, and how.',
    ...inputJsonSchema(ALIGN_SCHEMAS[stage]),
  };
}
