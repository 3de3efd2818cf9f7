import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import type { DuplicateDetails, LineDetails } from '../../../src/core/run-summary.ts';
import { renderHtml } from '../../../src/report/html/page.ts';
import { renderMarkdown } from '../../../src/report/markdown.ts';
import { buildReport } from '../../../src/report/report-data.ts';
import { emptySummary, HOSTILE, webSummary } from '../fixture.ts';

const LINES: LineDetails = {
  kind: 'lines',
  unit: 'line',
  documents: 500,
  edited: 40,
  seen: 2_000,
  removed: 100,
  bytesRemoved: 3_000,
  top: [
    { text: 'All rights reserved.', documents: 30, occurrences: 35 },
    { text: HOSTILE, documents: 3, occurrences: 3 },
  ],
  settings: { minDocuments: 3 },
};

/** The chapter of duplicates of the quickstart's run, with other details of `dedup.minhash`. */
function chapter(changes: Partial<DuplicateDetails> = {}) {
  const summary = webSummary();
  const [, near] = summary.barriers;
  near.details = { ...near.details, ...changes };
  summary.barriers.push({ name: 'lines', stage: 'dedup.lines', artifacts: {}, details: LINES });
  const { document } = parseHTML(renderHtml(buildReport(summary)));
  return [...document.querySelectorAll('#duplicates .group')];
}

const cellsOf = (table: { querySelectorAll(selector: string): Iterable<{ textContent: string | null }> } | null) =>
  [...(table?.querySelectorAll('th, td:not([aria-hidden])') ?? [])].map((cell) => cell.textContent?.trim());

describe('duplicates on the page', () => {
  it('say what was saved, in text and tokens', () => {
    const facts = [...chapter()[0].querySelectorAll('.savings dd')].map((fact) => fact.textContent);
    // 1 + 2,204 / 1,270
    expect(facts).toEqual(['5.59 MB', '931,000', '1,270', '2.7']);
    const index = { documents: 9_000, candidatePairs: 30, checked: 30, inIndex: 12 };
    expect(chapter({ index })[1].querySelector('.savings')?.textContent).toContain('In the index of 9,00012');
  });

  it('list sources with most duplicates first, and leave those without out', () => {
    const [exact] = chapter();
    expect(cellsOf(exact.querySelector('.rates tbody'))).toEqual([
      'web 18,000 documents, 4.00 MB saved',
      '1,500',
      '8.3 %',
      'mail 6,000 documents, 1.59 MB saved',
      '704',
      '11.7 %',
    ]);
    expect(exact.textContent).toContain('1 source without duplicates.');
  });

  it('show who copies from whom, darker the more', () => {
    const [exact, near] = chapter();
    expect(cellsOf(exact.querySelector('.matrix tbody'))).toEqual(['web', '1,490', '10', 'mail', '·', '704']);
    const heat = [...exact.querySelectorAll('.matrix [style]')].map((cell) =>
      Number(/--heat:([\d.]+)%/.exec(cell.getAttribute('style') ?? '')?.[1]),
    );
    // 42 · √(n / 1,490)
    expect(heat).toEqual([42, 3.4, 28.9]);
    expect(cellsOf(near.querySelector('.matrix thead'))).toEqual(['', '<b>web</b>', 'mail']);
  });

  it('say in words that no source copies from another', () => {
    const sources = { ...(webSummary().barriers[1].details as DuplicateDetails).sources, matrix: [[0, 0, 9]] };
    const [, near] = chapter({ sources } as Partial<DuplicateDetails>);
    expect(near.querySelector('.matrix')).toBeNull();
    expect(near.textContent).toContain('Every duplicate has a document of its own source for it.');
  });

  it('draw the S-curve over the checked pairs where both are by Jaccard similarity, else beside them', () => {
    const checked = (webSummary().barriers[1].details as DuplicateDetails).checked!;
    const [, jaccard] = chapter();
    expect(jaccard.querySelectorAll('.similarity figure')).toHaveLength(1);
    const [, containment] = chapter({ checked: { ...checked, measure: 'containment' } });
    expect(containment.querySelectorAll('.similarity figure')).toHaveLength(2);
    // 1 − (1 − .5^8)^14 = .0533
    const points = jaccard.querySelector('polyline')?.getAttribute('points')?.split(' ');
    expect([points?.[0], points?.[25], points?.[50]]).toEqual(['0,100', '50,94.67', '100,0']);
  });

  it('give the numbers of the histogram as a table as well', () => {
    const [, near] = chapter();
    expect(cellsOf(near.querySelector('.similarity + details tbody')).slice(-8)).toEqual([
      ...['0.90–0.95', '500', '0', '>99.9 %'],
      ...['0.95–1.00', '950', '0', '>99.9 %'],
    ]);
  });

  it('list the most repeated lines, on the page and in the job summary', () => {
    const lines = chapter()[2];
    expect(lines.querySelector('h3')?.textContent).toContain('−100 lines of 2,000 (5.0 %), 3.00 kB in 40 documents');
    expect(cellsOf(lines.querySelector('tbody'))).toEqual(['All rights reserved.', '30', '35', HOSTILE, '3', '3']);
    const summary = emptySummary();
    summary.barriers.push({ name: 'lines', stage: 'dedup.lines', artifacts: {}, details: LINES });
    const markdown = renderMarkdown(buildReport(summary));
    expect(markdown).toContain('**100** of 2,000 (line, 5.0 %): 3.00 kB in 40 documents.');
    expect(markdown).toContain('| <code>All rights reserved.</code> | 30 | 35 |');
    expect(markdown).not.toContain('<img');
  });
});
