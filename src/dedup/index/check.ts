/**
 * Which new documents are copies of indexed ones: candidates are compared on the new document's text and the indexed
 * document's sketch, those of a document in the order of the index until one is like it. A new document that is a fragment
 * of an indexed one counts as its copy; one that holds an indexed document as its fragment does not.
 *
 * Memory: the sketches of `MAX_ROWS` indexed documents (4 KB each at most by default), and the texts of one part.
 */
import type { BarrierContext } from '../../core/stage.ts';
import type { LikenessRule } from '../likeness.ts';
import type { PairSet } from '../pair-set.ts';
import { type IndexMatches, noMatches } from './matches.ts';
import type { IndexReader } from './read.ts';
import { createSketchLikeness, type Sketch } from './sketch.ts';

/** Indexed documents whose sketches are in memory at once. */
const MAX_ROWS = 1 << 14;

export interface IndexCheck {
  matches: IndexMatches;
  /** Pairs that were compared. */
  checked: number;
}

/** `candidates` are closed: (ordinal, row of the index). They are removed. */
export async function checkAgainstIndex(
  candidates: PairSet,
  index: IndexReader,
  rule: LikenessRule,
  context: BarrierContext,
): Promise<IndexCheck> {
  const matches = noMatches(context.rows);
  const likeness = createSketchLikeness(rule);
  let checked = 0;
  for await (const { ordinals, rows } of candidatesByPart(candidates, context)) {
    context.signal.throwIfAborted();
    const texts = await context.readTexts(ordinals);
    for (let from = 0; from < ordinals.length; ) {
      const { to, needed } = someWithin(rows, from);
      const sketches = new Map<number, Sketch>();
      for (const [i, sketch] of (await index.sketches(needed)).entries()) sketches.set(needed[i], sketch);
      for (let i = from; i < to; i++) {
        likeness.open(texts[i]);
        for (const row of rows[i]) {
          checked++;
          const relation = likeness.compare(sketches.get(row)!);
          if (relation !== 'alike' && relation !== 'fragment of held') continue;
          matches.set(ordinals[i], row, likeness.measured);
          break;
        }
      }
      from = to;
    }
  }
  candidates.remove();
  return { matches, checked };
}

/** The documents from `from` on whose candidates fit together, at least one, and those candidates, ascending. */
function someWithin(rows: readonly (readonly number[])[], from: number): { to: number; needed: number[] } {
  const needed = new Set<number>();
  let to = from;
  while (to < rows.length && (to === from || needed.size + rows[to].length <= MAX_ROWS)) {
    for (const row of rows[to]) needed.add(row);
    to++;
  }
  return { to, needed: [...needed].sort((a, b) => a - b) };
}

interface PartCandidates {
  ordinals: number[];
  /** Of each ordinal, ascending. */
  rows: number[][];
}

async function* candidatesByPart(candidates: PairSet, context: BarrierContext): AsyncGenerator<PartCandidates> {
  const parts = [...context.parts].sort((a, b) => a.firstOrdinal - b.firstOrdinal);
  const pair = candidates.read();
  let more = pair.next();
  for (const { firstOrdinal, rows: length } of parts) {
    const ordinals: number[] = [];
    const rows: number[][] = [];
    for (; more && pair.major < firstOrdinal + length; more = pair.next()) {
      if (ordinals.at(-1) !== pair.major) {
        ordinals.push(pair.major);
        rows.push([]);
      }
      rows[rows.length - 1].push(pair.minor);
    }
    if (ordinals.length > 0) yield { ordinals, rows };
  }
  pair.end();
}
