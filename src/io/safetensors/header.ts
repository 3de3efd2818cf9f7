/**
 * The header of a safetensors file: eight bytes with the length N of what follows, N bytes of JSON that names every
 * tensor with dtype, shape and place, then the bytes of the tensors. Nothing in it is trusted before it is checked: the
 * length against the file's, the JSON, each dtype, each shape against its bytes, and that the tensors cover the rest of
 * the file once, without gap or overlap.
 * Source: huggingface/safetensors README ("Format") and `tensor.rs` (the same checks).
 */
import { CorpusmillError } from '../../core/errors.ts';
import { DTYPE_BYTES, type Dtype, isDtype } from './dtypes.ts';

/** The most that a header may hold; the format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;

export interface TensorEntry {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
  /** Place in the file, in bytes from its beginning. */
  start: number;
  end: number;
}

export interface SafetensorsHeader {
  metadata: Readonly<Record<string, string>>;
  /** By name, in the order of their places. */
  tensors: ReadonlyMap<string, TensorEntry>;
}

/** The error of a damaged file: what was found in which. */
export function corrupt(source: string, found: string, cause?: unknown): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `reading the tensors of ${source}: ${found}`, {
    hint: 'The file is damaged or no safetensors file: fetch or write it again.',
    ...(cause !== undefined && { cause }),
  });
}

/** The length in the first eight bytes, checked against the file's size. Throws INPUT_CORRUPT. */
export function headerLength(prefix: Uint8Array, fileBytes: number, source: string): number {
  if (prefix.length < 8 || fileBytes < 8) throw corrupt(source, `it has ${fileBytes} bytes, too few for a header`);
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw corrupt(
      source,
      `its first eight bytes announce a header of ${length} bytes; ${MAX_HEADER_BYTES} are allowed`,
    );
  }
  if (8 + Number(length) > fileBytes) {
    throw corrupt(source, `it ends within its header: ${fileBytes} bytes, the header needs ${8 + Number(length)}`);
  }
  return Number(length);
}

/**
 * Reads and checks the JSON part.
 *
 * @param json the header's bytes, without the eight before them
 * @param fileBytes size of the whole file
 * @throws INPUT_CORRUPT, naming tensor and figures
 */
export function parseHeader(json: Uint8Array, fileBytes: number, source: string): SafetensorsHeader {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(json);
    parsed = JSON.parse(text);
  } catch (error) {
    throw corrupt(source, `its header is not JSON: ${(error as Error).message}`, error);
  }
  if (!isObject(parsed)) throw corrupt(source, 'its header is not a JSON object');
  const twice = repeatedKey(text);
  if (twice !== undefined) throw corrupt(source, `its header has ${JSON.stringify(twice)} twice`);
  const data = 8 + json.length;
  const entries: TensorEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') metadata = metadataOf(value, source);
    else entries.push(entryOf(name, value, data, source));
  }
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let at = data;
  for (const { name, start, end } of entries) {
    if (start !== at) {
      const what = start < at ? 'overlaps the one before it' : `leaves ${start - at} bytes before it unused`;
      throw corrupt(source, `tensor ${name} ${what}`);
    }
    at = end;
  }
  if (at !== fileBytes) {
    const what = at > fileBytes ? 'it is cut off' : 'bytes follow its last tensor';
    throw corrupt(source, `${what}: ${fileBytes} bytes, its header describes ${at}`);
  }
  return { metadata, tensors: new Map(entries.map((entry) => [entry.name, entry])) };
}

function entryOf(name: string, value: unknown, data: number, source: string): TensorEntry {
  const fail = (found: string): never => {
    throw corrupt(source, `tensor ${name}: ${found}`);
  };
  if (!isObject(value)) return fail('its entry is not an object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) return fail(`the dtype is ${short(dtype)}, known are ${Object.keys(DTYPE_BYTES).join(', ')}`);
  if (!isCounts(shape)) return fail(`the shape is ${short(shape)}, expected whole numbers`);
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return fail(`data_offsets is ${short(offsets)}, expected a begin and an end`);
  }
  let bytes: number = DTYPE_BYTES[dtype];
  for (const size of shape) bytes *= size;
  // A product beyond 2^53 is no longer exact, and no file is that large.
  if (bytes !== offsets[1] - offsets[0]) {
    return fail(`${dtype} of shape [${shape.join(', ')}] has ${bytes} bytes, its place ${offsets[1] - offsets[0]}`);
  }
  return { name, dtype, shape, start: data + offsets[0], end: data + offsets[1] };
}

function metadataOf(value: unknown, source: string): Record<string, string> {
  if (!isObject(value) || Object.values(value).some((text) => typeof text !== 'string')) {
    throw corrupt(source, '__metadata__ is not an object of texts');
  }
  return value as Record<string, string>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 80);
}

/** A key that a (valid) JSON object has twice on its first level, which JSON.parse passes over. */
function repeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x7b || c === 0x5b) depth++;
    else if (c === 0x7d || c === 0x5d) depth--;
    else if (c === 0x22) {
      const start = i++;
      for (; text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
      if (depth !== 1 || !/^\s*:/.test(text.slice(i + 1, i + 32))) continue;
      const key = JSON.parse(text.slice(start, i + 1)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}
