/** Micro-batches gathered into steps, the next step's read while this one computes. */
import type { MicroBatch } from './data/training-data.ts';

/** The micro-batches of one step. */
export interface StepBatches {
  readonly batches: readonly MicroBatch[];
  /** Of all of them: what the loss is a mean over. */
  readonly weight: number;
  readonly places: number;
  /** Of all of them, where they count tokens beside their weight. */
  readonly tokens: number;
  /** Where the data go on after the step. */
  readonly cursor: string;
}

export interface StepReader {
  /** The next step; a last one may have fewer micro-batches; undefined at the end of the data. */
  next(): Promise<StepBatches | undefined>;
  /** Ends the reading; safe to call at any time. */
  close(): Promise<void>;
}

/** Micro-batches without anything to learn from are passed over. */
export function readSteps(source: AsyncGenerator<MicroBatch, void, void>, accumulation: number): StepReader {
  const gather = async (): Promise<StepBatches | undefined> => {
    const batches: MicroBatch[] = [];
    while (batches.length < accumulation) {
      const { value, done } = await source.next();
      if (done === true) break;
      if (value.weight > 0) batches.push(value);
    }
    if (batches.length === 0) return undefined;
    const total = (of: (batch: MicroBatch) => number): number => batches.reduce((sum, batch) => sum + of(batch), 0);
    return {
      batches,
      weight: total(({ weight }) => weight),
      places: total(({ places }) => places),
      tokens: total(({ tokens }) => tokens ?? 0),
      cursor: batches[batches.length - 1].cursor,
    };
  };
  const ahead = (): Promise<StepBatches | undefined> => {
    const reading = gather();
    // Reported when its turn comes; a loop that ends before must not leave an unhandled rejection.
    reading.catch(() => undefined);
    return reading;
  };
  let following = ahead();
  return {
    async next() {
      const step = await following;
      if (step !== undefined) following = ahead();
      return step;
    },
    async close() {
      await following.catch(() => undefined);
      await source.return();
    },
  };
}
