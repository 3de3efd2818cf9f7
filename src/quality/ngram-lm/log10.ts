/**
 * The numbers of a model: log10 of probabilities and back-off weights as whole multiples of 10⁻⁷, about the precision that 32-bit
 * floats (KenLM's) have for them. As integers they are written exactly, so a model that was saved scores as it did before,
 * and the last bit of a machine's logarithm leaves no trace in a file.
 */
import { native } from '../../core/native.ts';

/** Multiples in 1. */
export const UNITS = 1e7;
const DECIMALS = 7;

const LOG10_OF_2 = 0.3010299956639812;
const TWICE_LOG10_OF_E = 0.8685889638065037;

const float = new Float64Array(1);
/** Its bits, the low half first on every platform of Node. */
const bits = new Uint32Array(float.buffer);

/**
 * log10 of a positive number, in units. Computed here, and not by Math.log10, whose last bit is the engine's own: with
 * value = m 2ᵉ, √½ < m ≤ √2 and s = (m - 1) / (m + 1), ln m is the series 2 (s + s³/3 + s⁵/5 + …), to s¹⁷ here: an error below 10⁻¹⁴.
 */
export function quantizeLog10(value: number): number {
  float[0] = value;
  let exponent = (bits[1] >>> 20) - 1023;
  bits[1] = (bits[1] & 0xfffff) | 0x3ff00000;
  let mantissa = float[0];
  if (mantissa > Math.SQRT2) {
    mantissa *= 0.5;
    exponent++;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const z = s * s;
  let sum = 1 / 17;
  for (let odd = 15; odd > 0; odd -= 2) sum = sum * z + 1 / odd;
  return Math.floor((exponent * LOG10_OF_2 + TWICE_LOG10_OF_E * s * sum) * UNITS + 0.5);
}

/** The same of all `values`. */
export function quantizeAll(values: Float64Array): Int32Array {
  const units = new Int32Array(values.length);
  if (native !== undefined) native.ngramLm.quantize(values, units);
  else for (let i = 0; i < values.length; i++) units[i] = quantizeLog10(values[i]);
  return units;
}

/** The 32-bit float that stands for a number of units in memory. */
export function fromUnits(units: number): number {
  return Math.fround(units / UNITS);
}

/** Most bytes that `writeUnits` writes. */
export const UNITS_BYTES = 13;

/** Writes a number of units in decimal, without needless zeros; returns the end. */
export function writeUnits(units: number, bytes: Uint8Array, at: number): number {
  let rest = units | 0;
  if (rest < 0) {
    bytes[at++] = 0x2d;
    rest = -rest;
  }
  // Whole numbers of 32 bits all the way: V8 divides them without dividing.
  const whole = (rest / UNITS) | 0;
  rest -= whole * UNITS;
  if (whole >= 100) bytes[at++] = 0x30 + ((whole / 100) | 0);
  if (whole >= 10) bytes[at++] = 0x30 + (((whole / 10) | 0) % 10);
  bytes[at++] = 0x30 + (whole % 10);
  if (rest === 0) return at;
  bytes[at] = 0x2e;
  for (let digit = DECIMALS; digit > 0; digit--) {
    const tenth = (rest / 10) | 0;
    bytes[at + digit] = 0x30 + (rest - 10 * tenth);
    rest = tenth;
  }
  at += DECIMALS + 1;
  while (bytes[at - 1] === 0x30) at--;
  return at;
}
