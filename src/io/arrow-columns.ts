/**
 * Values of Arrow columns. Strings are decoded from their buffers here: apache-arrow's own getter drops a leading U+FEFF
 * and is five times slower. utf8, large_utf8, utf8_view and dictionaries of them are read; other types go through
 * apache-arrow's getter and become JSON values.
 */
import { type Data, DataType, type Vector } from 'apache-arrow';
import { toJsonValue } from './json-value.ts';
import { isUtf8Range, textBuffer } from './text-bytes.ts';

/** Reads the value of a row; strings keep every character. */
export type ColumnReader = (row: number) => unknown;

/** Called with each string in which invalid UTF-8 was replaced. */
export type OnDamage = (row: number) => void;

/** A reader of one column of one record batch. */
export function columnReader(vector: Vector, onDamage: OnDamage): ColumnReader {
  const data = vector.data[0];
  if (data === undefined) return () => undefined;
  if (DataType.isDictionary(vector.type)) {
    const dictionary = data.dictionary as Vector | undefined;
    if (dictionary !== undefined && isString(dictionary.type)) {
      const words = dictionary.data.flatMap((part: Data) => allStrings(part, onDamage));
      return (row) => (data.getValid(row) ? words[Number(data.values[row])] : null);
    }
  }
  if (isString(vector.type)) {
    const read = stringReader(data, onDamage);
    return (row) => (data.getValid(row) ? read(row) : null);
  }
  return (row) => toJsonValue(vector.get(row));
}

/** True for types that JSON has no form for; such columns are left out of `meta`. */
export function isBinary(type: DataType): boolean {
  if (DataType.isDictionary(type)) return isBinary(type.dictionary);
  const kinds = [DataType.isBinary, DataType.isLargeBinary, DataType.isBinaryView, DataType.isFixedSizeBinary];
  return (
    kinds.some((is) => is(type)) || (type.children ?? []).some((child: { type: DataType }) => isBinary(child.type))
  );
}

function isString(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type);
}

function allStrings(data: Data, onDamage: OnDamage): (string | null)[] {
  const read = stringReader(data, onDamage);
  return Array.from({ length: data.length }, (_, row) => (data.getValid(row) ? read(row) : null));
}

function stringReader(data: Data, onDamage: OnDamage): (row: number) => string {
  if (DataType.isUtf8View(data.type)) return viewReader(data, onDamage);
  const values = textBuffer(data.values as Uint8Array);
  const offsets = data.valueOffsets as Int32Array | BigInt64Array;
  const clean = isUtf8Range(values, 0, values.length);
  return (row) => {
    const start = Number(offsets[row]);
    const end = Number(offsets[row + 1]);
    const text = values.utf8Slice(start, end);
    if (!clean && !isUtf8Range(values, start, end)) onDamage(row);
    return text;
  };
}

/** utf8_view: 16 bytes a value — length, then up to 12 bytes of text, or a prefix, a buffer's index and an offset. */
function viewReader(data: Data, onDamage: OnDamage): (row: number) => string {
  const views = textBuffer(data.values as Uint8Array);
  const buffers = data.variadicBuffers.map((buffer) => textBuffer(buffer));
  return (row) => {
    const at = (row + data.offset) * 16;
    const length = views.readInt32LE(at);
    const inline = length <= 12;
    const from = inline ? views : buffers[views.readInt32LE(at + 8)];
    const start = inline ? at + 4 : views.readInt32LE(at + 12);
    if (!isUtf8Range(from, start, start + length)) onDamage(row);
    return from.utf8Slice(start, start + length);
  };
}
