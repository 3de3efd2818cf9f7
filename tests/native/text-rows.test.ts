/** The native kernels over rows of a column of texts beside those over one text, and what they say of wrong arguments. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createColumnWriter, readColumns } from '../../src/core/columns.ts';
import { native } from '../../src/core/native.ts';
import { columnOf } from '../../src/core/utf8-column.ts';
import { bandKeysTwin } from '../../src/dedup/lsh.ts';
import { createFoldedSignerTwin, createRowSigner } from '../../src/dedup/minhash/signers.ts';
import { createTextKeyTwin, KEY_WORDS, writeTextKeys } from '../../src/dedup/text-key.ts';
import { foldRows } from '../../src/text/folded-rows.ts';
import { createTokenizerTwin } from '../../src/text/folded-tokens.ts';

const describeNative = native === undefined ? describe.skip : describe;

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(fc.constantFrom('word', ' ', 'Übung', '語料', '\u00ad', '𝒳', '0'), { maxLength: 80 })
    .map((all) => all.join('')),
);

describeNative('rows of texts', () => {
  it('are folded as the twin folds each, pairs that no thread has met among them', () => {
    const tokenizer = createTokenizerTwin();
    // Every test file is a thread of its own, and this is its first: Linear A, which nothing else here has.
    const unmet = Array.from({ length: 60 }, (_, i) => `a ${String.fromCodePoint(0x10600 + i).repeat(i)} b`);
    fc.assert(
      fc.property(fc.array(text, { maxLength: 40 }), (some) => {
        const texts = ['', ...unmet, ...some.map((each) => each.toWellFormed())];
        const { tokens, units } = foldRows({ ...columnOf(texts), from: 1, to: texts.length });
        expect([...units]).toEqual(texts.slice(1).map(({ length }) => length));
        expect([...tokens]).toEqual(texts.slice(1).map((each) => tokenizer.tokenize(each)));
      }),
    );
  });

  it.each([
    { bands: 24, rows: 8, shingleTokens: 3 },
    { bands: 5, rows: 3, shingleTokens: 1 },
    { bands: 1, rows: 1, shingleTokens: 12 },
  ])('are signed as the twin signs each ($bands bands)', ({ bands, rows, shingleTokens }) => {
    const shape = { bands, rows };
    const twin = createFoldedSignerTwin(shape, shingleTokens, 7);
    const signer = createRowSigner(shape, shingleTokens, 7)!;
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), (some) => {
        const texts = some.map((each) => each.toWellFormed());
        const writer = createColumnWriter(2 * bands + 1);
        const expected = texts.map((each) => {
          const row = new Uint32Array(2 * bands + 1);
          row[2 * bands] = twin.sign(each);
          bandKeysTwin(twin.signature, shape, row);
          return row;
        });
        for (const [from, to] of [
          [0, texts.length >> 1],
          [texts.length >> 1, texts.length],
        ]) {
          signer.sign({ ...columnOf(texts), from, to }, writer.block(to - from));
        }
        expectRows(writer.finish(), expected);
      }),
      { numRuns: 40 },
    );
  });

  it('have the keys that the twin gives each', () => {
    const twin = createTextKeyTwin();
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 30 }), (some) => {
        const texts = some.map((each) => each.toWellFormed());
        const writer = createColumnWriter(KEY_WORDS);
        const expected = texts.map((each) => {
          const row = new Uint32Array(KEY_WORDS);
          twin(each, row);
          return row;
        });
        writer.push(expected[0]);
        writeTextKeys({ ...columnOf(texts), from: 1, to: texts.length }, writer.block(texts.length - 1));
        expectRows(writer.finish(), expected);
      }),
    );
  });

  it('refuse columns out of order and room that is not there', () => {
    const { bytes, offsets } = columnOf(['ab', 'cd', 'e']);
    const words = new Uint32Array(12);
    const keys = (offsets: Int32Array, from: number, to: number, at: number, stride: number) => () =>
      native!.textKeyRows(bytes, offsets, from, to, words, at, stride);
    expect(keys(offsets, 0, 3, 0, 3)).not.toThrow();
    expect(keys(offsets, 0, 4, 0, 3)).toThrow('no row of the column');
    expect(keys(offsets, 2, 1, 0, 3)).toThrow('no row of the column');
    expect(keys(Int32Array.of(0, 3, 2, 5), 0, 3, 0, 3)).toThrow('not in order');
    expect(keys(Int32Array.of(0, 2, 4, 6), 0, 3, 0, 3)).toThrow('not in order');
    expect(keys(Int32Array.of(-1, 2, 4, 5), 0, 3, 0, 3)).toThrow('not in order');
    expect(keys(offsets, 0, 3, 1, 3)).toThrow('no room');
    expect(keys(offsets, 0, 3, 0, 2)).toThrow('no room');
    const short = new Uint32Array(2);
    expect(() => native!.foldRows(bytes, offsets, 0, 3, words, short)).toThrow('too short');
    expect(() => native!.foldRows(bytes, offsets, 0, 3, short, words)).toThrow('too short');
    expect(() => new native!.RowSigner(0, words, words, 1)).toThrow('is 0');
    expect(() => new native!.RowSigner(3, words, short, 1)).toThrow('too short');
    expect(() => new native!.RowSigner(3, words, words, 5)).toThrow('bands');
    const signer = new native!.RowSigner(3, words, words, 4);
    native!.foldRows(bytes, offsets, 0, 3, words, words);
    expect(() => signer.sign(new Uint32Array(20), 0, 3)).toThrow('no room');
    expect(signer.sign(new Uint32Array(21), 0, 3)).toBe(3);
  });
});

describeNative('JsonlReader', () => {
  it('refuses columns that it cannot write to, and rows that are not in them', () => {
    const [text, none] = [Buffer.from('text'), new Uint8Array()];
    const reader = new native!.JsonlReader(text, none, Buffer.from('{"source":"s"'), Buffer.from('s#'), 1, none, 100);
    const lines = Buffer.from('{"text":"a"}\n');
    const read = (progress: number[], { room = 8192, end = 0, rows = 4 } = {}) => {
      const column = () => [new Uint8Array(room), Int32Array.of(...Array.from({ length: rows }, () => end))] as const;
      const words = Uint32Array.from(progress);
      const stop = reader.read(lines, 0, ...column(), ...column(), ...column(), words);
      return [stop, ...words];
    };
    expect(read([0, 0, 0])).toEqual([0, 13, 1, 0]);
    expect(read([0, 1, 0], { end: 8000 })).toEqual([2, 0, 1, 0]);
    expect(read([0, 3, 0])).toEqual([2, 0, 3, 0]);
    expect(() => read([14, 0, 0])).toThrow('other lines');
    expect(() => read([0, 4, 0])).toThrow('other lines');
    expect(() => read([0, 0, 0], { end: 9000 })).toThrow('outside of a column');
    expect(() => read([0, 0, 0], { end: -1 })).toThrow('outside of a column');
    expect(() => read([0, 0])).toThrow('too short');
  });
});

function expectRows(blob: Uint8Array, expected: readonly Uint32Array[]): void {
  const columns = readColumns(blob);
  expect(expected.map((_, row) => columns.map((column) => column[row]))).toEqual(expected.map((row) => [...row]));
}
