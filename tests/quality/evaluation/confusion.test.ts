import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accuracy,
  confusionMatrix,
  labelFigures,
  macroF1,
  matthewsCorrelation,
} from '../../../src/quality/evaluation/confusion.ts';
import { decideByHighest } from '../../../src/quality/evaluation/decision.ts';
import { sample, sampleOfThree } from './sample.ts';

describe('a confusion matrix of two labels', () => {
  const { scores, positive } = sample(60, 1);
  const matrix = confusionMatrix(
    positive,
    Uint8Array.from(scores, (score) => (score >= 0.5 ? 1 : 0)),
    2,
  );

  it('and its figures are those of scikit-learn for s >= .5', () => {
    expect(matrix).toEqual([
      [16, 11],
      [7, 26],
    ]);
    expect(accuracy(matrix)).toBeCloseTo(0.7, 14);
    expect(labelFigures(matrix, 1)).toEqual({
      documents: 33,
      precision: expect.closeTo(0.7027027027027027, 14),
      recall: expect.closeTo(0.7878787878787878, 14),
      f1: expect.closeTo(0.7428571428571429, 14),
    });
    expect(macroF1(matrix)).toBeCloseTo(0.6914285714285715, 14);
    expect(matthewsCorrelation(matrix)).toBeCloseTo(0.38931045429515426, 14);
  });
});

describe('a confusion matrix of three labels', () => {
  it('and its figures are those of scikit-learn', () => {
    const { scores, truth } = sampleOfThree();
    const matrix = confusionMatrix(truth, decideByHighest(scores, 3).predicted, 3);
    expect(matrix).toEqual([
      [12, 1, 2],
      [6, 8, 1],
      [5, 5, 5],
    ]);
    expect(accuracy(matrix)).toBeCloseTo(0.5555555555555556, 14);
    expect(macroF1(matrix)).toBeCloseTo(0.5393618979983692, 14);
    expect(matthewsCorrelation(matrix)).toBeCloseTo(0.34836650714580886, 14);
    const figures = [0, 1, 2].map((label) => labelFigures(matrix, label));
    expect(figures.map(({ precision }) => precision)).toEqual([12 / 23, 8 / 14, 5 / 8]);
    expect(figures.map(({ recall }) => recall)).toEqual([12 / 15, 8 / 15, 5 / 15]);
  });

  it('counts a label that is neither there nor predicted in no mean', () => {
    const matrix = confusionMatrix(Uint8Array.of(0, 1), Uint8Array.of(0, 1), 3);
    expect(labelFigures(matrix, 2).f1).toBeUndefined();
    expect(macroF1(matrix)).toBe(1);
  });
});

describe('figures without a meaning', () => {
  it('are undefined: precision where nothing was predicted, recall where nothing is', () => {
    const matrix = confusionMatrix(Uint8Array.of(0, 0), Uint8Array.of(0, 0), 2);
    expect(labelFigures(matrix, 1)).toEqual({
      documents: 0,
      precision: undefined,
      recall: undefined,
      f1: undefined,
    });
    expect(matthewsCorrelation(matrix)).toBeUndefined();
  });

  it('of F1 are none where there were only mistakes: it is 0', () => {
    expect(labelFigures(confusionMatrix(Uint8Array.of(1), Uint8Array.of(0), 2), 1)).toMatchObject({ recall: 0, f1: 0 });
  });

  it('are all over no documents', () => {
    const matrix = confusionMatrix(new Uint8Array(0), new Uint8Array(0), 2);
    expect([accuracy(matrix), macroF1(matrix), matthewsCorrelation(matrix)]).toEqual([undefined, undefined, undefined]);
  });
});

describe("Matthews' coefficient", () => {
  it('is the correlation of the two indicators', () => {
    const bits = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 1 })), { minLength: 1 });
    fc.assert(
      fc.property(bits, (rows) => {
        const [truth, predicted] = [0, 1].map((column) => Uint8Array.from(rows, (row) => row[column]));
        const mean = (values: Uint8Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
        const covariance = (a: Uint8Array, b: Uint8Array) =>
          a.reduce((sum, value, i) => sum + (value - mean(a)) * (b[i] - mean(b)), 0);
        const spread = covariance(truth, truth) * covariance(predicted, predicted);
        const found = matthewsCorrelation(confusionMatrix(truth, predicted, 2));
        if (spread < 1e-9) expect(found).toBeUndefined();
        else expect(found).toBeCloseTo(covariance(truth, predicted) / Math.sqrt(spread), 10);
      }),
    );
  });
});
