import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDuplicates } from '../../src/text/duplicates.ts';
import { duplicateNGramChars, topNGramChars } from '../../src/text/n-grams.ts';
import { addBound, createBounds } from '../../src/text/word-break.ts';
import { createWordFeatures, readWords } from '../../src/text/words.ts';
import { describeWithShared, shared } from '../shared.ts';

/** Word features of a list of words, whatever a segmenter would say of them. */
function measure(words: readonly string[], minN = 5, maxN = 10) {
  const bounds = createBounds();
  let end = 0;
  for (const word of words) {
    addBound(bounds, end, end + word.length);
    end += word.length;
  }
  const text = words.join('');
  const units = Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  const features = createWordFeatures();
  readWords(units, bounds, features, true);
  const top = new Float64Array(16);
  const repeated = new Float64Array(16);
  topNGramChars(features, 4, top);
  duplicateNGramChars(features, minN, maxN, repeated);
  return { top, repeated, duplicates: findDuplicates(units, bounds, true) };
}

/** The definitions, with strings. */
function naiveTop(words: readonly string[], n: number): number {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= words.length; i++) {
    const gram = words.slice(i, i + n).join(' ');
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  let best = ['', 0] as [string, number];
  for (const entry of counts) if (entry[1] > best[1]) best = entry;
  return [...best[0]].length * best[1];
}

function naiveRepeated(words: readonly string[], n: number): number {
  const seen = new Set<string>();
  let chars = 0;
  for (let i = 0; i + n <= words.length; ) {
    const gram = words.slice(i, i + n).join('');
    if (seen.has(gram)) {
      chars += [...gram].length;
      i += n;
    } else {
      seen.add(gram);
      i++;
    }
  }
  return chars;
}

describe('n-gram repetition', () => {
  it('takes the first n-gram when none is repeated', () => {
    expect(measure(['aa', 'b', 'cccc']).top[2]).toBe('aa b'.length);
  });

  it('counts 30 of 36 characters of six times the same five words', () => {
    const words = Array.from({ length: 6 }, () => ['one', 'two', 'six', 'ten', 'nil']).flat();
    expect(measure(words).repeated[5]).toBe(75);
  });

  it('takes n-grams for equal whose words written together are equal', () => {
    // "ab c d e f" and "a bc d e f": datatrove joins the words of a duplicate n-gram with nothing.
    const words = ['ab', 'c', 'd', 'e', 'f', '!', 'a', 'bc', 'd', 'e', 'f'];
    expect(measure(words).repeated[5]).toBe(6);
  });

  it.each([
    ['few letters', fc.array(fc.constantFrom('a', 'b', 'ab', 'ba', '😀'), { maxLength: 80 })],
    ['long words', fc.array(fc.constantFrom('alphabetical', 'betting', 'gamma', 'the', ','), { maxLength: 200 })],
  ])('agrees with its definition on words of %s', (_, lists) => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 2, max: 6 }), (words, minN) => {
        const { top, repeated } = measure(words, minN, 10);
        for (let n = 2; n <= 4; n++) expect(top[n]).toBe(naiveTop(words, n));
        for (let n = minN; n <= 10; n++) expect(repeated[n]).toBe(naiveRepeated(words, n));
      }),
      { numRuns: 500 },
    );
  });
});

interface RepetitionCase {
  words: string[];
  find_duplicates: { elements: number; chars: number };
  top_ngram_chars: Record<string, number | null>;
  dup_ngram_chars: Record<string, number>;
}

describeWithShared("n-gram repetition beside datatrove's own functions", () => {
  it('gives the same numbers on all 200 word lists', () => {
    const path = shared('goldens/peers/datatrove_repetition_functions.jsonl.gz');
    const cases = gunzipSync(readFileSync(path))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RepetitionCase);
    expect(cases.length).toBe(200);
    for (const { words, find_duplicates, top_ngram_chars, dup_ngram_chars } of cases) {
      const { top, repeated, duplicates } = measure(words);
      expect(duplicates).toEqual(find_duplicates);
      for (const [n, chars] of Object.entries(top_ngram_chars)) expect(top[Number(n)]).toBe(chars ?? 0);
      for (const [n, chars] of Object.entries(dup_ngram_chars)) expect(repeated[Number(n)]).toBe(chars);
    }
  });
});
