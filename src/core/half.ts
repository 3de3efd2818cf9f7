/**
 * The two 16-bit float formats that weights are stored in, to and from float32: bfloat16 (8 bits of exponent, 7 of
 * fraction) and IEEE float16 (5 and 10). Narrowing rounds to the nearest, ties to the even neighbour, as hardware and
 * PyTorch do; widening is exact. NaN stays NaN, what is too large becomes infinity.
 *
 * Cost: about 1 ns a value; float16 is widened through a table of 256 KiB, made when first needed.
 */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The 16 bits of the bfloat16 nearest to `value` (taken as float32). */
export function bfloat16Bits(value: number): number {
  float[0] = value;
  const word = bits[0];
  // A NaN whose fraction lies in the dropped half would become infinity: the quiet bit is set instead.
  if ((word & 0x7fffffff) > 0x7f800000) return (word >>> 16) | 0x40;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

/** The float32 of bfloat16 bits. */
export function bfloat16Value(half: number): number {
  bits[0] = half << 16;
  return float[0];
}

/** The 16 bits of the IEEE float16 nearest to `value` (taken as float32). */
export function float16Bits(value: number): number {
  float[0] = value;
  const word = bits[0];
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 and above lie nearer to 2^16, which has no float16.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent (127 to 15) and round away 13 bits of fraction; a carry moves into the exponent.
    const rebiased = magnitude - 0x38000000;
    return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
  }
  // At most half of the smallest subnormal, 2^-25: zero (the tie is even).
  if (magnitude <= 0x33000000) return sign;
  // Subnormal: units of 2^-24.
  const exponent = magnitude >>> 23;
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - exponent;
  const kept = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (kept + (rest > tie || (rest === tie && (kept & 1) === 1) ? 1 : 0));
}

/** The float32 of IEEE float16 bits. */
export function float16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Narrows `values` into `out` (same length, made when not given). */
export function toBfloat16(values: Float32Array, out = new Uint16Array(values.length)): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    out[i] = (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** Widens bfloat16 bits into `out` (same length, made when not given). */
export function fromBfloat16(halves: Uint16Array, out = new Float32Array(halves.length)): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < halves.length; i++) words[i] = halves[i] << 16;
  return out;
}

/** Narrows `values` into `out` (same length, made when not given). */
export function toFloat16(values: Float32Array, out = new Uint16Array(values.length)): Uint16Array {
  for (let i = 0; i < values.length; i++) out[i] = float16Bits(values[i]);
  return out;
}

let float16Table: Float32Array | undefined;

/** Widens float16 bits into `out` (same length, made when not given). */
export function fromFloat16(halves: Uint16Array, out = new Float32Array(halves.length)): Float32Array {
  float16Table ??= Float32Array.from({ length: 0x10000 }, (_, half) => float16Value(half));
  for (let i = 0; i < halves.length; i++) out[i] = float16Table[halves[i]];
  return out;
}
