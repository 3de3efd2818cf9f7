import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import type { QualityReport } from '../../../../src/quality/evaluation/quality-report-schema.ts';
import { PAGE_SCRIPT } from '../../../../src/report/html/script.ts';
import { renderQualityHtml } from '../../../../src/report/quality/html/page.ts';
import { QUALITY_STYLE } from '../../../../src/report/quality/html/style.ts';
import { HOSTILE } from '../../fixture.ts';
import { kindsOfElements } from '../../html/kinds-of-elements.ts';
import { hostileText, largeReport, poorReport, reportOfThree, smallReport, withText } from '../fixture.ts';

const parse = (report: QualityReport) => parseHTML(renderQualityHtml(report)).document;
const large = largeReport();
const largePage = parse(large);

type Root = Pick<ReturnType<typeof parse>, 'querySelectorAll'>;

const texts = (root: Root, selector: string) =>
  [...root.querySelectorAll(selector)].map((element) => element.textContent?.replace(/\s+/g, ' ').trim());

describe('the page of a small evaluation', () => {
  const document = parse(smallReport());

  it('leads with the AUC', () => {
    expect(document.querySelector('title')?.textContent).toBe('small – corpusmill quality report');
    expect(document.querySelector('.verdict')?.textContent).toBe('ROC-AUC 0.958 by words.');
    expect(texts(document, '.figures > div')).toEqual([
      'Documents106 of drop, 4 of keep',
      '95 % interval0.843–1.000of the AUC (DeLong)',
      'F10.750from 0.5, the middle of the scale',
      'Average precision0.950chance: 40.0 % keep',
    ]);
  });

  it('draws the ROC curve to scale, with a ring at the threshold', () => {
    // Three positives, a negative, the last positive, five negatives; from .5 up 3 of 4 and 1 of 6.
    const [roc] = document.querySelectorAll('.line-plot');
    expect(roc.querySelector('polyline')?.getAttribute('points')).toBe('0,100 0,25 16.67,25 16.67,0 100,0');
    const ring = roc.querySelector('.mark');
    expect([ring?.getAttribute('cx'), ring?.getAttribute('cy')]).toEqual(['16.67', '25']);
    expect(ring?.textContent).toBe('words at its threshold 0.5');
  });

  it('draws precision in steps', () => {
    // Recall 1/4, 2/4, 3/4 at precision 1; 3/4 at 3/4; 1 at 4/5; then falling to 4/10.
    const points = document.querySelectorAll('.line-plot polyline')[1].getAttribute('points')?.split(' ');
    expect(points?.slice(0, 10)).toEqual([
      '0,0',
      '25,0',
      '25,0',
      '50,0',
      '50,0',
      '75,0',
      '75,25',
      '75,25',
      '75,20',
      '100,20',
    ]);
    expect(points?.at(-1)).toBe('100,60');
  });

  it('mirrors the histograms of both labels, each by its own documents', () => {
    // Twenty bins: .95 is in the last one, 1 of 4 positives, and the tallest share is 2 of 6 negatives (.1 twice).
    const bars = document.querySelectorAll('.mirror-bars > div');
    expect(bars).toHaveLength(20);
    expect(bars[19].getAttribute('title')).toBe('from 0.95: 1 keep, 0 drop');
    expect(bars[19].querySelector('b')?.getAttribute('style')).toBe('height:75%');
    expect(bars[2].querySelector('s')?.getAttribute('style')).toBe('height:100%');
    expect(document.querySelector('.cut-line')?.getAttribute('style')).toBe('left:50%');
  });

  it('counts what was taken for what', () => {
    expect(texts(document, '.matrix td')).toEqual(['', '5 83.3 %', '1 16.7 %', '1 25.0 %', '3 75.0 %']);
  });

  it('has the table of kept shares', () => {
    const rows = texts(document, '.narrow tbody tr');
    // The best 30 % are three documents, all positive.
    expect(rows[5]).toBe('30 %0.831.0000.750');
    expect(rows[12]).toBe('100 %0.02100.4001.000');
  });

  it('says that a language of one class has no AUC', () => {
    // The positives .95, .9, .8 are above both negatives, .3 above one: 7 of 8 pairs. The variance of these shares (1, 1, 1, .5)
    // by 4, and of those of the negatives (.75, 1) by 2, is .015625 each; 1.96 √.03125 = .346.
    expect(texts(document, '#groups tbody tr')).toEqual([
      'en666.7 %66.7 %0.8750.529–1.0000.7500.7500.750',
      'zh40 %0 %undefined: one class only–––',
    ]);
  });

  it('has no chapter without content', () => {
    expect(texts(document, 'nav a')).toEqual([
      'Models',
      'Curves',
      'Scores',
      'Decisions',
      'Languages and sources',
      'Nearest',
      'Mistakes',
    ]);
  });
});

describe('the page of several models', () => {
  it('has all of them in one plot, each with a line in the legend', () => {
    const [roc, precision, calibration] = largePage.querySelectorAll('.line-plot');
    expect(roc.querySelectorAll('polyline')).toHaveLength(4);
    expect(precision.querySelectorAll('polyline')).toHaveLength(4);
    // Line lengths are no probabilities.
    expect(calibration.querySelectorAll('polyline')).toHaveLength(3);
    expect(texts(largePage.querySelector('#curves .legend')!, '.series-name')).toEqual(
      large.models.map(({ name }) => name),
    );
    expect(texts(largePage.querySelector('#scores .legend')!, '.series-name')).toHaveLength(3);
  });

  it('says how each differs from the baseline', () => {
    const difference = large.models[1].binary!.difference!;
    const cell = largePage.querySelectorAll('.models tbody tr')[1].querySelectorAll('td')[1].textContent;
    expect(cell).toBe(`+${difference.value.toFixed(3)}+${difference.low.toFixed(3)} to +${difference.high.toFixed(3)}`);
    expect(texts(largePage, '.models tbody tr')[0]).toContain('baseline');
  });

  it('opens each part with the leading model and folds the others', () => {
    const groups = largePage.getElementById('groups')!;
    expect(texts(groups, 'h3')).toEqual(['fasttext bigrams']);
    expect(texts(groups, 'details.model > summary')).toEqual(['mean line length', 'gbdt on statistics', 'naive Bayes']);
  });

  it('has every fold in a table', () => {
    const [, ...row] = [...largePage.querySelectorAll('#folds tbody tr')[1].children].map((cell) => cell.textContent);
    const { mean, deviation, values } = large.models[1].crossValidation!.auc;
    expect(row).toEqual([mean, deviation, ...values].map((value) => value!.toFixed(3)));
  });

  it('draws six lines and names the rest', () => {
    const report = structuredClone(large);
    report.models = Array.from({ length: 8 }, (_, i) => ({ ...large.models[i % 4], name: `model ${i}` }));
    const document = parse(report);
    expect(document.querySelectorAll('.line-plot')[0].querySelectorAll('polyline')).toHaveLength(6);
    expect(document.querySelector('#curves .legend')?.textContent).toContain('2 more in the tables');
    expect(document.querySelectorAll('.models tbody tr')).toHaveLength(8);
  });

  it('shows texts of documents as text, whatever they hold', () => {
    const excerpts = texts(largePage, '.excerpt');
    expect(excerpts.some((text) => text?.includes(HOSTILE))).toBe(true);
    expect(texts(largePage, '.features code').some((text) => text === HOSTILE)).toBe(true);
    for (const element of largePage.querySelectorAll('*')) {
      for (const attribute of element.attributes) expect(attribute.name).not.toMatch(/^on/);
    }
  });
});

describe('the page of three labels', () => {
  const document = parse(reportOfThree());

  it('has a curve for each label against the rest, and a table of labels', () => {
    const [plot] = document.querySelectorAll('.line-plot');
    expect(plot.querySelectorAll('polyline')).toHaveLength(3);
    expect(texts(document.querySelector('#curves')!, '.series-name').slice(0, 3)).toEqual(['head', 'middle', 'tail']);
    expect(texts(document.querySelector('#curves tbody')!, 'th')).toEqual(['head', 'middle', 'tail']);
    expect(document.querySelectorAll('.matrix')[0].querySelectorAll('tbody td')).toHaveLength(9);
  });

  it('has nothing of thresholds', () => {
    expect(document.getElementById('scores')).toBeNull();
    expect(document.querySelector('.narrow')).toBeNull();
  });
});

describe('the page of a report with little in it', () => {
  it('is calm', () => {
    const document = parse(poorReport());
    expect(document.querySelector('.verdict')?.textContent).toBe('No ROC-AUC: one class only.');
    expect(texts(document, '.models tbody tr')[0]).toContain('undefined: one class only');
  });

  it.each([
    ['one class', poorReport()],
    ['one label of two absent', smallReport({ truth: new Uint8Array(10) })],
    ['equal scores', smallReport({ models: [{ name: 'm', scores: new Float64Array(10).fill(0.5) }] })],
    ['no mistakes', smallReport({ models: [{ name: 'm', scores: Float64Array.of(1, 1, 1, 0, 1, 0, 0, 0, 0, 0) }] })],
    ['one fold', smallReport({ folds: new Int32Array(10) })],
  ])('has no figure without a meaning: %s', (_, report) => {
    const page = renderQualityHtml(report);
    const text = parseHTML(page).document.querySelector('.page')?.textContent;
    expect(text).not.toMatch(/NaN|Infinity|null|undefined(?!:)/);
    expect(page).not.toMatch(/(points|style|cx|cy|d)="[^"]*(NaN|Infinity|undefined)/);
  });
});

describe('the page as a file', () => {
  it('is the same bytes for the same report', () => {
    expect(renderQualityHtml(largeReport())).toBe(renderQualityHtml(large));
  });

  it.each([
    ['several models', largePage],
    ['three labels', parse(reportOfThree())],
  ])('has unique ids, and every reference within it leads somewhere: %s', (_, document) => {
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const attribute of ['aria-labelledby', 'aria-controls', 'data-opens']) {
      for (const element of document.querySelectorAll(`[${attribute}]`)) {
        expect(ids).toContain(element.getAttribute(attribute));
      }
    }
    for (const link of document.querySelectorAll('a')) expect(ids).toContain(link.getAttribute('href')?.slice(1));
  });

  it('asks for nothing from outside, and allows its one script', () => {
    expect(largePage.querySelectorAll('link, img, iframe, object, embed, base, form, video').length).toBe(0);
    expect(largePage.querySelectorAll('svg image, svg use, svg script, svg foreignObject').length).toBe(0);
    expect(largePage.querySelectorAll('[src], [srcset], [action]')).toHaveLength(0);
    expect(QUALITY_STYLE).not.toMatch(/url\(|@import|https?:/);
    expect([...largePage.querySelectorAll('script')].map((script) => script.textContent)).toEqual([PAGE_SCRIPT]);
    const policy = largePage.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(PAGE_SCRIPT).digest('base64')}'`);
  });

  it('says in words what each plot shows, and has its numbers in a table of the same chapter', () => {
    const plots = [...largePage.querySelectorAll('[role=img]')];
    expect(plots).toHaveLength(7);
    for (const plot of plots) {
      expect(plot.getAttribute('aria-label')).toMatch(/\d\.\d{3}|\d documents/);
      expect(plot.closest('.chapter')?.querySelectorAll('details.data table').length).toBeGreaterThan(0);
    }
    for (const svg of largePage.querySelectorAll('svg')) expect(svg.getAttribute('aria-hidden')).toBe('true');
    for (const header of largePage.querySelectorAll('th')) expect(header.getAttribute('scope')).toMatch(/^(col|row)$/);
  });

  it('is reachable by keyboard: everything that opens is a summary, a link or a button', () => {
    for (const details of largePage.querySelectorAll('details')) {
      expect(details.firstElementChild?.localName).toBe('summary');
    }
    expect(largePage.querySelectorAll('[onclick], [tabindex]')).toHaveLength(0);
    expect(largePage.body.firstElementChild?.getAttribute('href')).toBe('#models');
  });

  it('has no kind of element for any text that it does not have for plain text', () => {
    const reports = [smallReport({ text: () => 'x', baseline: 'words' }), reportOfThree()].map((report) => {
      const [first] = report.models;
      // One document and feature of each kind do for this, and parse in a tenth of the time.
      first.telling = [{ label: 'x', features: [{ feature: 'x', weight: 1 }] }];
      first.nearest.splice(1);
      for (const kind of first.mistakes) kind.documents.splice(1);
      return { ...report, models: [first] };
    });
    const plain = reports.map((report) => kindsOfElements(renderQualityHtml(withText(report, 'plain text'))));
    fc.assert(
      fc.property(hostileText, (text) => {
        for (const [i, report] of reports.entries()) {
          for (const kind of kindsOfElements(renderQualityHtml(withText(report, text))))
            expect(plain[i]).toContain(kind);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('stays under 600 kB with six models and Chinese texts, by shortening all excerpts alike', () => {
    const report = structuredClone(large);
    report.models = Array.from({ length: 6 }, (_, i) => ({
      ...structuredClone(large.models[i % 4]),
      name: `model ${i}`,
    }));
    for (const { nearest, mistakes } of report.models) {
      for (const document of [...nearest, ...mistakes.flatMap((kind) => kind.documents)]) {
        Object.assign(document, { excerpt: '语料'.repeat(300), bytes: 1_800 });
      }
    }
    const page = renderQualityHtml(report);
    expect(Buffer.byteLength(page)).toBeLessThan(600_000);
    // 240 excerpts of 220 characters are 158 kB.
    expect(page.includes(`>${'语料'.repeat(110)}<span class="cut"`)).toBe(true);
  });
});
