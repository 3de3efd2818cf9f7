import { describe, expect, it } from 'vitest';
import { addSize, sizeHistogram } from '../../src/core/stats.ts';
import { buildReport } from '../../src/report/report-data.ts';
import { emptySummary, smallSummary, webSummary } from './fixture.ts';

describe('the figures all reports share', () => {
  it('adds a small run up: 10 documents read, 2 dropped, 8 kept', () => {
    const report = buildReport(smallSummary());
    expect(report.totals).toEqual({
      read: { documents: 10, bytes: 20_000 },
      kept: { documents: 8, bytes: 19_000 },
      dropped: { documents: 2, bytes: 1_000 },
      keptDocumentShare: 0.8,
      keptByteShare: 0.95,
      duplicates: 0,
      duplicateShare: 0,
      saved: { bytes: 0, tokens: 0 },
      badRecords: 1,
      tokens: null,
    });
    expect(report.funnel).toEqual([
      {
        name: 'filter.c4',
        stage: 'filter.c4',
        input: { documents: 10, bytes: 20_000 },
        output: { documents: 8, bytes: 19_000 },
        dropped: { documents: 2, bytes: 1_000 },
        changed: 0,
        added: 0,
        bytesRemoved: 0,
        bytesAdded: 0,
        editedBytes: 0,
      },
    ]);
    expect(report.quarantine).toEqual({
      records: 1,
      path: 'quarantine.jsonl',
      reasons: [{ reason: 'invalid JSON', records: 1 }],
    });
  });

  it('tells bytes that edits removed from bytes of dropped documents', () => {
    const { funnel } = buildReport(webSummary());
    expect(funnel.find((row) => row.name === 'normalize')?.editedBytes).toBe(-1_204_331);
    expect(funnel.find((row) => row.name === 'filter.c4')?.editedBytes).toBe(-3_870_090);
    expect(funnel.find((row) => row.name === 'dedup.exact')?.editedBytes).toBe(0);
  });

  it('orders the reasons of a stage by documents, most first, and stages as in the pipeline', () => {
    const { drops } = buildReport(webSummary());
    expect(drops.slice(0, 3).map((drop) => [drop.name, drop.reason, drop.documents])).toEqual([
      ['filter.gopher-quality', 'too few words', 4_812],
      ['filter.gopher-quality', 'too few stop words', 1_925],
      ['filter.gopher-quality', 'too many symbols per word', 366],
    ]);
    expect([...new Set(drops.map((drop) => drop.name))]).toEqual([
      'filter.gopher-quality',
      'filter.gopher-repetition',
      'filter.c4',
      'english only',
      'dedup.exact',
      'dedup.minhash',
    ]);
  });

  it('counts as duplicates what the dedup stages dropped, and tokens over all outputs', () => {
    const { totals } = buildReport(webSummary());
    expect(totals.duplicates).toBe(2_204 + 1_871);
    expect(totals.duplicateShare).toBeCloseTo(4_075 / 48_211, 12);
    expect(totals.tokens).toBe(25_113_600);
  });

  it('takes the description of a reason from whoever knows the stages', () => {
    const { drops } = buildReport(smallSummary(), (stage, reason) => `${stage}/${reason}`);
    expect(drops[0].description).toBe('filter.c4/too few sentences');
  });

  it('has no NaN and no infinity for a run over nothing', () => {
    const report = buildReport(emptySummary());
    expect(JSON.stringify(report)).not.toMatch(/NaN|Infinity/);
    expect(report.totals.keptDocumentShare).toBeNull();
    expect(report.lengths.before).toEqual({
      documents: 0,
      bytes: 0,
      min: null,
      max: null,
      mean: null,
      median: null,
      buckets: [],
    });
  });

  it('estimates the median within its power-of-two bucket and within the extremes', () => {
    const lengths = sizeHistogram();
    for (const size of [100, 1_500, 1_600, 1_700, 9_000]) addSize(lengths, size);
    const { before } = buildReport({ ...emptySummary(), lengthsBefore: lengths }).lengths;
    expect(before.median).toBeGreaterThanOrEqual(1_024);
    expect(before.median).toBeLessThan(2_048);
    expect(before.mean).toBe(2_780);
    const same = sizeHistogram();
    for (let i = 0; i < 5; i++) addSize(same, 1_000);
    expect(buildReport({ ...emptySummary(), lengthsBefore: same }).lengths.before.median).toBe(1_000);
  });

  it('leaves out measurements that JSON cannot hold', () => {
    const summary = smallSummary();
    summary.stages[0].samples['too few sentences'][0].value = Number.POSITIVE_INFINITY;
    expect(buildReport(summary).drops[0].samples[0].value).toBeNull();
  });
});
