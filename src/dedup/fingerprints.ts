/**
 * A run's duplicates as 64-bit fingerprints, so that a later run can tell the duplicates that were there before from new
 * ones without reading the earlier corpus. A fingerprint folds key columns that the observer has left anyway: the hash
 * of what is compared for exact copies; for near copies the first bands of the signature, which a small change of the
 * text rarely touches, so a duplicate that was edited a little is still the same duplicate. Two different documents share
 * a fingerprint of hashes with probability 2^-64.
 */

import type { FeatureReader } from '../core/feature-reader.ts';
import { mix32 } from '../core/random.ts';
import type { DuplicateFingerprints } from '../core/run-summary.ts';
import { NOBODY } from '../core/stage.ts';

/** 8 MB in memory, 10.7 in the report; beyond it a comparison counts rates only. */
const MAX_LISTED = 1_000_000;

/** Which columns are folded, and what that says of a document. */
export interface FingerprintColumns {
  of: string;
  first: number;
  count: number;
}

export interface Fingerprints {
  /** All duplicates; undefined where they are too many. */
  list: DuplicateFingerprints | undefined;
  /** Of the members asked for, by ordinal: 16 hexadecimal digits. */
  shown: Map<number, string>;
}

/** One pass over the columns. `members` are ascending ordinals. */
export async function fingerprintDuplicates(
  keptAs: Uint32Array,
  reader: FeatureReader,
  { of, first, count }: FingerprintColumns,
  members: readonly number[],
  maxListed = MAX_LISTED,
): Promise<Fingerprints> {
  let duplicates = 0;
  for (let i = 0; i < keptAs.length; i++) if (keptAs[i] !== i && keptAs[i] !== NOBODY) duplicates++;
  const isListed = duplicates <= maxListed;
  const all = new BigUint64Array(isListed ? duplicates : 0);
  const shown = new Map<number, string>();
  let written = 0;
  let member = 0;
  for (const part of reader.parts) {
    if (part.rows === 0) continue;
    const columns = await reader.columns(part, first, count);
    for (let row = 0, ordinal = part.firstOrdinal; row < part.rows; row++, ordinal++) {
      const isMember = members[member] === ordinal;
      const isDuplicate = isListed && keptAs[ordinal] !== ordinal && keptAs[ordinal] !== NOBODY;
      if (!isMember && !isDuplicate) continue;
      const fingerprint = fold(columns, row);
      if (isDuplicate) all[written++] = fingerprint;
      if (isMember) {
        shown.set(ordinal, fingerprint.toString(16).padStart(16, '0'));
        member++;
      }
    }
  }
  return { list: isListed ? { of, count: duplicates, base64: encodeFingerprints(all) } : undefined, shown };
}

/** The fingerprint of a row. */
export function fold(columns: readonly Uint32Array[], row: number): bigint {
  let high = 0x243f6a88;
  let low = 0x85a308d3;
  for (let i = 0; i < columns.length; i++) {
    const value = columns[i][row];
    high = mix32(high ^ value);
    low = mix32((low + Math.imul(value, 0x9e3779b1)) | 0);
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** What `encodeFingerprints` made: each fingerprint and how often it is there. */
export function countFingerprints(base64: string): Map<bigint, number> {
  const bytes = Buffer.from(base64, 'base64');
  const counts = new Map<bigint, number>();
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const fingerprint = bytes.readBigUInt64BE(at);
    counts.set(fingerprint, (counts.get(fingerprint) ?? 0) + 1);
  }
  return counts;
}

/** Ascending, big-endian, base64. Sorts in place. */
export function encodeFingerprints(fingerprints: BigUint64Array): string {
  fingerprints.sort();
  const bytes = Buffer.alloc(8 * fingerprints.length);
  for (let i = 0; i < fingerprints.length; i++) bytes.writeBigUInt64BE(fingerprints[i], 8 * i);
  return bytes.toString('base64');
}
