/** The TypeScript encoder as an IdWriter: segmenter.ts cuts texts into pieces, piece-encoder.ts knows or merges them. */

import type { Utf8Column } from '../core/utf8-column.ts';
import { createCharBorders } from './char-borders.ts';
import type { BpeTables } from './hf-json.ts';
import { type IdWriter, missingByte, notUtf8 } from './id-writer.ts';
import { createPieceEncoder, type PieceEncoder } from './piece-encoder.ts';
import { widthOf } from './scan-runs.ts';
import { createSegmenter, type PieceSink, type Segmenter } from './segmenter.ts';
import { createVocabularyMerger } from './vocabulary-merger.ts';

/** Room for more ids is given back once they are taken. */
const MAX_KEPT_IDS = 1 << 21;

export class TwinIdWriter implements IdWriter, PieceSink {
  readonly #segmenter: Segmenter;
  readonly #encoder: PieceEncoder;
  #ids: Uint32Array = new Uint32Array(1 << 16);
  #size = 0;

  constructor(tables: BpeTables) {
    this.#segmenter = createSegmenter(tables.pattern, tables.normalization);
    // Parts of a piece are no whole tokens (Llama 3), so such a vocabulary has its pieces uncut.
    const borders = tables.ignoreMerges ? undefined : createCharBorders(tables);
    this.#encoder = createPieceEncoder(createVocabularyMerger(tables, missingByte), borders);
  }

  appendText(text: string): void {
    this.#segmenter.segment(text, this);
  }

  appendId(id: number): void {
    this.#reserve(1);
    this.#ids[this.#size++] = id;
  }

  appendColumn(column: Utf8Column, before: number, after: number, ends: Uint32Array): void {
    const { bytes, offsets } = column;
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    for (let i = 0; i + 1 < offsets.length; i++) {
      const text = bytes.subarray(offsets[i], offsets[i + 1]);
      let decoded: string;
      try {
        decoded = utf8.decode(text);
      } catch {
        notUtf8(i, malformedAt(text));
      }
      if (before >= 0) this.appendId(before);
      this.appendText(decoded);
      if (after >= 0) this.appendId(after);
      ends[i] = this.#size;
    }
  }

  /** Of PieceSink. */
  pieces(bytes: Uint8Array, start: number, ends: Uint32Array, count: number): void {
    // One id stands for at least one byte.
    this.#reserve(ends[count - 1] - start);
    this.#size = this.#encoder.encodePieces(bytes, start, ends, count, this.#ids, this.#size);
  }

  size(): number {
    return this.#size;
  }

  take(out: Uint32Array | Uint16Array, at: number): void {
    const size = this.#size;
    const ids = this.#ids;
    this.clear();
    if (at + size > out.length) throw new RangeError(`the ids do not fit into the ${out.length} places of the output`);
    out.set(ids.subarray(0, size), at);
  }

  clear(): void {
    this.#size = 0;
    if (this.#ids.length > MAX_KEPT_IDS) this.#ids = new Uint32Array(1 << 16);
  }

  #reserve(more: number): void {
    const least = this.#size + more;
    if (least <= this.#ids.length) return;
    const larger = new Uint32Array(Math.max(least, this.#ids.length * 2));
    larger.set(this.#ids.subarray(0, this.#size));
    this.#ids = larger;
  }
}

/** Offset of the first byte that is not part of well-formed UTF-8: character by character, as only errors ask for it. */
function malformedAt(bytes: Uint8Array): number {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let at = 0;
  while (at < bytes.length) {
    const end = at + widthOf(bytes[at]);
    try {
      utf8.decode(bytes.subarray(at, end));
    } catch {
      break;
    }
    at = end;
  }
  return at;
}
