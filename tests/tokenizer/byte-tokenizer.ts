/** The smallest tokenizer there is, for tests: a token for every byte (id = byte), no merges, and special tokens. */
import { writeHfTokenizer } from '../../src/tokenizer/hf-json.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';

/** Special tokens get ids from 256 on; those in `words` are added, but no control tokens. */
export function byteTokenizer(controls: readonly string[], words: readonly string[] = []): Tokenizer {
  const added = [...controls, ...words].map((content, i) => ({
    id: 256 + i,
    content,
    special: i < controls.length,
  }));
  const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
  return Tokenizer.fromJson(
    writeHfTokenizer({
      vocabSize: 256 + added.length,
      tokens: [...bytes, ...added.map(({ content }) => new TextEncoder().encode(content))],
      lefts: new Int32Array(),
      rights: new Int32Array(),
      products: new Int32Array(),
      added,
      normalization: 'none',
      pattern: 'gpt2',
      ignoreMerges: false,
    }),
  );
}
