import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import type { BarrierContext } from '../../src/core/stage.ts';
import { columnOf, type Utf8Column } from '../../src/core/utf8-column.ts';
import { minhashOptions, resolveMinhash } from '../../src/dedup/minhash/options.ts';
import { emptyHistogram } from '../../src/dedup/pair-sweep.ts';
import { createShingleSet } from '../../src/dedup/shingle-set.ts';
import { createUnionFind } from '../../src/dedup/union-find.ts';
import { createCandidates, helpToVerify, verifyCandidates } from '../../src/dedup/verify.ts';

const values = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 });

describe('a shingle set', () => {
  it('gives the Jaccard similarity of sets, repeats and order aside', () => {
    const set = createShingleSet();
    fc.assert(
      fc.property(values, values, (left, right) => {
        const a = new Set(left);
        const b = new Set(right);
        const shared = [...a].filter((value) => b.has(value)).length;
        set.open(Uint32Array.from(left), left.length);
        const others = set.values();
        expect(new Set(others)).toEqual(a);
        expect(others).toHaveLength(a.size);
        set.open(Uint32Array.from(right), right.length);
        expect(set.size).toBe(b.size);
        expect(set.jaccard(others)).toBe(a.size + b.size === 0 ? 0 : shared / (a.size + b.size - shared));
      }),
    );
  });

  it('grows with a large document and stays right for a small one after it', () => {
    const set = createShingleSet();
    set.open(
      Uint32Array.from({ length: 100_000 }, (_, i) => i),
      100_000,
    );
    expect(set.size).toBe(100_000);
    set.open(Uint32Array.of(1, 2, 2), 3);
    expect(set.jaccard(Uint32Array.of(2, 3))).toBe(1 / 3);
  });
});

let workDir: string;
beforeAll(() => {
  workDir = mkdtempSync(join(tmpdir(), 'corpusmill-verify-'));
});
afterAll(() => rmSync(workDir, { recursive: true }));

describe('verification', () => {
  const GROUPS = 5;
  // Documents are sets of the words a..h; documents i, i + 5, i + 10 … are a group, and each is
  // a candidate of the first of it, so that several representatives are held at once.
  const wordSet = fc.subarray(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], { minLength: 1 });

  it('joins a member to its representative exactly when J reaches the threshold, with any memory', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(wordSet, { minLength: 2, maxLength: 40 }),
        fc.constantFrom(0.3, 0.5, 2 / 3, 1),
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom(16, 200, 1 << 20),
        fc.constantFrom(0, 1, 3),
        async (documents, threshold, maxHeldValues, memoryBytes, helpers) => {
          const rows = documents.length;
          const jaccard = (x: number, y: number): number => {
            const shared = documents[x].filter((word) => documents[y].includes(word)).length;
            return shared / (documents[x].length + documents[y].length - shared);
          };
          const sets = createUnionFind(rows);
          const parts = [{ part: 0, rows, firstOrdinal: 0, alive: undefined, features: async () => new Uint8Array() }];
          const context = {
            parts,
            rows,
            workDir,
            memoryBytes,
            signal: new AbortController().signal,
            withTexts: async (_part: number, use: (texts: Utf8Column) => void) =>
              use(columnOf(documents.map((words) => words.join(' ')))),
            helpers,
            // Cloned as it is for another worker, what is shared aside.
            help: (message: unknown) => helpToVerify(structuredClone(message), context),
          } as unknown as BarrierContext;
          const candidates = createCandidates(context);
          for (let i = GROUPS; i < rows; i++) candidates.add(i, i % GROUPS);
          candidates.close();
          const counts = await verifyCandidates(candidates, sets, context, {
            rule: { kind: 'jaccard', shingleTokens: 1, threshold },
            maxHeldValues,
            worthGroups: helpers === 0 ? undefined : 0,
          });
          expect(counts.leftApart).toBe(0);
          // Eight members at most: all failures get their turn, so the result is that of comparing everything in a group
          // with the representatives in order.
          const expected = createUnionFind(rows);
          for (let first = 0; first < Math.min(GROUPS, rows); first++) {
            let open = Array.from({ length: Math.ceil((rows - first) / GROUPS) }, (_, i) => first + i * GROUPS);
            while (open.length > 1) {
              const [representative, ...others] = open;
              for (const i of others) if (jaccard(representative, i) >= threshold) expected.union(representative, i);
              open = others.filter((i) => expected.find(i) !== expected.find(representative));
            }
          }
          expect([...sets.roots()]).toEqual([...expected.roots()]);
          expect(readdirSync(workDir)).toEqual([]);
        },
      ),
    );
  });

  it('finds and counts the same with any number of helpers', async () => {
    const random = createRandom(5);
    const rows = 600;
    // Families of texts that differ in a word or two, some much longer than others, with candidates in and across them.
    const texts = Array.from({ length: rows }, (_, i) => {
      const words = Array.from({ length: 12 }, (_, at) => `w${(i % 40) * 20 + at}`);
      for (let change = random.below(4); change > 0; change--) words[random.below(12)] = `x${random.below(1000)}`;
      return [...words, ...(i % 7 === 0 ? Array.from({ length: 60 }, (_, at) => `long${i % 40}-${at}`) : [])].join(' ');
    });
    const pairs = Array.from({ length: 3000 }, () => {
      const major = 1 + random.below(rows - 1);
      return [major, random.below(10) === 0 ? random.below(major) : major % 40] as const;
    }).filter(([major, minor]) => minor < major);

    const results = await Promise.all(
      [0, 1, 2, 7, 30].map(async (helpers) => {
        const scratch = mkdtempSync(join(workDir, 'helpers-'));
        const parts = [0, 1, 2].map((part) => ({ part, rows: 200, firstOrdinal: 200 * part, alive: undefined }));
        let helped = 0;
        const context = {
          ...{ parts, rows, workDir: scratch, memoryBytes: 4096, signal: new AbortController().signal, helpers },
          withTexts: async (part: number, use: (texts: Utf8Column) => void) =>
            use(columnOf(texts.slice(200 * part, 200 * part + 200))),
          help: (message: unknown) => {
            helped++;
            return helpToVerify(structuredClone(message), context);
          },
        } as unknown as BarrierContext;
        const candidates = createCandidates(context);
        for (const [major, minor] of pairs) candidates.add(major, minor);
        candidates.close();
        const sets = createUnionFind(rows);
        const { rule } = resolveMinhash(minhashOptions.parse({}), 0);
        const similarities = emptyHistogram(rule!);
        const counts = await verifyCandidates(candidates, sets, context, {
          ...{ rule: rule!, similarities, maxHeldValues: 500, worthGroups: 0 },
        });
        expect(helped).toBe(Math.min(helpers, 7));
        expect(readdirSync(scratch)).toEqual([]);
        rmSync(scratch, { recursive: true });
        return { counts, similarities, roots: [...sets.roots()] };
      }),
    );
    expect(results[0].counts.checked).toBeGreaterThan(1000);
    expect(new Set(results[0].roots).size).toBeLessThan(500);
    for (const result of results) expect(result).toEqual(results[0]);
  });
});
