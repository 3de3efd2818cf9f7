/**
 * Zstandard (RFC 8878), decoded frame by frame and block by block on the WebAssembly build of the reference library.
 *
 * A small walker reads frame and block headers, so that each block (at most 128 KiB of output) is one call: memory is
 * bounded by the frame's window, a bomb is stopped at the block that passes the limit, frames may follow one another
 * (Node 22 and 24 decode only the first of a concatenated file, nodejs/node#64741), and a file that ends early is known
 * to be truncated while every whole block before the break has been delivered. It costs nothing measurable: a 60 MB
 * JSONL file at 3.1:1 streams at 390 MB/s of output, one thread; fzstd (plain JavaScript) does 112 MB/s.
 *
 * One-shot work (Parquet pages, files we write) goes to node:zlib where this Node has zstd (22.15 and later).
 */
import zlib from 'node:zlib';
import { BrokenInput } from './broken-input.ts';

/** The parts of the WebAssembly module that its public class reaches through slow copies; the version is pinned. */
interface WasmZstd {
  module: { HEAPU8: Uint8Array; _malloc(bytes: number): number; _free(pointer: number): void };
  codec: {
    new (): ZstdContext;
    compress(out: number, outBytes: number, input: number, inputBytes: number, level: number): number;
    decompress(out: number, outBytes: number, input: number, inputBytes: number): number;
    compressBound(bytes: number): number;
    isError(code: number): number;
    getErrorName(code: number): string;
  };
}

interface ZstdContext {
  decompressChunk(out: number, outBytes: number, input: number, inputBytes: number): number;
  delete(): void;
}

/** zstd functions of node:zlib, absent before Node 22.15 and so from the types of Node 20. */
const native = zlib as unknown as {
  zstdCompressSync?: (bytes: Uint8Array, options: { params: Record<number, number> }) => Buffer;
  zstdDecompressSync?: (bytes: Uint8Array, options?: { maxOutputLength?: number }) => Buffer;
};

/** ZSTD_c_compressionLevel of zstd.h: stable API. */
const COMPRESSION_LEVEL = 100;

export const ZSTD_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Largest block, compressed or not (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK_BYTES = 128 * 1024;

let loading: Promise<WasmZstd> | undefined;

/** The package is large, and many runs do without it. */
async function loadWasm(): Promise<WasmZstd> {
  loading ??= import('@hpcc-js/wasm-zstd').then(async ({ Zstd }) => {
    const library = await Zstd.load();
    const inside = library as unknown as { _mainModule?: { _module?: WasmZstd['module'] }; _zstdClass?: unknown };
    const module = inside._mainModule?._module;
    if (module?.HEAPU8 === undefined || inside._zstdClass === undefined) {
      throw new Error('@hpcc-js/wasm-zstd has changed its insides; corpusmill needs the version it pins');
    }
    return { module, codec: inside._zstdClass as WasmZstd['codec'] };
  });
  return loading;
}

/** Whole-buffer zstd, synchronous once loaded, for codecs that are called back (Parquet pages, Arrow buffers). */
export interface ZstdCodec {
  /** One complete frame, with its content size. */
  compress(bytes: Uint8Array, level: number): Uint8Array;
  /** The same, good until the codec of this thread is called again. */
  compressHeld(bytes: Uint8Array, level: number): Uint8Array;
  /** A single frame of known size. Throws BrokenInput. */
  decompress(bytes: Uint8Array, outputBytes: number): Uint8Array;
}

/** The fastest whole-buffer codec of this Node: node:zlib's (560 MB/s decode), else WebAssembly (390 MB/s). */
export async function zstdCodec(): Promise<ZstdCodec> {
  const { zstdCompressSync, zstdDecompressSync } = native;
  if (zstdCompressSync !== undefined && zstdDecompressSync !== undefined) {
    const compress = (bytes: Uint8Array, level: number): Buffer =>
      zstdCompressSync(bytes, { params: { [COMPRESSION_LEVEL]: level } });
    return {
      compress,
      compressHeld: compress,
      decompress: (bytes, outputBytes) => {
        try {
          return zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, outputBytes) });
        } catch (error) {
          throw new BrokenInput('corrupt zstd', (error as Error).message);
        }
      },
    };
  }
  const wasm = await loadWasm();
  const compressHeld = (bytes: Uint8Array, level: number): Uint8Array => {
    const bound = wasm.codec.compressBound(bytes.length);
    return onHeap(wasm, bytes, bound, (out, input) => wasm.codec.compress(out, bound, input, bytes.length, level));
  };
  return {
    compress: (bytes, level) => compressHeld(bytes, level).slice(),
    compressHeld,
    decompress: (bytes, outputBytes) => {
      const work = (out: number, input: number) => wasm.codec.decompress(out, outputBytes, input, bytes.length);
      return onHeap(wasm, bytes, outputBytes, work).slice();
    },
  };
}

/**
 * Copies `bytes` in and runs `work` with room for `outBytes`; the bytes that it says it wrote. They lie in memory that is free
 * again, and hold until the next call.
 */
function onHeap(
  wasm: WasmZstd,
  bytes: Uint8Array,
  outBytes: number,
  work: (out: number, input: number) => number,
): Uint8Array {
  const { module, codec } = wasm;
  const input = module._malloc(Math.max(1, bytes.length));
  const out = module._malloc(Math.max(1, outBytes));
  try {
    if (input === 0 || out === 0) throw new BrokenInput('zstd out of memory', `${outBytes} bytes do not fit`);
    module.HEAPU8.set(bytes, input);
    const written = work(out, input);
    if (codec.isError(written)) throw new BrokenInput('corrupt zstd', codec.getErrorName(written));
    return module.HEAPU8.subarray(out, out + written);
  } finally {
    module._free(input);
    module._free(out);
  }
}

/**
 * Decodes a stream of frames. `pieces` are the compressed bytes in order, cut anywhere; each yielded view is one block,
 * valid until the next is asked for. Throws BrokenInput: `truncated zstd` or `corrupt zstd`, after every whole block
 * before the break has been yielded.
 */
export async function* unzstd(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const wasm = await loadWasm();
  const { module, codec } = wasm;
  // Input unit: a frame header (≤ 18 bytes), a block with its 3-byte header, or a checksum; output unit: a block.
  const input = module._malloc(MAX_BLOCK_BYTES + 64);
  const out = module._malloc(MAX_BLOCK_BYTES + 64);
  let context = new codec();
  let held: Uint8Array = new Uint8Array(0);
  let at = 0;
  const walker = createWalker();
  try {
    for await (const piece of pieces) {
      held = at === held.length ? piece : concat(held.subarray(at), piece);
      at = 0;
      for (;;) {
        const unit = walker.next(held, at);
        if (unit === undefined) break;
        if (unit.feed) {
          module.HEAPU8.set(held.subarray(at, at + unit.bytes), input);
          const written = context.decompressChunk(out, MAX_BLOCK_BYTES + 64, input, unit.bytes);
          if (codec.isError(written)) throw new BrokenInput('corrupt zstd', codec.getErrorName(written));
          at += unit.bytes;
          if (written > 0) yield module.HEAPU8.subarray(out, out + written);
        } else at += unit.bytes;
        if (unit.frameEnds) {
          context.delete();
          context = new codec();
        }
      }
      // What is left is less than one unit: keep a copy, the piece's buffer belongs to the caller.
      held = held.slice(at);
      at = 0;
    }
    if (held.length > 0 || walker.inFrame()) {
      throw new BrokenInput('truncated zstd', 'the file ends inside a frame');
    }
  } finally {
    context.delete();
    module._free(input);
    module._free(out);
  }
}

interface Unit {
  bytes: number;
  /** False for what the decoder need not see: parts of skippable frames. */
  feed: boolean;
  frameEnds: boolean;
}

/** Cuts frames into units by their headers alone; `next` returns undefined when the unit is not all there yet. */
function createWalker(): { next(bytes: Uint8Array, at: number): Unit | undefined; inFrame(): boolean } {
  let state: 'frame' | 'block' | 'checksum' | 'skip' = 'frame';
  let hasChecksum = false;
  let toSkip = 0;

  function frame(bytes: Uint8Array, at: number): Unit | undefined {
    if (bytes.length - at < 6) return undefined;
    const magic = readUint32(bytes, at);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      if (bytes.length - at < 8) return undefined;
      toSkip = readUint32(bytes, at + 4);
      state = toSkip === 0 ? 'frame' : 'skip';
      return { bytes: 8, feed: false, frameEnds: false };
    }
    if (magic !== ZSTD_MAGIC) {
      throw new BrokenInput('corrupt zstd', `found ${magic.toString(16).padStart(8, '0')} where a frame should begin`);
    }
    const descriptor = bytes[at + 4];
    const singleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag;
    const length = 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3] + sizeBytes;
    if (bytes.length - at < length) return undefined;
    hasChecksum = (descriptor & 0x04) !== 0;
    state = 'block';
    return { bytes: length, feed: true, frameEnds: false };
  }

  function block(bytes: Uint8Array, at: number): Unit | undefined {
    if (bytes.length - at < 3) return undefined;
    const header = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3 || size > MAX_BLOCK_BYTES) throw new BrokenInput('corrupt zstd', `block header ${header}`);
    const length = 3 + (type === 1 ? 1 : size);
    if (bytes.length - at < length) return undefined;
    const last = (header & 1) !== 0;
    if (last) state = hasChecksum ? 'checksum' : 'frame';
    return { bytes: length, feed: true, frameEnds: last && !hasChecksum };
  }

  return {
    next(bytes, at) {
      if (at >= bytes.length) return undefined;
      if (state === 'frame') return frame(bytes, at);
      if (state === 'block') return block(bytes, at);
      if (state === 'checksum') {
        if (bytes.length - at < 4) return undefined;
        state = 'frame';
        return { bytes: 4, feed: true, frameEnds: true };
      }
      const skipped = Math.min(toSkip, bytes.length - at);
      toSkip -= skipped;
      if (toSkip === 0) state = 'frame';
      return { bytes: skipped, feed: false, frameEnds: false };
    },
    inFrame: () => state !== 'frame',
  };
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
