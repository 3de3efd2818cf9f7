/** Made-up texts of three topics that share some words: what small trainings are tried on. */
import { createRandom } from '../../../src/core/random.ts';

export const TOPICS = ['sport', '天气', 'kochen'] as const;

const WORDS = [
  'ball goal team über naïve run Score match player win',
  '下雨 晴天 大风 雪 云 温度 预报 台风 降雨 阳光',
  'Topf Salz Zwiebel kochen 🍲 Öl Pfanne schneiden rühren Suppe',
].map((words) => words.split(' '));
const SHARED = 'and the 的 und a very 今天 morning new good'.split(' ');

export interface Labelled {
  text: string;
  /** Index into TOPICS. */
  label: number;
}

/** `count` texts, drawn by `seed`; the first topic three times as often as each of the others. */
export function topicTexts(count: number, seed: number): Labelled[] {
  const random = createRandom(seed);
  const pick = (words: readonly string[]): string => words[random.below(words.length)];
  return Array.from({ length: count }, () => {
    const label = [0, 0, 0, 1, 2][random.below(5)];
    const words = Array.from({ length: 3 + random.below(9) }, () =>
      pick(random.below(10) < 4 ? SHARED : random.below(10) < 9 ? WORDS[label] : WORDS[random.below(3)]),
    );
    return { text: words.join(random.below(8) === 0 ? '\n' : ' '), label };
  });
}

/** Texts that try the edges of how fastText reads one. */
export const ODD_TEXTS = [
  '',
  '   \t\n',
  'goal',
  'word-that-nobody-knows',
  'ball 下雨 Topf',
  'ball\u0000goal\u000bteam\u000cwin\r\nrun',
  '下雨　晴天',
  'goal </s> Topf Salz Zwiebel',
  '</s>',
  '__label__sport Suppe kochen',
  'Suppe __label__天气 kochen __label__',
  'a\ud800b ball \udc00',
  '🍲🍲 🍲',
  'x'.repeat(100),
  `${'goal '.repeat(300)}Topf`,
];
