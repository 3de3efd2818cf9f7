/**
 * Short texts: a classifier's probabilities, corrected by what the letters allow.
 *
 * Languages that are not written in the text's main script are out; a letter that a language does not use divides its
 * probability by thirty (foreign words and names occur, so it does not rule it out). What is left is made to sum to one
 * again. Measured on single words, word pairs and sentences of 75 languages: bench/langid.ts. Cost: one table look-up a
 * letter.
 */
import { SCRIPTS } from '../text/scripts.ts';
import {
  ARABIC_DISTINCTIVE,
  ARABIC_LETTERS,
  CYRILLIC_LETTERS,
  LANGUAGES_OF_SCRIPT,
  LATIN_LETTERS,
  NEVER_LATIN,
} from './language-letters.ts';

/** Factor for each different letter that the language does not use. */
const FOREIGN_LETTER = 1 / 30;
/** Longer texts have statistics enough, and foreign names. */
const MOST_FOREIGN_LETTERS = 4;
const CYRILLIC_MARKED = 'абвгдежзийклмнопрстуфхцчшщъыьэюяёґєіїўђјљњћџѓѕќѐѝәғқңөұүһҷҳӯӣҗҙҡҫӑӗӳҕҥӕӏӧӱӝӟӥӵ';
const KANA = [SCRIPTS.indexOf('Hiragana'), SCRIPTS.indexOf('Katakana')];
const HAN = SCRIPTS.indexOf('Han');
const HANGUL = SCRIPTS.indexOf('Hangul');

/** Corrects `probabilities` in place, given the text in lower case and its letters by script. */
export type LetterConstraints = (probabilities: Float64Array, lower: string, letters: Uint32Array) => void;

/** Constraints for a model with these labels. */
export function createLetterConstraints(labels: readonly string[]): LetterConstraints {
  const allowed = SCRIPTS.map((script) => {
    const languages = LANGUAGES_OF_SCRIPT[script]?.split(' ');
    if (languages === undefined) return Uint8Array.from(labels, (label) => (NEVER_LATIN.has(label) ? 0 : 1));
    return Uint8Array.from(labels, (label) => (languages.includes(label) ? 1 : 0));
  });
  const foreign = foreignLetters(labels);

  return (probabilities, lower, letters) => {
    const script = mainScript(letters);
    if (script < 0) return;
    const candidates = allowed[script];
    if (!candidates.includes(1)) return;
    for (let label = 0; label < probabilities.length; label++) if (candidates[label] === 0) probabilities[label] = 0;
    const seen: string[] = [];
    for (const letter of lower) {
      const users = foreign.get(letter);
      if (users === undefined || seen.includes(letter)) continue;
      seen.push(letter);
      for (let label = 0; label < probabilities.length; label++) {
        if (users[label] !== 0) probabilities[label] *= FOREIGN_LETTER;
      }
      if (seen.length === MOST_FOREIGN_LETTERS) break;
    }
    let sum = 0;
    for (const probability of probabilities) sum += probability;
    if (sum > 0) for (let label = 0; label < probabilities.length; label++) probabilities[label] /= sum;
  };
}

/** The script with most letters; kana among Han are Japanese, and each Hangul syllable counts for two letters. */
function mainScript(letters: Uint32Array): number {
  let main = -1;
  let most = 0;
  for (let script = 0; script < letters.length; script++) {
    const count = script === HANGUL ? letters[script] * 2 : letters[script];
    if (count > most) {
      most = count;
      main = script;
    }
  }
  if (main === HAN) for (const kana of KANA) if (letters[kana] > 0) return kana;
  return main;
}

/** For each letter that not all languages of its alphabet use: 1 for the labels that do not. */
function foreignLetters(labels: readonly string[]): Map<string, Uint8Array> {
  const foreign = new Map<string, Uint8Array>();
  const alphabets: [Record<string, string>, string][] = [
    [LATIN_LETTERS, Object.values(LATIN_LETTERS).join('')],
    [CYRILLIC_LETTERS, CYRILLIC_MARKED],
    [ARABIC_LETTERS, ARABIC_DISTINCTIVE],
  ];
  for (const [lettersOf, all] of alphabets) {
    for (const letter of new Set(all)) {
      foreign.set(
        letter,
        Uint8Array.from(labels, (label) =>
          lettersOf[label] === undefined || lettersOf[label].includes(letter) ? 0 : 1,
        ),
      );
    }
  }
  return foreign;
}
