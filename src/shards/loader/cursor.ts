/**
 * Where a mixture stands, as a line of text to put beside a checkpoint:
 *
 *     1:3f2a90b1:77aa01fe:0c9d12ab:120400,3310[:118000,0]
 *
 * version; fingerprints of the shards, of weights and epochs, of seed and order; rows drawn of each source, all epochs
 * together; and, once a source has run out, how many were drawn of each at that point, from where the shares count.
 */
import { CorpusmillError } from '../../core/errors.ts';

const VERSION = 1;

/** What a cursor is for; one that differs gives other rows. 8 hexadecimal digits each. */
export interface Fingerprints {
  shards: string;
  weights: string;
  order: string;
}

export interface Position {
  /** Rows drawn of each source. */
  drawn: number[];
  /** Of those, the ones before the shares were last set anew. */
  base: number[];
}

export function formatCursor({ shards, weights, order }: Fingerprints, { drawn, base }: Position): string {
  const fields = [VERSION, shards, weights, order, drawn.join(',')];
  if (base.some((rows) => rows > 0)) fields.push(base.join(','));
  return fields.join(':');
}

/** Reads a cursor. Throws CorpusmillError('USAGE') when the text is none. */
export function parseCursor(cursor: string): { fingerprints: Fingerprints; position: Position } {
  const match = /^1:([0-9a-f]{8}):([0-9a-f]{8}):([0-9a-f]{8}):(\d+(?:,\d+)*)(?::(\d+(?:,\d+)*))?$/.exec(cursor);
  const numbers = (list: string) => list.split(',').map(Number);
  const drawn = numbers(match?.[4] ?? '');
  const base = match?.[5] === undefined ? drawn.map(() => 0) : numbers(match[5]);
  if (match === null || base.length !== drawn.length || base.some((rows, i) => rows > drawn[i])) {
    throw new CorpusmillError('USAGE', `resuming a loader: ${JSON.stringify(cursor)} is not a cursor`, {
      hint: 'Give the `cursor` of a batch, unchanged.',
    });
  }
  return { fingerprints: { shards: match[1], weights: match[2], order: match[3] }, position: { drawn, base } };
}
