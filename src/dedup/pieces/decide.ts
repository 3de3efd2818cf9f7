/** Which repeats leave the documents, which documents leave with them, and what the report says of it. */
import { type BarrierContext, type BarrierResult, type FeaturePart, NOBODY } from '../../core/stage.ts';
import { eachCut } from './cuts.ts';
import { describePieces } from './describe.ts';
import type { PieceOptions } from './options.ts';
import { type PieceTable, readPieceTable } from './piece-table.ts';
import type { PieceKind } from './pieces.ts';
import { type EditPlan, planEdits } from './plan.ts';
import { findRepeats, findRepeatsByBloom, type Repeats } from './repeats.ts';

export async function decidePieces(
  kind: PieceKind,
  options: PieceOptions,
  context: BarrierContext,
): Promise<BarrierResult> {
  context.progress(0, 'reading keys');
  const table = await readPieceTable(context);
  context.progress(0.1, `matching ${table.aliveKeys} keys`);
  const repeats =
    options.index === 'bloom'
      ? await findRepeatsByBloom(options, table, context)
      : await findRepeats(options, table, context.memoryBytes);
  context.progress(0.7, 'measuring what is left');
  const plan = await planEdits(options, table, repeats, context);
  context.progress(0.9, 'reading the most repeated');
  const details = await describePieces(kind, options, { table, repeats, plan }, context);
  context.progress(1);
  const isRemoval = options.action === 'remove';
  return {
    ...(plan.dropped.size > 0 && { keptAs: keptAs(plan, context.rows) }),
    reasonOf: (ordinal) => plan.dropped.get(ordinal)!,
    edits: {
      action: options.action,
      documents: plan.documents,
      bytesRemoved: isRemoval ? plan.bytes : 0,
      spans: (part) => spansOf(part, options, table, repeats, plan),
    },
    details,
  };
}

function keptAs({ dropped }: EditPlan, rows: number): Uint32Array {
  const kept = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) kept[i] = i;
  for (const ordinal of dropped.keys()) kept[ordinal] = NOBODY;
  return kept;
}

/** Triples (row, start, end) of a part, as `TextEdits` has them. */
async function spansOf(
  number: number,
  { span }: PieceOptions,
  table: PieceTable,
  { marked }: Repeats,
  { dropped }: EditPlan,
): Promise<Uint32Array> {
  const part = table.parts.find((one) => one.part === number) as FeaturePart;
  const places = await table.places(part);
  const spans: number[] = [];
  for (let row = 0; row < part.rows; row++) {
    const isGone = part.alive?.[row] === 0 || dropped.has(part.firstOrdinal + row);
    eachCut(places, table.firstKey[part.firstOrdinal + row], marked, span, ({ start, end }) => {
      if (!isGone) spans.push(row, start, end);
    });
  }
  return Uint32Array.from(spans);
}
