import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, describe, expect, it } from 'vitest';
import type { Document } from '../../../src/core/document.ts';
import { humanReview } from '../../../src/quality/review/review-stage.ts';
import { runBarrier } from '../../dedup/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpusmill-review-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const documents: Document[] = Array.from({ length: 400 }, (_, i) => ({
  id: `d${i}`,
  text: `text ${i}, with "quotes"\nand a line end, 中文 😀`,
  meta: { source: i % 10 === 0 ? 'rare' : 'usual', quality: { score: i / 400 } },
}));

interface Row {
  id: string;
  label: string;
  score: string;
  source: string;
  text: string;
}

function readRows(): Row[] {
  return parse(readFileSync(join(folder, 'review.csv')), { columns: true, bom: true }) as Row[];
}

describe('quality.human-review', () => {
  it('writes a sample that another CSV reader reads, with as many documents of each tenth of the score', async () => {
    const { result } = await runBarrier(humanReview, { count: 50 }, documents, { outputDir: folder, partRows: [64] });
    expect(result.artifacts).toEqual({ review: 'review.csv' });
    expect(result.keptAs).toBeUndefined();
    const rows = readRows();
    expect(rows).toHaveLength(50);
    for (const { id, text, label, score } of rows) {
      const document = documents[Number(id.slice(1))];
      expect(text).toBe(document.text);
      expect(label).toBe('');
      expect(Number(score)).toBe(Number(id.slice(1)) / 400);
    }
    const tenths = rows.map(({ score }) => Math.floor(Number(score) * 10));
    for (let tenth = 0; tenth < 10; tenth++) expect(tenths.filter((one) => one === tenth)).toHaveLength(5);
  });

  it('takes as many of each group where it is told of one', async () => {
    await runBarrier(humanReview, { count: 40, bins: 2, groupBy: 'source' }, documents, { outputDir: folder });
    // The context of this test has one input, so the field is asked instead.
    await runBarrier(
      humanReview,
      { count: 40, bins: 1, groupBy: 'meta_source' },
      documents.map((document) => ({
        ...document,
        meta: { ...document.meta, meta_source: document.meta['source'] },
      })),
      { outputDir: folder },
    );
    const sources = readRows().map(({ source }) => source);
    expect(sources.filter((source) => source === 'rare')).toHaveLength(20);
  });

  it('reads labels back: judges the score by them, and does not draw those documents again', async () => {
    // People keep what has a score of at least .6, but for two slips.
    const labelled = documents
      .filter((_, i) => i % 4 === 0)
      .map(({ id, text }, i) => ({ id, text, label: i * 4 >= 240 !== (i === 10 || i === 90) ? 'keep' : 'drop' }));
    writeFileSync(join(folder, 'reviewed.jsonl'), labelled.map((row) => JSON.stringify(row)).join('\n'));
    const { details, result } = await runBarrier(humanReview, { count: 400, reviewed: 'reviewed.jsonl' }, documents, {
      outputDir: folder,
    });
    const seen = new Set(labelled.map(({ id }) => id));
    expect(readRows()).toHaveLength(300);
    expect(readRows().some(({ id }) => seen.has(id))).toBe(false);
    // By all pairs: 100 labels, of which one positive lies among the lowest and one negative among the highest.
    const scores = labelled.map(({ id, label }) => ({ score: Number(id.slice(1)), positive: label === 'keep' }));
    const positives = scores.filter(({ positive }) => positive);
    const negatives = scores.filter(({ positive }) => !positive);
    const won = positives.reduce((sum, p) => sum + negatives.filter((n) => n.score < p.score).length, 0);
    expect((details as unknown as { auc: number }).auc).toBeCloseTo(won / (positives.length * negatives.length), 12);
    expect(result.details).toMatchObject({ labelsRead: 100, labelsOfThisCorpus: 100, judgedOn: 100 });
    const report = JSON.parse(readFileSync(join(folder, 'quality-report.json'), 'utf8')) as { documents: number };
    expect(report.documents).toBe(100);
  });

  it('refuses a file of labels that has no such column', async () => {
    writeFileSync(join(folder, 'wrong.csv'), 'id,text,verdict\nd1,x,keep\n');
    await expect(
      runBarrier(humanReview, { reviewed: 'wrong.csv' }, documents, { outputDir: folder }),
    ).rejects.toMatchObject({ code: 'INPUT_CORRUPT', message: expect.stringContaining('no field `label`') });
  });
});
