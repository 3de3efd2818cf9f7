/** The pieces of a window go back to where their tokens are: the loop of the `pack` step, by the add-on or here. */
import type { NativeAddon } from '../../core/native-addon.ts';
import type { PackedPieces } from '../packing.ts';

/**
 * Words of a packed piece: the document counted within its group, its first token in the document, its tokens, its row
 * within the window, its place in the row.
 */
export const PACKED_WORDS = 5;

/** The documents of a window, group by group. */
export interface WindowDocuments {
  /** [documents]: its place, and its number within its group. */
  placeOf: Uint32Array;
  documentOf: Uint32Array;
  /** [groups]: the number of documents up to each one's end. */
  groupEnd: Uint32Array;
  /** How many of the first two hold one. */
  documents: number;
  places: number;
}

/** The pieces in the order of groups and their documents, and how many there are of each group. */
export function groupPieces(
  window: WindowDocuments,
  packed: Pick<PackedPieces, 'document' | 'start' | 'length' | 'row' | 'at'>,
  addon: NativeAddon | undefined,
): { counts: Uint32Array; words: Uint32Array } {
  const counts = new Uint32Array(window.groupEnd.length);
  const words = new Uint32Array(PACKED_WORDS * packed.document.length);
  const { placeOf, documentOf, groupEnd, documents, places } = window;
  const { document, start, length, row, at } = packed;
  if (addon === undefined) groupTwin(window, packed, counts, words);
  else {
    addon.groupPieces(
      ...([placeOf.subarray(0, documents), documentOf, groupEnd, places] as const),
      ...([document, start, length, row, at, counts, words] as const),
    );
  }
  return { counts, words };
}

function groupTwin(
  { placeOf, documentOf, groupEnd, documents, places }: WindowDocuments,
  { document, start, length, row, at }: Pick<PackedPieces, 'document' | 'start' | 'length' | 'row' | 'at'>,
  counts: Uint32Array,
  words: Uint32Array,
): void {
  /** [places + 1]: pieces of the document at each place. */
  const firstPiece = new Uint32Array(places + 1);
  for (let i = 0; i < document.length; i++) firstPiece[document[i] + 1]++;
  for (let place = 0; place < places; place++) firstPiece[place + 1] += firstPiece[place];
  let to = 0;
  for (let d = 0, group = 0; d < documents; d++) {
    while (d >= groupEnd[group]) group++;
    const place = placeOf[d];
    for (let i = firstPiece[place]; i < firstPiece[place + 1]; i++) {
      words[to++] = documentOf[d];
      words[to++] = start[i];
      words[to++] = length[i];
      words[to++] = row[i];
      words[to++] = at[i];
      counts[group]++;
    }
  }
}
