/**
 * The words of a GGUF file, version 3: magic, counts, key-value pairs, the table of tensors, then their data at multiples of
 * 32 bytes. Dimensions stand in reverse: the length of a row first.
 * Source: ggml-org/ggml, docs/gguf.md.
 */
import { CorpusmillError } from '../../../core/errors.ts';

export const GGUF_VERSION = 3;
export const ALIGNMENT = 32;

/** Types of tensor data: number in the file, values in a block, bytes of a block. */
export const TENSOR_TYPES = {
  F32: { id: 0, block: 1, bytes: 4 },
  F16: { id: 1, block: 1, bytes: 2 },
  Q4_0: { id: 2, block: 32, bytes: 18 },
  Q8_0: { id: 8, block: 32, bytes: 34 },
  BF16: { id: 30, block: 1, bytes: 2 },
} as const;

export type TensorType = keyof typeof TENSOR_TYPES;

/** Types of metadata values, by number. */
export const VALUE_TYPES = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

export type GgufValue =
  | { type: 'uint32' | 'int32' | 'float32'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'array'; of: 'string'; value: readonly string[] }
  | { type: 'array'; of: 'int32'; value: readonly number[] };

export type Metadata = ReadonlyMap<string, GgufValue>;

/** The error of a model that GGUF, or llama.cpp that reads it, has no words for. */
export function inexpressible(what: string, hint: string): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', `exporting to GGUF: ${what}`, { hint });
}
