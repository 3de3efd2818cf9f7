import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalizePiece } from '../../../src/dedup/fold-table.ts';
import { lines, paragraphs, sentences } from '../../../src/dedup/pieces/stages.ts';
import { stripText } from '../../../src/text/stripped-pieces.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { readJsonlGz } from '../context.ts';
import { editTexts } from './context.ts';

/** Every line counts, two documents are enough. */
const ALL = { minDocuments: 2, minChars: 0, normalize: 'raw' };

describe('dedup.lines', () => {
  it('takes a line out of all documents but the first that has it', async () => {
    const { texts, documents, bytesRemoved } = await editTexts(lines, ALL, ['a\nfooter\nb', 'footer\nc', 'd\nfooter']);
    expect(texts).toEqual(['a\nfooter\nb', 'c', 'd']);
    expect({ documents, bytesRemoved }).toEqual({ documents: 2, bytesRemoved: 14 });
  });

  it('leaves none with `keep: none`, as CCNet', async () => {
    const { texts, reasons } = await editTexts(lines, { ...ALL, keep: 'none' }, ['a\nfooter\nb', 'footer']);
    expect(texts).toEqual(['a\nb', undefined]);
    expect(reasons).toEqual({ 1: { reason: 'nothing_left', value: 0, threshold: 1 } });
  });

  it('counts documents, not occurrences; with `minDocuments: 1` repeats within one document go too', async () => {
    const texts = ['x\ny\nx\nx', 'z\nz', 'w'];
    expect((await editTexts(lines, ALL, texts)).texts).toEqual(texts);
    expect((await editTexts(lines, { ...ALL, minDocuments: 1 }, texts)).texts).toEqual(['x\ny', 'z', 'w']);
  });

  it('takes later occurrences in the first document too, once the line is a repeat', async () => {
    expect((await editTexts(lines, ALL, ['x\ny\nx', 'x\nz'])).texts).toEqual(['x\ny', 'z']);
  });

  it('never touches a line that is short or has no letter and no digit', async () => {
    const texts = ['short\nlong enough\n------------', 'short\nlong enough\n------------'];
    const { texts: left } = await editTexts(lines, { ...ALL, minChars: 6 }, texts);
    expect(left).toEqual([texts[0], 'short\n------------']);
    expect((await editTexts(lines, { ...ALL, minWords: 2 }, texts)).texts[1]).toBe('short\n------------');
    expect((await editTexts(lines, { ...ALL, minWords: 3 }, texts)).texts).toEqual(texts);
  });

  it.each([
    // What is left reads as if the line had never been there.
    ['BAD\na', 'a'],
    ['a\nBAD', 'a'],
    ['a\nBAD\n', 'a\n'],
    ['a\n\nBAD\n\nb', 'a\n\nb'],
    ['a\n\nBAD', 'a'],
    ['  BAD  \r\n  a\r\n', '  a\r\n'],
    ['a\n  BAD\n    b', 'a\n    b'],
    ['a\nBAD\nBAD\nb\nBAD', 'a\nb'],
    ['x\nBAD\ny\nBAD\nz', 'x\ny\nz'],
    ['é\n\u3000BAD\u3000\n中', 'é\n中'],
    ['a\n\u3000\nBAD', 'a\n\u3000'],
  ])('leaves of %j %j', async (text, left) => {
    const { texts, bytesRemoved } = await editTexts(lines, ALL, ['BAD', text]);
    expect(texts[1]).toBe(left);
    expect(bytesRemoved).toBe(Buffer.byteLength(text) - Buffer.byteLength(left));
  });

  it('marks instead, leaving the text and every document', async () => {
    const { texts, spans, documents, bytesRemoved, details } = await editTexts(lines, { ...ALL, action: 'mark' }, [
      'a\nfooter',
      'footer',
      'b\nfooter\nc',
    ]);
    expect(texts).toEqual(['a\nfooter', 'footer', 'b\nfooter\nc']);
    expect(spans).toEqual([
      [1, 0, 6],
      [2, 2, 9],
    ]);
    expect({ documents, bytesRemoved }).toEqual({ documents: 2, bytesRemoved: 0 });
    expect(details).toMatchObject({ edited: 2, removed: 2 });
  });

  it('compares as CCNet when asked: without case, digits and Unicode punctuation', async () => {
    const texts = [
      'Posted on 12 May 2021, 10:30',
      'posted on 03 May 1999, 22:15',
      'POSTED ON ７７ MAY 2000， 10:30',
      'x',
    ];
    const { texts: left } = await editTexts(lines, { minDocuments: 2, normalize: 'ccnet' }, texts);
    // The comma of the third is a full-width one, which goes; the ASCII comma of the others stays.
    expect(left).toEqual([texts[0], undefined, texts[2], 'x']);
  });

  it('reports the lines that stand in most documents, with their counts', async () => {
    const { details } = await editTexts(lines, ALL, ['b\na\na', 'a\nb', 'a\nc', 'a', 'c']);
    expect(details).toMatchObject({
      kind: 'lines',
      unit: 'line',
      documents: 5,
      seen: 9,
      eligible: 9,
      distinct: 3,
      repeated: 3,
      edited: 2,
      dropped: 3,
      removed: 2,
      top: [
        { text: 'a', documents: 4, occurrences: 5 },
        { text: 'b', documents: 2, occurrences: 2 },
        { text: 'c', documents: 2, occurrences: 2 },
      ],
      sources: { test: { documents: 5, edited: 2, dropped: 3 } },
    });
  });

  it('looks past documents that earlier stages dropped', async () => {
    const { texts, details } = await editTexts(lines, ALL, ['x\na', 'x\nb', 'x\nc'], { alive: (i) => i !== 0 });
    expect(texts).toEqual([undefined, 'x\nb', 'c']);
    expect(details).toMatchObject({ documents: 2, seen: 4 });
  });

  it('takes no documents, and empty ones', async () => {
    expect((await editTexts(lines, ALL, [])).texts).toEqual([]);
    expect((await editTexts(lines, ALL, ['', '\n', ''])).texts).toEqual(['', '\n', '']);
  });

  it('does what a reference of maps and joined lines does, whatever parts and memory', async () => {
    const line = fc.constantFrom('', ' ', 'a', 'b', 'A', ' a', '中文', '😀', '--', 'longer line', 'x'.repeat(200));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(line, { maxLength: 8 }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom('first', 'none'),
        async (documents, partRows, minDocuments, keep) => {
          const texts = documents.map((one) => one.join('\n'));
          const options = { ...ALL, minDocuments, keep };
          const { texts: left } = await editTexts(lines, options, texts, { partRows, memoryBytes: 1 });
          // Lines that are left, blank ones aside.
          const kept = left.map((text) => text?.split('\n').filter((one) => one.trim() !== ''));
          expect(kept).toEqual(referenceLines(documents, minDocuments, keep === 'first'));
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** The rule in strings; a document that loses something and keeps no line is undefined. */
function referenceLines(documents: readonly string[][], minDocuments: number, keepsFirst: boolean) {
  const seenIn = new Map<string, Set<number>>();
  const occurrences = new Map<string, number>();
  const keyOf = (line: string): string | undefined => (/[\p{L}\p{N}]/u.test(line) ? line.trim() : undefined);
  documents.forEach((lines, i) => {
    for (const line of lines) {
      const key = keyOf(line);
      if (key === undefined) continue;
      seenIn.set(key, (seenIn.get(key) ?? new Set()).add(i));
      occurrences.set(key, (occurrences.get(key) ?? 0) + 1);
    }
  });
  const met = new Set<string>();
  return documents.map((lines) => {
    const visible = lines.filter((line) => line.trim() !== '');
    const kept = visible.filter((line) => {
      const key = keyOf(line);
      if (key === undefined || seenIn.get(key)!.size < minDocuments || occurrences.get(key) === 1) return true;
      const isFirst = !met.has(key);
      met.add(key);
      return keepsFirst && isFirst;
    });
    return kept.length === 0 && visible.length > 0 ? undefined : kept;
  });
}

describe('dedup.paragraphs', () => {
  const options = { minChars: 0, minDocuments: 2 };

  it('compares what stands between blank lines as a whole, line breaks as spaces', async () => {
    const { texts } = await editTexts(paragraphs, options, [
      'One\ntwo\n\nThree',
      'Zero\n \none  TWO\n\nFour',
      'three\nfour',
    ]);
    expect(texts).toEqual(['One\ntwo\n\nThree', 'Zero\n \nFour', 'three\nfour']);
  });

  it('leaves paragraphs below 100 characters alone by default', async () => {
    const long = 'word '.repeat(20).trim().padEnd(100, '.');
    const { texts } = await editTexts(paragraphs, {}, [
      `${long}\n\nshort\n\nmore`,
      `short\n\n${long}`,
      `short\n\n${long.slice(1)}`,
    ]);
    expect(texts).toEqual([`${long}\n\nshort\n\nmore`, 'short', `short\n\n${long.slice(1)}`]);
  });
});

describe('dedup.sentences', () => {
  const options = { minChars: 0, minWordsLeft: 0, minPiecesLeft: 0 };

  it('takes out three sentences in a row that an earlier document has, not fewer', async () => {
    const { texts } = await editTexts(sentences, options, [
      'One is here. Two is here. Three is here. Four is here.',
      'New one. Two is here. Three is here. Four is here. New last.',
      'Two is here. Three is here. Other.',
    ]);
    expect(texts.slice(1)).toEqual(['New one. New last.', 'Two is here. Three is here. Other.']);
  });

  it.each([
    ['Alpha came. Beta came. Gamma came. Rest of it.', 'Rest of it.'],
    ['Rest of it. Alpha came. Beta came. Gamma came.', 'Rest of it.'],
    ['Begin. Alpha came. Beta came. Gamma came.\nNext line.', 'Begin.\nNext line.'],
    ['Begin.\nAlpha came. Beta came. Gamma came.\nNext line.', 'Begin.\nNext line.'],
    ['Begin.\nAlpha came. Beta came. Gamma came. End.\nNext line.', 'Begin.\nEnd.\nNext line.'],
    ['Alpha came.\nBeta came.\n\nGamma came.\n\nNext line.', 'Next line.'],
    ['Begin. Alpha came.\nBeta came.\n\nGamma came. End.\n', 'Begin. End.\n'],
    ['Mr. X came. Alpha came. Beta came. Gamma came.\n', 'Mr. X came.\n'],
  ])('leaves of %j %j', async (text, left) => {
    const { texts, bytesRemoved } = await editTexts(sentences, options, ['Alpha came. Beta came. Gamma came.', text]);
    expect(texts[1]).toBe(left);
    expect(bytesRemoved).toBe(text.length - left.length);
  });

  it('ends Chinese sentences at their own marks', async () => {
    const { texts } = await editTexts(sentences, options, [
      '今天天气很好。我们去公园吧！你觉得怎么样？那里的花开了。',
      '他说：“我们走。”今天天气很好。我们去公园吧！你觉得怎么样？再见。',
    ]);
    expect(texts[1]).toBe('他说：“我们走。”再见。');
  });

  it('never touches a run with a piece that has no letter, nor, by default, one of fewer than 60 characters', async () => {
    const texts = [
      'Alpha came.\n```\nBeta came.\nGamma came.\nDelta came.\nEnd.',
      'Alpha came.\n```\nBeta came.\nGamma came.\nDelta came.\nNew.',
    ];
    const left = { minWordsLeft: 0, minPiecesLeft: 0 };
    expect((await editTexts(sentences, options, texts)).texts[1]).toBe('Alpha came.\n```\nNew.');
    expect((await editTexts(sentences, left, texts)).texts).toEqual(texts);
    expect((await editTexts(sentences, { ...left, minChars: 32 }, texts)).texts[1]).toBe('Alpha came.\n```\nNew.');
    expect((await editTexts(sentences, { ...left, minChars: 33 }, texts)).texts).toEqual(texts);
  });

  it('drops what is left with fewer than 50 words or 3 sentences, as datatrove, and no document that lost nothing', async () => {
    const shared = 'First shared sentence. Second shared sentence. Third shared sentence.';
    const words = (count: number) => Array.from({ length: count }, (_, i) => `w${i}`).join(' ');
    const { texts, reasons } = await editTexts(sentences, {}, [
      shared,
      `${shared} ${words(16)}. Q ${words(16)}. R ${words(16)}.`,
      `${shared} ${words(15)}. S ${words(16)}. T ${words(16)}.`,
      `${shared} ${words(30)}. Q ${words(30)}.`,
      'Short.',
    ]);
    expect(texts.map((text) => text !== undefined)).toEqual([true, true, false, false, true]);
    expect(reasons).toEqual({
      2: { reason: 'few_words_left', value: 49, threshold: 50 },
      3: { reason: 'few_pieces_left', value: 2, threshold: 3 },
    });
  });

  it('shows one long repeat once, as it stands in the first document', async () => {
    const long = 'S one. S two. S three. S four. S five.';
    const { details } = await editTexts(sentences, options, [`Aa. ${long}`, `Bb. ${long}`, `Cc. ${long} Dd.`]);
    expect(details.top).toEqual([{ text: 'S one. S two. S three.', documents: 3, occurrences: 3 }]);
  });
});

describe('below the document with a Bloom filter', () => {
  const bloom = { ...ALL, index: 'bloom', falsePositiveRate: 1e-9 };

  it('takes out what an earlier document has, as the exact table does', async () => {
    const line = fc.constantFrom('a', 'b', 'c', 'd e', 'f');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(line), { maxLength: 10 }),
        fc.integer({ min: 1, max: 4 }),
        async (documents, rows) => {
          const texts = documents.map((one) => one.join('\n'));
          const exact = await editTexts(lines, ALL, texts);
          const found = await editTexts(lines, bloom, texts, { partRows: [rows] });
          expect(found.texts).toEqual(exact.texts);
          expect(found.details.distinct).toBe(exact.details.distinct);
        },
      ),
    );
  });

  it('counts repeats within a document with `minDocuments: 1` alone', async () => {
    expect((await editTexts(lines, bloom, ['a\na\nb', 'c'])).texts).toEqual(['a\na\nb', 'c']);
    expect((await editTexts(lines, { ...bloom, minDocuments: 1 }, ['a\na\nb', 'c'])).texts).toEqual(['a\nb', 'c']);
  });

  it('wrongly takes no larger share than asked for', async () => {
    const texts = Array.from({ length: 2000 }, (_, i) =>
      Array.from({ length: 50 }, (_, j) => `${i} line ${j}`).join('\n'),
    );
    const { details } = await editTexts(lines, { ...bloom, falsePositiveRate: 0.01 }, texts);
    // The rate is reached only when the filter is full: about a third of it on the way.
    expect(details.removed / 100_000).toBeGreaterThan(0.0005);
    expect(details.removed / 100_000).toBeLessThan(0.01);
  });

  it('refuses what a filter cannot do', () => {
    const issues = (options: object) =>
      lines.options.safeParse(options).error?.issues.map(({ path }) => path.join('.'));
    expect(issues({ index: 'bloom' })).toEqual(['minDocuments']);
    expect(issues({ index: 'bloom', minDocuments: 2, keep: 'none' })).toEqual(['keep']);
    expect(issues({ index: 'bloom', minDocuments: 1 })).toBeUndefined();
  });
});

describeWithShared('dedup.lines on web-mix', () => {
  it('finds the 2,931 lines of at least 20 characters in 6 documents and more', async () => {
    const documents = readJsonlGz<{ text: string }>(shared('data/web-mix.jsonl.gz'));
    const texts = documents.map(({ text }) => text);
    const seenIn = new Map<string, number>();
    for (const text of texts) {
      const own = new Set<string>();
      for (const line of text.split('\n')) {
        const trimmed = stripText(line);
        if ([...trimmed].length >= 20 && /[\p{L}\p{N}]/u.test(trimmed)) own.add(normalizePiece(trimmed, 'loose'));
      }
      for (const key of own) seenIn.set(key, (seenIn.get(key) ?? 0) + 1);
    }
    const repeated = [...seenIn.values()].filter((count) => count >= 6);
    const { details } = await editTexts(lines, {}, texts, {
      partRows: [1500],
      memoryBytes: 4 << 20,
    });
    expect(details.distinct).toBe(seenIn.size);
    expect(details.repeated).toBe(repeated.length);
    // Made with another normalization, and with some thirty rulers, which have no letter and are never touched.
    expect(Math.abs(repeated.length / 2931 - 1)).toBeLessThan(0.01);
    expect(details.top[0].documents).toBe(Math.max(...repeated));
  });
});
