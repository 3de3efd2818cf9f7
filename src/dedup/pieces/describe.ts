/** What the report says of repeated lines, paragraphs or sentences: counts, by source too, and the most repeated ones. */
import type { LineDetails } from '../../core/run-summary.ts';
import type { BarrierContext } from '../../core/stage.ts';
import type { PieceOptions } from './options.ts';
import type { PieceTable } from './piece-table.ts';
import type { PieceKind } from './pieces.ts';
import type { EditPlan, SourceCounts } from './plan.ts';
import type { Repeat, Repeats } from './repeats.ts';

const TOP_SHOWN = 50;
const EXCERPT_CHARS = 300;

/** `LineDetails` and what these stages know besides. */
export interface PieceDetails extends LineDetails {
  /** Different ones among those that may be touched. */
  distinct: number;
  /** Different ones that stand in `minDocuments` documents or more; not known with a Bloom filter. */
  repeated?: number;
  /** Of those seen, how many may be touched. */
  eligible: number;
  /** Documents dropped for what was left of them. */
  dropped: number;
  sources: Record<string, SourceCounts>;
  bloom?: { bytes: number; probes: number };
}

const UNITS: Record<PieceKind, string> = { line: 'line', paragraph: 'paragraph', sentence: 'sentences' };

export async function describePieces(
  kind: PieceKind,
  options: PieceOptions,
  { table, repeats, plan }: { table: PieceTable; repeats: Repeats; plan: EditPlan },
  context: BarrierContext,
): Promise<PieceDetails> {
  const { falsePositiveRate, ...settings } = options;
  return {
    kind: 'lines',
    unit: UNITS[kind],
    documents: plan.seen,
    edited: plan.documents,
    dropped: plan.dropped.size,
    seen: plan.allPieces,
    eligible: table.aliveKeys,
    distinct: repeats.distinct,
    ...(repeats.repeated !== undefined && { repeated: repeats.repeated }),
    removed: plan.pieces,
    bytesRemoved: plan.bytes,
    top: await readTop(repeats.top, options.span, table, context),
    sources: Object.fromEntries(context.inputs.map((name, i) => [name, plan.sources[i]])),
    ...(repeats.bloom && { bloom: repeats.bloom }),
    settings: { ...settings, ...(options.index === 'bloom' && { falsePositiveRate }), keyBits: 64 },
  };
}

/** The most repeated ones as they stand in the first document that has them. */
async function readTop(
  repeats: readonly Repeat[],
  span: number,
  table: PieceTable,
  context: BarrierContext,
): Promise<LineDetails['top']> {
  const shown = (span === 1 ? repeats : withoutNeighbours(repeats, table)).slice(0, TOP_SHOWN);
  const inOrder = shown.map((repeat, rank) => ({ ...repeat, rank })).sort((a, b) => a.key - b.key);
  const ordinals: number[] = [];
  const places: { start: number; end: number }[] = [];
  for (const { key } of inOrder) ordinals.push(table.rowOf(key, ordinals.at(-1)));
  for (let i = 0; i < inOrder.length; ) {
    const part = table.parts.findLast(({ firstOrdinal }) => firstOrdinal <= ordinals[i])!;
    const reader = await table.places(part);
    for (let row = 0; i < inOrder.length && row < part.rows; row++) {
      const ordinal = part.firstOrdinal + row;
      const count = reader.nextRow();
      const found: { start: number; end: number; hasKey: boolean }[] = [];
      for (let place = 0; place < count; place++) {
        reader.nextPlace();
        if (ordinal !== ordinals[i]) continue;
        const { start, end, hasKey } = reader.place;
        found.push({ start, end, hasKey });
      }
      const keyed = found.flatMap(({ hasKey }, at) => (hasKey ? [at] : []));
      for (; i < inOrder.length && ordinals[i] === ordinal; i++) {
        const first = keyed[inOrder[i].key - table.firstKey[ordinal]];
        places.push({ start: found[first].start, end: found[Math.min(found.length, first + span) - 1].end });
      }
    }
  }
  const wanted = [...new Set(ordinals)];
  const texts = await context.readTexts(wanted);
  const textOf = new Map(wanted.map((ordinal, i) => [ordinal, texts[i]]));
  const top: LineDetails['top'] = [];
  for (const [i, { rank, documents: count, occurrences }] of inOrder.entries()) {
    const { start, end } = places[i];
    const text = textOf.get(ordinals[i])!.slice(start, Math.min(end, start + EXCERPT_CHARS));
    // The cut may halve a surrogate pair.
    top[rank] = { text: text.trim().toWellFormed(), documents: count, occurrences };
  }
  return top;
}

/** Runs that begin one piece behind another of as many documents are the same long repeat: the first of them stands for it. */
function withoutNeighbours(repeats: readonly Repeat[], table: PieceTable): Repeat[] {
  const byKey = new Map(repeats.map((repeat) => [repeat.key, repeat]));
  return repeats.filter(({ key, documents }) => {
    const before = byKey.get(key - 1);
    return before === undefined || before.documents !== documents || table.rowOf(key - 1) !== table.rowOf(key);
  });
}
