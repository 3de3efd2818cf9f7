import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { readManifest } from '../../src/shards/manifest.ts';
import { asFraction, IdSet, splitKey, thresholdFor } from '../../src/shards/split.ts';
import { verifyShards } from '../../src/shards/verify.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { runShards, someParts, writeByteTokenizer } from './context.ts';

describe('splitKey', () => {
  // XXH64 with seed 0, from the vectors of the reference implementation.
  it.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
  ])('of %j is its xxHash64 over 2^64', (text, hash) => {
    expect(splitKey(text)).toBeCloseTo(Number(hash) / 2 ** 64, 15);
  });
});

describe('asFraction', () => {
  it.each([
    [0.005, 0.005],
    ['0.5%', 0.005],
    ['10%', 0.1],
  ])('takes %j as %f', (value, fraction) => {
    expect(asFraction(value)).toBeCloseTo(fraction, 12);
  });
});

describe('thresholdFor', () => {
  it('is the largest below which at most so many keys lie', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 0, max: 30 })), { maxLength: 5 }),
        fc.integer({ min: 1, max: 12 }),
        async (parts, count) => {
          async function* keys() {
            for (const part of parts) yield Float64Array.from(part, (value) => value / 31);
          }
          const all = parts.flat().map((value) => value / 31);
          const below = (limit: number) => all.filter((key) => key < limit).length;
          const threshold = await thresholdFor(count, keys());
          expect(below(threshold)).toBeLessThanOrEqual(count);
          const higher = all.filter((key) => key >= threshold).sort((a, b) => a - b);
          if (higher.length > 0) expect(below(higher[0] + 1e-9)).toBeGreaterThan(count);
        },
      ),
    );
  });
});

describe('IdSet', () => {
  it('holds what was put into it and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 1n, max: 300n })), (hashes) => {
        const set = new IdSet(BigUint64Array.from(hashes));
        for (let hash = 1n; hash <= 300n; hash++) expect(set.has(hash)).toBe(hashes.includes(hash));
      }),
    );
  });
});

let tokenizer: string;
beforeAll(async () => {
  tokenizer = await writeByteTokenizer(temporaryFolder());
});

const OPTIONS = { contextLength: 128, windowDocuments: 100, targetShardBytes: 1 << 14 };

/** Ids of the documents of each side, as the tables of pieces have them. */
async function sidesOf(parts: readonly (readonly Document[])[], options: object) {
  const { outputDir, report } = await runShards({
    dir: temporaryFolder(),
    parts,
    tokenizer,
    options: { ...OPTIONS, ...options },
  });
  const sides = { train: new Set<string>(), validation: new Set<string>() };
  for (const side of ['train', 'validation'] as const) {
    const { dir, manifest } = await readManifest(join(outputDir, side));
    for (const { pieces } of manifest.shards) {
      for (const piece of await parquetReadObjects({ file: await asyncBufferFromFile(join(dir, pieces!.file)) })) {
        sides[side].add(piece['doc_id']);
      }
    }
    expect(manifest.documents).toBe(sides[side].size);
    expect(manifest.split?.name).toBe(side);
  }
  expect(await verifyShards(outputDir)).toMatchObject({ ok: true, problems: [] });
  return { ...sides, report };
}

describe('a split', () => {
  const parts = someParts(21, [150, 200, 50]);

  it('puts each document on one side, by its text alone', async () => {
    const { train, validation } = await sidesOf(parts, { validation: '20%' });
    const held = parts.flat().filter(({ text }) => splitKey(text) < 0.2);
    expect([...validation].sort()).toEqual(held.map(({ id }) => id).sort());
    expect(train.size + validation.size).toBe(400);
    // 80 expected; 8 is the standard deviation.
    expect(Math.abs(validation.size - 80)).toBeLessThan(40);
  });

  it('stays as it is when documents are added, moved or shuffled otherwise', async () => {
    const before = await sidesOf(parts, { validation: 0.2 });
    const more = [someParts(22, [90])[0].map((d) => ({ ...d, id: `new ${d.id}` })), ...[...parts].reverse()];
    const after = await sidesOf(more, { validation: 0.2, shuffle: false });
    for (const id of before.validation) expect(after.validation.has(id)).toBe(true);
    for (const id of before.train) expect(after.train.has(id)).toBe(true);
  });

  it('keeps copies of a text on one side, and leaves out what has the id of a held-out document', async () => {
    const held = parts.flat().filter(({ text }) => splitKey(text) < 0.2);
    const trained = parts.flat().filter(({ text }) => splitKey(text) >= 0.2);
    const copies = held.map((document) => ({ ...document, id: `copy of ${document.id}` }));
    const namesakes = trained.slice(0, 7).map((document, i) => ({ ...document, id: held[i].id }));
    const { train, validation, report } = await sidesOf([...parts, copies, namesakes], { validation: 0.2 });
    expect(validation.size).toBe(2 * held.length);
    expect(train.size).toBe(trained.length);
    expect(report.validation).toMatchObject({ documents: 2 * held.length, leftOut: 7 });
    expect(report.documents).toBe(parts.flat().length + copies.length);
  });

  it('holds out a number of documents: those whose hashes are smallest', async () => {
    const { validation } = await sidesOf(parts, { validationDocuments: 13 });
    const smallest = [...parts.flat()].sort((a, b) => splitKey(a.text) - splitKey(b.text)).slice(0, 13);
    expect([...validation].sort()).toEqual(smallest.map(({ id }) => id).sort());
  });

  it('that asks for more than there is holds out everything', async () => {
    const { train, validation } = await sidesOf([parts[2]], { validationDocuments: 1000 });
    expect([train.size, validation.size]).toEqual([0, 50]);
  });

  it('is a share or a number, not both', async () => {
    const run = runShards({
      dir: temporaryFolder(),
      parts,
      tokenizer,
      options: { validation: 0.1, validationDocuments: 5 },
    });
    await expect(run).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'stage shards: validation and validationDocuments are both given',
    });
  });

  it('replaces the one set of an earlier run, and the other way round', async () => {
    const dir = temporaryFolder();
    const files = async (options: object) => {
      const { outputDir } = await runShards({ dir, parts: [parts[2]], tokenizer, options: { ...OPTIONS, ...options } });
      const { ok, shards } = await verifyShards(outputDir);
      return { ok, shards: shards > 0 };
    };
    expect(await files({})).toEqual({ ok: true, shards: true });
    expect(await files({ validation: 0.5 })).toEqual({ ok: true, shards: true });
    expect(await files({})).toEqual({ ok: true, shards: true });
    await expect(readManifest(join(dir, 'out', 'train'))).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  });

  it('gives the same bytes whatever the order of tasks', async () => {
    const prints = async (taskOrder: number | undefined) => {
      const { outputDir } = await runShards({
        dir: temporaryFolder(),
        parts,
        tokenizer,
        options: { ...OPTIONS, validation: 0.3 },
        ...(taskOrder !== undefined && { taskOrder }),
      });
      const manifests = await Promise.all(['train', 'validation'].map((side) => readManifest(join(outputDir, side))));
      return createHash('sha256')
        .update(JSON.stringify(manifests.map(({ manifest }) => manifest)))
        .digest('hex');
    };
    expect(await prints(4)).toBe(await prints(undefined));
  });
});
