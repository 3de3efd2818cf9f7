/** Documents to windows: the loop of the `deal` step, by the add-on or here. */
import type { NativeAddon } from '../../core/native-addon.ts';
import { type EvenParts, evenPartsWords, evenPlaces } from './even-parts.ts';

/** Words of a dealt record: the place in the window, the document counted within the group, its tokens. */
export const DEALT_WORDS = 3;

/** The side of a document that has no place. */
export const LEFT_OUT = 2;

/** The documents of a group of parts so far. */
export interface Dealt {
  /** [documents]: the window of each, among those of all sets; of those that have a place, one after another. */
  window: Uint32Array;
  /** [documents] of DEALT_WORDS */
  records: Uint32Array;
  /** [windows]: documents of each. */
  counts: Uint32Array;
  /** Number that the next document of each set has in it. */
  next: Float64Array;
  /** Documents that have a place, and all of them. */
  dealt: number;
  documents: number;
}

/** The documents of a part: tokens and source of each. */
export interface DealtPart {
  lengths: Uint32Array;
  sources: Uint32Array;
  sourceCount: number;
  /** [documents]: which set each is of, its number plus LEFT_OUT where it is counted there and has no place; absent: all of set 0. */
  sides: Uint8Array | undefined;
}

/**
 * Adds the documents of a part. Returns, for each set and in it for each source, the number of its documents and of their
 * tokens: [sets][sources][2].
 */
export function dealDocuments(
  dealt: Dealt,
  sets: readonly EvenParts[],
  part: DealtPart,
  addon: NativeAddon | undefined,
): Float64Array {
  const tallies = new Float64Array(2 * sets.length * part.sourceCount);
  if (addon === undefined) {
    dealTwin(dealt, sets, part, tallies);
    return tallies;
  }
  const { window, records, counts, next } = dealt;
  const { lengths, sources, sourceCount, sides } = part;
  dealt.dealt = addon.dealDocuments(
    ...([lengths, sources, sourceCount, sides, evenPartsWords(...sets), next] as const),
    ...([window, records, counts, dealt.dealt, dealt.documents, tallies] as const),
  );
  dealt.documents += lengths.length;
  return tallies;
}

function dealTwin(
  dealt: Dealt,
  sets: readonly EvenParts[],
  { lengths, sources, sourceCount, sides }: DealtPart,
  tallies: Float64Array,
): void {
  const placeOf = sets.map(evenPlaces);
  const { window, records, counts, next } = dealt;
  for (let d = 0; d < lengths.length; d++) {
    const inGroup = dealt.documents++;
    const side = sides === undefined ? 0 : sides[d];
    const set = side % LEFT_OUT;
    const number = next[set]++;
    if (side >= LEFT_OUT) continue;
    const tally = 2 * (set * sourceCount + sources[d]);
    tallies[tally]++;
    tallies[tally + 1] += lengths[d];
    const { part, place } = placeOf[set](number);
    window[dealt.dealt] = part;
    counts[part]++;
    const at = DEALT_WORDS * dealt.dealt++;
    records[at] = place;
    records[at + 1] = inGroup;
    records[at + 2] = lengths[d];
  }
}
