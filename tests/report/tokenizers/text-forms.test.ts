import { describe, expect, it } from 'vitest';
import {
  formatFigure,
  formatMultiple,
  numberRule,
  roundTripText,
  shortText,
  shownText,
} from '../../../src/report/tokenizers/figure-text.ts';
import { renderTokenizerMarkdown } from '../../../src/report/tokenizers/markdown.ts';
import { renderTokenizerTerminal } from '../../../src/report/tokenizers/terminal.ts';
import { HOSTILE } from '../fixture.ts';
import { emptyReport, smallReport, withText } from './fixture.ts';

const report = smallReport();
const [words, bytes] = report.tokenizers;
const terminal = (width: number) =>
  renderTokenizerTerminal(report, { color: false, width, bytesPerSecond: [12_300_000, 4_560_000] });

describe('figures', () => {
  it('have three digits below 1 and two decimals above', () => {
    expect([0.61234, 1, 4.337, null].map(formatFigure)).toEqual(['0.612', '1.00', '4.34', '–']);
    expect([0.923, 2.714, null].map(formatMultiple)).toEqual(['×0.923', '×2.71', '–']);
  });

  it('say the rule that numbers are cut by', () => {
    const cut = (tokens: (digits: number) => number) =>
      numberRule({
        ...words,
        numbers: [1, 2, 3, 4].map((digits) => ({ digits, numbers: 9, tokensEach: tokens(digits), whole: 0 })),
      });
    expect(cut((digits) => digits)).toBe('a token for each digit');
    expect(cut((digits) => Math.ceil(digits / 3))).toBe('groups of up to three digits');
    expect(cut((digits) => 0.9 * digits)).toBe('as frequent in its training');
  });

  it('say what decoding gives back', () => {
    const of = (exact: number, normalized: number, changed: number) =>
      roundTripText({ ...words, roundTrip: { exact, normalized, changed, unaligned: 0, examples: [] } });
    expect(of(5, 0, 0)).toBe('every text');
    expect(of(5, 1200, 0)).toBe('every text, 1,200 of them in NFC form');
    expect(of(5, 0, 2)).toBe('all but 2 texts');
    expect(of(0, 0, 0)).toBe('–');
  });

  it('show a token in one line', () => {
    expect(shownText(' a\tb\r\n', 6)).toBe('␣a⇥b␍⏎');
    expect(shownText('a\u00a0b\u200d', 6)).toBe('a⍽b⟨200D⟩');
    expect([shownText(null, 1), shownText(null, 2)]).toEqual(['a byte', '2 bytes']);
    expect(shortText(' '.repeat(128), 128)).toBe('␣ × 128');
    expect(shortText('ab'.repeat(50), 100)).toBe(`${'ab'.repeat(30)}…`);
  });
});

describe('the report in a terminal', () => {
  it('has the tokenizers, their groups, and what the clock says', () => {
    const text = terminal(120);
    expect(text).toMatch(/^words, bytes on two inputs: 25 documents, [\d.]+ kB\n3 records could not be read\n\n/);
    expect(text).toMatch(/^ {2}tokenizer +tokens +bytes\/token +tokens to base +chars\/token/m);
    expect(text).toMatch(/^ {2}words +267 +/m);
    expect(text).toMatch(/^ {2}language +text +words, bytes\/token +bytes, tokens to base\n {2}(en|zh)/m);
    expect(text).toMatch(
      /^bytes: .*numbers a token for each digit; decoding gives back all but 1 text; encoded at 4\.56 MB\/s$/m,
    );
  });

  it('leaves columns out where there is no room, and stays within the width', () => {
    for (const width of [60, 80]) {
      const lines = terminal(width)
        .split('\n')
        .filter((line) => line.startsWith('  '));
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    }
  });

  it('prints no control character of a name', () => {
    const text = renderTokenizerTerminal(withText(report, 'a\x1b[31m\nb'), {
      color: false,
      width: 100,
      bytesPerSecond: [1, 1],
    });
    expect(text).not.toContain('\x1b');
  });
});

describe('the report as Markdown', () => {
  const markdown = renderTokenizerMarkdown(report);

  it('has a table of tokenizers, and of each group', () => {
    expect(markdown).toMatch(
      /^## words, bytes on two inputs\n\n\*\*words\*\* needs the fewest tokens: \d\.\d\d bytes a token\. 25 documents/,
    );
    expect(markdown).toContain('| Tokenizer | Vocabulary | Used | Bytes/token |');
    const en = report.groups[0].rows.find(({ name }) => name === 'en')!;
    const [own, other] = en.tokenizers;
    const { low, high } = other.relativeTokensInterval!;
    expect(markdown).toContain(
      `| en | ${en.bytes} B | ${formatFigure(own.bytesPerToken)} | 1.00 | ×${other.relativeTokens!.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)}) |`,
    );
    expect(markdown).toContain('words and bytes share 256 tokens; 10 only in the first, 0 only in the second.');
  });

  it('has no speed in it, nor any figure without a meaning', () => {
    for (const text of [markdown, renderTokenizerMarkdown(emptyReport())])
      expect(text).not.toMatch(/B\/s|NaN|undefined/);
  });

  it('has only markup of its own, whatever a text holds', () => {
    const text = renderTokenizerMarkdown(withText(report, `${HOSTILE} | x`));
    expect(text).not.toContain('<script');
    const rows = text.split('\n').filter((line) => line.startsWith('| '));
    const cells = new Set(rows.map((line) => line.split(' | ').length));
    const plain = renderTokenizerMarkdown(withText(report, 'plain'));
    const plainRows = plain.split('\n').filter((line) => line.startsWith('| '));
    expect(cells).toEqual(new Set(plainRows.map((line) => line.split(' | ').length)));
  });

  it('names the second tokenizer as the one with changed texts', () => {
    expect(bytes.roundTrip.changed).toBe(1);
    expect(markdown).toMatch(/^\| bytes \|.*all but 1 text \|$/m);
  });
});
