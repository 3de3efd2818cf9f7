import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CorpusmillError } from '../../../src/core/errors.ts';
import { packageRoot } from '../../../src/core/package-root.ts';
import { shuffle } from '../../../src/core/random.ts';
import { evaluate } from '../../../src/quality/evaluation/evaluate.ts';
import type { EvaluationInput } from '../../../src/quality/evaluation/evaluation-input.ts';
import { qualityReportJsonSchema, qualityReportSchema } from '../../../src/quality/evaluation/quality-report-schema.ts';
import { sample, sampleOfThree } from './sample.ts';

/** Sixty documents of two labels, in two languages and three folds, and two models. */
function twoLabels(): EvaluationInput {
  const { scores, positive } = sample(60, 1);
  return {
    corpusmillVersion: '1.2.3',
    title: 'keep or drop',
    protocol: '3-fold cross-validation, seed 1',
    labels: ['drop', 'keep'],
    ids: Array.from(scores, (_, i) => `document-${i}`),
    truth: positive,
    lang: Array.from(scores, (_, i) => (i % 3 === 0 ? 'zh' : i === 1 ? undefined : 'en')),
    source: Array.from(scores, () => 'web'),
    folds: Int32Array.from(scores, (_, i) => i % 3),
    text: (document) => `Text of ${document}, ${'语'.repeat(document)}`,
    models: [
      { name: 'line length', scores: scores.map((score) => 100 * score * score - 7), scale: 'any' },
      {
        name: 'words',
        kind: 'naive-bayes',
        scores,
        telling: [{ label: 'keep', features: [{ feature: 'therefore', weight: 1.5 }] }],
        details: { vocabulary: 12 },
      },
    ],
    baseline: 'line length',
  };
}

function threeLabels(): EvaluationInput {
  const { scores, truth } = sampleOfThree();
  return {
    corpusmillVersion: '1.2.3',
    title: 'three heaps',
    labels: ['head', 'middle', 'tail'],
    ids: Array.from(truth, (_, i) => `document-${i}`),
    truth,
    source: Array.from(truth, (_, i) => (i < 40 ? 'web' : 'books')),
    models: [{ name: 'forest', kind: 'forest', scores }],
  };
}

/** The same documents in another order. */
function reordered(input: EvaluationInput, seed: number): EvaluationInput {
  const order = shuffle(Uint32Array.from(input.ids.keys()), seed);
  const move = <T>(column: readonly T[] | undefined) => column && Array.from(order, (i) => column[i]);
  return {
    ...input,
    ids: move(input.ids)!,
    truth: Int32Array.from(order, (i) => input.truth[i]),
    lang: move(input.lang)!,
    source: move(input.source)!,
    folds: Int32Array.from(order, (i) => input.folds![i]),
    text: (document) => input.text!(order[document]),
    models: input.models.map((model) => ({ ...model, scores: Float64Array.from(order, (i) => model.scores[i]) })),
  };
}

describe('an evaluation of two labels', () => {
  const report = evaluate(twoLabels());
  const [lineLength, words] = report.models;

  it('says what was evaluated', () => {
    expect(report).toMatchObject({
      format: 'corpusmill-quality-report',
      version: 1,
      corpusmillVersion: '1.2.3',
      title: 'keep or drop',
      protocol: '3-fold cross-validation, seed 1',
      documents: 60,
      labels: [
        { label: 'drop', documents: 27 },
        { label: 'keep', documents: 33 },
      ],
      positive: 'keep',
      folds: 3,
      baseline: 'line length',
    });
    expect(words).toMatchObject({ kind: 'naive-bayes', details: { vocabulary: 12 } });
    expect(words.telling).toEqual([{ label: 'keep', features: [{ feature: 'therefore', weight: 1.5 }] }]);
  });

  it('has the figures of scikit-learn', () => {
    const figures = {
      auc: 0.7772166105499438,
      averagePrecision: 0.8360837883841126,
      accuracy: 0.7,
      precision: 0.7027027027027027,
      recall: 0.7878787878787878,
      f1: 0.7428571428571429,
      macroF1: 0.6914285714285715,
      mcc: 0.38931045429515426,
      brier: 0.19008333333333333,
      logLoss: 0.5383476519521547,
    };
    for (const [name, value] of Object.entries(figures)) {
      expect(words.figures[name as keyof typeof figures]).toBeCloseTo(value, 13);
    }
    expect(words.confusion).toEqual([
      [16, 11],
      [7, 26],
    ]);
    expect(words.binary?.threshold).toEqual({ value: 0.5, from: 'default' });
    expect(words.aucInterval?.standardError).toBeCloseTo(0.0586203363264955, 12);
  });

  it('has an AUC for the other label too, which low scores speak for', () => {
    expect(words.byLabel.map(({ label, documents }) => [label, documents])).toEqual([
      ['drop', 27],
      ['keep', 33],
    ]);
    for (const { auc, roc } of words.byLabel) {
      expect(auc).toBeCloseTo(0.7772166105499438, 13);
      expect(roc).toBeNull();
    }
  });

  it('judges scores of any size without calibration, at the best threshold by F1', () => {
    // Squares of the same scores rank alike; the best threshold of F1, .15, is 100 × .15² − 7 here.
    expect(lineLength.figures.auc).toBeCloseTo(0.7772166105499438, 13);
    expect(lineLength.figures).toMatchObject({ brier: null, logLoss: null });
    expect(lineLength.binary).toMatchObject({
      threshold: { value: 100 * 0.15 * 0.15 - 7, from: 'f1' },
      calibration: null,
    });
    expect(lineLength.figures.f1).toBe(0.75);
  });

  it('compares with the baseline only what can differ', () => {
    expect(lineLength.binary?.difference).toBeNull();
    expect(words.binary?.difference).toBeNull();
    const input = twoLabels();
    const other = sample(60, 99).scores.map((score, i) => (score + input.models[1].scores[i]) / 2);
    const [, second] = evaluate({
      ...input,
      models: [input.models[1], { name: 'other', scores: other }],
      baseline: 'words',
    }).models;
    // As in delong.test.ts.
    expect(second.binary?.difference?.value).toBeCloseTo(-0.05611672278338964, 12);
    expect(second.binary?.difference?.standardError).toBeCloseTo(0.05516834922431166, 12);
  });

  it('has the same figures over each fold, each language and each source', () => {
    const input = twoLabels();
    const alone = (fits: (i: number) => boolean) => {
      const places = input.ids.map((_, i) => i).filter(fits);
      return evaluate({
        ...input,
        ids: places.map((i) => input.ids[i]),
        truth: Int32Array.from(places, (i) => input.truth[i]),
        lang: undefined,
        source: undefined,
        folds: undefined,
        baseline: undefined,
        models: [{ name: 'words', scores: Float64Array.from(places, (i) => input.models[1].scores[i]) }],
      }).models[0];
    };
    const ofFolds = [0, 1, 2].map((fold) => alone((i) => input.folds![i] === fold).figures);
    const { auc, f1 } = words.crossValidation!;
    expect(auc.values).toEqual(ofFolds.map((figures) => figures.auc));
    expect(f1.values).toEqual(ofFolds.map((figures) => figures.f1));
    expect(auc.mean).toBeCloseTo(ofFolds.reduce((sum, figures) => sum + figures.auc!, 0) / 3, 14);

    const [languages, sources] = words.groups;
    expect(languages).toMatchObject({ by: 'language', more: 0 });
    expect(languages.rows.map(({ name, documents }) => [name, documents])).toEqual([
      ['en', 39],
      ['zh', 20],
      [null, 1],
    ]);
    const chinese = alone((i) => input.lang![i] === 'zh');
    expect(languages.rows[1].figures).toEqual(chinese.figures);
    expect(languages.rows[1].aucInterval).toEqual(chinese.aucInterval);
    expect(languages.rows[1].positives).toBe(chinese.byLabel[1].documents);
    expect(languages.rows[1].kept).toBe(chinese.confusion[0][1] + chinese.confusion[1][1]);
    expect(sources.rows.map((row) => row.figures)).toEqual([words.figures]);
  });

  it('says that a group of one class has no AUC, rather than a number', () => {
    const [, , none] = words.groups[0].rows;
    expect(none).toMatchObject({ name: null, undefinedBecause: 'one class only' });
    expect(none.figures.auc).toBeNull();
    expect(none.aucInterval).toBeNull();
  });

  it('shows the documents nearest the threshold and the surest mistakes of each kind, with their texts', () => {
    expect(words.nearest).toHaveLength(20);
    const distances = words.nearest.map(({ score }) => Math.abs(score - 0.5));
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
    expect(
      words.mistakes.map(({ label, predicted, count, documents }) => [label, predicted, count, documents.length]),
    ).toEqual([
      ['drop', 'keep', 11, 10],
      ['keep', 'drop', 7, 7],
    ]);
    // No negative scores above .75, no positive below .15.
    expect(words.mistakes[0].documents[0]).toMatchObject({ label: 'drop', predicted: 'keep', score: 0.75 });
    expect(words.mistakes[1].documents[0]).toMatchObject({
      label: 'keep',
      predicted: 'drop',
      score: 0.15,
      source: 'web',
    });
    const [first] = words.nearest;
    const number = Number(first.id.replace('document-', ''));
    expect(first.excerpt).toBe(`Text of ${number}, ${'语'.repeat(number)}`);
    expect(first.bytes).toBe(Buffer.byteLength(first.excerpt!));
  });

  it('cuts long texts, but not through a surrogate pair', () => {
    const input = twoLabels();
    const [model] = evaluate({ ...input, text: () => `a${'😀'.repeat(400)}` }).models;
    expect(model.nearest[0]).toMatchObject({ excerpt: `a${'😀'.repeat(299)}`, bytes: 1_601 });
  });

  it('does not depend on the order of documents', () => {
    const { models, ...rest } = evaluate(reordered(twoLabels(), 5));
    expect(rest).toEqual({ ...report, models: undefined });
    for (const [i, model] of models.entries()) {
      const { figures, crossValidation, groups, aucInterval, binary, ...same } = report.models[i];
      expect(model).toMatchObject(same);
      expect(model.figures.auc).toBe(figures.auc);
      // Sums of shares may end in another last digit.
      expect(model.aucInterval?.low).toBeCloseTo(aucInterval!.low, 12);
      expect(model.crossValidation?.auc).toEqual(crossValidation?.auc);
      expect(model.groups.map(({ rows }) => rows.map(({ name }) => name))).toEqual(
        groups.map(({ rows }) => rows.map(({ name }) => name)),
      );
      expect(model.binary?.kept).toEqual(binary?.kept);
      expect(model.binary?.roc).toEqual(binary?.roc);
    }
  });

  it('takes a threshold as given, or finds one', () => {
    const input = twoLabels();
    const at = (threshold: number | 'f1' | 'youden') =>
      evaluate({ ...input, models: [{ ...input.models[1], threshold }], baseline: undefined }).models[0];
    expect(at(0.9).binary?.threshold).toEqual({ value: 0.9, from: 'given' });
    expect(at(0.9).figures.precision).toBe(1);
    expect(at('f1').binary?.threshold).toEqual({ value: 0.15, from: 'f1' });
    expect(at('youden').binary?.threshold).toEqual({ value: 0.75, from: 'youden' });
  });

  it('can have the first label for its positive one', () => {
    const input = twoLabels();
    const scores = input.models[1].scores.map((score) => 1 - score);
    const [model] = evaluate({
      ...input,
      positive: 'drop',
      models: [{ name: 'words', scores }],
      baseline: undefined,
    }).models;
    expect(model.figures.auc).toBeCloseTo(0.7772166105499438, 13);
    // One negative and two positives at exactly .5 are now on the other side of it.
    expect(model.confusion).toEqual([
      [17, 10],
      [9, 24],
    ]);
    expect(model.figures.recall).toBeCloseTo(17 / 27, 14);
  });
});

describe('an evaluation of more labels', () => {
  const [model] = evaluate(threeLabels()).models;

  it('has the figures of scikit-learn', () => {
    expect(model.confusion).toEqual([
      [12, 1, 2],
      [6, 8, 1],
      [5, 5, 5],
    ]);
    expect(model.figures).toEqual({
      auc: expect.closeTo(0.7651851851851852, 13),
      averagePrecision: null,
      accuracy: expect.closeTo(0.5555555555555556, 13),
      precision: null,
      recall: null,
      f1: null,
      macroF1: expect.closeTo(0.5393618979983692, 13),
      mcc: expect.closeTo(0.34836650714580886, 13),
      brier: null,
      logLoss: expect.closeTo(0.9181312508308009, 13),
    });
    const aucs = model.byLabel.map(({ auc }) => auc!);
    for (const [i, auc] of [0.7622222222222222, 0.7066666666666667, 0.8266666666666667].entries()) {
      expect(aucs[i]).toBeCloseTo(auc, 13);
    }
    expect(model.byLabel.every(({ roc }) => roc !== null)).toBe(true);
    expect(model.binary).toBeNull();
  });

  it('shows the documents between two labels, and the pairs that are confused', () => {
    expect(model.mistakes.map(({ label, predicted, count }) => [label, predicted, count])).toEqual([
      ['middle', 'head', 6],
      ['tail', 'head', 5],
      ['tail', 'middle', 5],
      ['head', 'tail', 2],
      ['head', 'middle', 1],
      ['middle', 'tail', 1],
    ]);
    const { scores } = sampleOfThree();
    const lead = (id: string) => {
      const row = 3 * Number(id.replace('document-', ''));
      const [first, second] = [...scores.slice(row, row + 3)].sort((a, b) => b - a);
      return first - second;
    };
    const leads = model.nearest.map(({ id }) => lead(id));
    expect(leads).toEqual([...leads].sort((a, b) => a - b));
  });

  it('names the labels that a group has no documents of', () => {
    const input = threeLabels();
    const [{ groups }] = evaluate({ ...input, source: Array.from(input.truth, String) }).models;
    expect(groups[0].rows.map(({ undefinedBecause }) => undefinedBecause)).toEqual(Array(3).fill('one class only'));
    const [pair] = evaluate({ ...input, source: Array.from(input.truth, (label) => (label < 2 ? 'a' : 'b')) }).models[0]
      .groups;
    expect(pair.rows[0].undefinedBecause).toBe('no document of tail');
  });

  it('has no log loss for scores that do not add up to 1', () => {
    const input = threeLabels();
    const scores = input.models[0].scores.map((score) => score / 2);
    const [halved] = evaluate({ ...input, models: [{ name: 'one against all', scores }] }).models;
    expect(halved.figures.logLoss).toBeNull();
    expect(halved.figures.auc).toBe(model.figures.auc);
  });
});

describe('an evaluation that has little to say', () => {
  it('of one class only: no AUC, and figures that have a meaning', () => {
    const input: EvaluationInput = {
      ...twoLabels(),
      ids: ['a', 'b'],
      truth: Uint8Array.of(1, 1),
      lang: undefined,
      source: undefined,
      folds: undefined,
      baseline: undefined,
      models: [{ name: 'words', scores: Float64Array.of(0.9, 0.2) }],
    };
    const [model] = evaluate(input).models;
    expect(model.undefinedBecause).toBe('one class only');
    expect(model.figures).toMatchObject({ auc: null, accuracy: 0.5, precision: 1, recall: 0.5, mcc: null });
    expect(model.binary).toMatchObject({ roc: null, best: { youden: null } });
    const negatives = { ...input, truth: Uint8Array.of(0, 0) };
    expect(evaluate(negatives).models[0].binary).toMatchObject({ precisionRecall: null, best: { f1: null } });
    expect(() =>
      evaluate({ ...negatives, models: [{ name: 'words', scores: Float64Array.of(3, 4), scale: 'any' }] }),
    ).toThrow('cannot find the best threshold of the model words: there is no positive document');
  });

  it('of a fold without documents: no figure there, and means over the others', () => {
    const input = twoLabels();
    const folds = Int32Array.from(input.ids, (_, i) => 2 * (i % 2));
    const { auc, logLoss } = evaluate({ ...input, folds }).models[1].crossValidation!;
    expect([auc.values.length, auc.values[1], logLoss.values[1]]).toEqual([3, null, null]);
    expect(auc.mean).toBeCloseTo((auc.values[0]! + auc.values[2]!) / 2, 14);
  });

  it('of equal scores: an AUC of one half, without an interval', () => {
    const input = twoLabels();
    const scores = new Float64Array(60).fill(0.3);
    const [model] = evaluate({ ...input, models: [{ name: 'constant', scores }], baseline: undefined }).models;
    expect(model.figures).toMatchObject({ auc: 0.5, averagePrecision: 33 / 60, precision: null, recall: 0 });
    expect(model.aucInterval).toBeNull();
    expect(model.binary?.calibration?.bins).toHaveLength(1);
    expect(model.binary?.kept.every(({ kept, threshold }) => kept === 60 && threshold === 0.3)).toBe(true);
  });
});

describe('an evaluation that cannot be made', () => {
  const failure = (change: Partial<EvaluationInput>): unknown => {
    try {
      evaluate({ ...twoLabels(), ...change });
    } catch (error) {
      return error;
    }
    return undefined;
  };
  const withScore = (index: number, score: number, scale: 'probability' | 'any') => {
    const scores = twoLabels().models[1].scores.slice();
    scores[index] = score;
    return { models: [{ name: 'words', scores, scale }], baseline: undefined };
  };

  it.each<[string, Partial<EvaluationInput>, string, string]>([
    ['no documents', { ids: [] }, 'CONFIG_INVALID', 'there are no documents to evaluate on'],
    ['one label', { labels: ['keep'] }, 'CONFIG_INVALID', 'cannot evaluate with the labels "keep"'],
    ['no model', { models: [] }, 'CONFIG_INVALID', 'there is no model to evaluate'],
    [
      'a positive label that is none',
      { positive: 'good' },
      'CONFIG_INVALID',
      'the positive label "good" is not one of two labels',
    ],
    [
      'a baseline that is none',
      { baseline: 'size' },
      'CONFIG_INVALID',
      'the baseline "size" is not among the models "line length", "words"',
    ],
    [
      'two models of one name',
      { models: [twoLabels().models[1], twoLabels().models[1]] },
      'CONFIG_INVALID',
      'two models are called "words"',
    ],
    [
      'a score that is no number',
      withScore(7, Number.NaN, 'any'),
      'INPUT_CORRUPT',
      'the model words gives the document "document-7" the score NaN, which is no finite number',
    ],
    [
      'an infinite score',
      withScore(9, Number.NEGATIVE_INFINITY, 'probability'),
      'INPUT_CORRUPT',
      'the document "document-9" the score -Infinity, which is no finite number',
    ],
    [
      'a probability above 1',
      withScore(3, 1.5, 'probability'),
      'INPUT_CORRUPT',
      'the document "document-3" the score 1.5, which is no probability',
    ],
  ])('for %s says so', (_, change, code, message) => {
    const error = failure(change);
    expect(error).toBeInstanceOf(CorpusmillError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message), hint: expect.any(String) });
  });

  it('takes the same scores of any size', () => {
    expect(failure(withScore(3, 1.5, 'any'))).toBeUndefined();
  });

  it.each<[string, Partial<EvaluationInput>]>([
    ['truth: 1 values where 60 are expected', { truth: Uint8Array.of(1) }],
    ['lang: 2 values where 60 are expected', { lang: ['en', 'zh'] }],
    ['folds: 0 values where 60 are expected', { folds: new Int32Array(0) }],
    ['folds[0] is -1', { folds: new Int32Array(60).fill(-1) }],
    ['truth[0] is 2, no label index', { truth: new Int32Array(60).fill(2) }],
    [
      'the scores of w: 61 values where 60 are expected',
      { models: [{ name: 'w', scores: new Float64Array(61) }], baseline: undefined },
    ],
  ])("is the caller's defect: %s", (message, change) => {
    expect(failure(change)).toEqual(new RangeError(message));
  });
});

describe('a quality report', () => {
  const reports: [string, EvaluationInput][] = [
    ['two labels', twoLabels()],
    ['three labels', threeLabels()],
    [
      'two labels and nothing else',
      {
        ...threeLabels(),
        labels: ['a', 'b'],
        ids: ['x'],
        truth: Uint8Array.of(0),
        source: undefined,
        models: [{ name: 'm', scores: Float64Array.of(0) }],
      },
    ],
  ];

  it.each(reports)('of %s keeps to its schema', (_, input) => {
    const written: unknown = JSON.parse(JSON.stringify(evaluate(input)));
    expect(qualityReportSchema.parse(written)).toEqual(written);
  });

  it('is the same bytes for the same documents and scores', () => {
    expect(JSON.stringify(evaluate(twoLabels()))).toBe(JSON.stringify(evaluate(twoLabels())));
  });

  it('has the schema that configs/quality-report.schema.json publishes', () => {
    const file = join(packageRoot(), 'configs', 'quality-report.schema.json');
    // When the shape was changed on purpose: write `qualityReportJsonSchema()` to that file.
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(qualityReportJsonSchema());
  });

  it('refuses members that the schema does not know', () => {
    expect(qualityReportSchema.safeParse({ ...evaluate(twoLabels()), extra: 1 }).success).toBe(false);
  });
});
