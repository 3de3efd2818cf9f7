import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { PAGE_SCRIPT } from '../../../src/report/html/script.ts';
import { renderTokenizerHtml } from '../../../src/report/tokenizers/html/page.ts';
import { TOKENIZER_STYLE } from '../../../src/report/tokenizers/html/style.ts';
import type { TokenizerReport } from '../../../src/tokenizer/compare/tokenizer-report-schema.ts';
import { kindsOfElements } from '../html/kinds-of-elements.ts';
import { hostileText } from '../quality/fixture.ts';
import { emptyReport, smallReport, withText } from './fixture.ts';

const parse = (report: TokenizerReport) => parseHTML(renderTokenizerHtml(report)).document;
const report = smallReport();
const page = parse(report);
const [words, bytes] = report.tokenizers;

const texts = (root: Pick<typeof page, 'querySelectorAll'>, selector: string) =>
  [...root.querySelectorAll(selector)].map((element) => element.textContent?.replace(/\s+/g, ' ').trim());

describe('the page of two tokenizers', () => {
  it('leads with the one that needs the fewest tokens', () => {
    expect(page.querySelector('title')?.textContent).toBe('words, bytes on two inputs – corpusmill tokenizer report');
    expect(page.querySelector('.verdict')?.textContent).toBe('words needs the fewest tokens.');
    const turned = parse({
      ...report,
      base: 'bytes',
      tokenizers: [{ ...words, figures: { ...words.figures, relativeTokens: 0.5 } }, bytes],
    });
    expect(turned.querySelector('.verdict')?.textContent).toBe('words needs ×0.500 the tokens of bytes.');
  });

  it('has a bar for each tokenizer and group, to one scale, and the base at 1', () => {
    const groups = page.getElementById('groups')!;
    const [languages, sources] = groups.querySelectorAll('.ratios');
    // en, zh and the one without; mail and web.
    expect(languages.querySelectorAll('.ratio')).toHaveLength(3);
    expect(sources.querySelectorAll('.ratio')).toHaveLength(2);
    expect(languages.querySelectorAll('.ratio-bar')).toHaveLength(6);
    const multiples = report.groups[0].rows.map(({ tokenizers }) => tokenizers[1].relativeTokens!);
    const intervals = report.groups[0].rows.map(({ tokenizers }) => tokenizers[1].relativeTokensInterval);
    const most = Math.max(...multiples.map((value, i) => intervals[i]?.high ?? value));
    const widths = [...languages.querySelectorAll('.ratio-bar:last-child b')].map((bar) => bar.getAttribute('style'));
    expect(widths).toEqual(multiples.map((value) => `width:${Number(((100 * value) / most).toFixed(3))}%`));
    expect(languages.getAttribute('style')).toBe(`--one:${Number((100 / most).toFixed(3))}%`);
    expect(texts(languages, '.ratio-bar:last-child span')).toEqual(multiples.map((value) => `×${value.toFixed(2)}`));
  });

  it('says which texts come back changed, and where', () => {
    expect(texts(page, '#tokenizers td').filter((text) => text?.includes('text'))).toEqual([
      'every text',
      'all but 1 text',
    ]);
    expect(texts(page, '#tokenizers details tbody tr')).toEqual(['last0LOSTlost']);
  });

  it('shows a character that was cut, and into how many tokens', () => {
    const probe = [...page.querySelectorAll('.probe')].find(
      (one) => one.querySelector('code')?.textContent === '鱻龘靐',
    )!;
    expect(texts(probe, 'dt')).toEqual(['words, 9', 'bytes, 9']);
    expect(texts(probe, 'dd:first-of-type .cut-piece').slice(0, 3)).toEqual(['鱻3', '龘3', '靐3']);
  });

  it('counts Han tokens by their length, the longest together', () => {
    const rows = (hanByLength: number[]) => {
      const tokenizers = [{ ...words, vocabulary: { ...words.vocabulary, hanByLength } }, bytes];
      return texts(parse({ ...report, tokenizers }), '#chinese tr');
    };
    expect(rows([3, 2, 1])).toEqual(['Tokenizer123', 'words321', 'bytes000']);
    expect(rows([9, 8, 7, 6, 5, 4, 3, 2])).toEqual(['Tokenizer123456 and more', 'words987659', 'bytes000000']);
  });

  it('has all chapters, and only those with content', () => {
    expect(texts(page, 'nav a')).toEqual([
      'Tokenizers',
      'Languages and sources',
      'Chinese',
      'Use',
      'Vocabularies',
      'Numbers and code',
      'Cuts',
    ]);
    const empty = parse(emptyReport());
    expect(texts(empty, 'nav a')).toEqual(['Tokenizers', 'Use', 'Vocabularies', 'Numbers and code', 'Cuts']);
  });
});

describe('the page as a file', () => {
  it.each([
    ['two tokenizers', report],
    ['nothing read', emptyReport()],
  ])('has no figure without a meaning: %s', (_, one) => {
    const text = renderTokenizerHtml(one);
    expect(parseHTML(text).document.querySelector('.page')?.textContent).not.toMatch(/NaN|Infinity|null|undefined/);
    expect(text).not.toMatch(/(points|style|cx|cy|d)="[^"]*(NaN|Infinity|undefined)/);
  });

  it('is the same bytes for the same report', () => {
    expect(renderTokenizerHtml(smallReport())).toBe(renderTokenizerHtml(report));
  });

  it('asks for nothing from outside, and allows its one script', () => {
    expect(page.querySelectorAll('link, img, iframe, object, embed, base, form, video').length).toBe(0);
    expect(page.querySelectorAll('[src], [srcset], [action]')).toHaveLength(0);
    expect(TOKENIZER_STYLE).not.toMatch(/url\(|@import|https?:/);
    expect([...page.querySelectorAll('script')].map((script) => script.textContent)).toEqual([PAGE_SCRIPT]);
    const policy = page.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content');
    expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(PAGE_SCRIPT).digest('base64')}'`);
  });

  it('says in words what each plot shows, and has its numbers in a table of the same chapter', () => {
    const plots = [...page.querySelectorAll('[role=img]')];
    // By language, by source, Han of two tokenizers, frequency by rank, text covered.
    expect(plots).toHaveLength(6);
    for (const plot of plots) {
      expect(plot.getAttribute('aria-label')).toMatch(/\d/);
      expect(plot.closest('.chapter')?.querySelectorAll('table').length).toBeGreaterThan(0);
    }
    for (const svg of page.querySelectorAll('svg')) expect(svg.getAttribute('aria-hidden')).toBe('true');
    for (const header of page.querySelectorAll('th')) expect(header.getAttribute('scope')).toMatch(/^(col|row)$/);
  });

  it('has unique ids, and every reference within it leads somewhere', () => {
    const ids = [...page.querySelectorAll('[id]')].map((element) => element.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const link of page.querySelectorAll('a')) expect(ids).toContain(link.getAttribute('href')?.slice(1));
  });

  it('has no kind of element for any text that it does not have for plain text', () => {
    const plain = kindsOfElements(renderTokenizerHtml(withText(report, 'plain text')));
    fc.assert(
      fc.property(hostileText, (text) => {
        for (const kind of kindsOfElements(renderTokenizerHtml(withText(report, text)))) expect(plain).toContain(kind);
      }),
      { numRuns: 25 },
    );
  });
});
