/**
 * cc_net's text normalization, which its language models were trained behind: lower case, canonical decomposition without
 * nonspacing marks, every decimal digit 0, Unicode punctuation in ASCII, no control characters.
 *
 * Source: cc_net, text_normalizer.py (`normalize` with its defaults), applied line by line as its `DocLM` does it. Two of
 * its effects may surprise: Hangul syllables come out as letters (they decompose), and what a tab alone divides becomes one
 * word (tabs are control characters). It strips lines, which tokens do not show, so that is left out here.
 */

/** By what each mark is replaced; full-width digits are 0 by then. */
const PUNCTUATION: Record<string, string> = {
  '，': ',',
  '。': '.',
  '、': ',',
  '„': '"',
  '”': '"',
  '“': '"',
  '«': '"',
  '»': '"',
  '」': '"',
  '「': '"',
  '《': '"',
  '》': '"',
  '´': "'",
  '∶': ':',
  '：': ':',
  '？': '?',
  '！': '!',
  '（': '(',
  '）': ')',
  '；': ';',
  '–': '-',
  '—': ' - ',
  '．': '. ',
  '～': '~',
  '’': "'",
  '…': '...',
  '━': '-',
  '〈': '<',
  '〉': '>',
  '【': '[',
  '】': ']',
  '％': '%',
  '►': '-',
};
const MARKS = new RegExp(`[${Object.keys(PUNCTUATION).join('')}]`, 'gu');
const NON_ASCII = /[^\0-\x7f]/;
/** Newlines stay: they divide sentences. */
const CONTROL = /[\0-\t\v-\x1f\x7f-\x9f]/g;

/** The normalized text, its lines where they were. */
export function ccnetNormalize(text: string): string {
  let lower = text.toLowerCase();
  if (NON_ASCII.test(lower)) {
    lower = lower
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '')
      .replace(/\p{Nd}/gu, '0');
    lower = lower.replace(MARKS, (mark) => PUNCTUATION[mark]);
  }
  return lower.replace(/[1-9]/g, '0').replace(CONTROL, '');
}
