import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClassifierTrainer, TrainedClassifier } from '../../src/quality/classifier.ts';
import type { JsonClassifierKind } from '../../src/quality/classifier-file.ts';
import { jsonClassifiers, loadClassifierFile } from '../../src/quality/json-classifiers.ts';

const KINDS = ['naive-bayes', 'logistic', 'gbdt', 'forest'] as const;
/** For forty texts. */
const OPTIONS: Record<JsonClassifierKind, object> = {
  'naive-bayes': {},
  logistic: {},
  gbdt: { minSamplesLeaf: 4, rounds: 12 },
  forest: { trees: 15 },
};

function trainer(kind: JsonClassifierKind, labels: readonly string[], seed = 1, options = {}): ClassifierTrainer {
  const given = { ...OPTIONS[kind], ...options };
  switch (kind) {
    case 'naive-bayes':
      return jsonClassifiers[kind].createTrainer(labels, jsonClassifiers[kind].optionsSchema.parse(given), seed);
    case 'logistic':
      return jsonClassifiers[kind].createTrainer(labels, jsonClassifiers[kind].optionsSchema.parse(given), seed);
    case 'gbdt':
      return jsonClassifiers[kind].createTrainer(labels, jsonClassifiers[kind].optionsSchema.parse(given), seed);
    case 'forest':
      return jsonClassifiers[kind].createTrainer(labels, jsonClassifiers[kind].optionsSchema.parse(given), seed);
  }
}

const PROSE = [
  'The river was low that summer, and nobody came.',
  'She wrote to him every week. He kept the letters.',
  '河水很低，没有人来。',
  'We measured the field twice, because the first map was wrong.',
];
const MENU = [
  'Home | About | Contact',
  'Buy now!!! CLICK HERE',
  '首页 登录 注册 下载',
  '1. Login\n2. Register\n3. FAQ',
];

/** Twenty texts of prose and of menus, all different. */
function texts(): [string, number][] {
  return Array.from({ length: 40 }, (_, i) => {
    const of = i % 2 === 0 ? PROSE : MENU;
    return [`${of[(i >> 1) % 4]} ${of[((i >> 3) + i) % 4]} ${i}`, i % 2];
  });
}

function trained(
  kind: JsonClassifierKind,
  labels: readonly string[] = ['prose', 'menu'],
  seed = 1,
  options = {},
): TrainedClassifier {
  const of = trainer(kind, labels, seed, options);
  texts().forEach(([text, label], i) => of.add(text, labels.length === 3 && i % 5 === 4 ? 2 : label));
  return of.finish();
}

const ASKED = [...PROSE, ...MENU, 'Something else altogether, with words of its own.', '别的。', 'x', '|', '\n\n12\n'];

describe.each(KINDS)('a classifier of kind %s', (kind) => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'classifier-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('tells texts like those it was trained on, English and Chinese', () => {
    const { classifier } = trained(kind);
    expect(classifier.kind).toBe(kind);
    expect(classifier.labels).toEqual(['prose', 'menu']);
    const right = texts().filter(([text, label]) => (classifier.probabilities(text)?.[label] ?? 0) > 0.5);
    expect(right.length).toBeGreaterThanOrEqual(38);
  });

  it.each([2, 3])('gives probabilities that add up to 1 for %d labels', (count) => {
    const { classifier } = trained(kind, ['prose', 'menu', 'other'].slice(0, count));
    for (const text of ASKED) {
      const p = classifier.probabilities(text);
      if (p === undefined) continue;
      expect(p.length).toBe(count);
      expect(p.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
      for (const value of p) expect(value).toBeGreaterThanOrEqual(0);
    }
  });

  it('knows nothing of a blank text', () => {
    const { classifier } = trained(kind);
    for (const text of ['', ' \n\t　']) expect(classifier.probabilities(text)).toBeUndefined();
  });

  it('tells its features, strongest first', () => {
    const found = trained(kind).classifier.telling?.(0, 5) ?? [];
    expect(found.length).toBeGreaterThan(0);
    const weights = found.map(({ weight }) => weight);
    expect(weights).toEqual([...weights].sort((a, b) => b - a));
  });

  it.each([2, 3])('is the same, bit for bit, when read from its file: %d labels', (count) => {
    const labels = ['prose', 'menu', 'other'].slice(0, count);
    const { classifier, save } = trained(kind, labels);
    const path = join(folder, `round-${count}.json`);
    save(path);
    const read = loadClassifierFile(path);
    expect(read.kind).toBe(kind);
    expect(read.labels).toEqual(labels);
    for (const text of ASKED) {
      const ours = classifier.probabilities(text);
      expect(read.probabilities(text)).toEqual(ours === undefined ? undefined : Float64Array.from(ours));
    }
    for (let label = 0; label < count; label++) {
      expect(read.telling?.(label, 99)).toEqual(classifier.telling?.(label, 99));
    }
  });

  it('writes the same bytes for the same training, and leaves nothing else in the folder', () => {
    const alone = mkdtempSync(join(tmpdir(), 'classifier-'));
    const path = join(alone, 'deep', 'model.json');
    trained(kind).save(path);
    const first = readFileSync(path);
    trained(kind).save(path);
    expect(readFileSync(path).equals(first)).toBe(true);
    expect(readdirSync(join(alone, 'deep'))).toEqual(['model.json']);
    rmSync(alone, { recursive: true });
  });

  it('reports what it was trained on', () => {
    const of = trainer(kind, ['prose', 'menu']);
    for (const [text, label] of texts()) of.add(text, label);
    of.add('  ', 0);
    const { details, save } = of.finish();
    expect(details).toMatchObject({ texts: 40, blankTexts: 1 });
    const path = join(folder, 'details.json');
    save(path);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ details, seed: 1, labels: ['prose', 'menu'] });
  });

  it('is refused where there is nothing to learn', () => {
    const finish = (added: readonly [string, number][]) => () => {
      const of = trainer(kind, ['prose', 'menu']);
      for (const [text, label] of added) of.add(text, label);
      of.finish();
    };
    expect(finish([])).toThrow('no text was added that is not blank');
    expect(
      finish([
        [' ', 0],
        ['\n', 1],
      ]),
    ).toThrow('no text was added that is not blank');
    expect(
      finish([
        ['one', 1],
        ['two', 1],
      ]),
    ).toThrow('all texts have the label "menu"');
    expect(() => trainer(kind, ['prose'])).toThrow('there is only the label "prose"');
    expect(() => trainer(kind, [])).toThrow('there is no label');
    expect(() => trainer(kind, ['high quality', 'low'])).toThrow(
      'the label "high quality" is empty or has white space',
    );
    expect(() => trainer(kind, ['a', 'b', 'a'])).toThrow('the label "a" is given twice');
  });

  it('has options that say what they are', () => {
    const { shape } = jsonClassifiers[kind].optionsSchema;
    for (const [name, option] of Object.entries(shape))
      expect([name, option.description]).toEqual([name, expect.any(String)]);
  });

  /** What a reader must refuse, and where it says the fault is. */
  const damage: [string, (file: Record<string, unknown>) => unknown, string | RegExp][] = [
    ['another format', (file) => ({ ...file, format: 'onnx' }), 'its format is "onnx"'],
    ['a later version', (file) => ({ ...file, version: 2 }), 'a classifier file of version 2; this corpusmill reads 1'],
    ['an unknown kind', (file) => ({ ...file, kind: 'oracle' }), 'kind is "oracle"'],
    ['no labels', ({ labels: _, ...file }) => file, 'labels: Invalid input'],
    ['a member too many', (file) => ({ ...file, extra: 1 }), 'extra'],
    ['a list', (file) => [file], 'its format is not named'],
    ['a number', () => 1, 'its format is not named'],
    ['null', () => null, 'its format is not named'],
  ];
  const own: Record<JsonClassifierKind, typeof damage> = {
    'naive-bayes': [
      ['fewer counts', (file) => ({ ...file, counts: [[1], [2]] }), /counts\[0\] has 1 entries for \d+ features/],
      ['no texts', (file) => ({ ...file, labelCounts: [0, 0] }), 'labelCounts has no text'],
      [
        'counts of one label',
        (file) => ({ ...file, counts: [(file['counts'] as number[][])[0]] }),
        'counts of 1 and labelCounts of 2 for 2 labels',
      ],
      ['a count below 0', (file) => ({ ...file, labelCounts: [20, -1] }), 'labelCounts[1]: Too small'],
      [
        'a feature that is no word',
        (file) => ({ ...file, features: ['…', ...(file['features'] as string[]).slice(1)] }),
        'features[0] "…" is no word and no pair',
      ],
      [
        'a feature twice',
        (file) => ({ ...file, features: (file['features'] as string[]).map((_, i, all) => all[i < 2 ? 0 : i]) }),
        /features\[1\] ".*" stands there twice/,
      ],
      [
        'an unknown option',
        (file) => ({ ...file, options: { smoothing: 1 } }),
        'options: Unrecognized key: "smoothing"',
      ],
    ],
    logistic: [
      ['other statistics', (file) => ({ ...file, featuresVersion: 7 }), 'trained on version 7 of the text statistics'],
      [
        'a weight fewer',
        (file) => ({ ...file, weights: [(file['weights'] as number[][])[0].slice(1)] }),
        /weights\[0\] has \d+ entries for \d+ statistics/,
      ],
      [
        'a vector too many',
        (file) => ({ ...file, intercepts: [1, 2] }),
        '1 vectors of weights and 2 intercepts for 2 labels',
      ],
      ['a weight that is null', (file) => ({ ...file, means: [null] }), 'means[0]: Invalid input'],
      ['a deviation of 0', (file) => ({ ...file, scales: [0] }), 'scales[0]: Too small'],
    ],
    gbdt: [
      ['other statistics', (file) => ({ ...file, featuresVersion: 7 }), 'trained on version 7 of the text statistics'],
      [
        'nodes that stop',
        (file) => ({ ...file, nodes: (file['nodes'] as number[]).slice(0, -1) }),
        'nodes end inside a tree',
      ],
      [
        'an edge too many',
        (file) => ({ ...file, edges: [...(file['edges'] as number[]), 0] }),
        /edges has \d+ entries for \d+ splits/,
      ],
      ['an edge too few', (file) => ({ ...file, edges: (file['edges'] as number[]).slice(1) }), /edges\[\d+\] is /],
      [
        'a column that is none',
        (file) => ({ ...file, nodes: [5000, -1, -1] }),
        'nodes[0] asks for a threshold of column 5000',
      ],
      ['a value fewer', (file) => ({ ...file, values: [1] }), /values has 1 entries for \d+ leaves/],
      ['a baseline too many', (file) => ({ ...file, baseline: [1, 2] }), /a baseline of 2 and \d+ trees for 2 labels/],
      ['a gain fewer', (file) => ({ ...file, gains: [1] }), 'gains has 1 entries for'],
    ],
    forest: [
      ['other statistics', (file) => ({ ...file, featuresVersion: 7 }), 'trained on version 7 of the text statistics'],
      ['no trees', (file) => ({ ...file, nodes: [], edges: [], counts: [] }), 'there are no trees'],
      [
        'a count fewer',
        (file) => ({ ...file, counts: (file['counts'] as number[]).slice(1) }),
        /counts has \d+ entries for \d+ leaves and 2 labels/,
      ],
      [
        'an empty leaf',
        (file) => ({ ...file, counts: (file['counts'] as number[]).map((count, i) => (i < 2 ? 0 : count)) }),
        'counts has no text in leaf 0',
      ],
    ],
  };

  it.each([...damage, ...own[kind]])('is refused with %s', (_, change, message) => {
    const path = join(folder, 'good.json');
    trained(kind).save(path);
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>)));
    expect(() => loadClassifierFile(broken)).toThrow(message);
    expect(() => loadClassifierFile(broken)).toThrow(
      expect.objectContaining({ code: 'INPUT_CORRUPT', message: expect.stringContaining(broken) }),
    );
  });

  it('is refused when it is cut short, and when there is no file', () => {
    const path = join(folder, 'good.json');
    trained(kind).save(path);
    const text = readFileSync(path, 'utf8');
    for (const length of [0, 1, text.length >> 1, text.length - 3]) {
      writeFileSync(join(folder, 'cut.json'), text.slice(0, length));
      expect(() => loadClassifierFile(join(folder, 'cut.json'))).toThrow('it is not JSON');
    }
    expect(() => loadClassifierFile(join(folder, 'none.json'))).toThrow(
      expect.objectContaining({ code: 'INPUT_NOT_FOUND' }),
    );
  });

  it('says so when its file cannot be written', () => {
    writeFileSync(join(folder, 'a-file'), '');
    expect(() => trained(kind).save(join(folder, 'a-file', 'model.json'))).toThrow(
      expect.objectContaining({ code: 'OUTPUT_FAILED' }),
    );
  });
});

describe('the seed', () => {
  it('changes a forest, and no minimum that is the only one', () => {
    const p = (kind: JsonClassifierKind, seed: number) =>
      ASKED.map((text) => Array.from(trained(kind, ['prose', 'menu'], seed).classifier.probabilities(text) ?? []));
    expect(p('forest', 1)).not.toEqual(p('forest', 2));
    expect(p('logistic', 1)).toEqual(p('logistic', 2));
  });
});

describe('early stopping of boosted trees', () => {
  it('holds out texts by their hash and reports the rounds kept', () => {
    const options = { rounds: 300, minSamplesLeaf: 2, earlyStopping: { holdout: 0.3, patience: 3 } };
    const { details } = trained('gbdt', ['prose', 'menu'], 1, options);
    expect(details['rounds']).toBeLessThan(300);
    expect(details['holdoutLoss']).toEqual(expect.any(Number));
    expect(trained('gbdt', ['prose', 'menu'], 1, options).details).toEqual(details);
  });
});
