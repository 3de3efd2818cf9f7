/** The least that reads a GGUF file: metadata, tensors and their bytes, for tests. Source: ggml-org/ggml, docs/gguf.md. */
import { readFileSync } from 'node:fs';

export interface ReadGguf {
  version: number;
  metadata: Map<string, unknown>;
  tensors: Map<string, { type: number; dims: number[]; bytes: (length: number) => Buffer; offset: number }>;
  dataStart: number;
}

export function readGguf(path: string): ReadGguf {
  const file = readFileSync(path);
  let at = 0;
  const take = <T>(size: number, read: (at: number) => T): T => {
    const value = read(at);
    at += size;
    return value;
  };
  const u32 = (): number => take(4, (i) => file.readUInt32LE(i));
  const u64 = (): number => Number(take(8, (i) => file.readBigUInt64LE(i)));
  const text = (): string => {
    const length = u64();
    return take(length, (i) => file.toString('utf8', i, i + length));
  };
  const value = (type: number): unknown => {
    switch (type) {
      case 4:
        return u32();
      case 5:
        return take(4, (i) => file.readInt32LE(i));
      case 6:
        return take(4, (i) => file.readFloatLE(i));
      case 7:
        return take(1, (i) => file.readUInt8(i) === 1);
      case 8:
        return text();
      case 9: {
        const of = u32();
        return Array.from({ length: u64() }, () => value(of));
      }
      default:
        throw new Error(`value type ${type}`);
    }
  };
  if (file.toString('latin1', 0, 4) !== 'GGUF') throw new Error('no GGUF file');
  at = 4;
  const version = u32();
  const tensorCount = u64();
  const keyCount = u64();
  const metadata = new Map(Array.from({ length: keyCount }, () => [text(), value(u32())]));
  const table = Array.from({ length: tensorCount }, () => {
    const name = text();
    const dims = Array.from({ length: u32() }, u64);
    return { name, dims, type: u32(), offset: u64() };
  });
  const dataStart = Math.ceil(at / 32) * 32;
  const tensors = new Map(
    table.map(({ name, ...entry }) => [
      name,
      {
        ...entry,
        bytes: (length: number) => file.subarray(dataStart + entry.offset, dataStart + entry.offset + length),
      },
    ]),
  );
  return { version, metadata, tensors, dataStart };
}
