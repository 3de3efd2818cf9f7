/** Documents kept by a score, in every form of the report. */
import { describe, expect, it } from 'vitest';
import type { RunSummary, ThresholdDetails } from '../../src/core/run-summary.ts';
import { renderHtml } from '../../src/report/html/page.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { buildReport } from '../../src/report/report-data.ts';
import { reportSchema } from '../../src/report/report-schema.ts';
import { smallSummary } from './fixture.ts';

const details: ThresholdDetails = {
  kind: 'threshold',
  field: 'quality.score',
  groupBy: 'langid.lang',
  documents: 10,
  unscored: 1,
  kept: 4,
  quantiles: { '0.01': 0, '0.5': 0.4, '0.99': 1 },
  histogram: { from: 0, to: 1, kept: [0, 0, 1, 3], dropped: [4, 1, 0, 0] },
  groups: [
    { name: 'en', documents: 7, kept: 3, min: 0.625 },
    { name: '<zh>', documents: 3, kept: 1, min: 0.5, max: 0.875 },
  ],
};

function summary(change: Partial<ThresholdDetails> = {}): RunSummary {
  const barrier = { name: 'best', stage: 'filter.threshold', details: { ...details, ...change }, artifacts: {} };
  return { ...smallSummary(), barriers: [barrier] };
}

describe('a report of a run that keeps documents by a score', () => {
  it('keeps to the schema, and says where no limit is', () => {
    const report = buildReport(summary());
    expect(reportSchema.parse(report)).toEqual(report);
    expect(report.scores[0].groups).toEqual([
      { name: 'en', documents: 7, kept: 3, min: 0.625, max: null },
      { name: '<zh>', documents: 3, kept: 1, min: 0.5, max: 0.875 },
    ]);
    expect(report.artifacts).toEqual([]);
    const without = buildReport(summary({ histogram: undefined, quantiles: {}, unscored: 10, kept: 0 }));
    expect(reportSchema.parse(without)).toEqual(without);
    expect(renderHtml(without)).toContain('10 documents without a score');
  });

  it('shows the limits of groups as Markdown', () => {
    const markdown = renderMarkdown(buildReport(summary()));
    expect(markdown).toContain('### Kept by score: best, quality.score');
    expect(markdown).toMatch(/\| en \| 7 \| 3 \| 42\.9 % \| 0\.625 \| {2}\|/);
    expect(markdown).toMatch(/\| &#60;zh&#62; \| 3 \| 1 \| 33\.3 % \| 0\.5 \| 0\.875 \|/);
  });

  it('draws the histogram on the page, the highest bin over the whole height', () => {
    const page = renderHtml(buildReport(summary()));
    const bars = [
      ...page.matchAll(/<div class="plot-stack"[^>]*><u style="height:([\d.]+)%"><\/u><b style="height:([\d.]+)%">/g),
    ];
    expect(bars.map(([, dropped, kept]) => [Number(dropped), Number(kept)])).toEqual([
      [100, 0],
      [25, 0],
      [0, 25],
      [0, 75],
    ]);
    expect(page).toContain('0.75 and more: 3 kept, 0 dropped');
    expect(renderHtml(buildReport(smallSummary()))).not.toContain('id="scores"');
  });
});
