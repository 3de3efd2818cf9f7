/**
 * Codecs of compressed Arrow buffers (zstd and LZ4 frames), told to apache-arrow once per thread. It hands a decoder
 * the compressed bytes alone; the size of the result stands in the 8 bytes before them.
 */
import { CompressionType, compressionRegistry } from 'apache-arrow';
import { decompressLz4Frame } from './lz4.ts';
import { zstdCodec } from './zstd.ts';

/** Registers decoders, and a zstd encoder at `level`. */
export async function registerArrowCodecs(level = 3): Promise<void> {
  const zstd = await zstdCodec();
  compressionRegistry.set(CompressionType.ZSTD, {
    encode: (bytes) => zstd.compress(bytes, level),
    decode: (bytes) => zstd.decompress(bytes, announcedBytes(bytes)),
  });
  compressionRegistry.set(CompressionType.LZ4_FRAME, {
    decode: (bytes) => decompressLz4Frame(bytes, announcedBytes(bytes)),
  });
}

function announcedBytes(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset - 8, 8).getBigInt64(0, true));
}
