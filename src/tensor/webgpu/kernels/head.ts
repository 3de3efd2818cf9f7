/**
 * The output head with its loss, over chunks of rows whose logits fit scratch memory: logits of a chunk by a product, a
 * kernel over their rows that leaves gradients in their place (head-rows.ts), and two products for those of x and w.
 * So [rows, vocab] is never whole in memory; each chunk reads w twice and adds to dw once.
 *
 * Rows whose label is negative are computed like the others and weigh nothing: which they are is known only on the GPU.
 */
import { OperandTooLarge } from '../bindings.ts';
import { type Dispatch, type KernelPlace, type KernelSource, part, SCRATCH } from '../kernel.ts';
import type { Lowering, LoweringContext } from '../lowering.ts';
import { crossEntropyRows, LOG_PROB_GRADIENT_ROWS, LOG_PROB_ROWS, LOSS } from './head-rows.ts';
import { multiply } from './product.ts';
import type { Matrix } from './product-form.ts';

/** Words of a chunk's logits: 64 MiB. */
const MOST_LOGITS = 1 << 24;

interface Head {
  readonly rows: number;
  readonly columns: number;
  readonly vocab: number;
  readonly scale: number;
  readonly x: KernelPlace;
  readonly w: KernelPlace;
  readonly dx?: KernelPlace;
  readonly dw?: KernelPlace;
  readonly dwAddend?: KernelPlace;
}

/** A kernel over the rows of a chunk, and its operands, of which there is an entry for each row of all. */
interface RowKernel {
  readonly kernel: KernelSource;
  readonly places: Readonly<Record<string, KernelPlace>>;
  readonly parameters: Readonly<Record<string, number>>;
}

function overChunks(context: LoweringContext, head: Head, { kernel, places, parameters }: RowKernel): Dispatch[] {
  const { rows, columns, vocab, scale, dx, dw, dwAddend } = head;
  const row = 4 * Math.ceil(vocab / 4);
  const dispatches: Dispatch[] = [];
  if (rows === 0) {
    if (dw === undefined) return [];
    const nothing = { place: head.x, row: 0 };
    const sizes = { m: vocab, n: columns, k: 0, transposeA: true, transposeB: false, alpha: 1 };
    const out = { place: dw, row: columns };
    return multiply(context, { ...sizes, a: nothing, b: nothing, out, addend: dwAddend });
  }
  const chunk = chunkRows(context, rows, row);
  const scratch = context.scratch(chunk * row);
  const w: Matrix = { place: head.w, row: columns };
  for (let first = 0; first < rows; first += chunk) {
    const count = Math.min(chunk, rows - first);
    const logits = { place: part(scratch, 0, count * row), row, isPadded: true };
    const rowsOf = (place: KernelPlace): Matrix => ({
      place: part(place, first * columns, count * columns),
      row: columns,
    });
    const x = rowsOf(head.x);
    const forward = { m: count, n: vocab, k: columns, transposeA: false, transposeB: true, alpha: scale };
    dispatches.push(...multiply(context, { ...forward, a: x, b: w, out: logits }), {
      kernel,
      places: {
        logits: logits.place,
        ...Object.fromEntries(Object.entries(places).map(([name, place]) => [name, part(place, first, count)])),
      },
      parameters: { rows: count, row, vocab, first_row: first, ...parameters },
      workgroups: context.grid(count),
    });
    if (dx !== undefined) {
      const sizes = { m: count, n: columns, k: vocab, transposeA: false, transposeB: false, alpha: 1 };
      dispatches.push(...multiply(context, { ...sizes, a: logits, b: w, out: rowsOf(dx) }));
    }
    if (dw !== undefined) {
      const sizes = { m: vocab, n: columns, k: count, transposeA: true, transposeB: false, alpha: 1 };
      const addend = first > 0 ? dw : dwAddend;
      dispatches.push(...multiply(context, { ...sizes, a: logits, b: x, out: { place: dw, row: columns }, addend }));
    }
  }
  return dispatches;
}

/** Rows of a chunk: whole tiles of a product where there are as many, and about as many in each. */
function chunkRows({ limits }: LoweringContext, rows: number, row: number): number {
  const most = Math.floor(Math.min(MOST_LOGITS, limits.maxBindingWords - 2 * limits.alignmentWords) / row);
  if (most === 0) throw new OperandTooLarge({ slot: SCRATCH, length: row }, limits.maxBindingWords);
  if (rows <= most) return rows;
  const even = Math.ceil(rows / Math.ceil(rows / most));
  const whole = 64 * Math.ceil(even / 64);
  return whole <= most ? whole : most >= 64 ? most - (most % 64) : most;
}

export const headLowerings = {
  linearCrossEntropy(context) {
    const [rows, columns, vocab, z_loss, smoothing] = context.attributes;
    const [dx, dw] = [context.maybeOut(2), context.maybeOut(3)];
    const terms = context.scratch(Math.max(1, rows));
    const kernel = crossEntropyRows(dx !== undefined || dw !== undefined);
    const places = { labels: context.in(2), weights: context.in(3), nll: context.out(1), terms };
    const [x, w, dwAddend] = [context.in(0), context.in(1), context.maybeIn(4)];
    const head = { rows, columns, vocab, scale: 1, x, w, dx, dw, dwAddend };
    return [
      ...overChunks(context, head, { kernel, places, parameters: { z_loss, smoothing } }),
      { kernel: LOSS, places: { terms, loss: context.out(0) }, parameters: { rows }, workgroups: [1, 1, 1] },
    ];
  },
  linearLogProb(context) {
    const [rows, columns, vocab, scale] = context.attributes;
    const [log_prob, lse, entropy] = [context.out(0), context.out(1), context.out(2)];
    const places = { labels: context.in(2), log_prob, lse, entropy };
    const head = { rows, columns, vocab, scale, x: context.in(0), w: context.in(1) };
    return overChunks(context, head, { kernel: LOG_PROB_ROWS, places, parameters: {} });
  },
  linearLogProbGrad(context) {
    const [rows, columns, vocab, scale] = context.attributes;
    const [x, w, dwAddend] = [context.in(1), context.in(2), context.maybeIn(5)];
    const places = { labels: context.in(3), dlog_prob: context.in(0), lse: context.in(4) };
    const head = { rows, columns, vocab, scale, x, w, dx: context.out(0), dw: context.out(1), dwAddend };
    return overChunks(context, head, { kernel: LOG_PROB_GRADIENT_ROWS, places, parameters: { scale } });
  },
} satisfies Record<string, Lowering>;
