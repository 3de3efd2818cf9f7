import type { Buffer } from './backend.ts';

/** Throws a RangeError unless entries `offset` to `offset + length` are the buffer's. */
export function checkRange(buffer: Buffer, offset: number, length: number): void {
  const isRange = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length >= 0;
  if (isRange && offset + length <= buffer.length) return;
  throw new RangeError(`buffer ${buffer.name} has ${buffer.length} entries, asked for ${length} from ${offset} on`);
}
