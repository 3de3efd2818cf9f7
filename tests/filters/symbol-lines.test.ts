import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { simplify } from '../../src/filters/simplify.ts';
import { symbolLines } from '../../src/filters/symbol-lines.ts';
import { describeWithShared, shared } from '../shared.ts';
import { stageOf } from './process.ts';

function cases(name: string): { in: string; out: string }[] {
  const path = shared(`goldens/peers/${name}.jsonl.gz`);
  const lines = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as { in: string; out: string });
}

describe('clean.symbol-lines', () => {
  const clean = (text: string, replacement = ''): string => stageOf(symbolLines, { replacement })(text).text;

  it('removes lines of symbols and keeps empty ones, as in datatrove test_symbollines.py', () => {
    const before = [
      '-',
      '-',
      '>> Harold is a 6-2, 283-pound Tackle.',
      '',
      '|',
      '|',
      'hello -',
      '|',
      '- oi mate',
      '|',
      '',
      'bye',
    ];
    const after = ['>> Harold is a 6-2, 283-pound Tackle.', '', 'hello -', '- oi mate', '', 'bye'];
    expect(clean(before.join('\n'))).toBe(after.join('\n'));
  });

  it.each([
    ['a\n=====\nb', 'a\nb'],
    ['a\n。。。！？\nb', 'a\nb'],
    ['a\n| - |\nb', 'a\nb'],
    // A tab is no symbol to datatrove, nor is an emoji or a digit.
    ['a\n|\t|\nb', 'a\n|\t|\nb'],
    ['a\n★\n1.\nb', 'a\n★\n1.\nb'],
    ['a\n   \nb', 'a\n   \nb'],
    ['---', ''],
    ['', ''],
    ['kept as it is\r\n\n', 'kept as it is\r\n\n'],
  ])('%j → %j', (before, after) => {
    expect(clean(before)).toBe(after);
  });

  it('puts one replacement for a run', () => {
    expect(clean('a\n---\n===\nb\n---', '*')).toBe('a\n*\nb\n*');
  });
});

describeWithShared("clean.symbol-lines and clean.simplify beside datatrove's own results", () => {
  it('removes the same lines in all 9 cases (made with a newline as replacement)', () => {
    const all = cases('datatrove_symbol_lines');
    expect(all.length).toBe(9);
    const judge = stageOf(symbolLines, { replacement: '\n' });
    for (const { in: before, out } of all) expect(judge(before).text).toBe(out);
  });

  it('simplifies all 66 texts to the same', () => {
    const all = cases('datatrove_simplify');
    expect(all.length).toBe(66);
    const judge = stageOf(simplify);
    for (const { in: before, out } of all) expect(judge(before).text).toBe(out);
  });
});

describe('clean.simplify', () => {
  it.each([
    [{ lowercase: false }, 'A b', 'A b'],
    [{ numbers: false }, 'in 1999', 'in 1999'],
    [{ punctuation: false }, 'a, b', 'a, b'],
    [{ diacritics: false }, 'é', 'é'],
    [{ whiteSpace: false }, 'a\n b ', 'a\n b '],
  ])('leaves out a step where asked: %j', (options, before, after) => {
    expect(stageOf(simplify, options)(before).text).toBe(after);
  });
});
