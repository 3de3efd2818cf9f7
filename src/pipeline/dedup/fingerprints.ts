/**
 * Fingerprints of a report's duplicates, so that a later run can tell which of its own are new.
 *
 * A report holds one for every member of a cluster, kept or dropped: which copy is kept may change from run to run, and
 * that alone makes nothing new. They are a multiset, since byte-identical copies share theirs: a third copy beside two
 * known ones is new. A cluster of m members, k of them unknown, has min(k, m − 1) new duplicates: a new copy of a document
 * that was alone adds one, not two.
 */
import { NOBODY } from '../../core/stage.ts';
import { type Duplicates, FINGERPRINT_BITS } from './duplicates.ts';

const BYTES = FINGERPRINT_BITS / 8;

/** Copies in the order of their ordinals, and the document that each is shown beside. */
export interface Copies {
  ordinals: Uint32Array;
  of: Uint32Array;
}

/** All documents for which another is kept. */
export function allCopies({ standing, count }: Duplicates): Copies {
  const copies = { ordinals: new Uint32Array(count), of: new Uint32Array(count) };
  let at = 0;
  for (let ordinal = 0; ordinal < standing.length; ordinal++) {
    if (standing[ordinal] === ordinal || standing[ordinal] === NOBODY) continue;
    copies.ordinals[at] = ordinal;
    copies.of[at++] = standing[ordinal];
  }
  return copies;
}

/**
 * Those that an earlier report did not have. A kept document can be among them: a longer copy of a document that was
 * there before, which is now dropped for it.
 *
 * @param found of the members of clusters, in the order of their ordinals
 * @param known of the earlier report, ascending
 */
export function newCopies(
  { standing }: Duplicates,
  found: { ordinals: Uint32Array; values: Float64Array },
  known: Float64Array,
): Copies {
  const isKnown = knownMembers(found.values, known);
  // By kept document: a known member of its cluster. The first in order, the kept one where it is known.
  const knownOf = new Map<number, number>();
  found.ordinals.forEach((ordinal, i) => {
    if (isKnown[i] === 0) return;
    const kept = standing[ordinal];
    if (ordinal === kept || !knownOf.has(kept)) knownOf.set(kept, ordinal);
  });
  const ordinals: number[] = [];
  const of: number[] = [];
  found.ordinals.forEach((ordinal, i) => {
    if (isKnown[i] === 1) return;
    const kept = standing[ordinal];
    const beside = ordinal === kept ? knownOf.get(kept) : kept;
    // The kept one of a cluster without a known member is what the others are copies of.
    if (beside === undefined) return;
    ordinals.push(ordinal);
    of.push(beside);
  });
  return { ordinals: Uint32Array.from(ordinals), of: Uint32Array.from(of) };
}

/** 1 for each member whose fingerprint is among the known ones, as often as it is there. */
function knownMembers(values: Float64Array, known: Float64Array): Uint8Array {
  const isKnown = new Uint8Array(values.length);
  const used = new Uint32Array(known.length);
  values.forEach((value, i) => {
    const first = lowerBound(known, value);
    if (known[first] !== value) return;
    const next = first + used[first];
    if (known[next] !== value) return;
    used[first]++;
    isKnown[i] = 1;
  });
  return isKnown;
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Base64 of the values in ascending order, six bytes each, little-endian. */
export function encodeFingerprints(values: Float64Array): string {
  const bytes = Buffer.alloc(BYTES * values.length);
  values.toSorted().forEach((value, i) => {
    bytes.writeUIntLE(value, BYTES * i, BYTES);
  });
  return bytes.toString('base64');
}

/** The values of such a text, ascending. */
export function decodeFingerprints(text: string): Float64Array {
  const bytes = Buffer.from(text, 'base64');
  const values = new Float64Array(Math.floor(bytes.length / BYTES));
  for (let i = 0; i < values.length; i++) values[i] = bytes.readUIntLE(BYTES * i, BYTES);
  return values.sort();
}
