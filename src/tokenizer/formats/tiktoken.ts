/**
 * `.tiktoken` files: a line for each token, its bytes in base64 and its rank, which is its id. What else a tokenizer is
 * (pattern, normalization, special tokens) is not in the file and comes from a published encoding's name or from options.
 *
 * Encoding by ranks equals BPE by merges under conditions that are checked in both directions (rank-merges.ts), so a
 * file that is read encodes as tiktoken does, and one that is written does in tiktoken what it does here.
 * Source: openai/tiktoken `load.py`.
 */
import { CorpusmillError } from '../../core/errors.ts';
import type { AddedToken, BpeTables, Normalization } from '../hf-json.ts';
import { PATTERNS } from '../pre-tokenizer.ts';
import { KNOWN_ENCODINGS } from './known-encodings.ts';
import { mergesOfRanks } from './rank-merges.ts';

export interface TiktokenOptions {
  /** Name of a published encoding (`KNOWN_ENCODINGS`): pattern, normalization and special tokens. */
  encoding?: string;
  /** A name of `PATTERNS` or a regular expression; in place of the encoding's. */
  pattern?: string;
  normalization?: Normalization;
  /** Special tokens and their ids, in place of the encoding's; of a list, the ids follow the highest rank. */
  specialTokens?: readonly string[] | Readonly<Record<string, number>>;
}

/** Whether a file's first line is `base64 number`. */
export function looksLikeTiktoken(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('latin1');
  return LINE.test(head.slice(0, /\r?\n|$/.exec(head)!.index));
}

const LINE = /^([A-Za-z0-9+/]+={0,2}) (\d{1,9})$/;

/**
 * Reads the text of a file; `source` names it in messages. Throws INPUT_CORRUPT for a bad line and CONFIG_INVALID when
 * it is not known how to cut a text into pieces.
 */
export function readTiktoken(text: string, source: string, options: TiktokenOptions = {}): BpeTables {
  const { encoding } = options;
  if (encoding !== undefined && !Object.hasOwn(KNOWN_ENCODINGS, encoding)) {
    throw new CorpusmillError('CONFIG_INVALID', `reading the ranks ${source}: there is no encoding '${encoding}'`, {
      hint: `Known encodings: ${Object.keys(KNOWN_ENCODINGS).join(', ')}.`,
    });
  }
  const known = encoding === undefined ? undefined : KNOWN_ENCODINGS[encoding];
  const pattern = options.pattern ?? known?.pattern;
  if (pattern === undefined) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `reading the ranks ${source}: a .tiktoken file does not say by which pattern a text is cut`,
      {
        hint:
          `Name the encoding (${Object.keys(KNOWN_ENCODINGS).join(', ')}) or the pattern and special tokens: ` +
          '`corpusmill tokenizer convert` makes a tokenizer.json of it, which says all.',
      },
    );
  }
  const tokens = readRanks(text, source);
  const added = addedTokens(options.specialTokens ?? known?.special ?? [], tokens, source);
  const { lefts, rights, products, unreachable } = mergesOfRanks(tokens);
  const utf8 = new TextEncoder();
  for (const { id, content } of added) tokens[id] = utf8.encode(content);
  return {
    vocabSize: tokens.length,
    tokens,
    lefts,
    rights,
    products,
    added,
    normalization: options.normalization ?? known?.normalization ?? 'none',
    pattern: Object.hasOwn(PATTERNS, pattern) ? PATTERNS[pattern as keyof typeof PATTERNS] : pattern,
    ignoreMerges: unreachable.length > 0,
  };
}

/** Bytes by rank. */
function readRanks(text: string, source: string): (Uint8Array | undefined)[] {
  const tokens: (Uint8Array | undefined)[] = [];
  const seen = new Set<string>();
  const lines = text.split(/\r?\n/);
  lines.forEach((line, i) => {
    if (line === '') return;
    const [, word, digits] = LINE.exec(line) ?? [];
    const fail = (what: string): never => {
      throw new CorpusmillError('INPUT_CORRUPT', `reading the ranks ${source}, line ${i + 1}: ${what}`, {
        hint: "A .tiktoken file has a line 'base64 rank' for each token.",
      });
    };
    if (word === undefined) fail(`found ${JSON.stringify(line.slice(0, 60))}, expected base64 and a rank`);
    const rank = Number(digits);
    if (rank > lines.length * 4 + 1000) fail(`the rank ${rank} lies far beyond the ${lines.length} lines of the file`);
    if (tokens[rank] !== undefined) fail(`a second token of rank ${rank}`);
    if (seen.has(word)) fail(`the token ${word} a second time`);
    seen.add(word);
    tokens[rank] = new Uint8Array(Buffer.from(word, 'base64'));
  });
  if (seen.size === 0) {
    throw new CorpusmillError('INPUT_CORRUPT', `reading the ranks ${source}: there is no token in it`);
  }
  return tokens;
}

function addedTokens(
  special: readonly string[] | Readonly<Record<string, number>>,
  tokens: readonly (Uint8Array | undefined)[],
  source: string,
): AddedToken[] {
  const byContent = Array.isArray(special)
    ? special.map((content: string, i): [string, number] => [content, tokens.length + i])
    : Object.entries(special as Readonly<Record<string, number>>);
  return byContent
    .map(([content, id]) => {
      if (tokens[id] !== undefined) {
        throw new CorpusmillError(
          'CONFIG_INVALID',
          `reading the ranks ${source}: the special token ${content} has the id ${id}, which is a rank of the file`,
          { hint: `Its ranks end at ${tokens.length - 1}. Is it the encoding that was named?` },
        );
      }
      return { id, content, special: true };
    })
    .sort((a, b) => a.id - b.id);
}

/**
 * The text of a `.tiktoken` file: all tokens that are not added ones. Throws CONFIG_INVALID when tiktoken would give
 * other ids by it: ranks cannot say which of two ways to make a token is allowed, nor that a later merge comes first.
 */
export function writeTiktoken(tables: BpeTables): string {
  const added = new Set(tables.added.map((token) => token.id));
  const tokens = tables.tokens.map((bytes, id) => (added.has(id) ? undefined : bytes));
  assertExact(tables, tokens);
  const lines: string[] = [];
  tokens.forEach((bytes, id) => {
    if (bytes !== undefined) lines.push(`${Buffer.from(bytes).toString('base64')} ${id}\n`);
  });
  return lines.join('');
}

function assertExact({ lefts, rights, products, ignoreMerges }: BpeTables, tokens: (Uint8Array | undefined)[]): void {
  const fail = (what: string): never => {
    throw new CorpusmillError('CONFIG_INVALID', `writing the tokenizer as .tiktoken: ${what}`, {
      hint: 'Ranks cannot express this tokenizer; write it as an HF tokenizer.json.',
    });
  };
  const word = (id: number): string => JSON.stringify(Buffer.from(tokens[id] ?? []).toString());
  // Files made from ranks list every split of a token; what counts is that the one that is reached is among them.
  const listed = new Set<number>();
  const key = (left: number, right: number): number => left * tokens.length + right;
  for (let rank = 0; rank < products.length; rank++) {
    if (rank > 0 && products[rank] < products[rank - 1]) {
      fail(
        `merge ${rank} makes the token ${products[rank]} (${word(products[rank])}), merge ${rank - 1} one of a higher id`,
      );
    }
    listed.add(key(lefts[rank], rights[rank]));
  }
  const byRank = mergesOfRanks(tokens);
  const [stuck] = byRank.unreachable;
  if (stuck !== undefined && !ignoreMerges) {
    fail(`no merges lead to the token ${stuck} (${word(stuck)}), but tiktoken gives it to a piece that equals it`);
  }
  byRank.products.forEach((product, i) => {
    const [left, right] = [byRank.lefts[i], byRank.rights[i]];
    if (!listed.has(key(left, right))) {
      fail(
        `tiktoken would make the token ${product} (${word(product)}) of ${word(left)} and ${word(right)}, which no merge does`,
      );
    }
  });
}
