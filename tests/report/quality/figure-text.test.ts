import { describe, expect, it } from 'vitest';
import {
  aucText,
  formatDifference,
  formatFigure,
  formatInterval,
  formatSpread,
  formatThreshold,
  leadingModel,
  thresholdText,
} from '../../../src/report/quality/figure-text.ts';
import { largeReport, poorReport, smallReport } from './fixture.ts';

describe('figures', () => {
  it.each([
    [0.9123, '0.912'],
    [1, '1.000'],
    [0, '0.000'],
    [0.99951, '>0.999'],
    [0.0004, '<0.001'],
    [-0.25, '−0.250'],
    [1.5, '1.500'],
    [null, '–'],
  ])('%j is written %s', (value, text) => {
    expect(formatFigure(value)).toBe(text);
  });

  it('have differences with a sign, intervals, and spreads', () => {
    expect([0.0214, -0.0214, 0].map(formatDifference)).toEqual(['+0.021', '−0.021', '0.000']);
    expect(formatInterval({ low: 0.8, high: 1 })).toBe('0.800–1.000');
    expect(formatSpread({ mean: 0.9, deviation: 0.02 })).toBe('0.900 ± 0.020');
    expect(formatSpread({ mean: 0.9, deviation: null })).toBe('0.900');
  });

  it('say why there is no AUC', () => {
    expect(aucText(poorReport().models[0])).toBe('undefined: one class only');
  });
});

describe('thresholds', () => {
  it.each([
    [0.5, '0.5'],
    [12.3456, '12.35'],
    [1, '1'],
    [0.000015, '0.000015'],
    // Four digits would make these 1, from which nothing is kept.
    [0.99997, '0.99997'],
    [0.9999987, '0.9999987'],
    [1 - 1e-12, '>0.99999999'],
    [0.91234, '0.9123'],
  ])('%d is written %s', (value, text) => {
    expect(formatThreshold(value)).toBe(text);
  });

  it('say where they come from', () => {
    expect(thresholdText({ value: 0.25, from: 'youden' })).toBe("0.25, the best by Youden's J on these documents");
  });
});

describe('the leading model', () => {
  it('is that of the largest AUC; by accuracy where none has one', () => {
    expect(leadingModel(largeReport()).name).toBe('fasttext bigrams');
    const scores = (...values: number[]) => Float64Array.from(values);
    const report = smallReport({
      ids: ['a', 'b'],
      truth: Uint8Array.of(1, 1),
      lang: undefined,
      models: [
        { name: 'unsure', scores: scores(0.9, 0.1) },
        { name: 'sure', scores: scores(0.9, 0.8) },
      ],
    });
    expect(leadingModel(report).name).toBe('sure');
  });
});
