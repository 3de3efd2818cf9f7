/**
 * The tokens of a vocabulary end to end, as encoders take them, for those that were read so: a list of a hundred thousand byte
 * arrays takes longer to make than everything else of a tokenizer, and encoding has no use for it.
 */
import type { BpeTables } from './hf-json.ts';

/** Token i is bytes[starts[i], starts[i + 1]); no bytes: there is none. */
export interface FlatTokens {
  bytes: Uint8Array;
  starts: Uint32Array;
}

const known = new WeakMap<BpeTables, FlatTokens>();

/** The tokens of tables, laid out; those of `tablesOfFlat` as they were. */
export function flatTokensOf(tables: BpeTables): FlatTokens {
  return known.get(tables) ?? layOut(tables.tokens);
}

/** Tables whose `tokens` are made when first asked for. */
export function tablesOfFlat(flat: FlatTokens, rest: Omit<BpeTables, 'tokens' | 'vocabSize'>): BpeTables {
  let tokens: BpeTables['tokens'] | undefined;
  const tables: BpeTables = {
    vocabSize: flat.starts.length - 1,
    get tokens() {
      tokens ??= listOf(flat);
      return tokens;
    },
    ...rest,
  };
  known.set(tables, flat);
  return tables;
}

/** The same tokens with others in some places, which may lie behind the last. */
export function withTokens(flat: FlatTokens, others: ReadonlyMap<number, Uint8Array>): FlatTokens {
  const ids = [...others.keys()].sort((a, b) => a - b);
  const count = Math.max(flat.starts.length - 1, (ids.at(-1) ?? -1) + 1);
  const startOf = (id: number): number => flat.starts[Math.min(id, flat.starts.length - 1)];
  let size = startOf(count);
  for (const [id, token] of others) size += token.length - (startOf(id + 1) - startOf(id));
  const bytes = new Uint8Array(size);
  const starts = new Uint32Array(count + 1);
  let end = 0;
  /** Ids from `from` on, and where their bytes go. */
  const keep = (from: number, to: number): void => {
    bytes.set(flat.bytes.subarray(startOf(from), startOf(to)), end);
    const shift = end - startOf(from);
    for (let id = from; id < to; id++) starts[id + 1] = startOf(id + 1) + shift;
    end = shift + startOf(to);
  };
  let next = 0;
  for (const id of ids) {
    keep(next, id);
    const token = others.get(id) ?? new Uint8Array();
    bytes.set(token, end);
    end += token.length;
    starts[id + 1] = end;
    next = id + 1;
  }
  keep(next, count);
  return { bytes, starts };
}

function layOut(tokens: BpeTables['tokens']): FlatTokens {
  const starts = new Uint32Array(tokens.length + 1);
  for (let id = 0; id < tokens.length; id++) starts[id + 1] = starts[id] + (tokens[id]?.length ?? 0);
  const bytes = new Uint8Array(starts[tokens.length]);
  for (let id = 0; id < tokens.length; id++) {
    const token = tokens[id];
    if (token !== undefined) bytes.set(token, starts[id]);
  }
  return { bytes, starts };
}

function listOf({ bytes, starts }: FlatTokens): BpeTables['tokens'] {
  const tokens: BpeTables['tokens'] = [];
  for (let id = 0; id + 1 < starts.length; id++) {
    tokens.push(starts[id] === starts[id + 1] ? undefined : bytes.subarray(starts[id], starts[id + 1]));
  }
  return tokens;
}
