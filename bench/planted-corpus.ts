/**
 * A made-up corpus of any size with planted near-copies, for `dedup-scale`: documents of 25–40 words drawn from a Zipf
 * distribution over 50,000 made-up words, as in running text; every twentieth is a copy of another, far away, whose last 1
 * to 9 words are others. A changed end breaks as many shingles as it has words, so similarities spread over .4 to .95.
 *
 * Everything follows from a document's number: any document, and the pair that it is part of, can be made again.
 */
import { closeSync, existsSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { mix32 } from '../src/core/random.ts';
import { benchCache } from './web-mix.ts';

const VOCABULARY = 50_000;
/** Raised when the documents change: the name of the cached file. */
const EDITION = 1;
const LEAST_WORDS = 25;
const MOST_WORDS = 40;
/** One copy and one original among so many documents: a tenth of them are in pairs. */
const SPACING = 20;
const MOST_CHANGED = 9;

export interface PlantedPair {
  original: number;
  copy: number;
  /** Words at the end of the copy that are others. */
  changed: number;
}

/** The numbers of a document's words, most frequent first in the vocabulary. */
export type Words = number[];

/** Documents, by number. `documents` is a multiple of twenty. */
export interface PlantedCorpus {
  documents: number;
  pairs: number;
  pair(index: number): PlantedPair;
  words(document: number): Words;
}

export function plantedCorpus(documents: number): PlantedCorpus {
  if (documents % SPACING !== 0) throw new Error(`a planted corpus has a multiple of ${SPACING} documents`);
  const pairs = documents / SPACING;
  // A prime that does not divide the number of pairs: each original has one copy.
  const step = [1_000_003, 999_983].find((prime) => pairs % prime !== 0)!;
  const pair = (index: number): PlantedPair => ({
    original: SPACING * ((index * step + 12_345) % pairs) + 7,
    copy: SPACING * index + SPACING - 1,
    changed: 1 + (mix32(index ^ 0x3c6ef372) % MOST_CHANGED),
  });
  const words = (document: number): Words => {
    if (document % SPACING !== SPACING - 1) return ownWords(document);
    const { original, changed } = pair((document - SPACING + 1) / SPACING);
    const copy = ownWords(original);
    const others = ownWords(document);
    for (let i = 0; i < changed; i++) {
      const at = copy.length - 1 - i;
      copy[at] = others[i] === copy[at] ? (copy[at] + 1) % VOCABULARY : others[i];
    }
    return copy;
  };
  return { documents, pairs, pair, words };
}

function ownWords(document: number): Words {
  // Two hashes: with one, ten million sequences of a 32-bit counter would run into each other thousands of times.
  let state = mix32(document ^ 0x510e527f);
  const own = mix32(document ^ 0x1f83d9ab);
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    return mix32(mix32(state) + own) >>> 0;
  };
  const count = LEAST_WORDS + (next() % (MOST_WORDS - LEAST_WORDS + 1));
  return Array.from({ length: count }, () => zipf[next() >>> (32 - ZIPF_BITS)]);
}

const ZIPF_BITS = 20;
/** The word of each of 2^20 equally likely draws: word r with probability proportional to 1 / (r + 2.7) (Mandelbrot). */
const zipf = zipfTable();

function zipfTable(): Uint16Array {
  const weights = Float64Array.from({ length: VOCABULARY }, (_, rank) => 1 / (rank + 2.7));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const table = new Uint16Array(2 ** ZIPF_BITS);
  let sum = 0;
  for (let rank = 0, at = 0; rank < VOCABULARY; rank++) {
    sum += weights[rank] / total;
    const end = rank === VOCABULARY - 1 ? table.length : Math.round(sum * table.length);
    table.fill(rank, at, end);
    at = end;
  }
  return table;
}

/** Word `number` spelled in syllables, frequent ones short; no two are the same. */
export function spell(number: number): string {
  let rest = number;
  let word = '';
  do {
    const syllable = rest % 100;
    word += 'bcdfghjklmnprstvwxyz'[Math.floor(syllable / 5)] + 'aeiou'[syllable % 5];
    rest = Math.floor(rest / 100) - 1;
  } while (rest >= 0);
  return word;
}

/** Jaccard similarity of the two documents' sets of `length`-word shingles: of the strings themselves. */
export function jaccard(a: Words, b: Words, length: number): number {
  const first = shingles(a, length);
  const second = shingles(b, length);
  let both = 0;
  for (const shingle of second) if (first.has(shingle)) both++;
  return both / (first.size + second.size - both);
}

function shingles(words: Words, length: number): Set<string> {
  const found = new Set<string>();
  for (let i = 0; i + length <= words.length; i++) found.add(words.slice(i, i + length).join(' '));
  return found;
}

/** The corpus as a JSONL file: made once, about 180 bytes a document, and cached. */
export function writePlantedCorpus(corpus: PlantedCorpus): string {
  const path = join(benchCache(), `planted-${EDITION}-${corpus.documents}.jsonl`);
  if (existsSync(path)) return path;
  const spelled = Array.from({ length: VOCABULARY }, (_, number) => spell(number));
  const file = openSync(`${path}.part`, 'w');
  let lines: string[] = [];
  for (let document = 0; document < corpus.documents; document++) {
    const text = corpus
      .words(document)
      .map((word) => spelled[word])
      .join(' ');
    lines.push(`{"id":"d${document}","text":"${text}"}\n`);
    if (lines.length < 10_000 && document + 1 < corpus.documents) continue;
    writeSync(file, lines.join(''));
    lines = [];
    if ((document + 1) % 1_000_000 === 0) process.stderr.write(`planted corpus: ${(document + 1) / 1e6} M written\n`);
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
  return path;
}
