import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import type { DuplicateDetails, RunSummary } from '../../../src/core/run-summary.ts';
import { renderHtml } from '../../../src/report/html/page.ts';
import { PAGE_SCRIPT } from '../../../src/report/html/script.ts';
import { PAGE_STYLE } from '../../../src/report/html/style.ts';
import { buildReport } from '../../../src/report/report-data.ts';
import { emptySummary, HOSTILE, smallSummary, stagesFrom, webSummary } from '../fixture.ts';
import { kindsOfElements } from './kinds-of-elements.ts';

const pageOf = (summary: RunSummary) => renderHtml(buildReport(summary));
const parse = (summary: RunSummary) => parseHTML(pageOf(summary)).document;

/** Every string of a summary that comes from data, replaced. */
function withText(text: string): RunSummary {
  const summary = structuredClone(webSummary());
  summary.pipeline = { ...summary.pipeline, name: text, file: text, hash: text };
  for (const input of summary.inputs) {
    const source = summary.sources[input.name];
    input.name = text;
    input.format = text;
    summary.sources = { [text]: source };
  }
  for (const stage of summary.stages) {
    stage.name = `${stage.name} ${text}`;
    stage.stage = text;
    stage.dropped = Object.fromEntries(Object.entries(stage.dropped).map(([reason, v]) => [`${reason} ${text}`, v]));
    stage.samples = Object.fromEntries(
      Object.entries(stage.samples).map(([reason, samples]) => [
        `${reason} ${text}`,
        samples.map((sample) => ({ ...sample, id: text, source: text, excerpt: text })),
      ]),
    );
  }
  for (const barrier of summary.barriers) {
    barrier.name = text;
    barrier.artifacts = { [text]: text };
    for (const cluster of (barrier.details as DuplicateDetails).largest ?? []) {
      for (const member of cluster.members) Object.assign(member, { id: text, source: text, excerpt: text });
    }
    barrier.details['settings'] = { [text]: text };
  }
  for (const output of summary.outputs) Object.assign(output, { name: text, path: text, details: { [text]: text } });
  summary.quarantine = { records: 1, byReason: { [text]: 1 }, path: text };
  return summary;
}

describe('report.html', () => {
  it('leads with the documents kept', () => {
    const document = parse(webSummary());
    expect(document.querySelector('title')?.textContent).toBe('quickstart – corpusmill report');
    expect(document.querySelector('.verdict')?.textContent).toBe('28,304 of 48,211 documents kept, 58.7 %.');
    const figures = [...document.querySelectorAll('.figures > div')].map((div) => div.textContent);
    expect(figures).toEqual([
      'Text kept104 MBof 163 MB (63.6 %)',
      'Dropped by filters15,83232.8 % of documents',
      'Duplicates4,0758.5 % of documents, 12.6 MB of text',
      'Tokens packed25,113,6004.14 bytes of text each',
      'Bad records5in quarantine',
    ]);
  });

  it('draws the funnel to scale: 8 of 10 documents are 80 % of the width, 2 are its lost tail', () => {
    const document = parse(smallSummary());
    const rows = [...document.querySelectorAll('.flow-row')];
    expect(rows.map((row) => row.querySelector('.flow-name')?.textContent)).toEqual(['Read', 'filter.c4', 'Kept']);
    const bar = rows[1].querySelector('.bar-documents');
    expect(bar?.querySelector('b')?.getAttribute('style')).toBe('width:80%');
    expect(bar?.querySelector('s')?.getAttribute('style')).toBe('width:20%');
    expect(rows[1].querySelector('.bar-bytes s')?.getAttribute('style')).toBe('width:5%');
  });

  it('leads from a stage in the funnel to the reasons it gave', () => {
    const document = parse(webSummary());
    const link = [...document.querySelectorAll('.flow-name a')].find((a) => a.textContent === 'filter.c4');
    const group = document.getElementById(link?.getAttribute('href')?.slice(1) ?? '');
    expect(group?.querySelector('h3')?.textContent).toContain('filter.c4');
    expect(group?.querySelectorAll('.reasons > li')).toHaveLength(3);
  });

  it('shows what a dropped document measured beside the limit, and its text', () => {
    const document = parse(smallSummary());
    const sample = document.querySelector('.sample');
    expect(sample?.querySelector('.measure')?.textContent?.replace(/\s+/g, ' ')).toBe('measured 2 limit 5');
    expect(sample?.querySelector('.excerpt')?.textContent).toBe('Two words. Really.');
  });

  it('says how much of a text is not shown', () => {
    const summary = smallSummary();
    summary.stages[0].samples['too few sentences'][0].bytes = 5_018;
    expect(parse(summary).querySelector('.excerpt .cut')?.textContent).toBe(' … 5.00 kB more');
  });

  it('sorts cluster sizes into 2, 3, 4 and then doubling ranges, counting what was dropped', () => {
    const document = parse(webSummary());
    const rows = [...document.querySelectorAll('#duplicates .sizes')[1].querySelectorAll('tbody tr')].map((row) =>
      [...row.querySelectorAll('th, td.num')].map((cell) => cell.textContent),
    );
    // 5: 20, 6: 13 → 33 clusters, 20·4 + 13·5 = 145 dropped; 9: 12, 14: 6 → 18 clusters, 12·8 + 6·13 = 174.
    expect(rows).toEqual([
      ['2', '901', '901'],
      ['3', '188', '376'],
      ['4', '61', '183'],
      ['5–8', '33', '145'],
      ['9–16', '18', '174'],
      ['33–64', '1', '32'],
      ['65–128', '1', '69'],
    ]);
  });

  it('gives the numbers of the length chart as a table as well', () => {
    const document = parse(smallSummary());
    const rows = [...document.querySelectorAll('#lengths details tbody tr')].map((row) => row.textContent);
    expect(rows).toEqual(['1 KiB to 2 KiB42', '2 KiB to 4 KiB66']);
  });

  it('is calm about a run over nothing', () => {
    const page = pageOf(emptySummary());
    const document = parse(emptySummary());
    expect(document.querySelector('.verdict')?.textContent).toBe('No documents were read.');
    const text = [...document.querySelectorAll('header, main, footer')].map((part) => part.textContent).join(' ');
    expect(text).not.toMatch(/NaN|Infinity|undefined|null/);
    expect(page).not.toMatch(/(width|height|left|--in|--out):(NaN|Infinity)/);
  });

  it('stands a run with no stages, no inputs and no outputs', () => {
    const document = parse({ ...emptySummary(), stages: [], inputs: [], sources: {} });
    expect(document.querySelectorAll('.flow-row')).toHaveLength(2);
  });

  it('stands counts up to the safe integers, and a stage that makes more documents than it was given', () => {
    const read = { documents: 4_000_000_000_000, bytes: 9_000_000_000_000_000 };
    const stages = stagesFrom(read, [{ name: 'split', added: 4_000_000_000_000 }]);
    const summary = {
      ...emptySummary(),
      stages,
      lengthsBefore: { ...emptySummary().lengthsBefore, count: read.documents, sum: read.bytes, min: 1, max: 5 },
    };
    const document = parse(summary);
    const rows = [...document.querySelectorAll('.flow-row')];
    expect(rows[1].querySelector('.flow-figure')?.textContent).toBe(
      '8,000,000,000,000 +4,000,000,000,000 by splitting',
    );
    expect(rows[0].querySelector('.bar-documents b')?.getAttribute('style')).toBe('width:50%');
    expect(rows[1].querySelector('.bar-documents b')?.getAttribute('style')).toBe('width:100%');
  });

  it('is the same bytes for the same summary', () => {
    expect(pageOf(webSummary())).toBe(pageOf(webSummary()));
  });
});

describe('report.html as a file', () => {
  it('has unique ids, and every reference within the page leads somewhere', () => {
    const document = parse(webSummary());
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const attribute of ['aria-labelledby', 'aria-controls', 'data-opens']) {
      for (const element of document.querySelectorAll(`[${attribute}]`)) {
        expect(ids).toContain(element.getAttribute(attribute));
      }
    }
    for (const link of document.querySelectorAll('a')) expect(ids).toContain(link.getAttribute('href')?.slice(1));
  });

  it('asks for nothing from outside', () => {
    const document = parse(webSummary());
    expect(document.querySelectorAll('link, img, iframe, object, embed, base, form, video').length).toBe(0);
    expect(document.querySelectorAll('svg image, svg use, svg script, svg foreignObject').length).toBe(0);
    expect(document.querySelectorAll('[src], [srcset], [action]')).toHaveLength(0);
    for (const element of document.querySelectorAll('[href]'))
      expect(element.getAttribute('href')).toMatch(/^#[a-z]+(-\d+)?$/);
    expect(PAGE_STYLE).not.toMatch(/url\(|@import|https?:/);
    expect(PAGE_SCRIPT).not.toMatch(/https?:|fetch|import\(|innerHTML|eval/);
  });

  it('allows by policy its one script and no other', () => {
    const document = parse(webSummary());
    const scripts = [...document.querySelectorAll('script')];
    const runs = scripts.filter((script) => script.getAttribute('type') !== 'application/json');
    expect(runs.map((script) => script.textContent)).toEqual([PAGE_SCRIPT]);
    const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(PAGE_SCRIPT).digest('base64')}'`);
  });

  it('shows hostile text as text', () => {
    const document = parse(webSummary());
    const excerpts = [...document.querySelectorAll('.excerpt')].map((element) => element.textContent);
    expect(excerpts.some((text) => text?.includes(HOSTILE))).toBe(true);
    for (const element of document.querySelectorAll('*')) {
      for (const attribute of element.attributes) expect(attribute.name).not.toMatch(/^on/);
    }
  });

  it('has no kind of element for any text that it does not have for plain text', () => {
    const plain = kindsOfElements(pageOf(withText('plain text')));
    for (const extra of kindsOfElements(pageOf(webSummary()))) plain.add(extra);
    const hostile = fc.oneof(
      fc.constantFrom(HOSTILE, '<!--', ']]>', '</style><style>*{}', '<a href="javascript:x">', '&lt;img&gt;', '</pre>'),
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '=', '!', '-', 'a', ' ', '\n', '\u0000') }),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        for (const kind of kindsOfElements(pageOf(withText(text)))) expect(plain).toContain(kind);
      }),
      { numRuns: 60 },
    );
  });

  it('is reachable by keyboard: everything that opens is a summary, a link or a button', () => {
    const document = parse(webSummary());
    for (const details of document.querySelectorAll('details'))
      expect(details.firstElementChild?.localName).toBe('summary');
    expect(document.querySelectorAll('[onclick], [tabindex]')).toHaveLength(0);
    expect(document.body.firstElementChild?.getAttribute('href')).toBe('#funnel');
  });

  it('stays under 300 kB, by shortening all excerpts alike, when a run drops for sixty reasons in Chinese', () => {
    const summary = webSummary();
    const text = '语料'.repeat(300);
    for (let stage = 0; stage < 10; stage++) {
      for (let reason = 0; reason < 6; reason++) {
        const name = `reason ${reason}`;
        summary.stages[stage % summary.stages.length].dropped[`${stage} ${name}`] = { documents: 10, bytes: 10 };
        summary.stages[stage % summary.stages.length].samples[`${stage} ${name}`] = Array.from(
          { length: 5 },
          (_, i) => ({
            key: i,
            id: `zh/${i}`,
            source: 'zh',
            reason: name,
            excerpt: text,
            bytes: 1_800,
          }),
        );
      }
    }
    const page = pageOf(summary);
    expect(Buffer.byteLength(page)).toBeLessThan(300_000);
    expect(page).toContain(`${'语料'.repeat(70)}<span class="cut"`);
    expect(Buffer.byteLength(pageOf(webSummary()))).toBeLessThan(100_000);
  });
});
