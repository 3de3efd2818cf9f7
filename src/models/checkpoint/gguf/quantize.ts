/**
 * Values in the types of GGUF. The two quantised types take blocks of 32 neighbours of a row with one float16 scale d:
 *
 *   Q8_0   d = max |x| / 127, q = round(x / d) as int8                              34 bytes, 8.5 bits a value
 *   Q4_0   d = (the value of largest |x|) / −8, q = min(15, ⌊x / d + 8.5⌋)          18 bytes, 4.5 bits a value;
 *          byte j holds value j in its low and value j + 16 in its high half
 *
 * Quotients are taken with the scale before it is rounded to float16, in float32, as the reference does.
 * Source: ggml-org/llama.cpp, `quantize_row_q8_0_ref`, `quantize_row_q4_0_ref`.
 */
import { float16Bits, toBfloat16, toFloat16 } from '../../../core/half.ts';
import { TENSOR_TYPES, type TensorType } from './format.ts';

const BLOCK = 32;
const fround = Math.fround;

/** The bytes of `values` as `type`. Their number must be a multiple of the type's block. */
export function encodeValues(type: TensorType, values: Float32Array): Uint8Array {
  switch (type) {
    case 'F32':
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    case 'F16':
      return new Uint8Array(toFloat16(values).buffer);
    case 'BF16':
      return new Uint8Array(toBfloat16(values).buffer);
    case 'Q8_0':
      return encodeBlocks(values, type, putQ8);
    case 'Q4_0':
      return encodeBlocks(values, type, putQ4);
  }
}

function encodeBlocks(
  values: Float32Array,
  type: 'Q8_0' | 'Q4_0',
  put: (values: Float32Array, from: number, out: Uint8Array, at: number) => void,
): Uint8Array {
  const { bytes } = TENSOR_TYPES[type];
  const out = new Uint8Array((values.length / BLOCK) * bytes);
  for (let from = 0, at = 0; from < values.length; from += BLOCK, at += bytes) put(values, from, out, at);
  return out;
}

function putQ8(values: Float32Array, from: number, out: Uint8Array, at: number): void {
  let largest = 0;
  for (let i = 0; i < BLOCK; i++) largest = Math.max(largest, Math.abs(values[from + i]));
  const scale = fround(largest / 127);
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  putScale(scale, out, at);
  for (let i = 0; i < BLOCK; i++) {
    const quotient = fround(values[from + i] * inverse);
    // C's roundf: halves go away from zero.
    out[at + 2 + i] = Math.sign(quotient) * Math.floor(Math.abs(quotient) + 0.5);
  }
}

function putQ4(values: Float32Array, from: number, out: Uint8Array, at: number): void {
  let extreme = 0;
  for (let i = 0; i < BLOCK; i++) if (Math.abs(values[from + i]) > Math.abs(extreme)) extreme = values[from + i];
  const scale = fround(extreme / -8);
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  putScale(scale, out, at);
  const quantum = (i: number): number => Math.min(15, Math.trunc(fround(fround(values[from + i] * inverse) + 8.5)));
  for (let i = 0; i < BLOCK / 2; i++) out[at + 2 + i] = quantum(i) | (quantum(i + BLOCK / 2) << 4);
}

function putScale(scale: number, out: Uint8Array, at: number): void {
  const bits = float16Bits(scale);
  out[at] = bits & 0xff;
  out[at + 1] = bits >>> 8;
}
