import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { c4Paragraph } from '../../src/filters/c4-paragraph.ts';
import { describeWithShared, shared } from '../shared.ts';
import { stageOf } from './process.ts';

const judge = stageOf(c4Paragraph);

describe('filter.c4-paragraph', () => {
  it('keeps three lines of 200 characters and drops two', () => {
    const line = 'x'.repeat(200);
    expect(judge(`${line}\n${line}\nshort\n${line}`).verdict).toBe('keep');
    const { verdict, value, threshold } = judge(`${line}\n${line}\n${line.slice(1)}`);
    expect([verdict, value, threshold]).toEqual(['too_few_paragraphs', 2, 3]);
  });

  it('counts characters beyond U+FFFF once', () => {
    const lines = (chars: number): string => Array.from({ length: 3 }, () => '😀'.repeat(chars)).join('\n');
    expect(judge(lines(200)).verdict).toBe('keep');
    expect(judge(lines(199)).verdict).toBe('too_few_paragraphs');
  });

  it('breaks lines at newlines alone', () => {
    expect(judge(`${'x'.repeat(250)}\r${'x'.repeat(250)}\u2028${'x'.repeat(250)}`).value).toBe(1);
  });
});

describeWithShared("filter.c4-paragraph beside datatrove's C4ParagraphFilter", () => {
  it('gives the same verdict on 316 hand-made documents, and on those with lines made long', () => {
    const rows = gunzipSync(readFileSync(shared('goldens/peers/datatrove_documents.jsonl.gz')))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { text: string; c4_paragraph: { keep: boolean } | null });
    expect(rows.length).toBe(316);
    let compared = 0;
    for (const { text, c4_paragraph: wanted } of rows) {
      const kept = judge(text).verdict === 'keep';
      // The three longest lines by Python's rule, worked out from the text itself.
      const lengths = text
        .split('\n')
        .map((line) => [...line].length)
        .sort((a, b) => b - a);
      expect(kept).toBe(lengths.length >= 3 && lengths[2] >= 200);
      if (wanted == null) continue;
      compared++;
      expect(kept).toBe(wanted.keep);
    }
    expect(compared).toBeGreaterThan(300);
  });
});
