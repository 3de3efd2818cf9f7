/** What reward models and DPO have in common: files of pairs read, split for evaluation, and laid out in micro-batches. */
import type { RunTask } from '../training/run-training.ts';
import { alignConfigError, type ChatSetup, heldOut, listed, openChat } from './chat-setup.ts';
import type { DpoConfig, RewardConfig } from './config/schema.ts';
import { type PairData, pairData } from './data/pair-batches.ts';
import { type PairOptions, readPairs, type TokenPair } from './data/pairs.ts';
import type { PairShape } from './pair-scores.ts';

/** A configuration whose paths are absolute. */
export type ResolvedPairConfig<C extends RewardConfig | DpoConfig> = C & {
  readonly name: string;
  readonly output: string;
};

export interface PairSetup {
  readonly setup: ChatSetup;
  readonly shape: PairShape;
  readonly train: readonly TokenPair[];
  /** Empty: nothing evaluates. */
  readonly validation: readonly TokenPair[];
  readonly trainData: PairData;
  readonly validationData: PairData | undefined;
  /** Members of the task that do not depend on the objective. */
  readonly task: Omit<RunTask, 'objective' | 'settings'>;
}

/** Pairs of a micro-batch for each of its rows, where the configuration does not say. */
const PAIRS_PER_ROW = 8;

/** Reads and plans. Throws CONFIG_INVALID and what reading throws. */
export async function openPairs(
  config: ResolvedPairConfig<RewardConfig | DpoConfig>,
  options: { head?: 'score'; endAtLabel: boolean; labelled?: boolean },
): Promise<PairSetup> {
  const { data, batch, seed, evaluation } = config;
  const setup = await openChat({
    model: config.model,
    tokenizer: data.tokenizer,
    template: data.template,
    mask: 'assistant-only',
    system: data.system,
    sequenceLength: batch.sequenceLength,
    output: config.output,
    ...(options.head !== undefined && { head: options.head }),
  });
  const { sequenceLength: time, padId } = setup;
  const reading: PairOptions = {
    maxTokens: time,
    tooLong: data.tooLong,
    system: data.system,
    endAtLabel: options.endAtLabel,
    labelled: options.labelled ?? false,
  };
  const paths = listed(data.pairs);
  const all = await readPairs(paths, setup.format, reading);
  const share = data.validationShare;
  if (share !== undefined && data.validation !== undefined) {
    throw alignConfigError('data has both validation and validationShare', 'Give one of them.');
  }
  const held =
    data.validation === undefined ? undefined : await readPairs(listed(data.validation), setup.format, reading);
  const validation = held?.pairs ?? all.pairs.filter((_, index) => heldOut(index, share));
  const train = share === undefined ? all.pairs : all.pairs.filter((_, index) => !heldOut(index, share));
  if (train.length === 0) {
    throw alignConfigError('data.validationShare holds out every pair', 'Take a smaller share or more data.');
  }
  const shape = { rows: batch.rows, time, pairs: batch.pairs ?? PAIRS_PER_ROW * batch.rows, padId };
  const trainData = pairData(train, {
    ...shape,
    order: data.order,
    seed,
    epochs: data.epochs === 'unlimited' ? Number.POSITIVE_INFINITY : data.epochs,
    name: paths.join(', '),
  });
  const validationData =
    validation.length === 0
      ? undefined
      : pairData(validation, {
          ...shape,
          order: evaluation.batches === 'all' ? 'sequential' : 'shuffled',
          seed: 0,
          epochs: 1,
          limit: evaluation.batches === 'all' ? undefined : evaluation.batches,
          name: 'the validation part',
        });
  const task = {
    data: trainData,
    validation: validationData,
    packed: true,
    sequenceLength: time,
    vocabSize: setup.vocabSize,
    paths,
    tokenizer: setup.tokenizer,
    batchesPerEpoch: trainData.batchesPerEpoch,
    adapt: setup.adapt,
    encodePrompt: setup.encodePrompt,
    dataRecord: { records: all.report, paddingPercent: trainData.paddingPercent },
  };
  return { setup, shape, train, validation, trainData, validationData, task };
}
