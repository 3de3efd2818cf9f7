/**
 * The loop of BPE training: join the most frequent pair of neighbouring symbols everywhere, again and again.
 *
 * Sennrich, Haddow & Birch 2016, made incremental. Words are runs of one flat symbol array, rewritten in place. For each
 * pair: its count and the words it occurs in. A merge visits those words only, sums what changes per neighbouring symbol
 * in dense arrays, and then touches the pair index once per distinct neighbour.
 *
 * What keeps it simple: a pair that contains the new symbol can only be created by the merge that makes the symbol.
 * So its word list is complete when that merge ends, and from then on its count can only fall; the heap needs no
 * increase-key, an entry that proves stale is put back with its present count. For the same reason a pair that is rarer
 * than `minFrequency` when it is created never merges and is not stored at all.
 *
 * Counts are doubles (exact to 2^53; a 32-bit count overflows on large corpora). The result is a function of the counts
 * alone, not of the order of words. The native twin (native/bpe_train.cc) indexes frequent pairs only and uses several
 * threads; it takes a fifth of the CPU time on one. Guarded by bench/tokenizer-train.
 */
import { native } from '../core/native.ts';
import { joinTokens } from './byte-alphabet.ts';
import { createPairHeap } from './pair-heap.ts';
import { PairIndex } from './pair-index.ts';

/** Words as symbols: word i is `symbols[starts[i], starts[i + 1])`, which occurs `counts[i]` times (whole numbers). */
export interface MergeWords {
  /** Symbols, or bytes whose symbols are in `symbolOfByte`. */
  symbols: Uint8Array | Int32Array;
  symbolOfByte: Int32Array;
  starts: Uint32Array;
  counts: Float64Array;
}

export interface MergeLoopOptions {
  /** Bytes of each symbol in the words, by symbol; undefined where there is none. The first merge makes the next symbol. */
  tokens: readonly (Uint8Array | undefined)[];
  /** Bytes that no merge may make, besides those of symbols there are: a pair that would is passed over. */
  reserved: readonly Uint8Array[];
  maxMerges: number;
  /** Stop when the best pair is rarer than this (at least 1). */
  minFrequency: number;
  /** Order of equally frequent pairs: see `TrainOptions` in train-bpe.ts. */
  tie: 'hf' | 'bytes';
  /** Threads of the native loop; the result is the same for any number. */
  threads: number;
}

export interface MergeLoop {
  /** By rank, the first `merges` of them: the joined symbols, and the pair's count when it was joined. */
  readonly lefts: Int32Array;
  readonly rights: Int32Array;
  readonly pairCounts: Float64Array;
  readonly merges: number;
  /** Makes up to `most` merges; false when nothing is left to do. */
  advance(most: number): boolean;
  /** Symbols that the words have now, each word as often as it occurs. */
  symbolTotal(): number;
}

export function createMergeLoop(words: MergeWords, options: MergeLoopOptions): MergeLoop {
  return native === undefined ? createTwinMergeLoop(words, options) : createNativeMergeLoop(native, words, options);
}

function createNativeMergeLoop(
  { BpeMergeLoop }: NonNullable<typeof native>,
  { symbols, symbolOfByte, starts, counts }: MergeWords,
  { tokens, reserved, maxMerges, minFrequency, tie, threads }: MergeLoopOptions,
): MergeLoop {
  const known = [...tokens, ...reserved];
  const tokenStarts = new Float64Array(known.length + 1);
  known.forEach((token, i) => {
    tokenStarts[i + 1] = tokenStarts[i] + (token?.length ?? 0);
  });
  const tokenBytes = new Uint8Array(tokenStarts[known.length]);
  known.forEach((token, i) => void (token !== undefined && tokenBytes.set(token, tokenStarts[i])));
  const loop = new BpeMergeLoop(
    symbols,
    symbolOfByte,
    starts,
    counts,
    tokens.length,
    maxMerges,
    minFrequency,
    tie === 'hf' ? 0 : 1,
    tokenBytes,
    tokenStarts,
    threads,
  );
  const lefts = new Int32Array(maxMerges);
  const rights = new Int32Array(maxMerges);
  const pairCounts = new Float64Array(maxMerges);
  let merges = 0;
  return {
    lefts,
    rights,
    pairCounts,
    get merges() {
      return merges;
    },
    advance(most) {
      const before = merges;
      merges = loop.advance(most, lefts, rights, pairCounts);
      return merges - before === most && merges < maxMerges;
    },
    symbolTotal: () => loop.symbolTotal(),
  };
}

/** The loop in TypeScript, on one thread. */
export function createTwinMergeLoop(words: MergeWords, options: MergeLoopOptions): MergeLoop {
  const { starts, counts } = words;
  const { reserved, maxMerges, tie } = options;
  const tokens = [...options.tokens];
  const firstNew = tokens.length;
  const symbols = ownSymbols(words, firstNew + maxMerges);
  const minFrequency = Math.max(1, options.minFrequency);
  const before = tie === 'hf' ? smallerIds : greaterBytes(tokens);
  const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  const known = new Set([...tokens, ...reserved].map((token) => (token === undefined ? '' : latin1(token))));
  const lengths = new Int32Array(counts.length);
  for (let word = 0; word < lengths.length; word++) lengths[word] = starts[word + 1] - starts[word];

  const lefts = new Int32Array(maxMerges);
  const rights = new Int32Array(maxMerges);
  const pairCounts = new Float64Array(maxMerges);
  let merges = 0;

  const index = indexPairs(symbols, words, minFrequency);
  const heap = createPairHeap((a, b) => before(index.left[a], index.right[a], index.left[b], index.right[b]));
  for (let pair = 0; pair < index.size; pair++)
    if (index.count[pair] >= minFrequency) heap.push(pair, index.count[pair]);

  const leftSide = new Neighbours(firstNew + maxMerges);
  const rightSide = new Neighbours(firstNew + maxMerges);

  /** Rewrites every word of the pair and brings the index up to date. */
  function mergePair(pair: number, product: number): void {
    const left = index.left[pair];
    const right = index.right[pair];
    const pool = index.pool;
    const listEnd = index.listStart[pair] + index.listLength[pair];
    for (let at = index.listStart[pair]; at < listEnd; at++) {
      const word = pool[at];
      const start = starts[word];
      const end = start + lengths[word];
      let read = start;
      while (read + 1 < end && (symbols[read] !== left || symbols[read + 1] !== right)) read++;
      if (read + 1 >= end) continue; // the pair was lost to an earlier merge
      const count = counts[word];
      let write = read;
      let afterProduct = false;
      while (read < end) {
        if (symbols[read] !== left || read + 1 >= end || symbols[read + 1] !== right) {
          symbols[write++] = symbols[read++];
          afterProduct = false;
          continue;
        }
        if (!afterProduct && write > start) leftSide.addBoth(symbols[write - 1], word, count);
        symbols[write++] = product;
        read += 2;
        afterProduct = false;
        if (read < end) {
          const next = symbols[read];
          // When the two that follow merge too, (right, next) gives way to (product, product), not (product, next).
          // Counting it so keeps runs of one letter right: no count is ever taken back.
          afterProduct = next === left && read + 1 < end && symbols[read + 1] === right;
          if (afterProduct) {
            rightSide.addLost(next, count);
            rightSide.addGained(product, word, count);
          } else rightSide.addBoth(next, word, count);
        }
      }
      lengths[word] = write - start;
    }
    settle(leftSide, left, product, true);
    settle(rightSide, right, product, false);
  }

  /** Takes lost occurrences off the old pairs of one side and stores the new pairs that can ever merge. */
  function settle(side: Neighbours, old: number, product: number, isLeft: boolean): void {
    for (let i = 0; i < side.touched; i++) {
      const symbol = side.symbols[i];
      if (side.lost[symbol] > 0) {
        const pair = isLeft ? index.find(symbol, old) : index.find(old, symbol);
        if (pair >= 0) index.count[pair] -= side.lost[symbol];
      }
      const gained = side.gained[symbol];
      if (gained >= minFrequency) {
        const pair = isLeft ? index.add(symbol, product, gained) : index.add(product, symbol, gained);
        side.cursor[symbol] = index.reserveList(pair, side.words[symbol]);
        heap.push(pair, gained);
      } else side.cursor[symbol] = -1;
    }
    const { pool } = index;
    for (let i = 0; i < side.events; i++) {
      const symbol = side.eventSymbol[i];
      if (side.cursor[symbol] >= 0) pool[side.cursor[symbol]++] = side.eventWord[i];
    }
    side.clear();
  }

  return {
    lefts,
    rights,
    pairCounts,
    get merges() {
      return merges;
    },
    advance(most) {
      const stopAt = Math.min(maxMerges, merges + most);
      while (merges < stopAt) {
        if (heap.size === 0) return false;
        const pushedCount = heap.topCount();
        if (pushedCount < minFrequency) return false;
        const pair = heap.pop();
        const count = index.count[pair];
        if (count !== pushedCount) {
          if (count >= minFrequency) heap.push(pair, count);
          continue;
        }
        const token = joinTokens(tokens[index.left[pair]]!, tokens[index.right[pair]]!);
        const name = latin1(token);
        if (known.has(name)) continue;
        known.add(name);
        tokens.push(token);
        lefts[merges] = index.left[pair];
        rights[merges] = index.right[pair];
        pairCounts[merges] = count;
        mergePair(pair, firstNew + merges);
        merges++;
      }
      return merges < maxMerges;
    },
    symbolTotal() {
      let total = 0;
      for (let word = 0; word < lengths.length; word++) total += lengths[word] * counts[word];
      return total;
    },
  };
}

type Symbols = Uint16Array | Int32Array;

/** Symbols to rewrite; 16 bits where all fit: half the memory to walk. */
function ownSymbols({ symbols, symbolOfByte }: MergeWords, symbolCount: number): Symbols {
  const own = symbolCount <= 0x10000 ? new Uint16Array(symbols.length) : new Int32Array(symbols.length);
  if (symbols instanceof Int32Array) own.set(symbols);
  else for (let i = 0; i < symbols.length; i++) own[i] = symbolOfByte[symbols[i]];
  return own;
}

function smallerIds(leftA: number, rightA: number, leftB: number, rightB: number): boolean {
  return leftA !== leftB ? leftA < leftB : rightA < rightB;
}

function greaterBytes(tokens: readonly (Uint8Array | undefined)[]): typeof smallerIds {
  return (leftA, rightA, leftB, rightB) => {
    const order = Buffer.compare(tokens[leftA]!, tokens[leftB]!);
    return (order !== 0 ? order : Buffer.compare(tokens[rightA]!, tokens[rightB]!)) > 0;
  };
}

/** The pairs of the words as they are given. Overlapping occurrences count, as in HF: `aaa` holds (a, a) twice. */
function indexPairs(symbols: Symbols, { starts, counts }: MergeWords, minFrequency: number): PairIndex {
  const index = new PairIndex();
  // At each position: the pair that starts there, or -1 when the word already has it.
  const pairAt = new Int32Array(symbols.length);
  let lastWord = new Int32Array(1 << 14).fill(-1);
  let wordsOfPair = new Uint32Array(1 << 14);
  for (let word = 0; word < counts.length; word++) {
    const last = starts[word + 1] - 1;
    for (let i = starts[word]; i < last; i++) {
      let pair = index.find(symbols[i], symbols[i + 1]);
      if (pair < 0) {
        pair = index.add(symbols[i], symbols[i + 1], 0);
        if (pair === lastWord.length) {
          const longer = new Int32Array(pair * 2).fill(-1);
          longer.set(lastWord);
          lastWord = longer;
          const more = new Uint32Array(pair * 2);
          more.set(wordsOfPair);
          wordsOfPair = more;
        }
      }
      index.count[pair] += counts[word];
      if (lastWord[pair] === word) pairAt[i] = -1;
      else {
        pairAt[i] = pair;
        lastWord[pair] = word;
        wordsOfPair[pair]++;
      }
    }
  }
  const cursor = lastWord.fill(-1);
  for (let pair = 0; pair < index.size; pair++) {
    if (index.count[pair] >= minFrequency) cursor[pair] = index.reserveList(pair, wordsOfPair[pair]);
  }
  const { pool } = index;
  for (let word = 0; word < counts.length; word++) {
    const last = starts[word + 1] - 1;
    for (let i = starts[word]; i < last; i++) {
      const pair = pairAt[i];
      if (pair >= 0 && cursor[pair] >= 0) pool[cursor[pair]++] = word;
    }
  }
  return index;
}

/** What one merge changes on one side of its occurrences, by neighbouring symbol; dense, and cleared by touch list. */
class Neighbours {
  /** Occurrences of the pair of the neighbour and the old symbol that are gone, and of it and the product that came. */
  readonly lost: Float64Array;
  readonly gained: Float64Array;
  /** Distinct words in which the new pair occurs. */
  readonly words: Int32Array;
  readonly cursor: Int32Array;
  readonly #lastWord: Int32Array;
  readonly #isTouched: Uint8Array;
  /** The neighbours seen, in order: the first `touched` entries. */
  readonly symbols: Int32Array;
  touched = 0;
  /** (neighbour, word) once for each word in `words`. */
  eventSymbol = new Int32Array(1 << 12);
  eventWord = new Uint32Array(1 << 12);
  events = 0;

  constructor(symbolCount: number) {
    this.lost = new Float64Array(symbolCount);
    this.gained = new Float64Array(symbolCount);
    this.words = new Int32Array(symbolCount);
    this.cursor = new Int32Array(symbolCount);
    this.#lastWord = new Int32Array(symbolCount).fill(-1);
    this.#isTouched = new Uint8Array(symbolCount);
    this.symbols = new Int32Array(symbolCount);
  }

  addBoth(symbol: number, word: number, count: number): void {
    this.addLost(symbol, count);
    this.addGained(symbol, word, count);
  }

  addLost(symbol: number, count: number): void {
    if (this.#isTouched[symbol] === 0) this.#touch(symbol);
    this.lost[symbol] += count;
  }

  addGained(symbol: number, word: number, count: number): void {
    if (this.#isTouched[symbol] === 0) this.#touch(symbol);
    this.gained[symbol] += count;
    if (this.#lastWord[symbol] === word) return;
    this.#lastWord[symbol] = word;
    this.words[symbol]++;
    if (this.events === this.eventSymbol.length) this.#growEvents();
    this.eventSymbol[this.events] = symbol;
    this.eventWord[this.events++] = word;
  }

  clear(): void {
    for (let i = 0; i < this.touched; i++) {
      const symbol = this.symbols[i];
      this.lost[symbol] = 0;
      this.gained[symbol] = 0;
      this.words[symbol] = 0;
      this.#lastWord[symbol] = -1;
      this.#isTouched[symbol] = 0;
    }
    this.touched = 0;
    this.events = 0;
  }

  #touch(symbol: number): void {
    this.#isTouched[symbol] = 1;
    this.symbols[this.touched++] = symbol;
  }

  #growEvents(): void {
    const eventSymbol = new Int32Array(this.events * 2);
    eventSymbol.set(this.eventSymbol);
    this.eventSymbol = eventSymbol;
    const eventWord = new Uint32Array(this.events * 2);
    eventWord.set(this.eventWord);
    this.eventWord = eventWord;
  }
}
