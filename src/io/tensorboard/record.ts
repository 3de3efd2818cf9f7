/**
 * TFRecord framing, in which TensorBoard's event files are kept: of each record its length, a check sum of the length, the
 * bytes, and a check sum of the bytes. The sum is CRC-32C, masked so that a record of records does not check itself.
 * Source: tensorflow, `core/lib/io/record_writer.h`, `core/lib/hash/crc32c.h`; CRC-32C: RFC 3720, appendix B.4.
 */

/** Table of the reflected polynomial 0x1EDC6F41. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli) of bytes. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The sum as records hold it. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A record around `data`. */
export function frameRecord(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 16);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(out.subarray(0, 8)), true);
  out.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return out;
}

/** The whole records at the beginning of a file, with where each ends; what follows the first broken one is left out. */
export function* wholeRecords(file: Uint8Array): Generator<{ data: Uint8Array; end: number }> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at + 16 <= file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    const end = at + 16 + length;
    if (end > file.length || view.getUint32(at + 8, true) !== maskedCrc32c(file.subarray(at, at + 8))) return;
    const data = file.subarray(at + 12, at + 12 + length);
    if (view.getUint32(at + 12 + length, true) !== maskedCrc32c(data)) return;
    yield { data, end };
    at = end;
  }
}
