/**
 * From fingerprints to candidate regions: the only symbols that a repeat of the minimum length can lie in.
 *
 * Wherever `minLength` symbols stand twice, both places hold a fingerprint with the same key (winnow.ts). So fingerprints
 * are matched first, in bounded memory; then the documents that hold a repeated one are read, and of each the symbols that
 * a passage through such a fingerprint can reach: [place + gram − minLength, place + minLength). Overlapping ones are joined.
 * The symbols go to a scratch file, in input order.
 *
 * Memory: that of the matching, and a bit for each fingerprint.
 */
import { join } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import type { BarrierContext, FeaturePart } from '../../core/stage.ts';
import { eachGroup, type KeyRecords, visitAlive } from '../key-groups.ts';
import { readCounts, readKeys } from './features.ts';
import { createSymbolReader, type Unit } from './units.ts';
import { createWinnower, winnowShape } from './winnow.ts';
import { createRecordFile, type RecordFile } from './word-file.ts';

export interface RepeatRule {
  unit: Unit;
  /** Symbols from which on a repeat counts. */
  minLength: number;
  /** Documents that must hold it. */
  minDocuments: number;
}

/** A region's record: its document's ordinal, its first symbol's place in the document, then the symbols. */
export const REGION_HEAD = 2;

export interface Regions {
  file: RecordFile;
  /** How many, and their symbols. */
  count: number;
  symbols: number;
}

/** Documents looked at: their number and symbols. */
export interface Seen {
  documents: number;
  symbols: number;
}

/** Finds the regions; reads every document that holds a repeated fingerprint once. */
export async function findRegions(
  rule: RepeatRule,
  parts: readonly FeaturePart[],
  context: BarrierContext,
): Promise<{ regions: Regions; seen: Seen }> {
  const seen: Seen = { documents: 0, symbols: 0 };
  const partKeys: number[] = [];
  for (const part of parts) {
    const { lengths, keys } = await readCounts(part);
    let sum = 0;
    for (let row = 0; row < part.rows; row++) {
      sum += keys[row];
      if (part.alive !== undefined && part.alive[row] === 0) continue;
      seen.documents++;
      seen.symbols += lengths[row];
    }
    partKeys.push(sum);
  }
  context.progress(0, 'matching fingerprints');
  const repeated = await matchKeys(rule, parts, partKeys, context);
  context.progress(0.2, 'reading the regions that hold repeats');
  return { regions: await readRegions(rule, parts, repeated, context), seen };
}

/** A bit for each key, in the order of rows and places: set where another has the same. */
async function matchKeys(
  { minLength, minDocuments }: RepeatRule,
  parts: readonly FeaturePart[],
  partKeys: readonly number[],
  context: BarrierContext,
): Promise<Uint8Array> {
  const count = partKeys.reduce((sum, keys) => sum + keys, 0);
  if (count >= 2 ** 32) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `${context.name}: the corpus has ${count} fingerprints, more than 2^32`,
      {
        hint: `raise \`minLength\` above ${minLength}, or divide the corpus`,
      },
    );
  }
  const repeated = new Uint8Array((count + 7) >>> 3);
  const records: KeyRecords = {
    count,
    async scan(visit) {
      let firstId = 0;
      for (const part of parts) {
        context.signal.throwIfAborted();
        const { keys, high, low } = await readKeys(part);
        visitAlive({ columns: [high, low], firstId }, part, (row) => keys[row], visit);
        firstId += high.length;
      }
    },
  };
  await eachGroup(records, { memoryBytes: context.memoryBytes }, (ids) => {
    // A passage's fingerprint stands at least as often as the passage.
    if (ids.length < minDocuments) return;
    for (let i = 0; i < ids.length; i++) repeated[ids[i] >>> 3] |= 1 << (ids[i] & 7);
  });
  return repeated;
}

async function readRegions(
  { unit, minLength }: RepeatRule,
  parts: readonly FeaturePart[],
  repeated: Uint8Array,
  context: BarrierContext,
): Promise<Regions> {
  const shape = winnowShape(minLength);
  const reader = createSymbolReader(unit);
  const winnower = createWinnower(shape);
  const writer = await createRecordFile(join(context.workDir, 'regions.bin'));
  const regions = { count: 0, symbols: 0 };
  let firstKey = 0;
  for (const [done, part] of parts.entries()) {
    context.signal.throwIfAborted();
    const { keys } = await readCounts(part);
    const rows: { ordinal: number; firstKey: number; keys: number }[] = [];
    for (let row = 0; row < part.rows; row++) {
      if (hasBit(repeated, firstKey, firstKey + keys[row])) {
        rows.push({ ordinal: part.firstOrdinal + row, firstKey, keys: keys[row] });
      }
      firstKey += keys[row];
    }
    if (rows.length === 0) continue;
    const texts = await context.readTexts(rows.map(({ ordinal }) => ordinal));
    for (const [i, row] of rows.entries()) {
      const length = reader.read(texts[i]);
      const found = winnower.winnow(reader.symbols, length);
      if (found !== row.keys) throw new Error(`document ${row.ordinal} has ${found} keys, its features ${row.keys}`);
      let start = -1;
      let end = -1;
      for (let key = 0; key < found; key++) {
        if (!bitAt(repeated, row.firstKey + key)) continue;
        const place = winnower.selected[key];
        const from = Math.max(0, place + shape.gram - minLength);
        if (from > end) {
          if (end > 0) await add(row.ordinal, start, end);
          start = from;
        }
        end = Math.min(length, place + minLength);
      }
      await add(row.ordinal, start, end);
    }
    context.progress(0.2 + (0.3 * (done + 1)) / parts.length);
  }
  return { file: await writer.close(), ...regions };

  async function add(ordinal: number, start: number, end: number): Promise<void> {
    regions.count++;
    regions.symbols += end - start;
    await writer.write([ordinal, start], reader.symbols, start, end);
  }
}

function bitAt(bits: Uint8Array, i: number): boolean {
  return ((bits[Math.floor(i / 8)] >>> (i % 8)) & 1) === 1;
}

function hasBit(bits: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bitAt(bits, i)) return true;
  return false;
}
