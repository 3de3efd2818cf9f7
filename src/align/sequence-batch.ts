/**
 * Samples as rows of a fixed width: what the objectives read. A place's label is the token that follows it, so the last token of a
 * text needs no place, and the numbers of a response's tokens stand one place before them.
 *
 * Padding is on the right, where causal attention never looks; on the left it needs `segmentIds`, which keep it out of sight.
 */
import type { Sample } from './rollout.ts';

export type Padding = 'left' | 'right';

/** The part of a sample that makes a row. */
export type RowText = Pick<Sample, 'ids' | 'promptLength'>;

export interface SequenceBatch {
  readonly batch: number;
  readonly time: number;
  /** i32 [batch, time], by the names of the objectives' inputs. */
  readonly inputs: {
    readonly ids: Int32Array;
    readonly positions: Int32Array;
    readonly labels: Int32Array;
    readonly segmentIds: Int32Array;
  };
  /** Response tokens of all rows. */
  readonly tokens: number;
  /** Numbers of each text's response tokens at the places that predict them, 0 elsewhere: f32 [batch, time]. */
  scatter(values: readonly ArrayLike<number>[]): Float32Array;
  /** The reverse: each text's numbers out of [batch, time]. */
  gather(places: ArrayLike<number>): Float32Array[];
}

/**
 * Rows of `time` places for `texts`; where there are fewer than `batch`, the rest are rows of padding. Throws a RangeError for
 * more texts, or one that has more than `time + 1` tokens.
 */
export function sequenceBatch(
  texts: readonly RowText[],
  { batch, time, padding = 'right' }: { batch: number; time: number; padding?: Padding },
): SequenceBatch {
  if (texts.length > batch) throw new RangeError(`batch of ${batch} rows: ${texts.length} texts`);
  const ids = new Int32Array(batch * time);
  const positions = new Int32Array(batch * time);
  const labels = new Int32Array(batch * time).fill(-1);
  const segmentIds = new Int32Array(batch * time);
  /** Of each text: the place that predicts its first response token, and how many it has. */
  const spans = texts.map((text, row) => {
    const places = text.ids.length - 1;
    if (places > time) throw new RangeError(`batch of rows of ${time}: text ${row} has ${text.ids.length} tokens`);
    const start = row * time + (padding === 'left' ? time - places : 0);
    for (let i = 0; i < places; i++) {
      ids[start + i] = text.ids[i];
      positions[start + i] = i;
      segmentIds[start + i] = 1;
      if (i + 1 >= text.promptLength) labels[start + i] = text.ids[i + 1];
    }
    // Segments never decrease along a row: padding before a text is 0, padding after it 2.
    segmentIds.fill(2, start + places, (row + 1) * time);
    return { from: start + text.promptLength - 1, count: text.ids.length - text.promptLength };
  });
  return {
    batch,
    time,
    inputs: { ids, positions, labels, segmentIds },
    tokens: spans.reduce((sum, { count }) => sum + count, 0),
    scatter(values) {
      const out = new Float32Array(batch * time);
      spans.forEach(({ from, count }, row) => {
        if (values[row].length !== count) {
          throw new RangeError(`batch: ${values[row].length} numbers for the ${count} response tokens of text ${row}`);
        }
        out.set(Array.from(values[row]), from);
      });
      return out;
    },
    gather: (places) =>
      spans.map(({ from, count }) => Float32Array.from({ length: count }, (_, i) => places[from + i])),
  };
}

/** What the loss is a mean over. */
export type LossMean =
  /** Tokens: each counts alike, long texts for more (PPO, DAPO). */
  | 'tokens'
  /** Texts, of the mean over their tokens (GRPO as it was published). */
  | 'texts'
  /** Texts, of their sum over a length that is the same for all (Dr. GRPO). */
  | 'length';

/**
 * The weight of each text's tokens in the mean over `texts` texts with `tokens` response tokens: of all micro-batches of an
 * update together. `length` is the longest response that could be.
 */
export function tokenWeightOf(
  mean: LossMean,
  responseLength: number,
  all: { readonly texts: number; readonly tokens: number; readonly length: number },
): number {
  if (mean === 'tokens') return 1 / all.tokens;
  return 1 / (all.texts * (mean === 'texts' ? responseLength : all.length));
}
