/**
 * Which of a run's copies an earlier report did not have: the documents behind the report's number of new duplicates.
 * Fingerprints are read from the features, which the run has left, and taken off the earlier ones as often as they are there.
 */
import { createFeatureReader } from '../../core/feature-reader.ts';
import { countFingerprints, type FingerprintColumns, fold } from '../../dedup/fingerprints.ts';
import { FINGERPRINT_BANDS } from '../../dedup/minhash/decide.ts';
import { type MinhashOptions, resolveMinhash } from '../../dedup/minhash/options.ts';
import { readFeatures } from '../parts.ts';
import type { StageInstance } from '../pipeline.ts';
import type { Copies, Duplicates } from './duplicates.ts';

/** Fingerprints of an earlier report by instance name; a stage that is not there knows nothing, and all are new. */
export type KnownFingerprints = ReadonlyMap<string, { base64: string }>;

const WINDOW_BYTES = 64 << 20;

/** The new ones among `copies`, in their order. */
export async function newCopies(
  duplicates: Duplicates,
  copies: Copies,
  known: KnownFingerprints,
  seed: number,
): Promise<Copies> {
  const { droppedBy, stages } = duplicates;
  const isNew = new Uint8Array(droppedBy.length);
  for (const [i, { instance, dir }] of stages.entries()) {
    const fingerprints = known.get(instance.name);
    const columns = columnsOf(instance, seed);
    const counts =
      fingerprints === undefined || columns === undefined ? undefined : countFingerprints(fingerprints.base64);
    await eachFingerprint(duplicates, i + 1, counts && columns, dir, (ordinal, fingerprint) => {
      const left = fingerprint === undefined ? 0 : (counts?.get(fingerprint) ?? 0);
      if (left > 0) counts?.set(fingerprint!, left - 1);
      else isNew[ordinal] = 1;
    });
  }
  const keep = copies.ordinals.map((ordinal, i) => (isNew[ordinal] === 1 ? i + 1 : 0)).filter((place) => place > 0);
  return { ordinals: keep.map((place) => copies.ordinals[place - 1]), of: keep.map((place) => copies.of[place - 1]) };
}

/** The columns that the stage folds into fingerprints, as it does in its own `decide`. */
function columnsOf({ definition, options }: StageInstance, seed: number): Omit<FingerprintColumns, 'of'> | undefined {
  if (definition.name === 'dedup.exact') return { first: 0, count: 2 };
  if (definition.name !== 'dedup.minhash') return undefined;
  const { shape } = resolveMinhash(options as MinhashOptions, seed);
  return { first: 0, count: 2 * Math.min(shape.bands, FINGERPRINT_BANDS) };
}

/** Visits what a stage dropped, in order; without columns there are no fingerprints. */
async function eachFingerprint(
  { refs, droppedBy, standing }: Duplicates,
  stage: number,
  columns: Omit<FingerprintColumns, 'of'> | undefined,
  dir: string,
  visit: (ordinal: number, fingerprint: bigint | undefined) => void,
): Promise<void> {
  const parts = refs.map(({ part, rows, firstOrdinal }) => ({
    part,
    rows,
    firstOrdinal,
    alive: undefined,
    features: (range?: { offset: number; length: number }, into?: Uint8Array) => readFeatures(dir, part, range, into),
    rowInfo: () => Promise.resolve(new Uint32Array()),
  }));
  const { signal } = new AbortController();
  const reader = createFeatureReader({ parts, memoryBytes: 4 * WINDOW_BYTES, signal });
  for (const part of reader.parts) {
    const own = droppedBy.subarray(part.firstOrdinal, part.firstOrdinal + part.rows);
    if (!own.includes(stage)) continue;
    const values = columns === undefined ? undefined : await reader.columns(part, columns.first, columns.count);
    for (let row = 0, ordinal = part.firstOrdinal; row < part.rows; row++, ordinal++) {
      if (own[row] !== stage || standing[ordinal] >= standing.length) continue;
      visit(ordinal, values && fold(values, row));
    }
  }
}
