/** The native sweep beside its twin: what a check finds is the same for any rule, limits, parts and groups. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createRandom } from '../../src/core/random.ts';
import type { HelpContext } from '../../src/core/stage.ts';
import { columnOf } from '../../src/core/utf8-column.ts';
import { type CheckShare, checkShare } from '../../src/dedup/check-groups.ts';
import type { LikenessRule } from '../../src/dedup/likeness.ts';
import { createPairSet, openPairs, type PairData } from '../../src/dedup/pair-set.ts';
import { createPairSweepTwin, type PairSweep, type SweepOptions } from '../../src/dedup/pair-sweep.ts';
import { createNativePairSweep } from '../../src/dedup/pair-sweep-native.ts';
import { createUnionFind } from '../../src/dedup/union-find.ts';

const describeNative = native === undefined ? describe.skip : describe;

let workDir: string;
beforeAll(() => {
  workDir = mkdtempSync(join(tmpdir(), 'corpusmill-sweep-'));
});
afterAll(() => rmSync(workDir, { recursive: true }));

const jaccard: LikenessRule = { kind: 'jaccard', shingleTokens: 2, threshold: 0.6 };
const containment: LikenessRule = {
  ...{ kind: 'containment', shingleTokens: 3, minShingles: 0.7, minTokens: 0.9, maxReordered: 0.1 },
  ...{ fragment: 0.7, exactBelow: 10, orderedBelow: 30 },
};

/** Texts of a few families: copies, copies with words changed or in another order, pieces of them, and pieces that grew. */
function familyTexts(rows: number, random: ReturnType<typeof createRandom>): string[] {
  const families = Array.from({ length: 1 + random.below(6) }, (_, family) =>
    Array.from({ length: 3 + random.below(120) }, (_, i) => (i % 9 === 8 ? `共有${family}字` : `w${family}x${i}`)),
  );
  return Array.from({ length: rows }, () => {
    const words = [...families[random.below(families.length)]];
    const change = random.below(7);
    // Outside of the first 65,536: folded letters, a Han character, an emoji.
    const rare = [`𝐀${random.below(3)}`, '𠀀', '😀', ''][random.below(4)];
    if (change === 1) words[random.below(words.length)] = `other${random.below(50)}`;
    if (change === 2) words.push(...words.splice(random.below(words.length), 2));
    if (change === 3) words.splice(1 + random.below(words.length));
    if (change === 4) words.unshift(...Array.from({ length: random.below(200) }, (_, i) => `menu${i}`));
    if (change === 5) words.reverse();
    if (change === 6) words.splice(0);
    return `${rare} ${words.join(' ')}`;
  });
}

interface Corpus {
  texts: string[];
  partRows: number;
  /** Candidates of each group, (member, representative). */
  groups: (readonly [number, number])[][];
}

/** `groups` of documents: document i is in group i % groups, and a candidate of earlier ones there. */
function randomCorpus(seed: number, rows: number, groups: number): Corpus {
  const random = createRandom(seed);
  const pairs = Array.from({ length: groups }, () => [] as [number, number][]);
  for (let member = groups; member < rows; member++) {
    const earlier = Math.floor(member / groups);
    for (let tries = random.below(4); tries > 0; tries--) {
      // Mostly the first few, so that many share a representative.
      const place = random.below(3) === 0 ? random.below(earlier) : random.below(Math.min(earlier, 4));
      pairs[member % groups].push([member, (member % groups) + groups * place]);
    }
  }
  return { texts: familyTexts(rows, random), partRows: 1 + random.below(rows), groups: pairs };
}

interface Limits {
  maxHeldValues: number;
  maxKeptValues: number;
  pairBytes: number;
}

async function check(
  { texts, partRows, groups }: Corpus,
  rule: LikenessRule,
  limits: Limits,
  createSweep: (options: SweepOptions) => PairSweep,
) {
  const rows = texts.length;
  const parts = Array.from({ length: Math.ceil(rows / partRows) }, (_, part) => ({
    ...{ part, firstOrdinal: part * partRows, rows: Math.min(partRows, rows - part * partRows) },
  }));
  let read = 0;
  const context = {
    ...{ parts, rows, workDir, signal: new AbortController().signal },
    withTexts: async (part, use) => {
      read++;
      const { firstOrdinal, rows } = parts[part];
      use(columnOf(texts.slice(firstOrdinal, firstOrdinal + rows)));
    },
  } as Partial<HelpContext> as HelpContext;
  const sets = createUnionFind(rows);
  const data = groups.map((pairs, i): PairData => {
    const set = createPairSet({ workDir, name: `group-${i}`, maxBytes: limits.pairBytes });
    for (const [member, representative] of pairs) set.add(member, representative);
    set.close();
    return set.data();
  });
  const sizes = new Uint32Array(new SharedArrayBuffer(4 * rows));
  const share: CheckShare = { name: 'share', rule, groups: data, parents: sets.parents, sizes, ...limits };
  const { fragments, ...result } = await checkShare(share, context, createSweep);
  const found: number[][] = [];
  const fragmentPairs = openPairs(fragments);
  const cursor = fragmentPairs.read();
  while (cursor.next()) found.push([cursor.major, cursor.minor]);
  fragmentPairs.remove();
  return { ...result, fragments: found, sizes: [...sizes], roots: [...sets.roots()], read };
}

const nativeSweep = (options: SweepOptions): PairSweep => createNativePairSweep(native!, options);

describeNative('the native sweep', () => {
  it('finds what its twin finds, whatever the rule, the limits, the parts and the groups', async () => {
    let [compared, waited, fragments] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 1, max: 150 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(jaccard, containment, { ...containment, exactBelow: 0, orderedBelow: 0, minTokens: 0.5 }),
        fc.record({
          maxHeldValues: fc.constantFrom(1, 100, 1000, 1 << 20),
          maxKeptValues: fc.constantFrom(0, 100, 1 << 20),
          pairBytes: fc.constantFrom(1024, 1 << 20, 1 << 20),
        }),
        async (seed, rows, groups, rule, limits) => {
          const corpus = randomCorpus(seed, rows, groups);
          const twin = await check(corpus, rule, limits, createPairSweepTwin);
          expect(await check(corpus, rule, limits, nativeSweep)).toEqual(twin);
          expect(readdirSync(workDir)).toEqual([]);
          compared += twin.counts.checked;
          fragments += twin.fragments.length;
          if (twin.read > Math.ceil(rows / corpus.partRows)) waited++;
        },
      ),
      { numRuns: 60 },
    );
    // Of everything there was some.
    expect(compared).toBeGreaterThan(1000);
    expect(fragments).toBeGreaterThan(20);
    expect(waited).toBeGreaterThan(8);
  });

  it('finds the same with pairs in files of more than one block', async () => {
    const corpus = randomCorpus(3, 12_000, 2);
    const limits = { maxHeldValues: 20_000, maxKeptValues: 5000, pairBytes: 4096 };
    expect(corpus.groups[0].length).toBeGreaterThan(8192);
    const twin = await check(corpus, containment, limits, createPairSweepTwin);
    expect(await check(corpus, containment, limits, nativeSweep)).toEqual(twin);
  });

  it('reads a document again that is larger than what it keeps memory for', async () => {
    const long = (changed: number): string =>
      Array.from({ length: 300_000 }, (_, i) => (i === changed ? 'changed' : `w${i}`)).join(' ');
    const texts = [long(1), 'short text', long(100), 'short text', long(200_000), 'another text'];
    const groups = [[[2, 0], [4, 0], [3, 1], [5, 1]]] as [number, number][][]; // biome-ignore format: pairs in a row
    const limits = { maxHeldValues: 1000, maxKeptValues: 1000, pairBytes: 1 << 20 };
    const found = await check({ texts, partRows: 2, groups }, containment, limits, nativeSweep);
    expect(found).toEqual(await check({ texts, partRows: 2, groups }, containment, limits, createPairSweepTwin));
    expect(found.roots).toEqual([0, 1, 0, 1, 0, 5]);
  });

  it('says what is wrong with its arguments', () => {
    const addon = native!;
    const shared = (length: number) => new Uint32Array(new SharedArrayBuffer(4 * length));
    const { parents } = createUnionFind(4);
    const rule = Float64Array.of(1, 2, 0.5, 0, 0, 0, 0, 0, 0);
    expect(() => new addon.PairSweep(rule.subarray(1), 1, 9, 9, parents, shared(4))).toThrow('argument 1');
    expect(() => new addon.PairSweep(Float64Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0), 1, 9, 9, parents, shared(4))).toThrow(
      'tokens per shingle',
    );
    expect(() => new addon.PairSweep(rule, 256, 9, 9, parents, shared(4))).toThrow('argument 2');
    expect(() => new addon.PairSweep(rule, 1, 9, 9, shared(4).fill(3), shared(4))).toThrow('parent above its child');
    expect(() => new addon.PairSweep(rule, 1, 9, 9, parents, shared(3))).toThrow('argument 6');

    const sweep = new addon.PairSweep(rule, 1, 9, 9, parents, shared(4));
    sweep.begin();
    expect(() => sweep.note(1, Uint32Array.of(0, 1))).toThrow('argument 1');
    expect(() => sweep.note(0, Uint32Array.of(1, 1))).toThrow('no pair');
    expect(() => sweep.give(0, Uint32Array.of(1, 4))).toThrow('no pair');
    sweep.note(0, Uint32Array.of(0, 1));
    sweep.give(0, Uint32Array.of(0, 1));
    expect(sweep.need(0, 4)).toBe(2);
    expect(sweep.need(2, 2)).toBe(0);
    expect(() => sweep.need(2, 3)).toThrow('argument 2');
    const bytes = Buffer.from('a b a b');
    expect(() => sweep.visit(0, 2, 0, Uint8Array.from(bytes), new Int32Array())).toThrow('lacks a text');
    expect(() => sweep.visit(0, 2, 0, Uint8Array.from(bytes), Int32Array.of(0, 3, 8))).toThrow('does not cut');
    expect(() => sweep.visit(0, 2, 0, Uint8Array.from(bytes), Int32Array.of(0, 4, 3))).toThrow('does not cut');
    expect(() => sweep.visit(0, 2, 3, Uint8Array.from(bytes), Int32Array.of(0, 3, 7))).toThrow('argument 3');
    expect(sweep.visit(0, 2, 0, Uint8Array.from(bytes), Int32Array.of(0, 4, 7))).toBe(2);
    expect([...parents]).toEqual([0, 0, 2, 3]);
    expect(() => sweep.regroup(Uint32Array.of(4, 1))).toThrow('no document');
    expect(() => sweep.take(0, 1)).toThrow('argument 2');
    expect(() => sweep.counts(new Float64Array(41))).toThrow('argument 1');
  });
});
