import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { qualityEvaluate } from '../../src/quality/evaluate-stage.ts';
import type { QualityReport } from '../../src/quality/evaluation/quality-report-schema.ts';
import { runBarrier } from '../dedup/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpusmill-evaluate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const made = (rows: readonly Record<string, unknown>[]): Document[] =>
  rows.map((meta, i) => ({ id: `d${i}`, text: `text ${i}`, meta: { source: 'test', ...meta } }));

async function evaluate(
  options: object,
  documents: readonly Document[],
  settings: object = {},
): Promise<QualityReport> {
  await runBarrier(qualityEvaluate, { scores: [{ field: 'quality.score' }], ...options }, documents, {
    outputDir: folder,
    partRows: [3],
    ...settings,
  });
  return JSON.parse(readFileSync(join(folder, 'quality-report.json'), 'utf8')) as QualityReport;
}

const SCORES = [0.9, 0.8, 0.7, 0.6, 0.55, 0.54, 0.53, 0.51, 0.505, 0.4];
const TRUTH = [1, 1, 0, 1, 1, 1, 0, 0, 1, 0];
const documents = made(SCORES.map((score, i) => ({ quality: { score, perplexity: 1 / score }, label: TRUTH[i] })));

describe('quality.evaluate', () => {
  it('finds the AUC that all pairs give', async () => {
    const report = await evaluate({ positive: [1] }, documents);
    // 24 pairs; the negatives at .7, .53, .51 and .4 are above 4, 1, 1 and 0 of the six positives.
    expect(report.models[0].figures.auc).toBeCloseTo(18 / 24, 12);
    expect(report).toMatchObject({ documents: 10, positive: '1', leftOut: [] });
  });

  it('takes low values for good where it is told so: a perplexity that falls as the score rises is the same judge', async () => {
    const scores = [{ field: 'quality.score' }, { field: 'quality.perplexity', lower: true }];
    const { models } = await evaluate({ scores, positive: [1] }, documents);
    expect(models[1].figures.auc).toBe(models[0].figures.auc);
  });

  it('leaves out, and counts, documents without a label or without a score', async () => {
    const more = made([{ quality: { score: 1 } }, { label: 0 }, { label: 1, quality: { score: 'high' } }]);
    const report = await evaluate({ positive: [1] }, [...documents, ...more]);
    expect(report.leftOut).toEqual([
      { reason: 'no label in label', documents: 1 },
      { reason: 'a score is missing', documents: 2 },
    ]);
    expect(report.models[0].figures.auc).toBeCloseTo(18 / 24, 12);
  });

  it('judges several labels by an object of probabilities for each', async () => {
    const rows = [
      { label: 'a', quality: { score: { a: 0.7, b: 0.2, c: 0.1 } } },
      { label: 'b', quality: { score: { a: 0.5, b: 0.3, c: 0.2 } } },
      { label: 'c', quality: { score: { a: 0.1, b: 0.1, c: 0.8 } } },
      { label: 'c', quality: { score: { a: 0.2, b: 0.1, c: 0.7 } } },
    ];
    const report = await evaluate({}, made(rows));
    expect(report.labels).toEqual([
      { label: 'a', documents: 1 },
      { label: 'b', documents: 1 },
      { label: 'c', documents: 2 },
    ]);
    // Three of four are likeliest what they are.
    expect(report.models[0].figures.accuracy).toBe(0.75);
    expect(report.models[0].confusion).toEqual([
      [1, 0, 0],
      [1, 0, 0],
      [0, 0, 2],
    ]);
  });

  it('looks at what earlier stages left alone', async () => {
    expect(await evaluate({ positive: [1] }, documents, { alive: (i: number) => i < 5 })).toMatchObject({
      documents: 5,
    });
  });

  it.each([
    [{ positive: ['1'] }, made([{ label: 1, quality: { score: 1 } }]), /only the label "1"/],
    [{}, made([{ quality: { score: 1 } }]), /have no label in label/],
    [{ positive: ['1'] }, made([{ label: 1 }, { label: 0 }]), /no document has a label in label and a score/],
  ])('says what is missing for %j', async (options, given, message) => {
    await expect(evaluate(options, given)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
