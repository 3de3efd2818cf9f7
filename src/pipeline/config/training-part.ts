/**
 * The part of a pipeline file that trains: `train`, `align` and `prompts`, their schemas and their rules. Loaded for the
 * files that have one of them: with the model configurations, optimizers and losses behind it, it is as much code as
 * all else that reads a pipeline.
 */
import { z } from 'zod';
import { pipelineTrainSchema } from '../../training/config/schema.ts';
import { promptsSchema } from './align-schema.ts';
import { documentsSchema } from './schema.ts';

export { checkAlignBlock } from './align-block.ts';
export { checkTrainBlock, resolveTrainBlock, shardsOf } from './train-block.ts';

export const pipelineSchema = documentsSchema.extend({
  train: pipelineTrainSchema
    .optional()
    .describe('A model trained on the shards of this pipeline, when all stages are done. docs/training.md'),
  align: z.array(z.unknown()).min(1).optional().meta({
    title: 'a list of alignment stages',
    description: 'What makes an assistant of the model, one stage after another. docs/alignment.md',
  }),
  prompts: promptsSchema
    .optional()
    .describe(
      'Put to the policy before alignment and after each of its stages; the report has the answers side by side.',
    ),
});

/** A pipeline that aligns needs no documents: it may begin with a model that is there. */
export const alignmentOnlySchema = pipelineSchema.extend({
  inputs: pipelineSchema.shape.inputs.default([]),
  stages: pipelineSchema.shape.stages.default([]),
});

export type PipelineFields = z.output<typeof pipelineSchema>;
