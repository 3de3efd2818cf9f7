/**
 * Texts that lie somewhere as UTF-8 and become strings when somebody asks. A reader that finds its texts in UTF-8 makes
 * documents of this kind; whoever works on bytes (hashes, native kernels, the file of a part) takes them as they lie, and where
 * nobody reads a document's `text`, no string is made of it: that was most of the cost of a pass.
 */
import type { Document, Meta } from './document.ts';
import type { Utf8Column } from './utf8-column.ts';

/** The well-formed UTF-8 `bytes[start, end)`. Nobody changes it; who keeps it keeps all of `bytes`. */
export interface StoredText {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Length of the string, in UTF-16 units. */
  readonly units: number;
}

/** A text, as a string or as it lies. */
export type TextSource = string | StoredText;

/** Node's slicing methods, the fastest way from bytes to a string. */
type SlicedBuffer = Buffer & {
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
};

/** The text as a string. */
export function textString(text: TextSource): string {
  if (typeof text === 'string') return text;
  const { bytes, start, end, units } = text;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as SlicedBuffer;
  // As many units as bytes: ASCII, which is a plain copy.
  return units === end - start ? buffer.latin1Slice(start, end) : buffer.utf8Slice(start, end);
}

/** The string of a row of a column of texts. */
export function rowString({ bytes, offsets }: Utf8Column, row: number): string {
  // As if no text were ASCII, which its length would tell.
  return textString({ bytes, start: offsets[row], end: offsets[row + 1], units: -1 });
}

/** Length of the string, in UTF-16 units. */
export function textUnits(text: TextSource): number {
  return typeof text === 'string' ? text.length : text.units;
}

/** Bytes of the text in UTF-8. */
export function textBytes(text: TextSource): number {
  return typeof text === 'string' ? Buffer.byteLength(text) : text.end - text.start;
}

/** A document whose text lies as UTF-8, until another is assigned to it. */
export function storedDocument(id: string, text: StoredText, meta: Meta): Document {
  return new StoredDocument(id, text, meta);
}

/** A document's text, as it lies where that is known. */
export function textOf(document: Document): TextSource {
  return StoredDocument.textOf(document);
}

class StoredDocument implements Document {
  // Assigned in the order in which a document's members stand.
  declare id: string;
  declare text: string;
  declare meta: Meta;
  /** Its string once it was asked for, or what was assigned. */
  #text: string | undefined;
  #stored: StoredText | undefined;

  /** An own member like any other, for those who copy or list a document's members; one for all, so that all have one shape. */
  static readonly #member: PropertyDescriptor & ThisType<StoredDocument> = {
    enumerable: true,
    configurable: true,
    get() {
      this.#text ??= textString(this.#stored!);
      return this.#text;
    },
    set(text: string) {
      if (text === this.#text) return;
      this.#text = text;
      this.#stored = undefined;
    },
  };

  constructor(id: string, text: StoredText, meta: Meta) {
    this.id = id;
    Object.defineProperty(this, 'text', StoredDocument.#member);
    this.meta = meta;
    this.#stored = text;
  }

  static textOf(document: Document): TextSource {
    if (#stored in document) return document.#stored ?? document.#text!;
    return document.text;
  }
}
