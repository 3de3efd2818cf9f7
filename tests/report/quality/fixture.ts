/** Quality reports for the tests of their renderers: made by `evaluate`, so that they cannot contradict themselves. */
import fc from 'fast-check';
import { createRandom } from '../../../src/core/random.ts';
import { evaluate } from '../../../src/quality/evaluation/evaluate.ts';
import type { EvaluationInput, ModelScores } from '../../../src/quality/evaluation/evaluation-input.ts';
import { stratifiedFolds } from '../../../src/quality/evaluation/folds.ts';
import type { QualityReport } from '../../../src/quality/evaluation/quality-report-schema.ts';
import { HOSTILE } from '../fixture.ts';

const TEXTS = [
  'The ferry was late again, and everyone on the quay had an opinion on why. Nobody was right; the tide was. By noon the fog had lifted and the first crates of herring stood in the sun.',
  'BUY NOW!!! Cheap watches, cheap pills, cheap everything. Click here. Click here. Click here. Limited offer, only today, unsubscribe at any time.',
  '江边的小镇每年春天都要修一次堤。老人们说，水不认人，只认高低；年轻人笑，却还是扛着锄头去了。那一年雨下得早，三月里河水就漫过了第二级石阶。',
  'Home | About | Contact | Login\n\nCopyright 2019. All rights reserved. Powered by a well-known blog engine.\nHome | About | Contact | Login',
  HOSTILE,
  '点击查看更多精彩内容 点击查看更多精彩内容 下载安装 立即注册 客服热线 版权所有 违者必究',
  '',
];

/** Texts that try to be markup, and texts of any code points (`unit: 'binary'` says the same, but takes a second to set up). */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    HOSTILE,
    '<!--',
    ']]>',
    '</style><style>*{}',
    '<a href="javascript:x">',
    '</pre>',
    '</title></svg>',
    '| a | b |',
    '</code></details>',
    '\n\n# heading\n',
    '```\n',
    '[x](javascript:y)',
    '@a #1',
  ),
  fc.string({ unit: fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)), minLength: 1 }),
  fc.string({ unit: fc.constantFrom(...'<>"\'&/=!-a| \n\u0000') }),
);

function inputOfTwo(documents: number): EvaluationInput {
  const random = createRandom(3);
  const ids = Array.from({ length: documents }, (_, i) => `crawl-2024-10/part-${String(i % 12).padStart(5, '0')}#${i}`);
  const truth = Uint8Array.from({ length: documents }, () => (random.float() < 0.35 ? 1 : 0));
  const lang = Array.from(ids, () => (random.float() < 0.3 ? 'zh' : 'en'));
  const source = Array.from(ids, () => ['web', 'books', 'forum'][Math.floor(random.float() ** 1.5 * 3)]);
  const noise = () => random.float() + random.float() + random.float() - 1.5;
  const logistic = (x: number) => 1 / (1 + Math.exp(-x));
  const skilled = (skill: number, sharpness: number) =>
    Float64Array.from(truth, (label, i) =>
      logistic(sharpness * ((label - 0.5) * skill * (lang[i] === 'zh' ? 0.5 : 1) + noise())),
    );
  const words = ['therefore', 'according to', 'chapter', '因此', 'however', 'which', 'nevertheless', 'the author'];
  const spam = ['click here', 'buy', '点击', '!!!', 'login', 'free', HOSTILE, 'unsubscribe'];
  const weighed = (features: string[]) => features.map((feature, i) => ({ feature, weight: 3.2 / (i + 1.3) }));
  const models: ModelScores[] = [
    {
      name: 'mean line length',
      scores: Float64Array.from(truth, (label) => Math.round(40 + 30 * label + 60 * (noise() + 1.5) ** 2)),
      scale: 'any',
    },
    {
      name: 'fasttext bigrams',
      kind: 'fasttext',
      scores: skilled(1.3, 4),
      telling: [
        { label: 'keep', features: weighed(words) },
        { label: 'drop', features: weighed(spam) },
      ],
    },
    { name: 'gbdt on statistics', kind: 'gbdt', scores: skilled(0.9, 2), threshold: 'youden' },
    {
      name: 'naive Bayes',
      kind: 'naive-bayes',
      scores: skilled(1, 14),
      telling: [{ label: 'keep', features: weighed(words) }],
    },
  ];
  return {
    corpusmillVersion: '0.1.0',
    title: 'keep-or-drop-en-zh.jsonl',
    protocol: '5-fold cross-validation, seed 1',
    labels: ['drop', 'keep'],
    ids,
    truth,
    lang,
    source,
    folds: stratifiedFolds(ids, truth, ['drop', 'keep'], { folds: 5, seed: 1 }),
    text: (document) => TEXTS[document % TEXTS.length].repeat(document % 3 === 0 ? 8 : 1),
    models,
    baseline: 'mean line length',
    leftOut: [{ reason: 'empty text', documents: 12 }],
    warnings: ['a third of the texts are <Chinese>'],
  };
}

/** Two thousand documents, four models of different skill, two languages, three sources, five folds. */
export function largeReport(): QualityReport {
  return evaluate(inputOfTwo(2_000));
}

/** Ten documents whose figures can be worked out by hand, one model: see the tests. */
export function smallReport(change: Partial<EvaluationInput> = {}): QualityReport {
  return evaluate({
    corpusmillVersion: '0.1.0',
    title: 'small',
    labels: ['drop', 'keep'],
    ids: Array.from('abcdefghij'),
    truth: Uint8Array.of(1, 1, 1, 0, 1, 0, 0, 0, 0, 0),
    lang: Array.from('eeeeeezzzz', (letter) => (letter === 'e' ? 'en' : 'zh')),
    models: [{ name: 'words', scores: Float64Array.of(0.95, 0.9, 0.8, 0.7, 0.3, 0.2, 0.1, 0.1, 0.05, 0.02) }],
    ...change,
  });
}

/** Three labels, two models. */
export function reportOfThree(): QualityReport {
  const random = createRandom(8);
  const truth = Int32Array.from({ length: 300 }, () => Math.floor(random.float() ** 1.4 * 3));
  const rows = (skill: number) => {
    const scores = new Float64Array(900);
    truth.forEach((label, i) => {
      const row = [0, 1, 2].map((column) => random.float() ** 2 + (column === label ? skill : 0));
      const sum = row[0] + row[1] + row[2];
      row.forEach((value, column) => {
        scores[3 * i + column] = value / sum;
      });
    });
    return scores;
  };
  return evaluate({
    corpusmillVersion: '0.1.0',
    title: 'head, middle or tail',
    labels: ['head', 'middle', 'tail'],
    ids: Array.from(truth, (_, i) => `d${i}`),
    truth,
    source: Array.from(truth, (_, i) => (i % 3 === 0 ? 'books' : 'web')),
    text: (document) => TEXTS[document % TEXTS.length],
    models: [
      { name: 'forest', kind: 'forest', scores: rows(0.6) },
      { name: 'logistic', kind: 'logistic', scores: rows(0.3) },
    ],
  });
}

/** One class only, scores of any size, nothing else. */
export function poorReport(): QualityReport {
  return evaluate({
    corpusmillVersion: '0.1.0',
    title: 'poor',
    labels: ['drop', 'keep'],
    ids: ['x'],
    truth: Uint8Array.of(1),
    lang: [undefined],
    models: [{ name: 'size', scores: Float64Array.of(12), scale: 'any' }],
  });
}

/** Every string of a report that comes from data, replaced; names of models stay apart. */
export function withText(report: QualityReport, text: string): QualityReport {
  const copy = structuredClone(report);
  Object.assign(copy, { title: text, protocol: text, corpusmillVersion: text });
  if (copy.baseline !== null) copy.baseline = `0 ${text}`;
  const positive = copy.labels.findIndex(({ label }) => label === copy.positive);
  copy.labels = copy.labels.map((row, i) => ({ ...row, label: `${i} ${text}` }));
  if (positive >= 0) copy.positive = copy.labels[positive].label;
  copy.leftOut = [{ reason: text, documents: 1 }];
  for (const [i, model] of copy.models.entries()) {
    Object.assign(model, { name: `${i} ${text}`, kind: model.kind === null ? null : text });
    model.byLabel = model.byLabel.map((row, label) => ({ ...row, label: copy.labels[label].label }));
    for (const table of model.groups) for (const row of table.rows) row.name = row.name === null ? null : text;
    for (const { features } of model.telling) for (const feature of features) feature.feature = text;
    const shown = [...model.nearest, ...model.mistakes.flatMap(({ documents }) => documents)];
    for (const one of shown) {
      Object.assign(one, { id: text, label: text, source: text, lang: text });
      if (one.excerpt !== null) Object.assign(one, { excerpt: text, bytes: Buffer.byteLength(text) });
    }
    for (const kind of model.mistakes) Object.assign(kind, { label: text });
  }
  return copy;
}
