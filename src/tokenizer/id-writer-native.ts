/** The native encoder (native/bpe_encode.cc) as an IdWriter. What it cannot do, NFC, is done here, text by text. */
import type { NativeAddon } from '../core/native-addon.ts';
import type { NativeBpeEncoder } from '../core/native-bpe.ts';
import type { Utf8Column } from '../core/utf8-column.ts';
import { flatTokensOf } from './flat-tokens.ts';
import type { BpeTables } from './hf-json.ts';
import { type IdWriter, missingByte, notUtf8 } from './id-writer.ts';

/** Why a text was not appended: the codes of native/bpe_encode_binding.cc. */
const UNSTABLE = -1;
const NO_MEMORY = -2;
const MISSING_BYTE = -256;
const MALFORMED = -1024;

export class NativeIdWriter implements IdWriter {
  readonly #encoder: NativeBpeEncoder;
  /** Whether a text that NFC may change can stay as it is. */
  readonly #keepUnstable: boolean;

  constructor(addon: NativeAddon, tables: BpeTables, byteIds: Int32Array, pattern: number) {
    const { lefts, rights, products, added, vocabSize } = tables;
    const { bytes, starts } = flatTokensOf(tables);
    let wholes: Uint8Array | undefined;
    if (tables.ignoreMerges) {
      wholes = new Uint8Array(vocabSize).fill(1);
      for (const { id } of added) wholes[id] = 0;
    }
    this.#encoder = new addon.BpeEncoder(lefts, rights, products, bytes, starts, byteIds, wholes, pattern);
    this.#keepUnstable = tables.normalization === 'none';
  }

  appendText(text: string): void {
    let code = this.#encoder.appendText(text, this.#keepUnstable);
    if (code === UNSTABLE) code = this.#encoder.appendText(text.normalize('NFC'), true);
    if (code < 0) fail(code, 0);
  }

  appendId(id: number): void {
    this.#encoder.appendId(id);
  }

  appendColumn(column: Utf8Column, before: number, after: number, ends: Uint32Array): void {
    const { bytes, offsets } = column;
    const texts = offsets.length - 1;
    const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
    for (let text = 0; ; text++) {
      text = this.#encoder.appendColumn(bytes, offsets, text, this.#keepUnstable ? 1 : 0, before, after, ends);
      if (text === texts) return;
      const code = this.#encoder.reason();
      if (code !== UNSTABLE) fail(code, text);
      if (before >= 0) this.appendId(before);
      this.appendText(utf8.decode(bytes.subarray(offsets[text], offsets[text + 1])));
      if (after >= 0) this.appendId(after);
      ends[text] = this.size();
    }
  }

  size(): number {
    return this.#encoder.size();
  }

  take(out: Uint32Array | Uint16Array, at: number): void {
    const size = this.#encoder.size();
    if (at + size > out.length) {
      this.#encoder.clear();
      throw new RangeError(`the ids do not fit into the ${out.length} places of the output`);
    }
    this.#encoder.take(out, at);
  }

  clear(): void {
    this.#encoder.clear();
  }
}

function fail(code: number, text: number): never {
  if (code === NO_MEMORY) throw new RangeError('encoding a text: it is longer than memory allows (2 GiB at most)');
  if (code <= MALFORMED) notUtf8(text, MALFORMED - code);
  return missingByte(MISSING_BYTE - code);
}
