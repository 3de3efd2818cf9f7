import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createRandom } from '../../src/core/random.ts';
import {
  createMergeLoop,
  createTwinMergeLoop,
  type MergeLoopOptions,
  type MergeWords,
} from '../../src/tokenizer/bpe-merge-loop.ts';

/** Words of the symbols 0 … 4, whose bytes are a to e. */
function wordsOf(words: readonly (readonly number[])[], counts: readonly number[]): MergeWords {
  const starts = new Uint32Array(words.length + 1);
  words.forEach((word, i) => {
    starts[i + 1] = starts[i] + word.length;
  });
  return {
    symbols: Int32Array.from(words.flat()),
    symbolOfByte: new Int32Array(256),
    starts,
    counts: Float64Array.from(counts),
  };
}

const OPTIONS: MergeLoopOptions = {
  tokens: Array.from('abcde', (letter) => Uint8Array.of(letter.charCodeAt(0))),
  reserved: [],
  maxMerges: 60,
  minFrequency: 1,
  tie: 'hf',
  threads: 1,
};

type Create = typeof createMergeLoop;

function merges(create: Create, words: MergeWords, options: Partial<MergeLoopOptions>, step = 1000) {
  const loop = create(words, { ...OPTIONS, ...options });
  while (loop.advance(step));
  const made = loop.merges;
  return {
    lefts: Array.from(loop.lefts.subarray(0, made)),
    rights: Array.from(loop.rights.subarray(0, made)),
    counts: Array.from(loop.pairCounts.subarray(0, made)),
    symbolTotal: loop.symbolTotal(),
  };
}

const KINDS: [string, Create][] = [
  ['native', createMergeLoop],
  ['TypeScript', createTwinMergeLoop],
];

describe.each(KINDS)('the merge loop (%s)', (_, create) => {
  it('counts a pair of a run wherever it could begin: aaa holds two', () => {
    // aaa twice: (a,a) 4. Joined from the left it is (aa) a, so the next pair occurs twice.
    expect(merges(create, wordsOf([[0, 0, 0]], [2]), {})).toEqual({
      lefts: [0, 5],
      rights: [0, 0],
      counts: [4, 2],
      symbolTotal: 2,
    });
  });

  it('pushes a new pair after all changes of a merge, not when its count passes through its highest', () => {
    // aaaaa three times: (a,a) 12. Joined it is X X a: (X,a) is gained by the first join, lost by the second and gained
    // again. It occurs as often as (X,X) and has the smaller ids: X Y, where Y is (X,a).
    expect(merges(create, wordsOf([[0, 0, 0, 0, 0]], [3]), {})).toEqual({
      lefts: [0, 5, 5],
      rights: [0, 0, 6],
      counts: [12, 3, 3],
      symbolTotal: 3,
    });
  });

  it('passes over a pair whose bytes are reserved', () => {
    const reserved = [Uint8Array.from(Buffer.from('ab'))];
    expect(merges(create, wordsOf([[0, 1, 2]], [7]), { reserved })).toMatchObject({ lefts: [1, 0], rights: [2, 5] });
  });

  it('breaks ties by smaller ids, or by greater bytes', () => {
    const words = wordsOf(
      [
        [0, 1],
        [2, 3],
      ],
      [4, 4],
    ); // prettier-ignore
    expect(merges(create, words, { tie: 'hf' }).lefts).toEqual([0, 2]);
    expect(merges(create, words, { tie: 'bytes' }).lefts).toEqual([2, 0]);
  });

  it('makes the same merges whatever the steps', () => {
    const words = wordsOf(
      [
        [0, 1, 0, 1, 0],
        [1, 0, 2, 2, 2, 2],
      ],
      [5, 3],
    ); // prettier-ignore
    expect(merges(create, words, {}, 1)).toEqual(merges(create, words, {}));
  });

  it('has nothing to do without words', () => {
    expect(merges(create, wordsOf([], []), {})).toEqual({ lefts: [], rights: [], counts: [], symbolTotal: 0 });
  });
});

describe.runIf(native !== undefined)('native and TypeScript loops', () => {
  const words = fc.array(fc.tuple(fc.array(fc.nat(4), { maxLength: 30 }), fc.integer({ min: 1, max: 20 })), {
    maxLength: 40,
  });
  const runs = fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 5 })), { maxLength: 12 });

  it('make the same merges of random words', () => {
    fc.assert(
      fc.property(words, fc.constantFrom('hf', 'bytes'), fc.integer({ min: 1, max: 9 }), (list, tie, minFrequency) => {
        const given = wordsOf(
          list.map(([word]) => word),
          list.map(([, count]) => count),
        );
        const options = { tie, minFrequency } as const;
        expect(merges(createMergeLoop, given, options)).toEqual(merges(createTwinMergeLoop, given, options));
      }),
      { numRuns: 300 },
    );
  });

  it('make the same merges of runs of one symbol', () => {
    fc.assert(
      fc.property(runs, (list) => {
        const given = wordsOf(
          list.map(([length]) => Array.from({ length }, (_, i) => (i % 7 === 6 ? 1 : 0))),
          list.map(([, count]) => count),
        );
        expect(merges(createMergeLoop, given, {})).toEqual(merges(createTwinMergeLoop, given, {}));
      }),
    );
  });

  /** Words of 2 to 40 of the first `symbols` symbols, the smaller ones more often. */
  function manyWords(symbols: number, scale: number): MergeWords {
    const random = createRandom(1);
    const list = Array.from({ length: 30_000 }, () =>
      Array.from({ length: 2 + Math.floor(39 * random.float() ** 3) }, () => Math.floor(symbols * random.float() ** 3)),
    );
    return wordsOf(
      list,
      list.map(() => 1 + Math.floor(scale * 1000 * random.float() ** 8)),
    );
  }
  const ALL_16_BITS = Array.from({ length: 60_000 }, (_, i) => Uint8Array.of(2 + (i >> 16), (i >> 8) & 255, i & 255));
  const ALL_32_BITS = Array.from({ length: 70_000 }, (_, i) => Uint8Array.of(2 + (i >> 16), (i >> 8) & 255, i & 255));

  it.each([
    ['five symbols', 5, 1, OPTIONS.tokens],
    ['five symbols and counts above 32 bits', 5, 2 ** 26, OPTIONS.tokens],
    ['2,000 of 60,000 symbols', 2000, 1, ALL_16_BITS],
    ['2,000 of 70,000 symbols, which need 32 bits', 2000, 1, ALL_32_BITS],
    ['2,000 of 70,000 symbols and counts above 32 bits', 2000, 2 ** 26, ALL_32_BITS],
  ])(
    'make the same merges of many words, where pairs are indexed in several rounds, for any number of threads: %s',
    (_, symbols, scale, tokens) => {
      const given = manyWords(symbols, scale);
      const twin = merges(createTwinMergeLoop, given, { maxMerges: 3000, tokens });
      expect(twin.lefts).toHaveLength(3000);
      for (const threads of [1, 2, 3]) {
        expect(merges(createMergeLoop, given, { maxMerges: 3000, tokens, threads })).toEqual(twin);
      }
    },
  );

  it('agree where symbols need 32 bits', () => {
    const tokens = Array.from({ length: 70_000 }, (_, i) => Uint8Array.of(1 + (i >> 16), (i >> 8) & 255, i & 255));
    const given = wordsOf(
      [
        [69_999, 68_000, 67_000],
        [69_999, 68_000],
      ],
      [3, 4],
    ); // prettier-ignore
    const run = merges(createMergeLoop, given, { tokens });
    expect(run).toEqual(merges(createTwinMergeLoop, given, { tokens }));
    expect([run.lefts, run.rights]).toEqual([
      [69_999, 70_000],
      [68_000, 67_000],
    ]);
  });

  it.each([
    ['a symbol above the tokens', wordsOf([[0, 9]], [1])],
    ['a count that is no whole number', wordsOf([[0, 1]], [1.5])],
    ['counts that pass 2^53', wordsOf([[0, 1]], [2 ** 53])],
    ['starts that pass the end', { ...wordsOf([[0, 1]], [1]), starts: Uint32Array.of(0, 9) }],
  ])('refuses %s', (_, given) => {
    expect(() => createMergeLoop(given, OPTIONS)).toThrow(/BpeMergeLoop/);
  });
});
