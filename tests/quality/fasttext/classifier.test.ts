import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { getLIDModel } from 'fasttext.wasm.js';
import { describe, expect, it } from 'vitest';
import { bundledLanguageModel } from '../../../src/quality/bundled-model.ts';
import { loadClassifier } from '../../../src/quality/fasttext/classifier.ts';
import { hashBytes } from '../../../src/quality/fasttext/word-hash.ts';
import { WordNgrams } from '../../../src/quality/fasttext/word-ngrams.ts';
import { describeWithShared, shared } from '../../shared.ts';

const models = join(import.meta.dirname, 'models');

interface Expected {
  texts: string[];
  models: Record<string, Record<string, number>[]>;
}
const expected = JSON.parse(readFileSync(join(models, 'expected.json'), 'utf8')) as Expected;

describe('a classifier beside fastText 0.9.2', () => {
  for (const [file, rows] of Object.entries(expected.models)) {
    const classifier = loadClassifier(join(models, file));
    it.each(expected.texts.map((text, i) => [text, rows[i]] as const))(`${file}: %j`, (text, row) => {
      const predictions = classifier.predict(text, 4);
      expect(predictions.map(({ label }) => label).sort()).toEqual(Object.keys(row).sort());
      // The command line prints six digits.
      for (const { label, probability } of predictions) expect(Math.abs(probability - row[label])).toBeLessThan(1e-5);
      const best = classifier.best(text);
      if (predictions.length === 0) expect(best).toBeUndefined();
      else expect(best?.probability).toBeCloseTo(predictions[0].probability, 12);
    });
  }

  it('gives the same whatever it has read before', () => {
    const fresh = () => loadClassifier(join(models, 'softmax.bin'));
    const used = fresh();
    for (const text of expected.texts) {
      const first = fresh().predict(text, 4);
      expect(used.predict(text, 4)).toEqual(first);
      expect(used.predict(text, 4)).toEqual(first);
    }
  });
});

describe("fastText's hashes", () => {
  it('takes bytes from 0x80 up as negative numbers', () => {
    // FNV-1a of "a" as published by its authors; with sign extension the high bytes of "é" (c3 a9) flip more bits.
    expect(hashBytes(Buffer.from('a'), 0, 1) >>> 0).toBe(0xe40c292c);
    const prime = 16777619n;
    const mask = 0xffffffffn;
    let state = 2166136261n;
    for (const byte of [0xc3, 0xa9]) state = ((state ^ BigInt.asUintN(32, BigInt(byte - 256))) * prime) & mask;
    expect(BigInt(hashBytes(Buffer.from('é'), 0, 2) >>> 0)).toBe(state);
  });

  it('hashes word n-grams as unsigned 64-bit arithmetic would', () => {
    const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.integer({ min: 1, max: 2 ** 26 }), (hashes, bucket) => {
        const ngrams = new WordNgrams(3, bucket);
        for (const hash of hashes) ngrams.push(hash);
        const ours: number[] = [];
        ngrams.forEach((found) => ours.push(found));
        const theirs: number[] = [];
        for (let i = 0; i < hashes.length; i++) {
          let h = BigInt.asUintN(64, BigInt(hashes[i]));
          for (let j = i + 1; j < hashes.length && j < i + 3; j++) {
            h = BigInt.asUintN(64, h * 116049371n + BigInt(hashes[j]));
            theirs.push(Number(h % BigInt(bucket)));
          }
        }
        expect(ours).toEqual(theirs);
      }),
    );
  });
});

describe('the words that speak for a label', () => {
  it.each(['softmax.bin', 'hierarchical.bin', 'one-vs-all.bin', 'pruned.ftz'])(
    'are those whose own probability stands highest above the mean over labels: %s',
    (file) => {
      const classifier = loadClassifier(join(models, file), { endOfSentence: false });
      expect(classifier.kind).toBe('fasttext');
      expect(classifier.labels).toBe(classifier.model.labels);
      for (const label of classifier.labels.keys()) {
        const words = classifier.telling(label, 10);
        expect(words.length).toBeGreaterThan(0);
        expect(words).toEqual(classifier.telling(label, 1000).slice(0, 10));
        for (const { feature, weight } of words) {
          expect(feature).not.toBe('</s>');
          if (file === 'one-vs-all.bin') continue;
          const logs = Array.from(classifier.probabilities(feature) ?? [], (p) =>
            Math.log(file === 'hierarchical.bin' ? p : p - 1e-5),
          );
          expect(weight).toBeCloseTo(logs[label] - logs.reduce((sum, log) => sum + log, 0) / logs.length, 6);
        }
      }
    },
  );
});

describeWithShared('lid.176.ftz beside fasttext.wasm.js', () => {
  it('has the same label and probability for texts of 75 languages', async () => {
    const judge = await (await getLIDModel()).load();
    const ours = loadClassifier(bundledLanguageModel());
    let compared = 0;
    for (const set of ['sentences', 'word-pairs', 'single-words']) {
      for (const file of readdirSync(shared(`data/langid-lingua/${set}`))) {
        const texts = readFileSync(shared(`data/langid-lingua/${set}/${file}`), 'utf8')
          .split('\n')
          .filter(Boolean);
        for (const text of texts.filter((_, i) => i % 25 === 0)) {
          const [probability, label] = judge.predict(text, 1, 0).get(0);
          const best = ours.best(text);
          expect([text, `__label__${ours.model.labels[best?.label ?? -1]}`]).toEqual([text, label]);
          expect(Math.abs((best?.probability ?? 0) - probability)).toBeLessThan(2e-6);
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(8000);
  });
});
