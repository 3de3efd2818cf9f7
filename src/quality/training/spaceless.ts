/**
 * Whether the words of training texts stand between spaces. fastText takes what stands between them for words; of Chinese,
 * Japanese or Thai that is a clause, which hardly comes twice, and a model of such words knows nothing.
 */
import { countLetters, SCRIPTS, type Script } from '../../text/scripts.ts';

const SPACELESS: ReadonlySet<Script> = new Set(['Han', 'Hiragana', 'Katakana', 'Bopomofo', 'Thai', 'Lao', 'Khmer', 'Myanmar', 'Tibetan']); // biome-ignore format: a list

/** Units of a text that are looked at. */
const LOOKED_AT = 400;
/** From this share of the texts on it matters. */
const SHARE = 0.1;

export interface SpacelessTexts {
  add(text: string): void;
  /** What to tell whoever trains on these texts by words, or undefined where it does not matter. */
  warning(): string | undefined;
}

export function createSpacelessTexts(): SpacelessTexts {
  const units = new Uint16Array(LOOKED_AT);
  const letters = new Uint32Array(SCRIPTS.length);
  let texts = 0;
  let spaceless = 0;
  return {
    add(text) {
      const length = Math.min(text.length, LOOKED_AT);
      for (let i = 0; i < length; i++) units[i] = text.charCodeAt(i);
      letters.fill(0);
      countLetters(units, 0, length, letters);
      let all = 0;
      let without = 0;
      for (const [i, script] of SCRIPTS.entries()) {
        all += letters[i];
        if (SPACELESS.has(script)) without += letters[i];
      }
      texts++;
      if (2 * without > all) spaceless++;
    },
    warning() {
      if (texts === 0 || spaceless < SHARE * texts) return undefined;
      const share = ((100 * spaceless) / texts).toFixed(0);
      return (
        `${share} % of the texts learnt from are in scripts without spaces, of which fastText takes each clause for one ` +
        'word: let it read characters by `minn: 1, maxn: 2`'
      );
    },
  };
}
