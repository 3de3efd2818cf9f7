/**
 * Where the later pieces of cut documents lie. Packing puts the pieces of a document longer than a row into rows anywhere
 * in the set; the tables of pieces (pieces-table.ts) say where each begins within its document. Pieces with a start above
 * 0 are gathered once, some 70 bytes each, sorted by document and start; documents that lie in one piece take no memory.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { sampleFraction } from '../../core/random.ts';
import type { PieceColumns } from '../piece-records.ts';

/** A stretch of a row. */
export interface PiecePlace {
  /** Row of the set. */
  row: number;
  /** First token within the row. */
  at: number;
  tokens: number;
}

export interface CutDocuments {
  /**
   * The pieces of a document behind its first, in order; none for a document in one piece. Throws
   * CorpusmillError('INPUT_CORRUPT') when they do not follow on each other, or were asked for before: two documents
   * of one source with the same id, which cannot be told apart.
   */
  rest(source: string, documentId: string, firstTokens: number): PiecePlace[];
  /** Throws CorpusmillError('INPUT_CORRUPT') when there are pieces that no document asked for. */
  checkAllTaken(): void;
}

const SEED = 20190813;

/** A number for a document: 53 bits of a hash of source and id. What two documents share is found by `rest`. */
function keyOf(source: string, documentId: string): number {
  return sampleFraction(SEED, `${source}\0${documentId}`);
}

/** Gathers the later pieces of all shards; `tables` gives the table of each shard in order. */
export async function indexCutDocuments(tables: AsyncIterable<PieceColumns>): Promise<CutDocuments> {
  const found: { keys: number[]; rows: number[]; ats: number[]; starts: number[]; tokens: number[] } = {
    keys: [],
    rows: [],
    ats: [],
    starts: [],
    tokens: [],
  };
  for await (const table of tables) {
    let at = 0;
    for (let i = 0; i < table.row.length; i++) {
      at = table.piece[i] === 0 ? 0 : at;
      if (table.start[i] > 0) {
        found.keys.push(keyOf(table.source[i], table.documentId[i]));
        found.rows.push(table.row[i]);
        found.ats.push(at);
        found.starts.push(table.start[i]);
        found.tokens.push(table.tokens[i]);
      }
      at += table.tokens[i];
    }
  }
  const keys = Float64Array.from(found.keys);
  const order = Uint32Array.from(keys, (_, i) => i).sort(
    (a, b) => keys[a] - keys[b] || found.starts[a] - found.starts[b] || found.rows[a] - found.rows[b],
  );
  /** First entry of `order` of each document. */
  const firsts = new Map<number, number>();
  for (let i = 0; i < order.length; i++) {
    if (i === 0 || keys[order[i]] !== keys[order[i - 1]]) firsts.set(keys[order[i]], i);
  }
  return {
    rest(source, documentId, firstTokens) {
      if (firsts.size === 0) return [];
      const key = keyOf(source, documentId);
      const first = firsts.get(key);
      if (first === undefined) return [];
      const pieces: PiecePlace[] = [];
      let expected = firstTokens;
      for (let i = first; i < order.length && keys[order[i]] === key; i++) {
        const piece = order[i];
        if (found.starts[piece] !== expected) throw mixedUp(documentId, expected, found.starts[piece]);
        pieces.push({ row: found.rows[piece], at: found.ats[piece], tokens: found.tokens[piece] });
        expected += found.tokens[piece];
      }
      firsts.delete(key);
      return pieces;
    },
    checkAllTaken() {
      if (firsts.size === 0) return;
      throw new CorpusmillError('INPUT_CORRUPT', `exporting shards: ${firsts.size} cut documents have no first piece`, {
        hint: 'Compare the shards with their manifest (`corpusmill shards verify`), or export with --cut apart.',
      });
    },
  };
}

function mixedUp(documentId: string, expected: number, found: number): CorpusmillError {
  return new CorpusmillError(
    'INPUT_CORRUPT',
    `exporting shards: the document ${JSON.stringify(documentId)} should go on at token ${expected}, its next piece begins at ${found}`,
    { hint: 'Two documents of one source may have this id; export with --cut apart to keep pieces as they are.' },
  );
}
