/**
 * The element types of a safetensors file, and their values as JavaScript has them. 16-bit floats widen to float32
 * exactly; 64-bit integers stay BigInt.
 * Source: huggingface/safetensors, `safetensors/src/tensor.rs` (enum Dtype); little-endian, as this program's machines are.
 */
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../../core/half.ts';

/** Bytes of one element. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

export type Dtype = keyof typeof DTYPE_BYTES;

export type TensorValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(DTYPE_BYTES, name);
}

/**
 * The values of a tensor's bytes: F16 and BF16 as Float32Array, 8-bit floats and BOOL as the bytes they are, all others in
 * the array of their type. `bytes` must begin at a multiple of 8 of its buffer, which fresh ones do; it may be shared.
 */
export function valuesOf(dtype: Dtype, bytes: Uint8Array): TensorValues {
  const { buffer, byteOffset } = bytes;
  const count = bytes.byteLength / DTYPE_BYTES[dtype];
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, count);
    case 'F16':
      return fromFloat16(new Uint16Array(buffer, byteOffset, count));
    case 'BF16':
      return fromBfloat16(new Uint16Array(buffer, byteOffset, count));
    case 'F64':
      return new Float64Array(buffer, byteOffset, count);
    case 'I8':
      return new Int8Array(buffer, byteOffset, count);
    case 'I16':
      return new Int16Array(buffer, byteOffset, count);
    case 'U16':
      return new Uint16Array(buffer, byteOffset, count);
    case 'I32':
      return new Int32Array(buffer, byteOffset, count);
    case 'U32':
      return new Uint32Array(buffer, byteOffset, count);
    case 'I64':
      return new BigInt64Array(buffer, byteOffset, count);
    case 'U64':
      return new BigUint64Array(buffer, byteOffset, count);
    case 'BOOL':
    case 'U8':
    case 'F8_E5M2':
    case 'F8_E4M3':
      return new Uint8Array(buffer, byteOffset, count);
  }
}

/** The arrays that can be written as each type; float32 also narrows to the 16-bit floats. */
const WRITABLE: Readonly<Record<Dtype, new (length: number) => TensorValues>> = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  F8_E5M2: Uint8Array,
  F8_E4M3: Uint8Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Float32Array,
  BF16: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
};

/** Whether an array holds values that can be written as `dtype`. */
export function isWritableAs(dtype: Dtype, values: TensorValues): boolean {
  return values instanceof WRITABLE[dtype];
}

/** The bytes of `values` as `dtype`; shares memory with them where nothing has to be narrowed. */
export function bytesOf(dtype: Dtype, values: TensorValues): Uint8Array {
  const stored =
    dtype === 'F16'
      ? toFloat16(values as Float32Array)
      : dtype === 'BF16'
        ? toBfloat16(values as Float32Array)
        : values;
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}
