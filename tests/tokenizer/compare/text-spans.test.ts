import { describe, expect, it } from 'vitest';
import { createTextSpans, readTextSpans, type Spans } from '../../../src/tokenizer/compare/text-spans.ts';

function spansOf(text: string): { words: string[]; han: string[]; bytes: number; characters: number } {
  const spans = createTextSpans();
  readTextSpans(text, spans);
  const bytes = Buffer.from(text);
  const list = ({ starts, ends, count }: Spans) =>
    Array.from({ length: count }, (_, i) => bytes.subarray(starts[i], ends[i]).toString());
  return { words: list(spans.words), han: list(spans.han), bytes: spans.bytes, characters: spans.characters };
}

describe('words and Han characters as byte ranges', () => {
  it('finds words between spaces and punctuation', () => {
    expect(spansOf('The "ship" isn\'t 3.5 m — long!')).toMatchObject({
      words: ['The', 'ship', "isn't", '3.5', 'm', 'long'],
      han: [],
    });
  });

  it('takes each Han character for a word, in every plane', () => {
    expect(spansOf('用Python写𠮷，〇')).toEqual({
      words: ['用', 'Python', '写', '𠮷', '〇'],
      han: ['用', '写', '𠮷', '〇'],
      bytes: 3 + 6 + 3 + 4 + 3 + 3,
      characters: 11,
    });
  });

  it('keeps Kana words whole and no Han of them', () => {
    expect(spansOf('カタカナ')).toMatchObject({ words: ['カタカナ'], han: [] });
  });

  it('finds none in an empty text, nor in one of signs', () => {
    expect(spansOf('')).toEqual({ words: [], han: [], bytes: 0, characters: 0 });
    expect(spansOf('… -- ! £ ± 🙂 _')).toMatchObject({ words: [], han: [] });
  });

  it('finds the Han characters that Unicode names, beside any others', () => {
    const text = 'aé中\u0301𝒳漢字かなカナ한글…🙂𠀀ab豈㐀\n中';
    expect(spansOf(text).han).toEqual(text.match(/\p{Script=Han}/gu));
  });
});
