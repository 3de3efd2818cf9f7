import { describe, expect, it } from 'vitest';
import { simplifyText } from '../../src/text/simplify.ts';
import { spaceSpacyWords } from '../../src/text/spacy-words.ts';
import { readJsonlGz } from '../dedup/context.ts';
import { describeWithShared, shared } from '../shared.ts';

const ALL_STEPS = { lowercase: true, numbers: true, punctuation: true, whiteSpace: true, diacritics: true };

function wordsOf(text: string): string[] {
  const spaced = spaceSpacyWords(simplifyText(text, ALL_STEPS));
  return spaced === '' ? [] : spaced.split(' ');
}

// Tokens of spaCy 3.8's blank English pipeline for what datatrove's simplify_text makes of the text.
describe("spaCy's words of a simplified text", () => {
  it.each([
    ["Don't, DONT; cannot", 'don t do nt can not'],
    ['gonna whats theyllve', 'gon na what s they ll ve'],
    ['5km 10 km/h 3.5kg 7kmh', '0 km 0 km h 0 kg 0 kmh'],
    ['€5 and 5€', '€ 0 and 0 €'],
    ['100℃ 20°c', '0 ℃ 0 ° c'],
    ['‘single’ ‘s dont‘', '‘ single ‘s do nt ‘'],
    ['a≠b ≠b b≠', 'a = b = b b='],
    ['♥love♥♥ so♥so', '♥ love ♥ ♥ so ♥ so'],
    ['№ 5 § 3 © 2020', '№ 0 § 0 © 0'],
    ['🫠melting 🙂smile', '🫠melting 🙂 smile'],
    ['naïve café', 'naive cafe'],
    ['每吨1200元', '每吨0元'],
  ])('%s', (text, expected) => {
    expect(wordsOf(text).join(' ')).toBe(expected);
  });

  it('finds none in a text of marks', () => {
    expect(wordsOf(' …!?\n')).toEqual([]);
  });
});

describeWithShared("datatrove's words", () => {
  it('are the same on all 110 texts', () => {
    const cases = readJsonlGz<{ text: string; words: string[] }>(shared('goldens/peers/datatrove_minhash.jsonl.gz'));
    expect(cases.length).toBe(110);
    for (const { text, words } of cases) expect(wordsOf(text)).toEqual(words);
  });
});
