/** Shares reached by mixing, edits, and where dropped documents lie, in every form of the report. */
import { describe, expect, it } from 'vitest';
import type { MixDetails, RunSummary } from '../../src/core/run-summary.ts';
import { renderHtml } from '../../src/report/html/page.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { buildReport } from '../../src/report/report-data.ts';
import { reportSchema } from '../../src/report/report-schema.ts';
import { renderFunnel } from '../../src/report/terminal.ts';
import { smallSummary, stagesFrom } from './fixture.ts';

const details: MixDetails = {
  kind: 'mix',
  unit: 'bytes',
  sources: {
    web: { available: 9000, kept: 7500, documents: 5, target: 0.75 },
    '<books>': { available: 2500, kept: 2500, documents: 3, target: 0.25 },
  },
};

function summary(): RunSummary {
  const [mix] = stagesFrom({ documents: 10, bytes: 11_500 }, [{ name: 'mix', drops: { over_share: [2, 1500] } }]);
  const [normalize] = stagesFrom({ documents: 10, bytes: 11_500 }, [{ name: 'normalize', changed: 4, edited: -500 }]);
  return {
    ...smallSummary(),
    stages: [{ ...normalize, bytesRemoved: 700, bytesAdded: 200 }, mix],
    barriers: [{ name: 'mix', stage: 'mix', details, artifacts: {} }],
    dropped: { path: 'dropped', fraction: 0.05, text: 'excerpt', documents: 2, files: 1 },
  };
}

describe('a report of a mixed and audited run', () => {
  it('keeps to the schema and has the shares reached beside those asked for', () => {
    const report = buildReport(summary());
    expect(reportSchema.parse(report)).toEqual(report);
    expect(report.mixes[0].sources).toEqual([
      { name: 'web', available: 9000, kept: 7500, documents: 5, share: 0.75, target: 0.75 },
      { name: '<books>', available: 2500, kept: 2500, documents: 3, share: 0.25, target: 0.25 },
    ]);
    expect(report.artifacts).toEqual([]);
    expect(report.funnel[0]).toMatchObject({ changed: 4, bytesRemoved: 700, bytesAdded: 200, editedBytes: -500 });
    expect(report.audit).toEqual({ path: 'dropped', fraction: 0.05, text: 'excerpt', documents: 2, files: 1 });
    expect(buildReport(smallSummary()).audit).toBeNull();
  });

  it('shows them as Markdown, as a page, and in the terminal', () => {
    const report = buildReport(summary());
    const markdown = renderMarkdown(report);
    expect(markdown).toMatch(/\| 4 edited \(−700 B, \+200 B\) \|/);
    expect(markdown).toMatch(/\| web \| 9\.00 kB \| 7\.50 kB \| 5 \| 75\.0 % \| 75\.0 % \|/);
    expect(markdown).toContain('2 documents of them, with rule, value and threshold: <code>dropped/</code>');
    expect(markdown).not.toContain('<books>');
    const page = renderHtml(report);
    expect(page).toContain('4 edited −700 B +200 B');
    expect(page).toMatch(/&lt;books&gt;<\/th>\s*<td class="num">2\.50 kB/);
    expect(page).toContain('corpusmill inspect dropped');
    const terminal = renderFunnel(summary(), { color: false, width: 80 });
    expect(terminal).toMatch(/web \(asked 75\.0 %\) +5 +75\.0 %/);
    expect(terminal).toMatch(/edited +4 +−500 B/);
  });
});
