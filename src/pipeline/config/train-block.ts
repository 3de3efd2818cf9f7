/**
 * The block `train` of a pipeline: the model that is trained on the shards which the pipeline's stages leave. All that can be
 * known before a document is read is checked here, so that nobody cleans for an hour and then learns that rows are too
 * long for the model.
 */
import { join } from 'node:path';
import { isCorpusmillError } from '../../core/errors.ts';
import { shardOptions } from '../../shards/options.ts';
import { openModel } from '../../training/config/open-model.ts';
import { planTraining } from '../../training/config/plan.ts';
import type { PipelineTrainBlock, TrainConfig } from '../../training/config/schema.ts';
import { withAbsolutePaths } from '../../training/config/training-files.ts';
import type { PipelineTraining, StageInstance } from '../pipeline.ts';
import { type ConfigPath, type IssueCollector, quote } from './issues.ts';
import type { Locate } from './stages.ts';
import { nearestName } from './suggest.ts';

/** The folder of the run below `output/`; no stage beside a `train` block has this name. */
export const TRAIN_OUTPUT = 'train';

/** Adds what is wrong with a block whose members are right one by one. `stages` are those of the pipeline, checked. */
export function checkTrainBlock(
  block: PipelineTrainBlock,
  { stages, baseDir }: { stages: readonly StageInstance[]; baseDir: string },
  locate: Locate,
  issues: IssueCollector,
): void {
  const add = (path: ConfigPath, found: string, expected: string, suggestion?: string): void =>
    issues.add(locate(path), path, { found, expected, suggestion });
  const named = stages.findIndex(({ name }) => name === TRAIN_OUTPUT);
  if (named >= 0) add(['stages', named], "a stage named 'train' beside the block 'train'", "a 'name' of its own");
  const sinks = stages.filter(isShards);
  if (sinks.length === 0) {
    add(['train'], 'a model to train and no shards', "the stage 'shards' among the stages");
    return;
  }
  const shards = shardsOf(block, stages);
  if (shards === undefined) {
    const names = sinks.map(({ name }) => name);
    const given = block.data.shards!;
    const expected = `the name of a stage 'shards': ${names.map(quote).join(' or ')}`;
    add(['train', 'data', 'shards'], quote(given), expected, nearestName(given, names));
    return;
  }
  const { contextLength } = shardOptions.parse(shards.options);
  const asked = block.batch.sequenceLength;
  if (asked !== undefined && asked !== contextLength) {
    const expected = `${contextLength}, the contextLength of ${quote(shards.name)}, or nothing`;
    add(['train', 'batch', 'sequenceLength'], String(asked), expected);
    return;
  }
  const attempt = (path: ConfigPath, found: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      if (!isCorpusmillError(error)) throw error;
      const what = error.message.replace(/^the (?:training configuration|model configuration \S+): /, '');
      const advice = (error.hint ?? '').replace(/^\w/, (letter) => letter.toLowerCase()).replace(/\.$/, '');
      issues.add(locate(path), path, { found, message: `${what}; ${advice}` });
    }
  };
  const from = typeof block.model === 'string' ? block.model : block.model.from;
  let config: PipelineTraining['config'] | undefined;
  attempt(['train', 'model'], quote(from), () => {
    config = configOf(block, { baseDir, seed: 0, name: 'train', output: '', folder: '' });
    openModel(config.model, { vocabSize: vocabularyLimit(stages, shards), sequenceLength: contextLength });
  });
  if (config === undefined) return;
  const planned = config;
  // How many tokens there will be is not known yet: enough that a number of epochs counts as an end.
  attempt(['train'], 'settings that do not go together', () =>
    planTraining(planned, { sequenceLength: contextLength, tokens: 2 ** 40 }),
  );
}

/** The block with paths and what the pipeline fills in. Call it for blocks without mistakes alone. */
export function resolveTrainBlock(
  block: PipelineTrainBlock,
  pipeline: { name: string; seed: number; baseDir: string; output: string; stages: readonly StageInstance[] },
): PipelineTraining {
  const { name } = shardsOf(block, pipeline.stages)!;
  const folder = join(pipeline.output, 'output', name);
  return { shards: name, config: configOf(block, { ...pipeline, folder }) };
}

function configOf(
  block: PipelineTrainBlock,
  given: { name: string; seed: number; baseDir: string; output: string; folder: string },
): PipelineTraining['config'] {
  const { epochs, order } = block.data;
  const { model } = block;
  const config: TrainConfig = {
    ...block,
    name: given.name,
    output: join(given.output, 'output', TRAIN_OUTPUT),
    // Seeds of pipelines have no sign.
    seed: block.seed ?? given.seed | 0,
    // A model that begins anew takes the vocabulary of this pipeline unless it is told not to.
    model: typeof model === 'string' ? { from: model, set: {}, fitVocabulary: true, fresh: false } : model,
    data: { shards: given.folder, epochs, order },
  };
  return withAbsolutePaths(config, { folder: given.baseDir, name: given.name, cwd: given.baseDir });
}

function isShards({ definition }: StageInstance): boolean {
  return definition.name === 'shards';
}

/** The stage whose shards a block reads; undefined where it names none that is there. */
export function shardsOf(block: PipelineTrainBlock, stages: readonly StageInstance[]): StageInstance | undefined {
  const { shards } = block.data;
  return stages.findLast((stage) => isShards(stage) && (shards === undefined || stage.name === shards));
}

/** Ids that the shards may hold at most; 1 where only their tokenizer's file knows. */
function vocabularyLimit(stages: readonly StageInstance[], shards: StageInstance): number {
  if (shards.options['tokenizer'] !== undefined) return 1;
  const before = stages.slice(0, stages.indexOf(shards));
  const size = before.findLast(({ definition }) => definition.name === 'tokenizer.train')?.options['vocabSize'];
  return typeof size === 'number' ? size : 1;
}
