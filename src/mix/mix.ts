/**
 * Mixing: sources brought to given shares of documents, bytes or tokens, and held to caps, by leaving documents out.
 *
 * Every document has a draw, a hash of seed and id. A source keeps the documents with the lowest draws: as many as its
 * caps allow, and of those as many as its share does. The size of the whole is the largest at which every share can
 * be had, so the scarcest source is kept entirely; `repeat` before this stage makes a source less scarce. The choice
 * depends on ids, sizes and seed alone, and a source that grows keeps nearly all that it had.
 *
 * Cost: 20 bytes of features a document; `decide` reads them three times, and holds 7 bytes a document and 1.5 MB a source.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { createColumnWriter } from '../core/columns.ts';
import { CorpusmillError } from '../core/errors.ts';
import { createFeatureReader, type FeatureReader } from '../core/feature-reader.ts';
import { hashString32, mix32 } from '../core/random.ts';
import type { MixDetails } from '../core/run-summary.ts';
import {
  type BarrierContext,
  type BarrierResult,
  defineBarrier,
  NOBODY,
  type Observer,
  type StageContext,
} from '../core/stage.ts';
import { loadTokenizer, tokenizerFiles } from '../tokenizer/formats/load-tokenizer.ts';
import { unknownInputs } from './inputs.ts';

const source = z.strictObject({
  share: z.number().gt(0).optional().describe('Share of the whole, relative to the other sources.'),
  maxDocuments: z.int().min(1).optional().describe('Most documents of the source.'),
  maxBytes: z.int().min(1).optional().describe('Most bytes of text (UTF-8) of the source.'),
});

const options = z
  .strictObject({
    unit: z
      .enum(['documents', 'bytes', 'tokens'])
      .default('bytes')
      .describe('What shares are of: documents, bytes of text, or tokens by `tokenizer`.'),
    tokenizer: z
      .string()
      .min(1)
      .optional()
      .describe('With `unit: tokens`: a tokenizer.json, .tiktoken or .model file to count by.'),
    sources: z
      .record(z.string().min(1), source)
      .describe('By name of input: its share, its caps. A share for every input, or for none (caps alone).'),
    seed: z.int().min(0).max(0xffffffff).optional().describe("Seed of the choice; the pipeline's by default."),
  })
  .superRefine(({ unit, tokenizer, sources }, context) => {
    const complain = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message });
    if (unit === 'tokens' && tokenizer === undefined) complain(['unit'], '`unit: tokens` needs a `tokenizer`');
    if (unit !== 'tokens' && tokenizer !== undefined) complain(['tokenizer'], 'only `unit: tokens` has a use for it');
    const entries = Object.entries(sources);
    if (entries.length === 0) complain(['sources'], 'name the sources to mix');
    const without = entries.filter(([, { share }]) => share === undefined);
    if (without.length > 0 && without.length < entries.length) {
      complain(['sources', without[0][0]], 'other sources have a `share`, so this one needs one');
    }
  });

type Options = z.output<typeof options>;

export const mix = defineBarrier({
  kind: 'barrier',
  name: 'mix',
  summary: 'Bring inputs to given shares of documents, bytes or tokens, and hold them to caps.',
  source: 'Mixtures by source as in The Pile (Gao et al. 2020), GPT-3 (Brown et al. 2020, table 2.2) and LLaMA.',
  version: 1,
  options,
  reasons: {
    over_share: 'its source has more than its share of the whole',
    over_cap: 'its source has more than maxDocuments or maxBytes',
  },
  scope: 'document',
  optionFiles: ({ tokenizer }) => [tokenizer],
  keyFiles: ({ tokenizer }, baseDir) => tokenizerFiles(tokenizer, baseDir),
  checkInputs({ sources }, inputs) {
    const names = Object.keys(sources);
    const mistakes = unknownInputs(['sources'], names, inputs);
    const hasShares = Object.values(sources).some(({ share }) => share !== undefined);
    for (const input of hasShares ? inputs.filter((name) => !names.includes(name)) : []) {
      mistakes.push({ path: ['sources'], name: `no share for the input '${input}'`, expected: 'one for every input' });
    }
    return mistakes;
  },
  createObserver: createMixObserver,
  decide,
});

// Feature columns.
const SOURCE = 0;
const SIZE = 1;
const BYTES = 2;
const DRAW_HIGH = 3;
const DRAW_LOW = 4;

/** Leaves per row the source's place in the options, its size in the unit, its bytes and its draw. */
export function createMixObserver({ unit, tokenizer, sources, seed }: Options, context: StageContext): Observer {
  const placeOf = new Map(Object.keys(sources).map((name, i) => [name, i]));
  const others = placeOf.size;
  const counter = unit === 'tokens' ? loadTokenizer(resolve(context.baseDir, tokenizer!)) : undefined;
  const ownSeed = mix32((seed ?? context.seed) ^ 0x510e527f);
  const writer = createColumnWriter(5);
  const row = new Uint32Array(5);
  return {
    observe({ id, text, meta }) {
      const bytes = Buffer.byteLength(text);
      row[SOURCE] = placeOf.get(meta['source'] as string) ?? others;
      row[SIZE] = unit === 'documents' ? 1 : unit === 'bytes' ? bytes : counter!.encode(text).length;
      row[BYTES] = bytes;
      row[DRAW_HIGH] = hashString32(id, ownSeed);
      row[DRAW_LOW] = hashString32(id, ownSeed ^ 0x1f83d9ab);
      writer.push(row);
    },
    finish: writer.finish,
  };
}

const BUCKETS = 1 << 16;

/** Totals of one source by the upper 16 bits of the draw. */
interface Totals {
  documents: Float64Array;
  bytes: Float64Array;
  size: Float64Array;
}

/** What a source keeps: the buckets below `bucket`, and of that one the documents in `ordinals`. */
interface Cut {
  bucket: number;
  ordinals: ReadonlySet<number>;
  /** The lowest draw that is left out, as a fraction; 1 when all is kept. */
  threshold: number;
  documents: number;
  size: number;
}

async function decide({ unit, sources }: Options, context: BarrierContext): Promise<BarrierResult> {
  const names = Object.keys(sources);
  const given = Object.values(sources);
  const reader = createFeatureReader(context);
  const totals = await sumBuckets(reader, names.length + 1);
  context.progress(0.3, 'caps');
  const unlimited = {
    documents: Number.POSITIVE_INFINITY,
    bytes: Number.POSITIVE_INFINITY,
    size: Number.POSITIVE_INFINITY,
  };
  const caps = given.map(({ maxDocuments, maxBytes }) => ({
    ...unlimited,
    documents: maxDocuments ?? Number.POSITIVE_INFINITY,
    bytes: maxBytes ?? Number.POSITIVE_INFINITY,
  }));
  const capped = await cutAll(reader, totals, caps);
  context.progress(0.6, 'shares');
  const shares = sharesOf(given);
  const targets = shares === undefined ? undefined : targetsOf(names, shares, capped);
  const limits = caps.map((cap, i) => ({ ...cap, size: targets?.[i] ?? Number.POSITIVE_INFINITY }));
  const cuts = targets === undefined ? capped : await cutAll(reader, totals, limits);

  const keptAs = new Uint32Array(context.rows);
  const draws = new Uint32Array(context.rows);
  const place = new Uint16Array(context.rows);
  const overCap = new Uint8Array(context.rows);
  await eachAlive(reader, (ordinal, columns, row) => {
    const at = columns[SOURCE][row];
    const draw = columns[DRAW_HIGH][row];
    const kept = at >= cuts.length || isKept(cuts[at], draw, ordinal);
    keptAs[ordinal] = kept ? ordinal : NOBODY;
    if (kept) return;
    draws[ordinal] = draw;
    place[ordinal] = at;
    overCap[ordinal] = isKept(capped[at], draw, ordinal) ? 0 : 1;
  });
  // Rows that earlier barriers dropped are not this one's to drop.
  for (const { alive, firstOrdinal, rows } of context.parts) {
    for (let row = 0; alive !== undefined && row < rows; row++) {
      if (alive[row] === 0) keptAs[firstOrdinal + row] = firstOrdinal + row;
    }
  }
  context.progress(1);
  return {
    keptAs,
    reasonOf: (ordinal) => {
      const cut = (overCap[ordinal] === 1 ? capped : cuts)[place[ordinal]];
      const reason = overCap[ordinal] === 1 ? 'over_cap' : 'over_share';
      return { reason, value: draws[ordinal] / 2 ** 32, threshold: cut.threshold };
    },
    details: detailsOf(unit, names, totals, cuts, shares),
  };
}

function isKept({ bucket, ordinals }: Cut, draw: number, ordinal: number): boolean {
  const own = draw >>> 16;
  return own < bucket || (own === bucket && ordinals.has(ordinal));
}

async function eachAlive(
  reader: FeatureReader,
  visit: (ordinal: number, columns: Uint32Array[], row: number) => void,
): Promise<void> {
  for (const part of reader.parts) {
    if (part.rows === 0) continue;
    const columns = await reader.columns(part);
    for (let row = 0; row < part.rows; row++) {
      if (part.alive === undefined || part.alive[row] === 1) visit(part.firstOrdinal + row, columns, row);
    }
  }
}

async function sumBuckets(reader: FeatureReader, sources: number): Promise<Totals[]> {
  const column = (): Float64Array => new Float64Array(BUCKETS);
  const totals = Array.from({ length: sources }, () => ({ documents: column(), bytes: column(), size: column() }));
  await eachAlive(reader, (_, columns, row) => {
    const { documents, bytes, size } = totals[columns[SOURCE][row]];
    const bucket = columns[DRAW_HIGH][row] >>> 16;
    documents[bucket]++;
    bytes[bucket] += columns[BYTES][row];
    size[bucket] += columns[SIZE][row];
  });
  return totals;
}

interface Limits {
  documents: number;
  bytes: number;
  /** Met as nearly as whole documents allow; the others are never passed. */
  size: number;
}

/** The longest prefix of each source, in order of draws, that its limits allow. */
async function cutAll(reader: FeatureReader, totals: readonly Totals[], limits: readonly Limits[]): Promise<Cut[]> {
  const open = limits.map((limit, i) => wholeBuckets(totals[i], limit));
  const border: { high: number; low: number; ordinal: number; bytes: number; size: number }[][] = open.map(() => []);
  if (open.some(({ bucket }) => bucket < BUCKETS)) {
    await eachAlive(reader, (ordinal, columns, row) => {
      const at = columns[SOURCE][row];
      const high = columns[DRAW_HIGH][row];
      if (at >= open.length || high >>> 16 !== open[at].bucket) return;
      const [bytes, size, low] = [columns[BYTES][row], columns[SIZE][row], columns[DRAW_LOW][row]];
      border[at].push({ high, low, ordinal, bytes, size });
    });
  }
  return open.map(({ bucket, documents, bytes, size }, i) => {
    const rows = border[i].sort((a, b) => a.high - b.high || a.low - b.low || a.ordinal - b.ordinal);
    const ordinals = new Set<number>();
    let threshold = 1;
    for (const row of rows) {
      const fits = documents + 1 <= limits[i].documents && bytes + row.bytes <= limits[i].bytes;
      if (!fits || size + row.size / 2 > limits[i].size) {
        threshold = row.high / 2 ** 32;
        break;
      }
      ordinals.add(row.ordinal);
      documents++;
      bytes += row.bytes;
      size += row.size;
    }
    return { bucket, ordinals, threshold, documents, size };
  });
}

/** Buckets that fit whole; the next one holds the border. */
function wholeBuckets(
  totals: Totals,
  limits: Limits,
): { bucket: number; documents: number; bytes: number; size: number } {
  let [documents, bytes, size] = [0, 0, 0];
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const next = [documents + totals.documents[bucket], bytes + totals.bytes[bucket], size + totals.size[bucket]];
    if (next[0] > limits.documents || next[1] > limits.bytes || next[2] > limits.size) {
      return { bucket, documents, bytes, size };
    }
    [documents, bytes, size] = next;
  }
  return { bucket: BUCKETS, documents, bytes, size };
}

/** Shares that add up to 1; undefined where only caps are given. */
function sharesOf(given: readonly { share?: number | undefined }[]): number[] | undefined {
  if (given.some(({ share }) => share === undefined)) return undefined;
  const total = given.reduce((sum, { share }) => sum + share!, 0);
  return given.map(({ share }) => share! / total);
}

function targetsOf(names: readonly string[], shares: readonly number[], capped: readonly Cut[]): number[] {
  const empty = names.filter((_, i) => capped[i].size === 0);
  if (empty.length > 0) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `mix: no text of the source ${empty.join(', ')} is left, so its share cannot be had`,
      {
        hint: 'take it out of `sources` and of `inputs`, or look at what dropped its documents in the report',
      },
    );
  }
  const scarcest = capped.reduce(
    (best, cut, i) => (cut.size / shares[i] < capped[best].size / shares[best] ? i : best),
    0,
  );
  const whole = capped[scarcest].size / shares[scarcest];
  // Not computed back from the whole: rounding could cost the scarcest source its last document.
  return shares.map((share, i) => (i === scarcest ? capped[i].size : share * whole));
}

function detailsOf(
  unit: Options['unit'],
  names: readonly string[],
  totals: readonly Totals[],
  cuts: readonly Cut[],
  shares: readonly number[] | undefined,
): MixDetails {
  const sum = (column: Float64Array): number => column.reduce((total, value) => total + value, 0);
  const sources: MixDetails['sources'] = {};
  for (const [i, name] of names.entries()) {
    const { documents, size } = cuts[i];
    sources[name] = { available: sum(totals[i].size), kept: size, documents, target: shares?.[i] };
  }
  const others = totals[names.length];
  const documents = sum(others.documents);
  if (documents > 0) {
    const size = sum(others.size);
    sources['other inputs'] = { available: size, kept: size, documents, target: undefined };
  }
  return { kind: 'mix', unit, sources };
}
