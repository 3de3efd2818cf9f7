/**
 * From spans in symbols to spans of text: the documents that have some are read once more, each cut is fitted to the text
 * around it (edges.ts), and what the report needs is counted.
 *
 * Memory: 20 bytes a span, 4 a document.
 */
import { type BarrierContext, type FeaturePart, NOBODY, type TextEdits } from '../../core/stage.ts';
import { type Cut, cutOf, narrowCut } from './edges.ts';
import type { ResolvedOptions } from './options.ts';
import { createPlacedSymbolReader, type PlacedSymbolReader } from './units.ts';

export interface EditOutcome {
  edits: TextEdits;
  /** As in BarrierResult: NOBODY for documents of which too little is left. */
  keptAs: Uint32Array;
  /** Units left of each of those. */
  emptied: Map<number, number>;
  /** All cuts, those of dropped documents included: triples (ordinal, start, end) in UTF-16 units, ascending. */
  cuts: Uint32Array;
  /** For each cut a 64-bit hash of its symbols, and how many it has. */
  hashes: BigUint64Array;
  lengths: Uint32Array;
  /** Symbols and UTF-8 bytes that go (or are marked), of kept documents. */
  symbols: number;
  bytes: number;
  /** By input, in the order of the context. */
  sources: SourceCounts[];
}

export interface SourceCounts {
  documents: number;
  /** Kept with something cut or marked, and dropped for what was left. */
  edited: number;
  dropped: number;
  bytesRemoved: number;
}

/** `spans`: triples (ordinal, first symbol, end), ascending. */
export async function makeEdits(
  { unit, cut: piece, action, minLeft }: ResolvedOptions,
  parts: readonly FeaturePart[],
  spans: Uint32Array,
  context: BarrierContext,
): Promise<EditOutcome> {
  const reader = createPlacedSymbolReader(unit);
  const keptAs = new Uint32Array(context.rows);
  for (let i = 0; i < keptAs.length; i++) keptAs[i] = i;
  const emptied = new Map<number, number>();
  const cuts = new Uint32Array(spans.length);
  const hashes = new BigUint64Array(spans.length / 3);
  const lengths = new Uint32Array(spans.length / 3);
  let found = 0;
  const sources = context.inputs.map(() => ({ documents: 0, edited: 0, dropped: 0, bytesRemoved: 0 }));
  let documents = 0;
  let symbols = 0;
  let bytes = 0;

  let at = 0;
  for (const [done, part] of parts.entries()) {
    context.signal.throwIfAborted();
    const info = await part.rowInfo();
    for (let row = 0; row < part.rows; row++) {
      if (part.alive === undefined || part.alive[row] === 1) sources[info[2 * row + 1]].documents++;
    }
    const ordinals = ordinalsWithin(spans, at, part.firstOrdinal + part.rows);
    if (ordinals.length === 0) continue;
    const texts = await context.readTexts(ordinals);
    for (const [i, ordinal] of ordinals.entries()) {
      const text = texts[i];
      const count = reader.read(text);
      const firstCut = found;
      let cutSymbols = 0;
      let cutBytes = 0;
      for (; at < spans.length && spans[at] === ordinal; at += 3) {
        const whole = cutOf(unit, text, reader, count, spans[at + 1], spans[at + 2]);
        const cut = piece === 'exact' ? whole : narrowCut(text, whole, piece);
        if (cut.start >= cut.end) continue;
        const { from, to } = symbolsOf(reader, cut, spans[at + 1], spans[at + 2]);
        if (from >= to) continue;
        hashes[found] = hashOf(reader.symbols, from, to);
        lengths[found] = to - from;
        cuts.set([ordinal, cut.start, cut.end], 3 * found++);
        cutSymbols += to - from;
        cutBytes += Buffer.byteLength(text.slice(cut.start, cut.end));
      }
      if (found === firstCut) continue;
      const source = sources[info[2 * (ordinal - part.firstOrdinal) + 1]];
      if (
        action === 'remove' &&
        (count - cutSymbols < minLeft || isBlank(text, cuts.subarray(3 * firstCut, 3 * found)))
      ) {
        keptAs[ordinal] = NOBODY;
        emptied.set(ordinal, count - cutSymbols);
        source.dropped++;
        continue;
      }
      documents++;
      source.edited++;
      source.bytesRemoved += cutBytes;
      symbols += cutSymbols;
      bytes += cutBytes;
    }
    context.progress(0.8 + (0.15 * (done + 1)) / parts.length);
  }

  const spansOf = async (number: number): Promise<Uint32Array> => {
    const { firstOrdinal, rows } = parts.find(({ part }) => part === number)!;
    const own: number[] = [];
    for (let i = firstWithin(cuts, found, firstOrdinal); i < found && cuts[3 * i] < firstOrdinal + rows; i++) {
      if (keptAs[cuts[3 * i]] !== NOBODY) own.push(cuts[3 * i] - firstOrdinal, cuts[3 * i + 1], cuts[3 * i + 2]);
    }
    return Uint32Array.from(own);
  };
  return {
    edits: { action, documents, bytesRemoved: action === 'remove' ? bytes : 0, spans: spansOf },
    keptAs,
    emptied,
    cuts: cuts.subarray(0, 3 * found),
    hashes: hashes.subarray(0, found),
    lengths: lengths.subarray(0, found),
    symbols,
    bytes,
    sources,
  };
}

/** The documents of spans from triple `at` on, up to an ordinal. */
function ordinalsWithin(spans: Uint32Array, at: number, until: number): number[] {
  const ordinals: number[] = [];
  for (let i = at; i < spans.length && spans[i] < until; i += 3) {
    if (ordinals.at(-1) !== spans[i]) ordinals.push(spans[i]);
  }
  return ordinals;
}

/** The index of the first of `count` triples with that ordinal or a larger one. */
function firstWithin(triples: Uint32Array, count: number, ordinal: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (triples[3 * middle] < ordinal) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of symbols [from, to) those that lie in the cut. */
function symbolsOf(
  { starts, ends }: PlacedSymbolReader,
  cut: Cut,
  from: number,
  to: number,
): { from: number; to: number } {
  while (from < to && starts[from] < cut.start) from++;
  while (to > from && ends[to - 1] > cut.end) to--;
  return { from, to };
}

/** True when nothing but white space is left of the text. */
function isBlank(text: string, cuts: Uint32Array): boolean {
  let from = 0;
  for (let i = 0; i < cuts.length; i += 3) {
    if (text.slice(from, cuts[i + 1]).trim() !== '') return false;
    from = cuts[i + 2];
  }
  return text.slice(from).trim() === '';
}

function hashOf(symbols: Int32Array, from: number, to: number): bigint {
  let high = to - from;
  let low = ~high;
  for (let i = from; i < to; i++) {
    high = Math.imul(high ^ symbols[i], 0x9e3779b1);
    low = Math.imul(low ^ symbols[i], 0x85ebca77);
    high ^= high >>> 15;
    low ^= low >>> 13;
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
