/**
 * Reads single tensors out of a safetensors file: the header is read and checked when it is opened, a tensor's bytes when it
 * is asked for, so that a file larger than memory can be read tensor by tensor.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { CorpusmillError, systemCode } from '../../core/errors.ts';
import { type Dtype, type TensorValues, valuesOf } from './dtypes.ts';
import { corrupt, headerLength, parseHeader, type TensorEntry } from './header.ts';

export interface SafetensorsFile {
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The tensor in the array of its type, row-major; F16 and BF16 widened to Float32Array. Throws INPUT_CORRUPT. */
  read(name: string): Promise<TensorValues>;
  /**
   * The same as float32, into `out` where it is given (F32 without a copy between). F64 is rounded. Throws INPUT_CORRUPT where the
   * tensor holds no floats or has another number of values than `out`.
   */
  readFloat32(name: string, out?: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

const FLOATS: ReadonlySet<Dtype> = new Set(['F32', 'F16', 'BF16', 'F64']);

/** Opens a file and checks its header. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_CORRUPT. Close it after use. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const { size } = await handle.stat();
    const prefix = await readExactly(handle, 0, Math.min(8, size), path);
    const length = headerLength(prefix, size, path);
    const header = parseHeader(await readExactly(handle, 8, length, path), size, path);
    const read = async (name: string): Promise<TensorValues> => {
      const { dtype, start, end } = entryOf(header.tensors, name, path);
      return valuesOf(dtype, await readExactly(handle, start, end - start, path));
    };
    return {
      path,
      ...header,
      read,
      async readFloat32(name, out) {
        const { dtype, start, end } = entryOf(header.tensors, name, path);
        if (!FLOATS.has(dtype)) throw corrupt(path, `tensor ${name} is of ${dtype}, expected F32, F16, BF16 or F64`);
        if (dtype === 'F32' && out?.byteLength === end - start) {
          await readInto(handle, start, new Uint8Array(out.buffer, out.byteOffset, out.byteLength), path);
          return out;
        }
        const values = await read(name);
        if (out === undefined)
          return values instanceof Float32Array ? values : Float32Array.from(values as Float64Array);
        if (out.length !== values.length) {
          throw corrupt(path, `tensor ${name} has ${values.length} values, expected ${out.length}`);
        }
        out.set(values as Float32Array | Float64Array);
        return out;
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function entryOf(tensors: ReadonlyMap<string, TensorEntry>, name: string, path: string): TensorEntry {
  const entry = tensors.get(name);
  if (entry === undefined) throw corrupt(path, `it has no tensor ${name}`);
  return entry;
}

/** Bytes in a buffer of their own, which begins at a multiple of 8. */
async function readExactly(handle: FileHandle, start: number, length: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await readInto(handle, start, bytes, path);
  return bytes;
}

async function readInto(handle: FileHandle, start: number, bytes: Uint8Array, path: string): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    // One read takes at most 2 GiB.
    const { bytesRead } = await handle.read(bytes, at, Math.min(bytes.length - at, 0x40000000), start + at);
    if (bytesRead === 0) throw corrupt(path, `it ended while it was read, at byte ${start + at}`);
    at += bytesRead;
  }
}

/** The user-facing error of a file that cannot be opened. */
export function unreadable(path: string, error: unknown): CorpusmillError {
  const missing = systemCode(error) === 'ENOENT';
  return new CorpusmillError(
    missing ? 'INPUT_NOT_FOUND' : 'INPUT_UNREADABLE',
    `reading ${path}: ${missing ? 'there is no such file' : (error as Error).message}`,
    { hint: 'Give the folder of a checkpoint, with config.json and model.safetensors.', cause: error },
  );
}
