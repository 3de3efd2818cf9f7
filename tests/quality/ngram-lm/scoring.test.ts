/** Scores of texts: beside KenLM's query, by the rule of back-off models, and by hand. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArpa } from '../../../src/quality/ngram-lm/arpa-reader.ts';
import { createLanguageModel, type LanguageModel } from '../../../src/quality/ngram-lm/model.ts';
import { createLanguageModelTrainer } from '../../../src/quality/ngram-lm/trainer.ts';
import { arpaSentence, parseArpa } from './textbook.ts';

const lmplz = join(import.meta.dirname, 'lmplz');
const jack = readFileSync(join(lmplz, 'jack.txt'), 'utf8');
let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ngram-lm-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const asKenLM = { tokens: 'whitespace', emptyLines: 'sentence' } as const;

async function modelOf(arpa: string): Promise<LanguageModel> {
  const path = join(dir, 'model.arpa');
  writeFileSync(path, arpa);
  return createLanguageModel(await readArpa(path, asKenLM));
}

describe("beside KenLM's query", () => {
  const texts = ['this is the house that jack built', 'the dog ate jack', '', 'rats and mice', 'that that that'];
  // `query -v sentence FILE`, 32-bit floats: Total of each line, and how many words are unknown.
  it.each([
    ['order-3.arpa', [-1.6418396, -8.785795, -2.0469384, -7.4061737, -5.5748887], 2],
    ['order-4-pruned.arpa', [-1.5633609, -8.892838, -2.0469384, -7.4061737, -5.00772], 2],
    ['order-3-12-words.arpa', [-1.4076421, -6.9113417, -1.8541459, -5.779394, -4.311705], 5],
  ])('%s', async (file, totals, unknown) => {
    const model = createLanguageModel(await readArpa(join(lmplz, file), asKenLM));
    const scores = model.scoreLines(`${texts.join('\n')}\n`);
    expect(scores).toHaveLength(totals.length);
    for (const [i, { log10 }] of scores.entries()) expect(Math.abs(log10 - totals[i])).toBeLessThan(2e-6);
    expect(scores.reduce((sum, { oov }) => sum + oov, 0)).toBe(unknown);
  });
});

describe('any model and any text', () => {
  const words = fc.constantFrom('a', 'b', 'c', 'd', 'x');
  const text = fc.array(fc.array(words, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 });

  it('scores as its ARPA file says, before and after it is written', async () => {
    await fc.assert(
      fc.asyncProperty(
        text,
        text,
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom([0], [1], [0, 1]),
        async (corpus, unseen, order, prune) => {
          const trainer = createLanguageModelTrainer({ tokens: 'whitespace', order, prune: prune.slice(0, order) });
          for (const sentence of corpus) trainer.add(sentence.join(' '));
          const trained = trainer.finish();
          const path = join(dir, 'any.arpa');
          await trained.saveArpa(path);
          const arpa = parseArpa(readFileSync(path, 'utf8'));
          const read = createLanguageModel(await readArpa(path));
          for (const sentence of unseen) {
            const score = trained.model.score(sentence.join(' '));
            expect(Math.abs(score.log10 - arpaSentence(arpa, sentence))).toBeLessThan(1e-5);
            expect(read.score(sentence.join(' '))).toEqual(score);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('scores with longer n-grams whose suffixes are missing, as pruning by entropy leaves them', async () => {
    // "c d" is not there; "a b c d" and "b c d" are.
    const arpa = `\\data\\
ngram 1=6
ngram 2=2
ngram 3=1
ngram 4=1

\\1-grams:
-1\t<s>\t-0.5
-1\t</s>
-0.7\ta\t-0.1
-0.8\tb\t-0.2
-0.9\tc\t-0.3
-1.1\td\t-0.4

\\2-grams:
-0.25\ta b\t-0.01
-0.35\tb c\t-0.02

\\3-grams:
-0.15\tb c d\t-0.03

\\4-grams:
-0.05\ta b c d

\\end\\
`;
    const model = await modelOf(arpa);
    const parsed = parseArpa(arpa);
    for (const sentence of ['a b c d', 'b c d', 'c d', 'd', 'a b c a', 'x b c d', 'a b b c d']) {
      const words = sentence.split(' ');
      expect(model.score(sentence).log10).toBeCloseTo(arpaSentence(parsed, words), 5);
    }
    // <s> a: -.5 - .7; a b: -.25; b c after a b: -.01 - .35; d after a b c: -.05; </s>: -.03 - .4 - 1 (contexts "b c d" and "d").
    expect(model.score('a b c d').log10).toBeCloseTo(-1.2 - 0.25 - 0.36 - 0.05 - 1.43, 5);
  });
});

describe('the score of a text', () => {
  const trainer = createLanguageModelTrainer({ tokens: 'whitespace', order: 3 });
  trainer.add(jack);
  const { model } = trainer.finish();

  it('adds its lines up', () => {
    const text = 'the dog\n\nthe rat ate malt\n';
    const lines = model.scoreLines(text);
    expect(lines.map(({ tokens }) => tokens)).toEqual([2, 4]);
    const log10 = lines[0].log10 + lines[1].log10;
    // cc_net: 10 to the power of minus log10 p per token, ends of sentences counted.
    expect(model.score(text)).toEqual({ log10, tokens: 6, sentences: 2, oov: 0, perplexity: 10 ** (-log10 / 8) });
  });

  it('has no perplexity where there is nothing to judge', () => {
    for (const text of ['', '\n', ' \n \t\n', '<s>']) {
      expect(model.score(text)).toEqual({ log10: 0, tokens: 0, sentences: 0, oov: 0, perplexity: undefined });
      expect(model.scoreLines(text)).toEqual([]);
    }
  });

  it('counts unknown words, and gives them the probability of <unk>', async () => {
    const { log10, oov, tokens } = model.score('mice');
    expect({ oov, tokens }).toEqual({ oov: 1, tokens: 1 });
    const arpa = parseArpa(readFileSync(join(lmplz, 'order-3.arpa'), 'utf8'));
    expect(log10).toBeCloseTo(arpaSentence(arpa, ['mice']), 6);
  });

  it('does not depend on the texts before', () => {
    const before = model.score('this is the cat');
    model.score(`${'the man that kissed a maiden\n'.repeat(60_000)}`);
    model.score('');
    expect(model.score('this is the cat')).toEqual(before);
  });

  it('knows words that were pruned no more than those it never saw', () => {
    const small = createLanguageModelTrainer({ tokens: 'whitespace', order: 2, minCount: 2 });
    small.add(jack);
    const { model: pruned } = small.finish();
    expect(pruned.score('this is the priest shaven').oov).toBe(0);
    expect(pruned.score('this is the horn tossed').oov).toBe(1);
    expect(pruned.score('tossed').log10).toBe(pruned.score('unheard-of').log10);
  });

  it('is the same in a worker that gets the arrays', () => {
    const shared = structuredClone(model.data);
    expect(shared.tables.tables[0].buffer.byteLength).toBe(model.data.tables.tables[0].buffer.byteLength);
    expect(createLanguageModel(shared).score(jack)).toEqual(model.score(jack));
  });

  it('cuts texts as the model was trained to', () => {
    const words = createLanguageModelTrainer({ order: 2, normalize: 'ccnet' });
    words.add('Das Café hat 24 Stühle.');
    const trained = words.finish();
    expect(trained.model.score('das cafe hat 99 stuhle .').oov).toBe(0);
    const characters = createLanguageModelTrainer({ order: 2, tokens: 'characters' });
    characters.add('汉字');
    expect(characters.finish().model.score('字汉典')).toMatchObject({ tokens: 3, oov: 1 });
  });
});
