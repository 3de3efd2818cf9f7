/** A text's UTF-8 bytes in memory that is used again; lone surrogates become U+FFFD. */

/** What one huge text needed beyond this is given back at the next. */
const RETAINED_BYTES = 1 << 22;
const LEAST_BYTES = 1 << 16;

export class Utf8Buffer {
  /** Bytes of the text encoded last. */
  length = 0;
  #bytes = Buffer.alloc(LEAST_BYTES);

  /** The text's bytes are the first `length` of the result, which the next call overwrites. */
  encode(text: string): Uint8Array {
    // Three bytes hold any UTF-16 unit.
    const most = text.length * 3;
    if (this.#bytes.length < most || (this.#bytes.length > RETAINED_BYTES && most <= LEAST_BYTES)) {
      this.#bytes = Buffer.alloc(Math.max(LEAST_BYTES, 2 ** Math.ceil(Math.log2(most))));
    }
    this.length = this.#bytes.write(text, 0, 'utf8');
    return this.#bytes;
  }
}
