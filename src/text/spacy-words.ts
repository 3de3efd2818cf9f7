/**
 * Words as spaCy's blank English tokenizer finds them (spacy/tokenizer.pyx, lang/punctuation.py, lang/char_classes.py,
 * lang/en), in texts that src/text/simplify.ts has simplified: what datatrove's MinHash makes its n-grams of.
 *
 * Between spaces: contractions written together come apart (`dont`: do nt), then marks and symbols at the ends are
 * taken off one by one, units and currency signs behind a digit (`0km`: 0 km) too, and what is left is divided at
 * symbols. Rules for what a simplified text cannot hold are left out: full stops, apostrophes and most marks, upper case, URLs,
 * faces. Symbols are those of Unicode 11, as
 * spaCy lists them.
 *
 * Cost: a look-up per word; 20 MB of English a second. The same words as spaCy 3.8's on 2,300 pages and 60,000 made-up strings.
 */

/** A word that no rule touches has none of these, and no digit before what could be a unit. */
const PLAIN = /^[a-z]+$|^(?:(?![§%=—–:<>/+*^])[\p{L}\p{Mc}\p{Nl}\p{No}])+$/u;

/** `\p{So}` younger than Unicode 11. */
const YOUNGER_SYMBOL =
  '\\u166d\\u2427-\\u2429\\u2b96\\u2b97\\u2bc9\\u2bff\\u2e50\\u2e51\\u2ffc-\\u2fff\\u31e4\\u31e5\\u31ef\\u32ff\\ufbc3-\\ufbd2\\ufd40-\\ufd4f' +
  '\\ufd90\\ufd91\\ufdc8-\\ufdcf\\ufdfe\\ufdff\\u{1019c}\\u{10ed1}-\\u{10ed8}\\u{11fd5}-\\u{11fdc}\\u{11fe1}-\\u{11ff1}\\u{1cc00}-\\u{1cfc3}' +
  '\\u{1d1e9}\\u{1d1ea}\\u{1e14f}\\u{1ed2e}\\u{1f10d}-\\u{1f10f}\\u{1f16c}-\\u{1f16f}\\u{1f1ad}\\u{1f6d5}-\\u{1f6d8}\\u{1f6dc}-\\u{1f6df}' +
  '\\u{1f6fa}-\\u{1f6fc}\\u{1f774}-\\u{1f77f}\\u{1f7d9}-\\u{1f7ff}\\u{1f8b0}-\\u{1f8ff}\\u{1f90c}-\\u{1f90f}\\u{1f93f}\\u{1f971}\\u{1f972}' +
  '\\u{1f977}-\\u{1f979}\\u{1f97b}\\u{1f9a3}-\\u{1f9af}\\u{1f9ba}-\\u{1f9bf}\\u{1f9c3}-\\u{1f9cf}\\u{1fa00}-\\u{1fa57}\\u{1fa70}-\\u{1fbff}';
const SYMBOL = `(?![${YOUNGER_SYMBOL}])\\p{So}`;
const PUNCTUATION = '…,:;!?¿؟¡()\\[\\]{}<>_#*&。？！，、；：～·।،۔؛٪';
const QUOTES = '\'"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉⟦⟧';
const CURRENCY = '$£€¥฿₽﷼₴₠-₣₤-₩₪₫₭-₳₵-₼₾₿';
const UNITS =
  'km|km²|km³|m|m²|m³|dm|dm²|dm³|cm|cm²|cm³|mm|mm²|mm³|ha|µm|nm|yd|in|ft|kg|g|mg|µg|t|lb|oz|m/s|km/h|kmh|mph|mbar|mb|kb|gb|tb|%|' +
  'км|км²|км³|м|м²|м³|дм|дм²|дм³|см|см²|см³|мм|мм²|мм³|нм|кг|г|мг|м/с|км/ч|мбар|кб|мб|гб|тбكم|كم²|كم³|م|م²|م³|سم|سم²|سم³|مم|مم²|مم³|' +
  'كم|غرام|جرام|جم|كغ|ملغ|كوب|اكواب';
/** spaCy's ALPHA. */
const LETTER =
  'A-Za-zÀ-ÖØ-öø-ƿǄ-ʯΆΈ-ΊΌΎΏΑ-Ωά-ία-ωό-ώЀЁЃ-ЊЌ-ёѓ-њќѝҐґҖҗҢңҮүҺһӘәӨө\\u0591-\\u05f4\\u0620-\\u064a\\u066e-\\u06d5\\u06e5-\\u06ff\\u0750-\\u077f\\u08a0-\\u08bd' +
  '\\u0900-\\u09ff\\u0b80-\\u0cff\\u0d80-\\u0dff\\u1100-\\u137f\\u1d00-\\u1d25\\u1d6b-\\u1d77\\u1d79-\\u1d9a\\u1e00-\\u1eff\\u2c60-\\u2c7b\\u2c7e\\u2c7f' +
  '\\u2e80-\\u2fdf\\u2ff0-\\u30ff\\u31c0-\\u31ef\\u3200-\\u4dbf\\u4e00-\\u9fff\\ua722-\\ua76f\\ua771-\\ua787\\ua78b-\\ua78e\\ua790-\\ua7b9\\ua7fa' +
  '\\uab30-\\uab5a\\uab60-\\uab64\\uac00-\\ud7af\\uf900-\\ufaff\\ufb1d-\\ufbb1\\ufbd3-\\ufd3d\\ufd50-\\ufdc7\\ufdf0-\\ufdfb\\ufe30-\\ufe4f\\ufe70-\\ufefc' +
  'Ａ-Ｚａ-ｚ\\u{1ee00}-\\u{1eebb}\\u{1f200}-\\u{1f2ff}\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2ebef}\\u{2f800}-\\u{2fa1f}';

const PREFIX = new RegExp(`^(?:[§%=—–${PUNCTUATION}${QUOTES}${CURRENCY}]|${SYMBOL})`, 'u');
const SUFFIX = new RegExp(`(?:[${PUNCTUATION}${QUOTES}—–]|${SYMBOL}|(?<=[0-9])(?:[${CURRENCY}]|${UNITS}))$`, 'u');
const INFIX = new RegExp(`${SYMBOL}|…|(?<=[${LETTER}0-9])[:<>=/](?=[${LETTER}])`, 'gu');

/** Contractions without their apostrophes, and what they come apart into. */
const CONTRACTIONS = `
  ai-nt are-nt can-not ca-nt ca-nt-ve could-nt could-nt-ve could-ve dare-nt did-nt did-nt-ve does-nt does-nt-ve
  do-nt do-nt-ve gon-na got-ta had-nt had-nt-ve has-nt have-nt he-d he-d-ve he-ll-ve he-s how-d how-d-ve how-ll
  how-ll-ve how-re how-s how-ve i-d i-d-ve i-ll-ve i-m i-m-a is-nt it-d it-d-ve it-ll it-ll-ve i-ve may-nt may-nt-ve
  might-nt might-nt-ve might-ve must-nt must-nt-ve must-ve need-nt need-nt-ve not-ve ought-nt ought-nt-ve sha-nt
  sha-nt-ve she-d-ve she-ll-ve she-s should-nt should-nt-ve should-ve that-d that-d-ve that-ll that-ll-ve that-s
  there-d there-d-ve there-ll there-ll-ve there-re there-s there-ve these-d these-d-ve these-ll these-ll-ve these-re
  these-ve they-d they-d-ve they-ll they-ll-ve they-re they-ve this-d this-d-ve this-ll this-ll-ve this-s those-d
  those-d-ve those-ll those-ll-ve those-re those-ve was-nt we-d we-d-ve we-ll-ve were-nt we-ve what-d what-d-ve
  what-ll what-ll-ve what-re what-s what-ve when-d when-d-ve when-ll when-ll-ve when-re when-s when-ve where-d
  where-d-ve where-ll where-ll-ve where-re where-s where-ve who-d who-d-ve who-ll who-ll-ve who-s who-ve why-d
  why-d-ve why-ll why-ll-ve why-re why-s why-ve wo-nt wo-nt-ve would-nt would-nt-ve would-ve y-all you-d you-d-ve
  you-ll you-ll-ve you-re you-ve
`;
const contractions: ReadonlyMap<string, string> = new Map(
  CONTRACTIONS.trim()
    .split(/\s+/)
    .map((parts) => [parts.replaceAll('-', ''), parts.replaceAll('-', ' ')]),
);
/** The one exception with a mark that simplifying leaves: an opening quote before an s. */
const QUOTED_S = '‘s';

/** Short words seen, with a space between the parts of those that come apart; emptied when it has this many. */
const MAX_KNOWN = 1 << 16;
/** V8 keeps a whole text for a longer piece of it. */
const MAX_KNOWN_UNITS = 12;
const known = new Map<string, string>();

/** A simplified text with one space between each two words. */
export function spaceSpacyWords(simplified: string): string {
  let spaced = '';
  let from = 0;
  for (let start = 0; start < simplified.length; ) {
    const space = simplified.indexOf(' ', start);
    const end = space === -1 ? simplified.length : space;
    const word = simplified.slice(start, end);
    let parts = known.get(word);
    if (parts === undefined) {
      parts = PLAIN.test(word) ? (contractions.get(word) ?? word) : divide(word);
      if (word.length <= MAX_KNOWN_UNITS) {
        if (known.size >= MAX_KNOWN) known.clear();
        known.set(word, parts);
      }
    }
    if (parts !== word) {
      spaced += simplified.slice(from, start) + parts;
      from = end;
    }
    start = end + 1;
  }
  return from === 0 ? simplified : spaced + simplified.slice(from);
}

function divide(word: string): string {
  const before: string[] = [];
  const behind: string[] = [];
  let rest = word;
  for (let last = -1; rest.length > 0 && rest.length !== last && !isSpecial(rest); ) {
    last = rest.length;
    const prefix = PREFIX.exec(rest)?.[0] ?? '';
    const withoutPrefix = rest.slice(prefix.length);
    if (prefix !== '' && isSpecial(withoutPrefix)) {
      before.push(prefix);
      rest = withoutPrefix;
      break;
    }
    const suffix = SUFFIX.exec(withoutPrefix)?.[0] ?? '';
    const withoutSuffix = rest.slice(0, rest.length - suffix.length);
    if (suffix !== '' && isSpecial(withoutSuffix)) {
      behind.push(suffix);
      rest = withoutSuffix;
      break;
    }
    if (prefix !== '') before.push(prefix);
    if (suffix !== '') behind.push(suffix);
    rest = rest.slice(prefix.length, rest.length - suffix.length);
  }
  const parts = [...before, ...divideInside(rest), ...behind.reverse()];
  // spaCy looks once more for exceptions among the parts.
  return parts.join(' ').replace(/(?<![^ ])‘ s(?![^ ])/g, QUOTED_S);
}

function isSpecial(word: string): boolean {
  return word === QUOTED_S || contractions.has(word);
}

function divideInside(word: string): string[] {
  if (word === '' || word === QUOTED_S) return word === '' ? [] : [word];
  const contraction = contractions.get(word);
  if (contraction !== undefined) return [contraction];
  const parts: string[] = [];
  let start = 0;
  for (const { index, 0: found } of word.matchAll(INFIX)) {
    // A mark at the very start stays with what follows.
    if (index === 0) continue;
    if (index !== start) parts.push(word.slice(start, index));
    parts.push(found);
    start = index + found.length;
  }
  if (start < word.length) parts.push(word.slice(start));
  return parts;
}
