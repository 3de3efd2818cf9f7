/** `convention: datatrove` as a whole: beside datatrove's own four stages (signatures, buckets, clusters, filter; SHA-1). */
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/core/sha256.ts';
import { createSizedSets } from '../../../src/dedup/minhash/datatrove-clusters.ts';
import { minhash } from '../../../src/dedup/minhash/stage.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { documentsFrom, readJsonlGz, runBarrier } from '../context.ts';

const SENTENCE = 'we measured the flow of the river at dawn and again when the sluice had been closed';

describe('the datatrove convention', () => {
  it("has FineWeb's settings and keeps the root", async () => {
    const { details } = await runBarrier(minhash, { convention: 'datatrove' }, documentsFrom([SENTENCE]));
    expect(details.settings).toMatchObject({
      convention: 'datatrove',
      hashFunction: 'xxhash',
      hashBits: 64,
      numBands: 14,
      rowsPerBand: 8,
      shingleTokens: 5,
      verify: 0,
      keep: 'root',
      seed: 1,
    });
  });

  it('sees no difference in case, marks and numbers, and never drops a text of fewer words than a shingle', async () => {
    const texts = [
      SENTENCE,
      `${SENTENCE.toUpperCase()}!`,
      'at 10 mm of rain',
      'at 20 mm of rain',
      'only four words here',
      'only four words here',
    ];
    const { keptAs } = await runBarrier(minhash, { convention: 'datatrove' }, documentsFrom(texts));
    expect(keptAs).toEqual([0, 0, 2, 2, 4, 5]);
  });

  it.each([{ keep: 'longest' }, { verify: 0.5 }, { hashBits: 32, hashFunction: 'sha1' }])(
    'also takes %j',
    async (options) => {
      const texts = [SENTENCE, `${SENTENCE} .`];
      const { keptAs } = await runBarrier(minhash, { convention: 'datatrove', ...options }, documentsFrom(texts));
      expect(new Set(keptAs).size).toBe(1);
    },
  );

  it.each([
    [{ hashBits: 32 }, 'only with `convention: datatrove`'],
    [{ keep: 'root' }, 'when candidates are not checked'],
    [{ convention: 'datatrove', verify: 0.8, keep: 'root' }, 'when candidates are not checked'],
  ])('refuses %j', (options, message) => {
    expect(minhash.options.safeParse(options).error?.issues[0].message).toContain(message);
  });
});

describe('sets joined by size', () => {
  it('keep the root of the larger, of equals that of the first', () => {
    const sets = createSizedSets(6);
    sets.union(2, 1);
    sets.union(3, 4);
    sets.union(5, 3);
    sets.union(1, 5);
    sets.union(0, 2);
    expect([...sets.roots()]).toEqual([3, 3, 3, 3, 3, 3]);
  });
});

describeWithShared("datatrove's own run", () => {
  // Number of removed documents, and SHA-256 of their indices joined by commas.
  it.each([
    ['biblio', 1256, '8120174d7da63728'],
    ['editions-zh', 261, 'd187aa12d783cd72'],
    ['crossposts', 370, '227d30063e8509b3'],
  ])('removes the same %s, %d documents', async (kind, count, digest) => {
    const rows = readJsonlGz<{ text: string }>(shared(`data/nearcopies-gold/${kind}.jsonl.gz`));
    const options = { convention: 'datatrove', hashFunction: 'sha1' };
    const { keptAs } = await runBarrier(minhash, options, documentsFrom(rows.map(({ text }) => text)), {
      partRows: [700],
    });
    const removed = keptAs.flatMap((kept, i) => (kept === i ? [] : [i]));
    expect(removed.length).toBe(count);
    expect(sha256Hex(Buffer.from(removed.join(',')))).toMatch(new RegExp(`^${digest}`));
  });
});
