import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { createPieceCounter } from '../../src/tokenizer/count-pieces.ts';
import { pieceColumns } from '../../src/tokenizer/sum-piece-counts.ts';
import { trainOnCounts } from '../../src/tokenizer/train-bpe.ts';
import { trainBpe } from '../../src/tokenizer/train-texts.ts';

/** About three megabytes of made-up words; in two texts of three some of them in letters that NFC composes. */
function* madeUpTexts(): Generator<string> {
  const random = createRandom(3);
  const syllables = ['ba', 'ko', 'mi', '日本', '船', "n't", ' 12', 'ſ', 'e\u0301', 'か\u3099'];
  for (let text = 0; text < 1500; text++) {
    const words = Array.from({ length: 250 }, () =>
      Array.from({ length: 1 + random.below(4) }, () => syllables[random.below(text % 3 === 0 ? 8 : 10)]).join(''),
    );
    yield words.join(' ');
  }
}

const OPTIONS = { vocabSize: 500, specialTokens: ['<s>'] };

describe('trainBpe', () => {
  const whole = (() => {
    const all = createPieceCounter('qwen2', 'nfc');
    for (const text of madeUpTexts()) all.count(text);
    return trainOnCounts(pieceColumns([all.counts]), {
      ...OPTIONS,
      pattern: 'qwen2',
      normalization: 'nfc',
      minFrequency: 2,
      tie: 'hf',
    });
  })();

  it('counts in batches on threads what one table counts', async () => {
    for (const threads of [1, 3]) {
      const trained = await trainBpe(madeUpTexts(), { ...OPTIONS, threads });
      expect(trained.tables).toEqual(whole.tables);
      expect(trained.pairCounts).toEqual(whole.pairCounts);
      expect([trained.texts, trained.trainedBytes]).toEqual([1500, whole.trainedBytes]);
    }
  });

  it('writes full tables to files, reads them back, and leaves nothing behind', async () => {
    const tempDir = await mkdtemp(join(tmpdir(), 'corpusmill-spill-'));
    try {
      let most = 0;
      async function* watched() {
        for (const text of madeUpTexts()) {
          yield text;
          most = Math.max(most, (await readdir(tempDir)).length);
        }
      }
      const trained = await trainBpe(watched(), { ...OPTIONS, threads: 2, spillPieces: 1000, tempDir });
      expect(most).toBe(1);
      expect(trained.tables).toEqual(whole.tables);
      expect(await readdir(tempDir)).toEqual([]);
    } finally {
      await rm(tempDir, { recursive: true });
    }
  });

  it('says how far it is and for how long it will go on', async () => {
    const notes: string[] = [];
    const fractions: number[] = [];
    await trainBpe(['the whale and the other whale'], {
      vocabSize: 262,
      onProgress: (fraction, note) => {
        fractions.push(fraction);
        notes.push(note);
      },
    });
    expect(notes[0]).toMatch(/^merge 1 of 5, \d+ s left$/);
    expect(fractions.at(-1)).toBe(1);
  });

  it('stops when it is told to, with the reason', async () => {
    const controller = new AbortController();
    const run = trainBpe(madeUpTexts(), {
      ...OPTIONS,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(run).rejects.toThrow('enough');
  });

  it('refuses a pattern that cannot be run, and a vocabulary too small, by name', async () => {
    await expect(trainBpe([], { vocabSize: 300, pattern: 'a++' })).rejects.toThrow(/possessive/);
    await expect(trainBpe([], { vocabSize: 100 })).rejects.toThrow(/vocabSize 100 has no room/);
  });
});
