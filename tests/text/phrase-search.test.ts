import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPhraseSearch, searchPhrases } from '../../src/text/phrase-search.ts';

function unitsOf(text: string): Uint16Array {
  return Uint16Array.from(text, (_, i) => i).map((i) => text.charCodeAt(i));
}

function occurrences(phrases: readonly string[], text: string, fold?: (unit: number) => number): string[] {
  const units = new Uint16Array(text.length);
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
  const found: string[] = [];
  searchPhrases(createPhraseSearch(phrases, fold), units, text.length, (phrase, start, end) => {
    found.push(`${phrases[phrase]}@${start}-${end}`);
    return false;
  });
  return found;
}

/** Every place of every different phrase, by `startsWith`. */
function everywhere(phrases: readonly string[], text: string): string[] {
  const found: string[] = [];
  for (let end = 1; end <= text.length; end++) {
    const here = [...new Set(phrases)].filter((phrase) => phrase !== '' && text.slice(0, end).endsWith(phrase));
    here.sort((a, b) => b.length - a.length);
    for (const phrase of here) found.push(`${phrase}@${end - phrase.length}-${end}`);
  }
  return found;
}

describe('phrase search', () => {
  it("gives Aho and Corasick's own example: he, she, his, hers in ushers", () => {
    expect(occurrences(['he', 'she', 'his', 'hers'], 'ushers')).toEqual(['she@1-4', 'he@2-4', 'hers@2-6']);
  });

  it('finds what a search position by position finds', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '中', '文'), maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 30 }),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', '中', '文'), maxLength: 80 }),
        (phrases, text) => {
          expect(occurrences(phrases, text)).toEqual(everywhere(phrases, text));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('holds tens of thousands of Chinese words, each of which it finds', () => {
    const words: string[] = [];
    for (let i = 0; i < 40_000; i++) {
      words.push(String.fromCharCode(0x4e00 + (i % 5000), 0x4e00 + ((i * 7919) % 5003), 0x4e00 + (i >> 3)));
    }
    const search = createPhraseSearch(words);
    for (let i = 0; i < words.length; i += 997) {
      const units = Uint16Array.from([0x3002, ...[...words[i]].map((c) => c.charCodeAt(0))]);
      const found: string[] = [];
      searchPhrases(search, units, units.length, (phrase) => {
        found.push(words[phrase]);
        return false;
      });
      expect(found).toContain(words[i]);
    }
  });

  it('folds case, but not where the lower case is another number of units', () => {
    expect(occurrences(['straße', 'ωσ'], 'STRASSE Straße ΩΣ ως')).toEqual(['straße@8-14', 'ωσ@15-17', 'ωσ@18-20']);
  });

  it('looks past units that the fold leaves out', () => {
    const found = occurrences(['badword'], 'b-a.d/Word', (unit) =>
      /[a-z]/i.test(String.fromCharCode(unit)) ? unit | 32 : -1,
    );
    expect(found.length).toBe(1);
  });

  it('stops when told to', () => {
    let calls = 0;
    const stopped = searchPhrases(createPhraseSearch(['a']), unitsOf('aaaa'), 4, () => ++calls === 2);
    expect([stopped, calls]).toEqual([true, 2]);
  });
});
