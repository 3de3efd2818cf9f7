/** Files of models: ARPA files of several writers, files of our own, and files that are broken. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compress } from '../../../src/io/codecs.ts';
import { readArpa } from '../../../src/quality/ngram-lm/arpa-reader.ts';
import { createLanguageModel } from '../../../src/quality/ngram-lm/model.ts';
import { loadLanguageModel, saveLanguageModel } from '../../../src/quality/ngram-lm/model-file.ts';
import { extendMark } from '../../../src/quality/ngram-lm/tables.ts';
import { createLanguageModelTrainer, type TrainedLanguageModel } from '../../../src/quality/ngram-lm/trainer.ts';
import { parseArpa } from './textbook.ts';

const lmplz = join(import.meta.dirname, 'lmplz');
const jack = readFileSync(join(lmplz, 'jack.txt'), 'utf8');
let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ngram-lm-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function written(content: string | Uint8Array): string {
  const path = join(dir, 'file');
  writeFileSync(path, content);
  return path;
}

function trained(options: Parameters<typeof createLanguageModelTrainer>[0] = {}): TrainedLanguageModel {
  const trainer = createLanguageModelTrainer({ order: 3, ...options });
  trainer.add(jack);
  return trainer.finish();
}

const whitespace = { tokens: 'whitespace' } as const;

describe('an ARPA file', () => {
  it('is written as the format has it, with how texts are cut in front', async () => {
    const path = join(dir, 'model.arpa');
    await trained({ order: 2 }).saveArpa(path);
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines.slice(0, 7)).toEqual([
      '# corpusmill {"tokens":"words","normalize":"none","emptyLines":"skip"}',
      '\\data\\',
      'ngram 1=41',
      'ngram 2=68',
      '',
      '\\1-grams:',
      expect.stringMatching(/^-\d\.\d{1,7}\t<unk>\t0$/),
    ]);
    expect(lines[7]).toMatch(/^0\t<s>\t-0\.\d{1,7}$/);
    expect(lines.slice(-3)).toEqual(['', '\\end\\', '']);
    expect(lines[6 + 41]).toBe('');
    expect(lines[6 + 42]).toBe('\\2-grams:');
  });

  it('is the same for the same texts', async () => {
    await trained().saveArpa(join(dir, 'a'));
    await trained().saveArpa(join(dir, 'b'));
    expect(readFileSync(join(dir, 'a'))).toEqual(readFileSync(join(dir, 'b')));
  });

  it('holds words longer than any buffer', async () => {
    const long = 'x'.repeat(5 << 18);
    const trainer = createLanguageModelTrainer({ tokens: 'whitespace', order: 2 });
    trainer.add(`a ${long} b\n`);
    const path = join(dir, 'long.arpa');
    const model = trainer.finish();
    await model.saveArpa(path);
    const read = createLanguageModel(await readArpa(path));
    expect(read.score(`a ${long} b`)).toEqual(model.model.score(`a ${long} b`));
  });

  it('is read compressed and plain, and says how texts are cut', async () => {
    const model = trained({ normalize: 'ccnet' });
    const plain = join(dir, 'plain.arpa');
    await model.saveArpa(plain);
    const bytes = readFileSync(plain);
    for (const content of [bytes, gzipSync(bytes), await compress(bytes, 'zstd')]) {
      const data = await readArpa(written(content));
      expect(data.form).toEqual({ tokens: 'words', normalize: 'ccnet', emptyLines: 'skip' });
      expect(createLanguageModel(data).score(jack)).toEqual(model.model.score(jack));
    }
  });

  it('of another writer must be told how texts are cut', async () => {
    const path = join(lmplz, 'order-3.arpa');
    await expect(readArpa(path)).rejects.toThrow('does not say how texts are cut for it');
    const data = await readArpa(path, whitespace);
    expect(data.form).toEqual({ tokens: 'whitespace', normalize: 'none', emptyLines: 'skip' });
    expect(data.tables.sizes).toEqual([41, 68, 77]);
    expect(data.tables.isClosed).toBe(true);
  });

  const minimal = (sections: string): string => `\\data\\\nngram 1=3\nngram 2=1\n\n${sections}\n\\end\\\n`;
  const small = '\\1-grams:\n-1 <s> -0.5\n-0.5 </s>\n-0.25 a -0.125\n\n\\2-grams:\n-0.0625 <s> a\n';

  it.each([
    ['spaces for tabs, text in front', `made by hand\n\n${minimal(small)}`],
    ['carriage returns', minimal(small).replaceAll('\n', '\r\n')],
    [
      'exponents and many digits',
      minimal(small.replace('-0.0625', '-6.25e-2').replace('-0.5 <', '-0.50000000000000000000 <')),
    ],
    ['no newline at the end', minimal(small).trimEnd()],
  ])('is read with %s', async (_, content) => {
    const model = createLanguageModel(await readArpa(written(content), whitespace));
    expect(model.score('a').log10).toBe(-0.0625 - 0.125 - 0.5);
    // No <unk>: -100, as KenLM has it.
    expect(model.score('b').log10).toBe(-0.5 - 100 - 0.5);
  });

  it('is read with <UNK> for <unk>', async () => {
    const content = minimal(small.replace(' a -', ' <UNK> -').replace('<s> a', '<s> <UNK>'));
    const model = createLanguageModel(await readArpa(written(content), whitespace));
    expect(model.score('b').log10).toBe(-0.0625 - 0.125 - 0.5);
  });

  it.each([
    ['nothing', '', 'line 0: found the end of the file, and no \\data\\ before it'],
    [
      'more n-grams than it can hold',
      minimal(small).replace('2=1', '2=1000000000000'),
      "line 5: found the header's 3, 1000000000000 n-grams in a smaller file",
    ],
    ['no model', 'hello\nworld\n', 'line 2: found the end of the file, and no \\data\\ before it'],
    ['orders that are missing', '\\data\\\nngram 2=1\n', 'line 2: found ngram 2=1, out of order'],
    [
      'too many orders',
      `\\data\\\n${[1, 2, 3, 4, 5, 6, 7].map((n) => `ngram ${n}=1\n`).join('')}`,
      'line 8: found n-grams of more than 6 words',
    ],
    ['a wrong section', minimal(small.replace('2-grams', '3-grams')), 'line 10: found "\\\\3-grams:"'],
    [
      'too few n-grams',
      minimal(small.replace('-0.0625 <s> a\n', '')),
      'line 11: found the end of the line where a number should be',
    ],
    ['too many n-grams', minimal(`${small}-1 a </s>\n`), 'line 12: found "-1 a </s>"'],
    ['a cut', minimal(small).slice(0, 60), 'found the end of the file before \\end\\'],
    ['no end', minimal(small).replace('\\end\\\n', ''), 'found the end of the file before \\end\\'],
    [
      'words where a number should be',
      minimal(small.replace('-0.0625', 'p')),
      'line 11: found "p" where a number should be',
    ],
    [
      'an infinite number',
      minimal(small.replace('-0.0625', '-1e999')),
      'line 11: found "-1e999" where a number should be',
    ],
    ['NaN', minimal(small.replace('-0.0625', 'NaN')), 'line 11: found "NaN" where a number should be'],
    [
      'a positive logarithm',
      minimal(small.replace('-0.0625', '0.5')),
      'line 11: found the log10 of a probability of 0.5',
    ],
    [
      'too few words',
      minimal(small.replace('<s> a\n', '<s>\n')),
      'line 11: found the end of the line where a word should be',
    ],
    ['too many words', minimal(small.replace('<s> a\n', '<s> a a a\n')), 'line 11: found "a" where a number should be'],
    [
      'too much behind',
      minimal(small.replace('<s> a\n', '<s> a -1 -2\n')),
      'line 11: found something behind the back-off weight',
    ],
    [
      'a word that is no unigram',
      minimal(small.replace('<s> a\n', '<s> b\n')),
      'line 11: found "b", which is no unigram',
    ],
    ['a unigram twice', minimal(small.replace(' a -0.125', ' </s>')), 'line 8: found </s> for the second time'],
    ['no </s>', minimal(small.replace('</s>', 'b')), 'found no unigram </s>'],
    [
      'an n-gram twice',
      minimal(`${small}-1 <s> a\n`).replace('2=1', '2=2'),
      'line 12: found an n-gram that stands in the file already',
    ],
    [
      'a form of tokens that is none',
      `# corpusmill {"tokens":1}\n${minimal(small)}`,
      'line 1: found "{\\"tokens\\":1}", which is no form of tokens',
    ],
    ['a cut in its compression', gzipSync(minimal(small)).subarray(0, 70), 'found truncated gzip'],
  ])('with %s is refused', async (_, content, message) => {
    const path = written(content);
    await expect(readArpa(path, whitespace)).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: expect.stringContaining(message),
    });
    await expect(readArpa(path, whitespace)).rejects.toThrow(`reading the language model ${path}: line`);
  });

  it('is read with n-grams whose hashes are alike', async () => {
    // Pairs of words that have the same fingerprint under the first seed. In a table of four slots, every fourth of them or so
    // cannot be told apart.
    const words = 700;
    const seen = new Map<number, number[]>();
    const alike: number[][][] = [];
    for (let b = 3; b < words; b++) {
      for (let a = 3; a < words; a++) {
        const mark = extendMark(extendMark(1, b), a);
        const other = seen.get(mark);
        if (other === undefined) seen.set(mark, [a, b]);
        else alike.push([other, [a, b]]);
      }
    }
    const unigrams = Array.from({ length: words }, (_, id) => `-1\t${['<unk>', '<s>', '</s>'][id] ?? `w${id}`}\n`).join(
      '',
    );
    const seeds = new Set<number>();
    for (const pairs of alike) {
      const bigrams = pairs.map(([a, b], i) => `-0.${i + 1}25\tw${a} w${b}\n`).join('');
      const header = `\\data\\\nngram 1=${words}\nngram 2=2\n\n`;
      const path = written(`${header}\\1-grams:\n${unigrams}\n\\2-grams:\n${bigrams}\n\\end\\\n`);
      const model = createLanguageModel(await readArpa(path, whitespace));
      seeds.add(model.data.tables.seed);
      for (const [i, [a, b]] of pairs.entries()) {
        expect(model.score(`w${a} w${b}`).log10).toBeCloseTo(-1 - (i === 0 ? 0.125 : 0.225) - 1, 6);
      }
    }
    expect([...seeds].sort()).toEqual([1, 2]);
  });

  it('that is not there, or cannot be written, is an error too', async () => {
    await expect(readArpa(join(dir, 'none'), whitespace)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    const model = trained();
    await expect(model.saveArpa(join(written('x'), 'model.arpa'))).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
    expect(existsSync(join(dir, 'model'))).toBe(false);
  });
});

describe("a model's own file", () => {
  it.each([1, 3])('holds all of a model of order %i', async (order) => {
    const model = trained({ order, prune: order === 1 ? [0] : [0, 1] });
    const path = join(dir, 'model.bin');
    await model.save(path);
    const loaded = createLanguageModel(loadLanguageModel(path));
    expect(loaded.data.form).toEqual(model.model.data.form);
    expect(loaded.data.tables.sizes).toEqual(model.details.ngrams);
    for (const text of [jack, 'The mouse that ate the malt', 'x', ''])
      expect(loaded.score(text)).toEqual(model.model.score(text));
  });

  it('is the same for the same model, trained, read or loaded', async () => {
    const arpa = join(dir, 'model.arpa');
    const paths = ['a', 'b', 'c'].map((name) => join(dir, `${name}.bin`));
    const model = trained();
    await model.save(paths[0]);
    await model.saveArpa(arpa);
    await saveLanguageModel(loadLanguageModel(paths[0]), paths[1]);
    await saveLanguageModel(await readArpa(arpa), paths[2]);
    const [first, second, third] = paths.map((path) => readFileSync(path));
    expect(second).toEqual(first);
    expect(third).toEqual(first);
  });

  it('is refused wherever it is cut, and whatever byte of it is wrong', async () => {
    const path = join(dir, 'whole.bin');
    await trained({ order: 2 }).save(path);
    const whole = readFileSync(path);
    for (let size = 0; size < whole.length; size += 211) {
      expect(() => loadLanguageModel(written(whole.subarray(0, size)))).toThrow(
        /^reading the language model .*: found /,
      );
    }
    for (let at = 0; at < whole.length; at += at < 240 ? 3 : 211) {
      const wrong = Buffer.from(whole);
      wrong[at] ^= 0x41;
      expect(() => loadLanguageModel(written(wrong))).toThrow(/^reading the language model .*: found /);
    }
    expect(() => loadLanguageModel(written(Buffer.concat([whole, Buffer.alloc(4)])))).toThrow(
      /bytes where the header makes/,
    );
  });

  it('is not an ARPA file, and says so', () => {
    expect(() => loadLanguageModel(join(lmplz, 'order-3.arpa'))).toThrow('found no model of corpusmill');
    expect(() => loadLanguageModel(join(dir, 'nowhere'))).toThrow('cannot open the language model');
    expect(() => loadLanguageModel(dir)).toThrow('found a folder or a device');
  });
});

describe('what an ARPA file loses', () => {
  it('is nothing that another reader would miss: every n-gram is in the tables', async () => {
    const model = trained();
    const path = join(dir, 'model.arpa');
    await model.saveArpa(path);
    const { ngrams } = parseArpa(readFileSync(path, 'utf8'));
    expect(ngrams.size).toBe(model.details.ngrams.reduce((sum, count) => sum + count, 0));
  });
});
