/** What a stage counts besides its verdicts: from the map chain through merging to the reports. */
import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { drop, KEEP, type MapStage } from '../../src/core/stage.ts';
import { mergeStageStats, stageStats } from '../../src/core/stats.ts';
import { createMapChain } from '../../src/pipeline/map-chain.ts';
import { renderHtml } from '../../src/report/html/page.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { buildReport } from '../../src/report/report-data.ts';
import { webSummary } from '../report/fixture.ts';

/** Counts each word of a text, and drops texts with a `!`. */
function wordCounter(): MapStage {
  const counted: string[] = [];
  return {
    counted,
    process({ text }) {
      counted.push(...text.split(' '));
      return text.includes('!') ? drop('loud') : KEEP;
    },
  };
}

function countsOf(texts: readonly string[]): ReturnType<typeof stageStats> {
  const chain = createMapChain([{ name: 'c', definition: { name: 'filter.c' } }], [wordCounter()], 0, {
    keep: () => undefined,
    failed: () => undefined,
  });
  texts.forEach((text, i) => {
    const document: Document = { id: String(i), text, meta: {} };
    chain.push(document, text.length);
  });
  return chain.stages[0];
}

describe('counts of a stage', () => {
  it('counts documents that are kept and dropped alike', () => {
    expect(countsOf(['a b', 'b !', 'b']).counts).toEqual({ a: 1, b: 3, '!': 1 });
  });

  it('is absent where a stage counts nothing', () => {
    expect('counts' in countsOf([])).toBe(false);
  });

  it('adds up in any order', () => {
    const merge = (...parts: string[][]) => {
      const total = stageStats('c', 'filter.c');
      for (const part of parts) mergeStageStats(total, countsOf(part));
      return total.counts;
    };
    expect(merge(['a b'], [], ['b'])).toEqual({ a: 1, b: 2 });
    expect(merge(['b'], ['a b'], [])).toEqual({ a: 1, b: 2 });
  });

  it('shows in the reports, most first, as text and not as markup', () => {
    const summary = webSummary();
    summary.stages[0].counts = { 'gsm8k: 1': 2, 'gsm8k: <b>': 7 };
    const report = buildReport(summary);
    const { name, stage } = summary.stages[0];
    const entries = [
      { what: 'gsm8k: <b>', documents: 7 },
      { what: 'gsm8k: 1', documents: 2 },
    ];
    expect(report.counts).toEqual([{ name, stage, entries }]);
    expect(renderMarkdown(report)).toContain('| gsm8k&#58; &#60;b&#62; | 7 |');
    expect(renderHtml(report)).toContain('gsm8k: &lt;b&gt;');
  });
});
