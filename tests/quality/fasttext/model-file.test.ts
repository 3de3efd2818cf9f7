import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FastTextClassifier } from '../../../src/quality/fasttext/classifier.ts';
import { loadFastTextModel } from '../../../src/quality/fasttext/model-file.ts';
import { writeFastTextModel } from '../../../src/quality/fasttext/model-writer.ts';
import { TextVectorizerTwin } from '../../../src/quality/fasttext/text-vector-twin.ts';
import { ODD_TEXTS } from './topics.ts';

const models = join(import.meta.dirname, 'models');
const FILES = [
  'softmax.bin',
  'hierarchical.bin',
  'one-vs-all.bin',
  'negative-sampling.bin',
  'pruned.ftz',
  'quantized.ftz',
];

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fasttext-file-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Where the 32-bit numbers of the header stand: magic, version, then the arguments. */
const HEADER = ['magic', 'version', 'dim', 'ws', 'epoch', 'minCount', 'neg', 'wordNgrams', 'loss', 'model', 'bucket'];
const DICTIONARY = 8 + 12 * 4 + 8;

const TEXTS = ['', 'the ball 天气 </s> x', 'word '.repeat(50)];

/** The file loads and scores texts, or is refused as corrupt: nothing else. */
function survives(bytes: Uint8Array): 'loads' | 'corrupt' {
  const path = join(dir, 'mutated.bin');
  writeFileSync(path, bytes);
  try {
    const model = loadFastTextModel(path);
    const classifier = new FastTextClassifier(model);
    const twin = new TextVectorizerTwin(model);
    for (const text of TEXTS) {
      const probabilities = classifier.probabilities(text);
      expect(probabilities === undefined).toBe(twin.read(text, true) === undefined);
      for (const probability of probabilities ?? []) expect(probability).not.toBeNaN();
      classifier.best(text);
    }
    return 'loads';
  } catch (error) {
    expect(error).toMatchObject({ name: 'CorpusmillError', code: 'INPUT_CORRUPT' });
    return 'corrupt';
  }
}

const HUGE = [-1, 0, 1, 3, 200, 2 ** 26, 2 ** 26 + 1, 2 ** 31 - 1, -(2 ** 31)];

describe.each(FILES)('%s, broken', (file) => {
  const whole = readFileSync(join(models, file));

  it('loads when it is whole', () => {
    expect(survives(whole)).toBe('loads');
  });

  it('in any number of its head', () => {
    for (let at = 0; at < DICTIONARY + 28; at += 4) {
      for (const value of HUGE) {
        const bytes = Buffer.from(whole);
        bytes.writeInt32LE(value, at);
        survives(bytes);
      }
    }
  });

  it('in any bytes, or any numbers, of any place', () => {
    const place = fc.nat({ max: whole.length - 9 });
    const edit = fc.oneof(
      fc.record({ at: place, byte: fc.nat({ max: 255 }) }).map(
        ({ at, byte }) =>
          (b: Buffer) =>
            b.writeUInt8(byte, at),
      ),
      fc.record({ at: place, value: fc.constantFrom(...HUGE) }).map(
        ({ at, value }) =>
          (b: Buffer) =>
            b.writeInt32LE(value, at),
      ),
      fc.record({ at: place, value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }).map(
        ({ at, value }) =>
          (b: Buffer) =>
            b.writeBigInt64LE(value, at),
      ),
    );
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const bytes = Buffer.from(whole);
        for (const apply of edits) apply(bytes);
        survives(bytes);
      }),
      { numRuns: 100 },
    );
  });

  it('cut off anywhere', () => {
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), (length) => {
        expect(survives(whole.subarray(0, length))).toBe('corrupt');
      }),
    );
  });

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['-1e31', -1e31],
  ])('with a weight of %s', (_, value) => {
    const bytes = Buffer.from(whole);
    // The last row of the output matrix.
    bytes.writeFloatLE(value, whole.length - 4);
    expect(survives(bytes)).toBe('corrupt');
  });
});

describe('a refusal', () => {
  const refused = (edit: (bytes: Buffer) => void, file = 'softmax.bin') => {
    const bytes = Buffer.from(readFileSync(join(models, file)));
    edit(bytes);
    const path = join(dir, 'refused.bin');
    writeFileSync(path, bytes);
    return expect(() => loadFastTextModel(path));
  };
  const at = (name: string): number => 4 * HEADER.indexOf(name);

  it.each<[string, number, RegExp]>([
    ['magic', 1, /no fastText header/],
    ['version', 13, /file version 13/],
    ['dim', -4, /a model of -4 dimensions/],
    ['dim', 5, /a table of|matrices of|a matrix of/],
    ['wordNgrams', 1_000_000, /n-grams of up to 1000000 words/],
    ['loss', 9, /unknown loss/],
    ['model', 1, /word vectors \(an unsupervised model\)/],
    ['bucket', 2 ** 27, /134217728 buckets/],
  ])('names what it found: %s %i', (name, value, message) => {
    refused((bytes) => bytes.writeInt32LE(value, at(name))).toThrow(message);
  });

  it('names a file that is not there, or is something else', () => {
    expect(() => loadFastTextModel(join(dir, 'absent.bin'))).toThrow(
      expect.objectContaining({
        code: 'INPUT_NOT_FOUND',
        message: expect.stringMatching(/cannot open the fastText model/),
      }),
    );
    const path = join(dir, 'other.bin');
    for (const content of ['hello, I am not a model', '', 'short']) {
      writeFileSync(path, content);
      expect(() => loadFastTextModel(path)).toThrow(`${path}: byte`);
      expect(() => loadFastTextModel(path)).toThrow('found no fastText header');
    }
  });

  it('names lengths and directions whose products no weight can be', () => {
    refused((bytes) => {
      // The output matrix of 4 labels is the last 113 bytes; before it the lengths' quantizer of one dimension: 256 floats behind
      // four numbers; before that a byte for each of 320 rows, and the 6 · 256 floats of the directions.
      const lengths = bytes.length - 113 - 1024;
      const directions = lengths - 16 - 320 - 6 * 1024;
      expect(bytes.readInt32LE(lengths - 16)).toBe(1);
      expect(bytes.readInt32LE(directions - 16)).toBe(6);
      for (let at = 0; at < 1024; at += 4) bytes.writeFloatLE(4e29, lengths + at);
      for (let at = 0; at < 6 * 1024; at += 4) bytes.writeFloatLE(5, directions + at);
    }, 'pruned.ftz').toThrow(/weights of up to 2.0e\+30/);
  });

  it('names a dictionary that cannot be', () => {
    refused((bytes) => bytes.writeInt32LE(2 ** 30, DICTIONARY)).toThrow(/1073741824 entries/);
    refused((bytes) => bytes.writeInt32LE(0, DICTIONARY + 8)).toThrow(/0 labels/);
    refused((bytes) => bytes.writeBigInt64LE(2n ** 40n, DICTIONARY + 20)).toThrow(/1099511627776 n-grams/);
    refused((bytes) => bytes.writeBigInt64LE(2n ** 60n, DICTIONARY + 12)).toThrow(/a count of 1152921504606846976/);
  });
});

describe('a whole file', () => {
  it.each(FILES.filter((file) => file.endsWith('.bin')))('of fastText is written again byte by byte: %s', (file) => {
    const copy = join(dir, file);
    writeFastTextModel(copy, loadFastTextModel(join(models, file)));
    expect(readFileSync(copy).equals(readFileSync(join(models, file)))).toBe(true);
  });

  it('takes no memory for n-grams of zeros, and counts them in the mean all the same', () => {
    const path = join(models, 'softmax.bin');
    const whole = loadFastTextModel(path);
    expect(whole.ngrams).toBe('every');
    const { words, bucket, dim } = whole;
    const values = whole.input.values.slice();
    // Every bucket but each tenth.
    for (let row = 0; row < bucket; row++) {
      if (row % 10 !== 3) values.fill(0, (words.count + row) * dim, (words.count + row + 1) * dim);
    }
    const sparse = { ...whole, input: { ...whole.input, values } };
    const copy = join(dir, 'sparse.bin');
    writeFastTextModel(copy, sparse);
    const loaded = loadFastTextModel(copy);
    expect(loaded.input.rows).toBe(words.count + bucket / 10);
    for (const text of ODD_TEXTS) {
      expect(new FastTextClassifier(loaded).predict(text, 4)).toEqual(new FastTextClassifier(sparse).predict(text, 4));
    }
    const again = join(dir, 'again.bin');
    writeFastTextModel(again, loaded);
    expect(readFileSync(again).equals(readFileSync(copy))).toBe(true);
  });
});
