/** Records of web archives that an input's options leave out, in every form of the report. */
import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../../src/core/run-summary.ts';
import { renderHtml } from '../../src/report/html/page.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { buildReport } from '../../src/report/report-data.ts';
import { reportSchema } from '../../src/report/report-schema.ts';
import { renderFunnel } from '../../src/report/terminal.ts';
import { smallSummary } from './fixture.ts';

const summary: RunSummary = {
  ...smallSummary(),
  skipped: { 'content type: image/<gif>': 34, 'status: 404': 40, 'type: request': 345 },
};

describe('records left out of web archives', () => {
  it('are summed and stand most first in report.json', () => {
    const report = buildReport(summary);
    expect(reportSchema.parse(report)).toEqual(report);
    expect(report.skipped).toEqual({
      records: 419,
      reasons: [
        { reason: 'type: request', records: 345 },
        { reason: 'status: 404', records: 40 },
        { reason: 'content type: image/<gif>', records: 34 },
      ],
    });
  });

  it('stand under what was read in the terminal', () => {
    const lines = renderFunnel(summary, { color: false, width: 80 }).split('\n');
    const read = lines.findIndex((line) => line.startsWith('  read'));
    expect(lines.slice(read + 1, read + 4).map((line) => line.trim().replace(/ {2,}/g, ' | '))).toEqual([
      'left out, type: request | 345',
      'left out, status: 404 | 40',
      'left out, image/<gif> | 34',
    ]);
  });

  it('are a table in Markdown and in HTML, escaped', () => {
    const report = buildReport(summary);
    expect(renderMarkdown(report)).toContain('<summary>419 archive records left out');
    expect(renderMarkdown(report)).toContain('image/&#60;gif&#62; | 34 |');
    const page = renderHtml(report);
    expect(page).toContain('419 records by the inputs’ <code>warc</code> options');
    expect(page).toContain('image/&lt;gif&gt;');
  });

  it('are not mentioned where there are none', () => {
    const report = buildReport(smallSummary());
    expect(report.skipped).toEqual({ records: 0, reasons: [] });
    expect(renderMarkdown(report)).not.toContain('left out');
    expect(renderHtml(report)).not.toContain('left out');
  });
});

describe('long reasons in the terminal', () => {
  it('are cut in the middle, so that fields which begin alike stay apart', () => {
    const dropped = {
      'below_min:annotate.redpajama-v2.rps_doc_word_count': { documents: 1, bytes: 500 },
      'below_min:annotate.redpajama-v2.rps_doc_mean_word_length': { documents: 1, bytes: 500 },
    };
    const small = smallSummary();
    const stages = small.stages.map((stage, i) => (i === 0 ? { ...stage, dropped } : stage));
    const text = renderFunnel({ ...small, stages }, { color: false, width: 80 });
    expect(text).toMatch(/below_min:\S*…\S*doc_word_count/);
    expect(text).toMatch(/below_min:\S*…\S*word_length/);
  });
});
