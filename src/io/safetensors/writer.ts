/**
 * Writes a safetensors file: the header from names and shapes alone, then tensor after tensor as its values are asked
 * for, so that neither the file nor a narrowed copy of it is ever whole in memory. It appears under its name when it is
 * complete (src/io/atomic.ts).
 *
 * Order as huggingface/safetensors has it: wide types first, then by name; the header is padded with spaces to a multiple
 * of eight bytes. Both keep every tensor at a multiple of its element size.
 */
import { openAtomic } from '../atomic.ts';
import { bytesOf, DTYPE_BYTES, type Dtype, isWritableAs, type TensorValues } from './dtypes.ts';
import { MAX_HEADER_BYTES } from './header.ts';

/** A tensor to be written. */
export interface TensorSource {
  name: string;
  /** Float32Array values may be written as F32, BF16 or F16 (rounded to nearest, ties to even). */
  dtype: Dtype;
  shape: readonly number[];
  /** Row-major values, asked for once, when their turn comes. */
  values(): TensorValues | Promise<TensorValues>;
}

/** Values narrowed and written at once: 4 MiB of float32. */
const PIECE = 1 << 20;

/**
 * Writes a file; returns its size in bytes. `metadata` defaults to `{ format: 'pt' }`, which older transformers ask for.
 * Throws OUTPUT_FAILED, and RangeError for values that do not fit their shape or type: a mistake of the caller.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<number> {
  const ordered = [...tensors].sort(
    (a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const header = headerBytes(ordered, metadata);
  const file = await openAtomic(path);
  try {
    await file.write(header);
    for (const source of ordered) {
      const values = await source.values();
      const expected = elementsOf(source.shape);
      if (values.length !== expected || !isWritableAs(source.dtype, values)) {
        throw new RangeError(
          `tensor ${source.name}: ${values.length} values of ${values.constructor.name} cannot be written as ${source.dtype} of shape [${source.shape.join(', ')}]`,
        );
      }
      for (let at = 0; at < values.length; at += PIECE) {
        await file.write(bytesOf(source.dtype, values.subarray(at, at + PIECE)));
      }
    }
    await file.commit();
    return file.bytes;
  } catch (error) {
    await file.abort();
    throw error;
  }
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function headerBytes(tensors: readonly TensorSource[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const entries: [string, unknown][] = [['__metadata__', metadata]];
  const names = new Set(['__metadata__']);
  let at = 0;
  for (const { name, dtype, shape } of tensors) {
    if (names.has(name)) throw new RangeError(`two tensors are called ${name}`);
    names.add(name);
    const end = at + DTYPE_BYTES[dtype] * elementsOf(shape);
    entries.push([name, { dtype, shape, data_offsets: [at, end] }]);
    at = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES)
    throw new RangeError(`the header would have ${length} bytes, more than the format allows`);
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}
