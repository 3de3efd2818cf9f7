/** SFT as a run: conversations or labelled shards to packed rows, and the objective on them (src/training/run-training.ts). */
import { isCorpusmillError } from '../core/errors.ts';
import { openData } from '../training/config/open-data.ts';
import { trainSchema } from '../training/config/schema.ts';
import type { EvaluationData } from '../training/data/training-data.ts';
import type { ResolvedTrainConfig, RunTask } from '../training/run-training.ts';
import { alignConfigError, type ChatSetup, heldOut, listed, openChat } from './chat-setup.ts';
import type { SftConfig } from './config/schema.ts';
import { type ExampleData, exampleData, withNoise } from './data/example-data.ts';
import { type ExampleOptions, type Examples, readExamples } from './data/examples.ts';
import { mergingTask } from './merging-task.ts';
import { sftObjective } from './sft.ts';

/** A configuration whose paths are absolute. */
export type ResolvedSftConfig = SftConfig & { readonly name: string; readonly output: string };

/** Reads the data and puts the task together. Throws CONFIG_INVALID and what reading throws. */
export async function sftTask(config: ResolvedSftConfig): Promise<RunTask> {
  const { data } = config;
  if ((data.conversations === undefined) === (data.shards === undefined)) {
    const found =
      data.conversations === undefined
        ? 'data has neither conversations nor shards'
        : 'data has both conversations and shards';
    throw alignConfigError(found, 'Give one of them.');
  }
  const merging = mergingTask(config.merging, config.seed);
  const common = {
    ...merging.task,
    settings: {
      ...merging.settings,
      stage: 'sft',
      neftune: config.neftune,
      labelSmoothing: config.labelSmoothing,
      data: { mask: data.mask, packing: data.packing, tooLong: data.tooLong, epochs: data.epochs, order: data.order },
    },
    objective: ({ rows, sequenceLength }) =>
      sftObjective({ rows, time: sequenceLength, neftune: config.neftune, labelSmoothing: config.labelSmoothing }),
  } satisfies Partial<RunTask>;
  const noisy = <D extends EvaluationData>(of: D): D => (config.neftune > 0 ? withNoise(of, config.neftune) : of);
  if (data.shards !== undefined) {
    const opened = await openShards(config, data.shards);
    const { validation } = opened;
    const setup = await chatOfShards(config, opened);
    return {
      ...common,
      ...opened,
      data: noisy(opened.data),
      validation: validation && noisy(validation),
      ...(setup !== undefined && { adapt: setup.adapt, encodePrompt: setup.encodePrompt, tokenizer: setup.tokenizer }),
    };
  }
  const setup = await openChat({
    model: config.model,
    tokenizer: data.tokenizer,
    template: data.template,
    mask: data.mask,
    system: data.system,
    sequenceLength: config.batch.sequenceLength,
    output: config.output,
  });
  const { train, validation, examples } = await openExamples(config, setup);
  return {
    ...common,
    data: noisy(train),
    validation: validation && noisy(validation),
    packed: true,
    sequenceLength: setup.sequenceLength,
    vocabSize: setup.vocabSize,
    paths: listed(data.conversations!),
    tokenizer: setup.tokenizer,
    batchesPerEpoch: train.batchesPerEpoch,
    adapt: setup.adapt,
    encodePrompt: setup.encodePrompt,
    dataRecord: { records: examples.report, paddingPercent: train.paddingPercent },
  };
}

async function openExamples(
  config: ResolvedSftConfig,
  { format, sequenceLength, padId }: ChatSetup,
): Promise<{ train: ExampleData; validation: ExampleData | undefined; examples: Examples }> {
  const { data, batch, seed, evaluation } = config;
  const options: ExampleOptions = { maxTokens: sequenceLength, tooLong: data.tooLong, system: data.system };
  const paths = listed(data.conversations!);
  const all = await readExamples(paths, format, options);
  const share = data.validationShare;
  if (share !== undefined && data.validation !== undefined) {
    throw alignConfigError('data has both validation and validationShare', 'Give one of them.');
  }
  const held =
    data.validation === undefined
      ? pick(all, (index) => heldOut(index, share))
      : await readExamples(listed(data.validation), format, options);
  const learnt = share === undefined ? all : pick(all, (index) => !heldOut(index, share));
  if (learnt.lengths.length === 0) {
    throw alignConfigError('data.validationShare holds out every conversation', 'Take a smaller share or more data.');
  }
  const shape = { rows: batch.rows, time: sequenceLength, packing: data.packing, padId };
  const train = exampleData(learnt, {
    ...shape,
    order: data.order,
    seed,
    epochs: data.epochs === 'unlimited' ? Number.POSITIVE_INFINITY : data.epochs,
    name: paths.join(', '),
  });
  const validation =
    held.lengths.length === 0
      ? undefined
      : exampleData(held, {
          ...shape,
          order: evaluation.batches === 'all' ? 'sequential' : 'shuffled',
          seed: 0,
          epochs: 1,
          name: 'the validation part',
          ...(evaluation.batches !== 'all' && { limit: evaluation.batches }),
        });
  return { train, validation, examples: all };
}

/** Some of the examples, in their order. */
function pick(examples: Examples, wanted: (index: number) => boolean): Pick<Examples, 'ids' | 'labels' | 'lengths'> {
  const spans: { start: number; length: number }[] = [];
  let at = 0;
  examples.lengths.forEach((length, index) => {
    if (wanted(index)) spans.push({ start: at, length });
    at += length;
  });
  const total = spans.reduce((sum, { length }) => sum + length, 0);
  const [ids, labels] = [new Int32Array(total), new Int32Array(total)];
  let to = 0;
  for (const { start, length } of spans) {
    ids.set(examples.ids.subarray(start, start + length), to);
    labels.set(examples.labels.subarray(start, start + length), to);
    to += length;
  }
  return { ids, labels, lengths: Uint32Array.from(spans, ({ length }) => length) };
}

/** Shards that carry labels, as pretraining opens them. */
async function openShards(config: ResolvedSftConfig, shards: string): ReturnType<typeof openData> {
  const { data, batch, evaluation, seed, model, output } = config;
  if (Array.isArray(data.validation)) {
    throw alignConfigError('data.validation is a list beside shards', 'Give one folder of shards.');
  }
  const plain = trainSchema.parse({ model: 'none', data: { shards }, stop: { steps: 1 } });
  const given: ResolvedTrainConfig = {
    ...plain,
    name: config.name,
    output,
    model,
    seed,
    evaluation,
    batch: {
      ...plain.batch,
      rows: batch.rows,
      ...(batch.sequenceLength !== undefined && { sequenceLength: batch.sequenceLength }),
    },
    data: {
      ...plain.data,
      epochs: data.epochs,
      order: data.order,
      ...(typeof data.validation === 'string' && { validation: data.validation }),
    },
  };
  return openData(given, undefined);
}

/** How the shards' conversations were written, where their tokenizer says; undefined where it has no chat template. */
async function chatOfShards(
  config: ResolvedSftConfig,
  { tokenizer, sequenceLength }: Awaited<ReturnType<typeof openData>>,
): Promise<ChatSetup | undefined> {
  const { model, output, data } = config;
  if (tokenizer === undefined) return undefined;
  const { template, system } = data;
  try {
    return await openChat({ model, tokenizer, template, mask: 'assistant-only', system, sequenceLength, output });
  } catch (error) {
    if (isCorpusmillError(error) && error.code === 'CONFIG_INVALID' && template === undefined) return undefined;
    throw error;
  }
}
