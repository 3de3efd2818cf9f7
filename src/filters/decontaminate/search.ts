/**
 * Which benchmark sequences a document holds, by one of two rules:
 *
 * - n-gram: `ngram` tokens in a row are the same;
 * - LCS: the longest common subsequence has at least `minLcs` tokens and `minLcsShare` of the shorter of the two. Only
 *   sequences of which the document has `seedTokens` in a row are compared (long ones need such a seed for every 100
 *   tokens), and each only with stretches of the document around those places: in a long document the words of any
 *   question occur in order somewhere.
 *
 * Stretches lie on a grid of half a sequence, so that a place is compared once however many seeds are in it; a stretch is
 * `windowItems` (at least 1.5) times as long as the sequence and holds all of it with (windowItems − 1.5) / 2 to either side.
 * A document that is no longer than a stretch is compared whole.
 */
import { createGramIndex, findGrams, type GramIndex } from './gram-index.ts';
import { createPattern } from './lcs.ts';
import { type Sequences, sequenceLength } from './sequences.ts';

export interface Hit {
  sequence: number;
  /** n-gram rule: longest run of shared tokens; LCS rule: share of the shorter text. */
  value: number;
}

/** Finds the hits in the first `count` tokens, in the order of sequences. */
export type Search = (tokens: Int32Array, count: number) => Hit[];

export interface NgramRule {
  ngram: number;
  /** Sequences shorter than `ngram` but not than this are searched for whole; null: not at all. */
  shortItemTokens: number | null;
  maxItemsPerNgram: number;
}

export function createNgramSearch(sequences: Sequences, rule: NgramRule): Search {
  const { ngram, shortItemTokens } = rule;
  const index = createGramIndex(sequences, ngram, rule.maxItemsPerNgram, () => true);
  const isShort = (sequence: number): boolean => sequenceLength(sequences, sequence) < ngram;
  const short =
    shortItemTokens === null
      ? undefined
      : createGramIndex(
          sequences,
          shortItemTokens,
          rule.maxItemsPerNgram,
          (sequence, position) => position === 0 && isShort(sequence),
        );
  return (tokens, count) => {
    const longest = new Map<number, number>();
    const note = (sequence: number, run: number): void => {
      longest.set(sequence, Math.max(run, longest.get(sequence) ?? 0));
    };
    findGrams(index, tokens, count, (at, position) => {
      note(sequences.of[position], runLength(sequences, ngram, tokens, count, at, position));
    });
    if (short !== undefined) {
      findGrams(short, tokens, count, (at, position) => {
        const sequence = sequences.of[position];
        const run = runLength(sequences, short.size, tokens, count, at, position);
        if (run === sequenceLength(sequences, sequence)) note(sequence, run);
      });
    }
    return inOrder([...longest].map(([sequence, value]) => ({ sequence, value })));
  };
}

/** Shared tokens in a row from a known n-gram on; no further than that where the run began earlier and was measured then. */
function runLength(
  { tokens: own, starts, of }: Sequences,
  known: number,
  tokens: Int32Array,
  count: number,
  at: number,
  position: number,
): number {
  const sequence = of[position];
  if (at > 0 && position > starts[sequence] && tokens[at - 1] === own[position - 1]) return known;
  let run = known;
  while (at + run < count && position + run < starts[sequence + 1] && tokens[at + run] === own[position + run]) run++;
  return run;
}

export interface LcsRule {
  minLcs: number;
  minLcsShare: number;
  seedTokens: number;
  /** Null: the whole document is one stretch. */
  windowItems: number | null;
  maxItemsPerNgram: number;
}

export function createLcsSearch(sequences: Sequences, rule: LcsRule): Search {
  const isLong = (sequence: number): boolean => sequenceLength(sequences, sequence) >= rule.minLcs;
  const seeds = createGramIndex(sequences, rule.seedTokens, rule.maxItemsPerNgram, isLong);
  const pattern = createPattern();
  return (tokens, count) => {
    const places = findPlaces(seeds, tokens, count, rule.windowItems);
    const hits: Hit[] = [];
    for (const [sequence, { seeds: shared, stretches }] of places) {
      const shorter = Math.min(sequenceLength(sequences, sequence), count);
      if (shared < shorter / TOKENS_PER_SEED) continue;
      pattern.set(sequences.tokens, sequences.starts[sequence], sequences.starts[sequence + 1]);
      let best = 0;
      for (const [from, to] of stretches.values()) best = Math.max(best, pattern.lcsWith(tokens, from, to));
      if (best >= rule.minLcs && best / shorter >= rule.minLcsShare) hits.push({ sequence, value: best / shorter });
    }
    return inOrder(hits);
  };
}

/** A long text must share more than one seed to be worth comparing: one for every so many tokens of the shorter. */
const TOKENS_PER_SEED = 100;

interface Places {
  /** Places in the document where a seed of the sequence stands, and the last of them. */
  seeds: number;
  lastSeed: number;
  /** From and to of each stretch, by its place on the grid. */
  stretches: Map<number, [number, number]>;
}

/** By sequence: the stretches of the document to compare it with, by their place on the grid. */
function findPlaces(
  seeds: GramIndex,
  tokens: Int32Array,
  count: number,
  windowItems: number | null,
): Map<number, Places> {
  const { sequences } = seeds;
  const places = new Map<number, Places>();
  findGrams(seeds, tokens, count, (at, position) => {
    const sequence = sequences.of[position];
    const length = sequenceLength(sequences, sequence);
    let own = places.get(sequence);
    if (own === undefined) {
      own = { seeds: 0, lastSeed: -1, stretches: new Map() };
      places.set(sequence, own);
    }
    if (own.lastSeed !== at) own.seeds++;
    own.lastSeed = at;
    if (windowItems === null || count <= windowItems * length) {
      own.stretches.set(0, [0, count]);
      return;
    }
    // Where the sequence would begin if nothing were left out or put in before the seed.
    const begin = at - (position - sequences.starts[sequence]);
    const step = Math.ceil(length / 2);
    const cell = Math.floor(begin / step);
    if (own.stretches.has(cell)) return;
    const padding = Math.ceil(((windowItems - 1.5) / 2) * length);
    const from = Math.max(0, cell * step - padding);
    own.stretches.set(cell, [from, Math.min(count, cell * step + step + length + padding)]);
  });
  return places;
}

function inOrder(hits: Hit[]): Hit[] {
  return hits.sort((a, b) => a.sequence - b.sequence);
}
