/** The benchmarks' texts as token sequences, one after another in one array; equal ones once, with all their items. */
import { createTokenizer } from '../../text/folded-tokens.ts';
import type { BenchmarkItem } from './benchmark-files.ts';

export interface Sequences {
  count: number;
  tokens: Int32Array;
  /** Sequence i is `tokens[starts[i], starts[i + 1])`. */
  starts: Uint32Array;
  /** Sequence of each token. */
  of: Uint32Array;
  /** Entry i: how many of the first i tokens are numbers. */
  numbersBefore: Uint32Array;
  /** Items that hold the sequence. */
  items: BenchmarkItem[][];
}

export function createSequences(items: readonly BenchmarkItem[]): Sequences {
  const tokenizer = createTokenizer();
  const known = new Map<string, number>();
  const pieces: Int32Array[] = [];
  const owners: BenchmarkItem[][] = [];
  const numbers = new Set<number>();
  let total = 0;
  for (const item of items) {
    for (const text of item.texts) {
      const digits = tokenizer.tokenize(
        text.match(/(?<![\p{L}\p{N}\p{M}])\p{N}+(?![\p{L}\p{N}\p{M}])/gu)?.join(' ') ?? '',
      );
      for (let i = 0; i < digits; i++) numbers.add(tokenizer.tokens[i]);
      const count = tokenizer.tokenize(text);
      if (count === 0) continue;
      const piece = tokenizer.tokens.slice(0, count);
      // Token hashes as they are: the same tokens give the same key.
      const key = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1');
      const same = known.get(key);
      if (same !== undefined) {
        if (!owners[same].includes(item)) owners[same].push(item);
        continue;
      }
      known.set(key, pieces.length);
      pieces.push(piece);
      owners.push([item]);
      total += count;
    }
  }
  const tokens = new Int32Array(total);
  const starts = new Uint32Array(pieces.length + 1);
  const of = new Uint32Array(total);
  let at = 0;
  pieces.forEach((piece, i) => {
    tokens.set(piece, at);
    of.fill(i, at, at + piece.length);
    at += piece.length;
    starts[i + 1] = at;
  });
  const numbersBefore = new Uint32Array(total + 1);
  for (let i = 0; i < total; i++) numbersBefore[i + 1] = numbersBefore[i] + (numbers.has(tokens[i]) ? 1 : 0);
  return { count: pieces.length, tokens, starts, of, numbersBefore, items: owners };
}

export function sequenceLength({ starts }: Sequences, sequence: number): number {
  return starts[sequence + 1] - starts[sequence];
}
