/**
 * The encoder of a vocabulary: the native one where there is an add-on, or its twin, which gives the same ids.
 *
 * The native one reads a string once (UTF-16 to UTF-8, and whether NFC could change it) and keeps its ids in memory of its
 * own; its merge table is built once per process and shared by the workers. It has the published patterns; a pattern of
 * one's own runs through the twin.
 */
import type { BpeTables } from './hf-json.ts';
import type { IdWriter } from './id-writer.ts';
import { NativeIdWriter } from './id-writer-native.ts';
import { TwinIdWriter } from './id-writer-twin.ts';
import { NATIVE_PATTERNS, nativeBpe } from './native-bpe.ts';
import { PATTERNS } from './pre-tokenizer.ts';
import { byteIdsOf } from './vocabulary-merger.ts';

/** The encoder of a vocabulary. */
export function createIdWriter(tables: BpeTables): IdWriter {
  const pattern = NATIVE_PATTERNS.findIndex((name) => PATTERNS[name] === tables.pattern);
  // The native encoder knows NFC and no other normal form.
  const known = tables.normalization === 'nfc' || tables.normalization === 'none';
  return nativeBpe !== undefined && pattern >= 0 && known
    ? new NativeIdWriter(nativeBpe, tables, byteIdsOf(tables), pattern)
    : new TwinIdWriter(tables);
}
