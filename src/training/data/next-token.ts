/**
 * Rows of tokens as inputs of next-token prediction (`pretrainingObjective`): labels are the ids moved on by one, never across
 * a border between documents, positions restart with each document, and segments say which tokens see each other.
 */
import type { BufferData } from '../../tensor/backend.ts';
import type { MicroBatch } from './training-data.ts';

/** A place whose label is below zero is not trained. */
const NOT_TRAINED = -100;

/** Rows of packed documents. */
export interface PackedRows {
  readonly rows: number;
  readonly time: number;
  /** [rows · time] */
  readonly ids: ArrayLike<number>;
  /** Per row: tokens of each document's piece, then of the padding where there is any; they add up to `time`. */
  readonly seqLengths: readonly ArrayLike<number>[];
  /** [rows]: places at the row's beginning that hold tokens of documents. */
  readonly validTokens: ArrayLike<number>;
  /** [rows · time], not moved: the token, or below 0 where no loss is taken; without, every token is trained. */
  readonly labels?: ArrayLike<number>;
}

/** Ids, positions, labels and segments of packed rows, and how many places have a label. */
export interface PackedInputs {
  readonly ids: Int32Array;
  readonly positions: Int32Array;
  readonly labels: Int32Array;
  readonly segmentIds: Int32Array;
  readonly trained: number;
}

/** The last token of a document has no label: what follows it in the row is another text. */
export function packedInputs({ rows, time, ids, seqLengths, validTokens, labels: given }: PackedRows): PackedInputs {
  const places = rows * time;
  const positions = new Int32Array(places);
  const labels = new Int32Array(places).fill(NOT_TRAINED);
  const segmentIds = new Int32Array(places);
  let trained = 0;
  for (let row = 0; row < rows; row++) {
    const lengths = seqLengths[row];
    let at = row * time;
    const valid = at + validTokens[row];
    for (let segment = 0; segment < lengths.length; segment++) {
      const end = at + lengths[segment];
      for (let i = at; i < end; i++) {
        positions[i] = i - at;
        segmentIds[i] = segment;
        if (i + 1 >= end || i + 1 >= valid) continue;
        if (given !== undefined && given[i + 1] < 0) continue;
        labels[i] = given === undefined ? ids[i + 1] : given[i + 1];
        trained++;
      }
      at = end;
    }
  }
  return { ids: Int32Array.from(ids), positions, labels, segmentIds, trained };
}

/** Stretches of one long text: every place has a label, the stretch being one token longer than the row. */
export function stretchInputs(rows: number, time: number, stretches: readonly ArrayLike<number>[]): PackedInputs {
  const places = rows * time;
  const inputs = {
    ids: new Int32Array(places),
    positions: new Int32Array(places),
    labels: new Int32Array(places).fill(NOT_TRAINED),
    segmentIds: new Int32Array(places),
  };
  let trained = 0;
  for (let i = 0; i < places; i++) inputs.positions[i] = i % time;
  stretches.forEach((stretch, row) => {
    for (let t = 0; t + 1 < stretch.length; t++) {
      inputs.ids[row * time + t] = stretch[t];
      inputs.labels[row * time + t] = stretch[t + 1];
      trained++;
    }
  });
  return { ...inputs, trained };
}

/** The micro-batch of such inputs. */
export function nextTokenBatch(inputs: PackedInputs, cursor: string, packed: boolean): MicroBatch {
  const { ids, positions, labels, segmentIds, trained } = inputs;
  return {
    weight: trained,
    places: ids.length,
    cursor,
    inputs(stepWeight) {
      const share = stepWeight === 0 ? 0 : 1 / stepWeight;
      const tokenWeights = new Float32Array(ids.length);
      for (let i = 0; i < labels.length; i++) tokenWeights[i] = labels[i] < 0 ? 0 : share;
      const data: Record<string, BufferData> = {
        ids,
        positions,
        labels,
        tokenWeights,
        share: Float32Array.of(trained * share),
      };
      if (packed) data['segmentIds'] = segmentIds;
      return data;
    },
  };
}
