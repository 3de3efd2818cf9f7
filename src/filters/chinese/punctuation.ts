/**
 * ASCII punctuation of Chinese sentences to Chinese punctuation (GB/T 15834): `你好,世界.` becomes `你好，世界。`.
 *
 * A mark is changed only behind a Chinese character or closing bracket, so numbers (3.5, 1,000, 10:30), Latin
 * sentences and code keep theirs; brackets and quotes only in pairs on one line around Chinese text. A space behind a changed mark
 * goes where Chinese follows.
 */

const HAN = '\\u3007\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff';
const BEHIND = `(?<=[${HAN}」』”’）》】%])`;
const MARK = new RegExp(`${BEHIND}([,;:!?])(?: (?=[${HAN}“「『（《【]))?(?![,;:!?./])`, 'g');
/** A full stop: not one of several, not behind the number of a list item (一.), not before a letter or digit. */
const STOP = new RegExp(`(?<!^\\s*[一二三四五六七八九十百]+)${BEHIND}\\.(?![.\\w])(?: (?=[${HAN}“「『（《【]))?`, 'gm');
const ELLIPSIS = new RegExp(`${BEHIND}(?:\\.{3,}|…(?!…)|。{3,})`, 'g');
const BRACKETS = new RegExp(`\\(([^()\\n]*[${HAN}][^()\\n]*)\\)`, 'g');
const QUOTES = new RegExp(`"([^"\\n]*[${HAN}][^"\\n]*)"`, 'g');
const ANY = new RegExp(`[${HAN}」』”’）》】%]["(),;:!?.…)]|["(][^\\n]{0,100}[${HAN}]|。{3}`);

const CHINESE: Record<string, string> = { ',': '，', ';': '；', ':': '：', '!': '！', '?': '？' };

/** The text with Chinese punctuation; the same string when there is nothing to change. */
export function toChinesePunctuation(text: string): string {
  if (!ANY.test(text)) return text;
  return text
    .replace(ELLIPSIS, '……')
    .replace(BRACKETS, '（$1）')
    .replace(QUOTES, '“$1”')
    .replace(MARK, (_, mark: string) => CHINESE[mark])
    .replace(STOP, '。');
}
