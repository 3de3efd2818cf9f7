/**
 * Megatron's indexed dataset: `NAME.bin` with the tokens of all documents end to end, `NAME.idx` with where each lies
 * (megatron/core/datasets/indexed_dataset.py, read at commit d98e8a6).
 *
 *   .idx  "MMIDIDX\0\0", u64 version 1, u8 type of tokens, u64 sequences, u64 document borders,
 *         i32[sequences] lengths, i64[sequences] byte positions, i64[borders] first sequence of each document, and the end
 *
 * One sequence a document. Tokens are uint16 when the vocabulary has fewer than 65,500 entries, else int32: Megatron's
 * own rule.
 */

import { join } from 'node:path';
import type { AtomicFile } from '../../io/atomic.ts';
import { bytesOf } from '../positioned-read.ts';
import type { TokenArray } from '../shard-rows.ts';
import type { DocumentGroup } from './documents.ts';
import type { OutputFolder } from './output-folder.ts';
import { spillNumbers } from './spilled-numbers.ts';

/** Numbers by which Megatron names types. */
const TYPE_CODE = { int32: 4, uint16: 8 } as const;

/** The type of tokens that Megatron chooses for a vocabulary. */
export function megatronType(vocabSize: number): keyof typeof TYPE_CODE {
  return vocabSize < 65_500 ? 'uint16' : 'int32';
}

/** Writes the documents of `groups` as `name`.bin and `name`.idx; returns how many they are. */
export async function writeMegatron(
  output: OutputFolder,
  name: string,
  vocabSize: number,
  groups: AsyncIterable<DocumentGroup>,
): Promise<{ documents: number; tokens: number }> {
  const type = megatronType(vocabSize);
  const bin = await output.create(`${name}.bin`);
  const lengths = await spillNumbers(join(output.path, `${name}.idx`));
  try {
    let tokens = 0;
    for await (const group of groups) {
      await bin.write(bytesOf(asType(group.tokens, type)));
      await lengths.push(group.lengths);
      tokens += group.tokens.length;
    }
    const idx = await output.create(`${name}.idx`);
    await idx.write(header(type, lengths.count));
    for await (const chunk of lengths.chunks()) await idx.write(bytesOf(chunk));
    await writePositions(idx, lengths.chunks(), type === 'uint16' ? 2 : 4);
    await writeBorders(idx, lengths.count + 1);
    await bin.commit();
    await idx.commit();
    return { documents: lengths.count, tokens };
  } finally {
    await lengths.close();
  }
}

function header(type: keyof typeof TYPE_CODE, documents: number): Uint8Array {
  const bytes = Buffer.alloc(34);
  bytes.write('MMIDIDX\0\0', 'latin1');
  bytes.writeBigUInt64LE(1n, 9);
  bytes.writeUInt8(TYPE_CODE[type], 17);
  bytes.writeBigUInt64LE(BigInt(documents), 18);
  bytes.writeBigUInt64LE(BigInt(documents + 1), 26);
  return bytes;
}

async function writePositions(idx: AtomicFile, chunks: AsyncIterable<Uint32Array>, width: number): Promise<void> {
  let position = 0;
  for await (const lengths of chunks) {
    const positions = int64s(lengths.length, (i) => {
      const own = position;
      position += lengths[i] * width;
      return own;
    });
    await idx.write(positions);
  }
}

async function writeBorders(idx: AtomicFile, count: number): Promise<void> {
  const CHUNK = 1 << 18;
  for (let from = 0; from < count; from += CHUNK)
    await idx.write(int64s(Math.min(CHUNK, count - from), (i) => from + i));
}

/** Little-endian 64-bit numbers; a BigInt for each would be most of the time. */
function int64s(count: number, numberAt: (i: number) => number): Uint8Array {
  const halves = new Uint32Array(2 * count);
  for (let i = 0; i < count; i++) {
    const number = numberAt(i);
    halves[2 * i] = number;
    halves[2 * i + 1] = number / 2 ** 32;
  }
  return bytesOf(halves);
}

/** The same numbers in the type of the file; ids are below 2^31, so uint32 is int32 already. */
function asType(tokens: TokenArray, type: keyof typeof TYPE_CODE): ArrayBufferView {
  if (type === 'uint16') return tokens instanceof Uint16Array ? tokens : Uint16Array.from(tokens);
  return tokens instanceof Uint32Array ? tokens : Int32Array.from(tokens);
}
