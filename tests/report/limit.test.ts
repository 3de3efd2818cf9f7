import { describe, expect, it } from 'vitest';
import { judge, parseLimit, verdictText } from '../../src/report/limit.ts';

describe('a limit', () => {
  it.each([
    ['2%', { kind: 'share', share: 0.02 }],
    ['2 %', { kind: 'share', share: 0.02 }],
    ['0.5%', { kind: 'share', share: 0.005 }],
    ['100%', { kind: 'share', share: 1 }],
    ['0.02', { kind: 'share', share: 0.02 }],
    ['.02', { kind: 'share', share: 0.02 }],
    ['1.0', { kind: 'share', share: 1 }],
    ['0', { kind: 'documents', documents: 0 }],
    ['1', { kind: 'documents', documents: 1 }],
    ['250', { kind: 'documents', documents: 250 }],
  ])('%s is read', (text, limit) => {
    expect(parseLimit(text)).toEqual(limit);
  });

  it.each(['', '%', '-1', '2 percent', '101%', '1.5', '1e3', '2%%', 'NaN', '0x10', '99999999999999999999'])(
    '%j is none',
    (text) => {
      expect(parseLimit(text)).toBeUndefined();
    },
  );

  it.each([
    ['2%', 2, 100, false],
    ['2%', 3, 100, true],
    // 7 % of 100 is 7.000000000000001 in floating point, 0.07 × 300 is 21.000000000000004, 0.29 × 100 is 28.999999999999996.
    ['29%', 29, 100, false],
    ['7%', 21, 300, false],
    ['0%', 0, 100, false],
    ['0%', 1, 1_000_000, true],
    ['0', 0, 0, false],
    ['10', 10, 20, false],
    ['10', 11, 1_000_000, true],
  ])('%s: %d duplicates of %d documents, over: %s', (text, duplicates, documents, over) => {
    const verdict = judge(text, parseLimit(text)!, { counted: 'all', duplicates, documents });
    expect(verdict).toEqual({ limit: text, counted: 'all', duplicates, documents, over });
  });

  it('is said in words', () => {
    const counts = { counted: 'new' as const, duplicates: 1, documents: 2000 };
    expect(verdictText(judge('0', parseLimit('0')!, counts))).toBe(
      '1 new duplicate among 2,000 documents (0.1 %), over the limit of 0',
    );
    expect(verdictText(judge('2%', parseLimit('2%')!, { ...counts, counted: 'all', duplicates: 23 }))).toBe(
      '23 duplicates among 2,000 documents (1.1 %), within the limit of 2%',
    );
    expect(verdictText(judge('5', parseLimit('5')!, { ...counts, counted: 'all', duplicates: 0, documents: 0 }))).toBe(
      '0 duplicates among 0 documents, within the limit of 5',
    );
  });
});
