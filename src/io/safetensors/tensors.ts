/**
 * Reads single tensors out of a safetensors file: the header is read and checked when it is opened, a tensor's bytes when it
 * is asked for, so that a file larger than memory can be read tensor by tensor.
 */
import { type ByteSource, readBytes } from '../byte-source.ts';
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

/** Checks the header. The source is closed with the file, or when it is none. Throws INPUT_UNREADABLE, INPUT_CORRUPT. */
export async function readSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const { name: path, byteLength } = source;
  try {
    const prefix = await readBytes(source, 0, Math.min(8, byteLength));
    const length = headerLength(prefix, byteLength, path);
    const header = parseHeader(await readBytes(source, 8, length), byteLength, path);
    const read = async (name: string): Promise<TensorValues> => {
      const { dtype, start, end } = entryOf(header.tensors, name, path);
      // A buffer of its own begins at a multiple of 8.
      return valuesOf(dtype, await readBytes(source, start, end - start));
    };
    return {
      path,
      ...header,
      read,
      async readFloat32(name, out) {
        const { dtype, start, end } = entryOf(header.tensors, name, path);
        if (!FLOATS.has(dtype)) throw corrupt(path, `tensor ${name} is of ${dtype}, expected F32, F16, BF16 or F64`);
        if (dtype === 'F32' && out?.byteLength === end - start) {
          await source.readInto(start, new Uint8Array(out.buffer, out.byteOffset, out.byteLength));
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
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function entryOf(tensors: ReadonlyMap<string, TensorEntry>, name: string, path: string): TensorEntry {
  const entry = tensors.get(name);
  if (entry === undefined) throw corrupt(path, `it has no tensor ${name}`);
  return entry;
}
