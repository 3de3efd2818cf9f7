import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { repeatsByDefinition, runSubstring } from './run.ts';

const words = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `w${from + i}`).join(' ');

describe('dedup.substring: what goes, against the definition', () => {
  // Few different words and a short minimum, so that repeats overlap, nest and chain.
  const documentsOf = (letters: number, maxLength: number) =>
    fc.array(
      fc.oneof(
        fc.array(fc.integer({ min: 0, max: letters - 1 }), { maxLength }),
        // Runs and periods.
        fc
          .tuple(fc.array(fc.integer({ min: 0, max: letters - 1 }), { minLength: 1, maxLength: 3 }), fc.nat(12))
          .map(([period, times]) => Array.from({ length: times }, () => period).flat()),
      ),
      { minLength: 1, maxLength: 9 },
    );
  const cases = fc.record({
    documents: fc.integer({ min: 1, max: 5 }).chain((letters) => documentsOf(letters, 40)),
    minLength: fc.integer({ min: 2, max: 12 }),
    minDocuments: fc.integer({ min: 1, max: 3 }),
    keep: fc.constantFrom('first' as const, 'none' as const),
    partRows: fc.integer({ min: 1, max: 4 }),
    // From one text for all to a partition for every bucket of fingerprints.
    memoryBytes: fc.constantFrom(2 ** 30, 1000, 1),
  });

  it('takes out these tokens and no others', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ documents, partRows, memoryBytes, ...rule }) => {
        const texts = documents.map((tokens) => tokens.map((token) => `t${token}`).join(' '));
        const { spans } = await runSubstring(texts, { ...rule, action: 'mark' }, { partRows, memoryBytes });
        const expected = repeatsByDefinition(documents, rule);
        const found = documents.map((tokens, i) =>
          tokens.map((_, at) => spans[i].some(([start, end]) => start <= 3 * at && 3 * at + 2 <= end)),
        );
        expect(found).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it.each(['characters', 'bytes'] as const)(
    'takes out these %s and no others, on borders of characters',
    async (unit) => {
      const letters = ['a', 'é', '中', '😀', '👍'];
      await fc.assert(
        fc.asyncProperty(cases, async ({ documents, partRows, memoryBytes, ...rule }) => {
          const texts = documents.map((symbols) => symbols.map((symbol) => letters[symbol]).join(''));
          const { spans } = await runSubstring(texts, { ...rule, unit, action: 'mark' }, { partRows, memoryBytes });
          const sequences = texts.map((text) => (unit === 'bytes' ? [...Buffer.from(text)] : [...text]));
          const goes = repeatsByDefinition(sequences, rule);
          for (const [i, text] of texts.entries()) {
            const expected: boolean[] = [];
            let at = 0;
            for (const character of text) {
              // A character goes when all its bytes go.
              const size = unit === 'bytes' ? Buffer.byteLength(character) : 1;
              const all = goes[i].slice(at, at + size).every((gone) => gone);
              for (let u = 0; u < character.length; u++) expected.push(all);
              at += size;
            }
            const found = Array.from(text.split(''), (_, u) => spans[i].some(([start, end]) => start <= u && u < end));
            expect(found).toEqual(expected);
          }
        }),
        { numRuns: 100 },
      );
    },
  );

  it('leaves the same for any number of parts and any memory', async () => {
    const texts = Array.from(
      { length: 40 },
      (_, i) => `${words(i, i + 30)} ${words(1000, 1030)} ${words(i * 3, i * 3 + 20)}`,
    );
    const whole = await runSubstring(texts, { minLength: 10 });
    expect(whole.details.removed).toBeGreaterThan(1000);
    for (const settings of [{ partRows: 1 }, { partRows: 7, memoryBytes: 20_000 }, { memoryBytes: 1 }]) {
      expect(await runSubstring(texts, { minLength: 10 }, settings)).toEqual(whole);
    }
  });
});

describe('dedup.substring: texts', () => {
  const notice = words(100, 160);

  it('keeps the first occurrence of a span of 50 tokens and cuts the later ones, whatever their case and punctuation', async () => {
    const shouted = notice.toUpperCase().replaceAll(' ', ', ');
    const { texts, bytesRemoved, editedDocuments } = await runSubstring([
      `One page. ${notice}. The end.`,
      `Another text. ${shouted}! Its own end.`,
      'A third, which has nothing.',
    ]);
    expect(texts).toEqual([
      `One page. ${notice}. The end.`,
      'Another text. Its own end.',
      'A third, which has nothing.',
    ]);
    expect(bytesRemoved).toBe(Buffer.byteLength(`${shouted}! `));
    expect(editedDocuments).toBe(1);
  });

  it('leaves a span of 49 tokens', async () => {
    const short = words(0, 49);
    const { texts } = await runSubstring([`a ${short} b`, `c ${short} d`]);
    expect(texts).toEqual([`a ${short} b`, `c ${short} d`]);
  });

  it('cuts every occurrence with keep: none', async () => {
    const { texts } = await runSubstring([`One. ${notice}. End.`, `Two. ${notice}. Fin.`], { keep: 'none' });
    expect(texts).toEqual(['One. End.', 'Two. Fin.']);
  });

  it('drops a copy of which nothing is left, as emptied', async () => {
    const { texts, reasons, bytesRemoved, details } = await runSubstring([notice, `${notice}!`, 'Short.']);
    expect(texts).toEqual([notice, undefined, 'Short.']);
    expect(reasons).toEqual([undefined, 'emptied', undefined]);
    // The bytes of a dropped document are not bytes that leave a kept one.
    expect(bytesRemoved).toBe(0);
    expect(details).toMatchObject({
      documents: 3,
      edited: 0,
      dropped: 1,
      spans: 1,
      removed: 0,
      bytesRemoved: 0,
      seen: 121,
    });
  });

  it('drops a document with fewer than minLeft tokens left', async () => {
    const given = [notice, `${notice} four tokens are left`];
    expect((await runSubstring(given, { minLeft: 4 })).texts[1]).toBe('four tokens are left');
    expect((await runSubstring(given, { minLeft: 5 })).reasons[1]).toBe('emptied');
  });

  it('marks and changes nothing with action: mark, also where nothing would be left', async () => {
    const { texts, spans, bytesRemoved, details } = await runSubstring([notice, notice], { action: 'mark' });
    expect(texts).toEqual([notice, notice]);
    expect(spans).toEqual([[], [[0, notice.length]]]);
    expect(bytesRemoved).toBe(0);
    expect(details).toMatchObject({ bytesRemoved: notice.length, removed: 60, edited: 1, dropped: 0 });
  });

  it('cuts what repeats within one document, unless minDocuments asks for two', async () => {
    const text = `Refrain: ${notice}. Verse. ${notice}. End.`;
    expect((await runSubstring([text])).texts).toEqual([`Refrain: ${notice}. Verse. End.`]);
    expect((await runSubstring([text], { minDocuments: 2 })).texts).toEqual([text]);
  });

  it('leaves one period of what repeats over and over', async () => {
    const { texts } = await runSubstring(['la li lu '.repeat(100)]);
    expect(texts).toEqual(['la li lu']);
  });

  it('cuts a text that is put together from pieces of two others', async () => {
    const { texts } = await runSubstring([
      `First. ${words(0, 120)}. So ends one.`,
      `Second. ${words(60, 180)}. Thus the second.`,
      `Third. ${words(0, 180)}. Finis.`,
    ]);
    // 60–119 went from the second, and from the third all: no passage of 50 in it is new.
    expect(texts[1]).toBe(`Second. ${words(120, 180)}. Thus the second.`);
    expect(texts[2]).toBe('Third. Finis.');
  });

  it('cuts only whole lines or sentences when asked', async () => {
    const given = (name: string): string => `${name} says so. ${words(0, 30)}. ${words(30, 60)}.\nBye ${name}`;
    const texts = async (cut: string): Promise<unknown> =>
      (await runSubstring([given('A'), given('B')], { cut })).texts[1];
    expect(await texts('exact')).toBe('B B');
    expect(await texts('sentences')).toBe('B says so.\nBye B');
    expect(await texts('lines')).toBe(given('B'));
  });

  it('counts Chinese by characters and keeps supplementary ones whole', async () => {
    const passage =
      '天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈剑号';
    expect([...passage]).toHaveLength(50);
    const withRare = passage.replace('金生', '𠮷𠮷');
    const { texts } = await runSubstring([
      `甲。${passage}。完`,
      `乙。「${passage}。」又一句。`,
      `丙😀${withRare}😀丁`,
      `戊${withRare}😀己`,
    ]);
    expect(texts).toEqual([`甲。${passage}。完`, '乙。又一句。', `丙😀${withRare}😀丁`, '戊己']);
  });

  it('ignores documents that an earlier stage dropped', async () => {
    const { texts } = await runSubstring([notice, notice, notice], {}, { alive: (i) => i > 0 });
    expect(texts).toEqual([undefined, notice, undefined]);
  });

  it('handles empty documents, an empty corpus and documents without a token', async () => {
    expect((await runSubstring(['', '!!! …', '', '!!! …'])).texts).toEqual(['', '!!! …', '', '!!! …']);
    const { details } = await runSubstring([], {}, { partRows: 1 });
    expect(details).toMatchObject({ documents: 0, edited: 0, seen: 0, removed: 0, top: [] });
  });

  it('reports the spans that stand most often', async () => {
    const other = words(500, 560);
    const given = [0, 1, 2, 3].map((i) => `Page ${i}. ${notice}. Text ${i}. ${i < 3 ? other : ''}`);
    const { details } = await runSubstring(given);
    expect(details.top).toEqual([
      { text: `${notice}.`, documents: 3, occurrences: 3 },
      { text: other, documents: 2, occurrences: 2 },
    ]);
    expect(details.spanLengths).toEqual({ 32: 5 });
    expect(details.sources).toEqual({
      test: { documents: 4, edited: 3, dropped: 0, bytesRemoved: details.bytesRemoved },
    });
  });
});
