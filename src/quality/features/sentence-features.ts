/**
 * What a text says it is: how many sentences, how many links, how many phrases that web pages carry whatever they are about.
 *
 * A sentence ends at full stop, exclamation or question mark before white space, at their Chinese forms anywhere, and where the
 * text ends. `Mr.` counts as an end: the rules of src/text/sentences.ts know better at a tenth of the speed, and a model
 * learns its limits from the same count. Phrases are found in one pass of an automaton, inside longer words too.
 */
import { lazy } from '../../core/lazy.ts';
import { charFlags, SENTENCE_END, SPACE } from '../../text/char-class.ts';
import { createPhraseSearch, foldCase, searchPhrases } from '../../text/phrase-search.ts';
import type { TextView } from '../../text/view.ts';
import { type FeatureGroup, share } from './feature-group.ts';

export const sentenceFeatures: FeatureGroup = {
  features: [
    ['sentences_log', 'ln(1 + sentences)'],
    ['words_per_sentence_log', 'ln(1 + words by sentences)'],
    ['sentences_per_line_log', 'ln(1 + sentences by lines between newlines)'],
    ['link_ratio', 'http://, https:// and www. by words'],
    ['boilerplate_ratio', 'phrases of menus, forms, notices and shops by words'],
  ],
  read,
};

const LINKS = ['http://', 'https://', 'www.'];
const BOILERPLATE = [
  ...['©', 'copyright', 'all rights reserved', 'privacy policy', 'terms of', 'cookie', 'javascript', 'lorem ipsum'],
  ...['log in', 'login', 'sign in', 'sign up', 'subscribe', 'register', 'password', 'newsletter', 'rss'],
  ...['click here', 'read more', 'learn more', 'share this', 'posted by', 'comments', 'reply', 'permalink'],
  ...['add to cart', 'free shipping', 'buy now', 'contact us', 'home page', 'site map', 'download'],
  ...[
    '版权所有',
    '登录',
    '注册',
    '密码',
    '点击',
    '下载',
    '首页',
    '联系我们',
    '上一篇',
    '下一篇',
    '阅读全文',
    '免责声明',
  ],
  ...['版權所有', '登入', '註冊', '密碼', '點擊', '下載', '首頁', '聯絡我們', '上一頁', '下一頁', '轉載', '转载'],
];

const phrases = lazy(() => createPhraseSearch([...LINKS, ...BOILERPLATE], foldCase));

function read(view: TextView, out: Float64Array, at: number): void {
  const { text, units } = view;
  let links = 0;
  let boilerplate = 0;
  searchPhrases(phrases(), units, text.length, (phrase) => {
    if (phrase < LINKS.length) links++;
    else boilerplate++;
    return false;
  });
  const sentences = countSentences(units, text.length);
  const words = view.wordFeatures('characters').properWords;
  out[at++] = Math.log1p(sentences);
  out[at++] = Math.log1p(share(words, sentences));
  out[at++] = Math.log1p(share(sentences, view.newlineLines.count));
  // A phrase may have no word of its own to stand beside: © alone.
  out[at++] = share(links, words + 1);
  out[at++] = share(boilerplate, words + 1);
}

function countSentences(units: Uint16Array, length: number): number {
  let sentences = 0;
  // Whether a character that is no white space follows the last end, and what an end mark would do that stands at i - 1.
  let isOpen = false;
  let isMark = false;
  for (let i = 0; i < length; i++) {
    const unit = units[i];
    const flags = charFlags[unit];
    if ((flags & SENTENCE_END) !== 0) {
      isMark = true;
      // Full-width marks need no space behind them; a run of them is one end.
      if (unit > 0xff && isOpen) {
        sentences++;
        isOpen = false;
      }
    } else if ((flags & SPACE) !== 0) {
      if (isMark && isOpen) {
        sentences++;
        isOpen = false;
      }
      isMark = false;
    } else if (!isMark || !isCloser(unit)) {
      isMark = false;
      isOpen = true;
    }
  }
  return isOpen ? sentences + 1 : sentences;
}

/** Quotes and brackets that close, between a mark and the white space behind it. */
function isCloser(unit: number): boolean {
  return unit === 0x22 || unit === 0x27 || unit === 0x29 || unit === 0x5d || unit === 0x2019 || unit === 0x201d;
}
