/**
 * Files of token ids without documents: nanoGPT's `.bin` (uint16, little-endian, nothing else) and NumPy's `.npy` of one axis.
 * They are held in memory: for corpora of many gigabytes there are shards.
 * Source: numpy/lib/format.py (version 1 to 3 of the format).
 */
import { readFile } from 'node:fs/promises';
import { CorpusmillError, systemCode } from '../../core/errors.ts';
import type { TokenIds } from './token-data.ts';

const ARRAYS = { '<u2': Uint16Array, '<u4': Uint32Array, '<i4': Int32Array } as const;

/** Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_CORRUPT. */
export async function readTokenFile(path: string): Promise<TokenIds> {
  const bytes = await readBytes(path);
  if (bytes.length >= 6 && Buffer.from(bytes.subarray(0, 6)).toString('latin1') === '\x93NUMPY')
    return readNpy(bytes, path);
  if (bytes.length % 2 !== 0) throw corrupt(path, `${bytes.length} bytes are no whole number of uint16 ids`);
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

/** A file as bytes that begin at a multiple of 8. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    // Small files come in a shared pool at any offset.
    return new Uint8Array(await readFile(path));
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new CorpusmillError(
      missing ? 'INPUT_NOT_FOUND' : 'INPUT_UNREADABLE',
      `reading ${path}: ${missing ? 'there is no such file' : (error as Error).message}`,
      { hint: 'Paths in a training configuration are relative to its own folder.', cause: error },
    );
  }
}

function readNpy(bytes: Uint8Array, path: string): TokenIds {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const long = bytes[6] >= 2;
  const headerLength = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = (long ? 12 : 10) + headerLength;
  const header = Buffer.from(bytes.subarray(long ? 12 : 10, start)).toString('latin1');
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? '';
  const shape = /'shape':\s*\((\d+),\)/.exec(header)?.[1];
  if (!Object.hasOwn(ARRAYS, descr) || shape === undefined) {
    throw corrupt(path, `its header is ${header.trim().slice(0, 120)}, expected one axis of <u2, <u4 or <i4`);
  }
  const View = ARRAYS[descr as keyof typeof ARRAYS];
  const length = Number(shape);
  if (bytes.length !== start + length * View.BYTES_PER_ELEMENT) {
    throw corrupt(path, `it has ${bytes.length} bytes, its header says ${start + length * View.BYTES_PER_ELEMENT}`);
  }
  return new View(bytes.slice(start).buffer);
}

function corrupt(path: string, found: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `reading token ids of ${path}: ${found}`, {
    hint: 'Give a .bin of uint16 as nanoGPT writes it, an .npy with one axis, or the folder of shards.',
  });
}
