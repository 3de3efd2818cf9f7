import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../../src/core/native.ts';
import { createPieceObserver } from '../../../src/dedup/pieces/observer.ts';
import { pieceOptions } from '../../../src/dedup/pieces/options.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { readJsonlGz } from '../context.ts';
import { expectSameOfRows, textsOfAllUnits } from '../rows-like-documents.ts';

const KINDS = ['line', 'paragraph'] as const;
const NORMALIZATIONS = ['raw', 'loose', 'ccnet'] as const;

const creator = (kind: (typeof KINDS)[number], options: object) => () =>
  createPieceObserver(kind, pieceOptions(kind).parse(options));

describe.skipIf(native === undefined)('features of the pieces of rows', () => {
  it.each(NORMALIZATIONS)(
    'are those of documents, for every character of the basic plane and pictures: %s',
    (normalize) => {
      expectSameOfRows(creator('line', { normalize, minChars: 2 }), textsOfAllUnits(), 1000);
    },
  );

  it('are those of documents, whatever the texts and options', () => {
    const unit = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('\n', '\n\n', ' ', 'a', 'Bc', '1', '-') },
      { weight: 1, arbitrary: fc.constantFrom(...'\r\t\x0b\x1c\x85\xa0\u2028\u3000\ufeffÉé，中가ΣｶIV😀\u0301\u200d') },
    );
    const text = fc.array(unit, { maxLength: 30 }).map((units) => units.join(''));
    const options = fc.record({
      span: fc.integer({ min: 1, max: 3 }),
      minChars: fc.integer({ min: 0, max: 6 }),
      normalize: fc.constantFrom(...NORMALIZATIONS),
    });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 9 }), fc.constantFrom(...KINDS), options, (texts, kind, given) =>
        expectSameOfRows(creator(kind, given), texts, 4),
      ),
      { numRuns: 1500 },
    );
  });

  it('are those of documents of many lines and of long ones', () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `line ${i % 7} ${'word '.repeat(i % 40)}`);
    const texts = [
      lines.join('\n'),
      'x'.repeat(300_000),
      `${'é'.repeat(70_000)}\n\n${' '.repeat(70_000)}b`,
      '\n'.repeat(9),
    ];
    for (const kind of KINDS) expectSameOfRows(creator(kind, { minChars: 1 }), texts);
  });

  it('are not asked for where words are counted, nor of sentences', () => {
    const blocks = (observer: object) => 'observeTexts' in observer;
    expect(blocks(creator('line', {})())).toBe(true);
    expect(blocks(creator('line', { minWords: 2 })())).toBe(false);
    expect(blocks(creator('paragraph', { minWordsLeft: 2 })())).toBe(false);
    expect(blocks(createPieceObserver('sentence', pieceOptions('sentence').parse({ minWordsLeft: 0 })))).toBe(false);
  });

  it('want arguments that fit', () => {
    const call = (...given: unknown[]) => (native!.textPieces as (...given: unknown[]) => unknown)(...given);
    const [bytes, offsets] = [Buffer.from('ab'), Int32Array.of(0, 2)];
    const [table, flags] = [[new Int32Array(0x10000), new Uint16Array(1)], new Uint8Array(0x10000)];
    expect(call(bytes, offsets, 0, 1, 0, 1, 0, ...table, flags)).toHaveLength(4);
    expect(() => call(bytes, offsets, 0, 2, 0, 1, 0, ...table, flags)).toThrow('argument 4');
    expect(() => call(bytes, Int32Array.of(0, 3), 0, 1, 0, 1, 0, ...table, flags)).toThrow('argument 4');
    expect(() => call(bytes, offsets, 0, 1, 2, 1, 0, ...table, flags)).toThrow('argument 5');
    expect(() => call(bytes, offsets, 0, 1, 0, 0, 0, ...table, flags)).toThrow('argument 6 must be 1 at least');
    expect(() => call(bytes, offsets, 0, 1, 0, 1, 0, new Int32Array(1), new Uint16Array(1), flags)).toThrow(
      'argument 8 is too short',
    );
    expect(() => call(bytes, offsets, 0, 1, 0, 1, 0, ...table, flags.subarray(1))).toThrow('argument 10 is too short');
  });
});

describeWithShared('features of the pieces of web-mix', () => {
  it.each(KINDS)('are those of documents: %s', (kind) => {
    const texts = readJsonlGz<{ text: string }>(shared('data/web-mix.jsonl.gz')).map(({ text }) => text.toWellFormed());
    expectSameOfRows(creator(kind, {}), texts, 100);
  });
});
