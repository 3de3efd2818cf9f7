/**
 * What a trainer asks of its data: an endless or ending row of micro-batches, each knowing where the data stand after it, so
 * that training goes on exactly where it was. Pretraining, pairs of answers and rollouts are all of this form; the loop
 * (../trainer.ts) knows no more of them.
 */
import type { BufferData } from '../../tensor/backend.ts';

/** One micro-batch, of the shapes that the objective's inputs have. */
export interface MicroBatch {
  /**
   * What it counts for in the mean over the step: its trained tokens, its pairs. The loss of a step is the mean over all that
   * its micro-batches hold together, not the mean of their means, which weighs a token by how few others its batch has.
   */
  readonly weight: number;
  /** Places for tokens that the model computes, for speed and cost. */
  readonly places: number;
  /** Trained tokens where the weight counts something else, for losses that are a mean over tokens beside. */
  readonly tokens?: number;
  /** The objective's inputs, when all micro-batches of the step together weigh `stepWeight` and have so many `tokens`. */
  inputs(stepWeight: number, stepTokens?: number): Readonly<Record<string, BufferData>>;
  /** Where to go on after it. */
  readonly cursor: string;
}

export interface TrainingData {
  readonly kind: 'shards' | 'text' | 'tokens' | 'other';
  /** Micro-batches from the beginning or a cursor on. Throws a CorpusmillError for a cursor of other data. */
  batches(cursor?: string): AsyncGenerator<MicroBatch, void, void>;
  /** Tokens of one epoch, where they are known. */
  readonly tokens: number | null;
  close(): Promise<void>;
}

/** What evaluates: always the same micro-batches. */
export type EvaluationData = Pick<TrainingData, 'batches' | 'tokens' | 'close'>;
