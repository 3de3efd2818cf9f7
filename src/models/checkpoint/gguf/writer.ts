/**
 * Writes a GGUF file: metadata and table of tensors first, then each tensor's data when its turn comes. Little-endian; the file
 * appears when it is complete.
 */
import { openAtomic } from '../../../io/atomic.ts';
import {
  ALIGNMENT,
  GGUF_VERSION,
  type GgufValue,
  type Metadata,
  TENSOR_TYPES,
  type TensorType,
  VALUE_TYPES,
} from './format.ts';
import { encodeValues } from './quantize.ts';

export interface GgufTensor {
  name: string;
  type: TensorType;
  /** Row-major, rows last, as everywhere here; the file gets it reversed. */
  shape: readonly number[];
  values(): Float32Array | Promise<Float32Array>;
}

/** Values encoded and written at once; a multiple of every block. */
const PIECE = 1 << 20;

/** Writes a file; returns its size in bytes. Throws OUTPUT_FAILED, and RangeError for values of another number than the shape's. */
export async function writeGguf(path: string, metadata: Metadata, tensors: readonly GgufTensor[]): Promise<number> {
  const file = await openAtomic(path);
  try {
    await file.write(headerBytes(metadata, tensors));
    for (const tensor of tensors) {
      const values = await tensor.values();
      if (values.length !== sizeOf(tensor.shape)) {
        throw new RangeError(
          `tensor ${tensor.name}: ${values.length} values for the shape [${tensor.shape.join(', ')}]`,
        );
      }
      for (let at = 0; at < values.length; at += PIECE) {
        await file.write(encodeValues(tensor.type, values.subarray(at, at + PIECE)));
      }
      await file.write(new Uint8Array(paddingOf(file.bytes)));
    }
    await file.commit();
    return file.bytes;
  } catch (error) {
    await file.abort();
    throw error;
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function paddingOf(bytes: number): number {
  return (ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT;
}

/** Everything before the data, padded. */
function headerBytes(metadata: Metadata, tensors: readonly GgufTensor[]): Uint8Array {
  const out = createByteList();
  out.bytes(Buffer.from('GGUF'));
  out.uint32(GGUF_VERSION);
  out.uint64(tensors.length);
  out.uint64(metadata.size);
  for (const [key, value] of metadata) {
    out.string(key);
    out.uint32(VALUE_TYPES[value.type]);
    putValue(out, value);
  }
  let offset = 0;
  for (const { name, type, shape } of tensors) {
    const { id, block, bytes } = TENSOR_TYPES[type];
    if (shape[shape.length - 1] % block !== 0) {
      throw new RangeError(`tensor ${name}: rows of ${shape[shape.length - 1]} values cannot be ${type}`);
    }
    out.string(name);
    out.uint32(shape.length);
    for (const size of [...shape].reverse()) out.uint64(size);
    out.uint32(id);
    out.uint64(offset);
    const size = (sizeOf(shape) / block) * bytes;
    offset += size + paddingOf(size);
  }
  out.bytes(new Uint8Array(paddingOf(out.length())));
  return out.joined();
}

type ByteList = ReturnType<typeof createByteList>;

function putValue(out: ByteList, value: GgufValue): void {
  switch (value.type) {
    case 'uint32':
      out.uint32(value.value);
      break;
    case 'int32':
      out.int32(value.value);
      break;
    case 'float32':
      out.float32(value.value);
      break;
    case 'bool':
      out.bytes(Uint8Array.of(value.value ? 1 : 0));
      break;
    case 'string':
      out.string(value.value);
      break;
    case 'array':
      out.uint32(VALUE_TYPES[value.of]);
      out.uint64(value.value.length);
      if (value.of === 'string') for (const text of value.value) out.string(text);
      else for (const number of value.value) out.int32(number);
  }
}

/** Grows by pieces and is joined once. */
function createByteList() {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const list = {
    length: () => length,
    joined: () => Buffer.concat(pieces),
    bytes(bytes: Uint8Array): void {
      pieces.push(bytes);
      length += bytes.length;
    },
    fixed(size: number, put: (view: DataView) => void): void {
      const bytes = new Uint8Array(size);
      put(new DataView(bytes.buffer));
      list.bytes(bytes);
    },
    uint32: (value: number): void => list.fixed(4, (view) => view.setUint32(0, value, true)),
    int32: (value: number): void => list.fixed(4, (view) => view.setInt32(0, value, true)),
    float32: (value: number): void => list.fixed(4, (view) => view.setFloat32(0, value, true)),
    uint64: (value: number): void => list.fixed(8, (view) => view.setBigUint64(0, BigInt(value), true)),
    string(text: string): void {
      const bytes = Buffer.from(text);
      list.uint64(bytes.length);
      list.bytes(bytes);
    },
  };
  return list;
}
