/**
 * Text of ids that come one at a time, as a model writes them. A token may end within a character (an emoji is often three
 * or four tokens): its bytes wait until the character is whole, so that what comes out is always whole characters.
 */

export interface StreamDecoder {
  /** Takes the next id, or several; returns the text that is whole now, which may be empty. */
  push(ids: number | ArrayLike<number>): string;
  /** The end: what waits of a character that never became whole, as U+FFFD. The decoder then begins anew. */
  end(): string;
}

/** `bytesOf`: a token's bytes, or undefined for one that is left out. */
export function createStreamDecoder(bytesOf: (id: number) => Uint8Array | undefined): StreamDecoder {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  const one = (id: number): string => {
    const bytes = bytesOf(id);
    return bytes === undefined ? '' : utf8.decode(bytes, { stream: true });
  };
  return {
    push(ids) {
      if (typeof ids === 'number') return one(ids);
      let text = '';
      for (let i = 0; i < ids.length; i++) text += one(ids[i]);
      return text;
    },
    end: () => utf8.decode(),
  };
}
