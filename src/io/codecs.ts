/**
 * Compression: which kind a file has (told by its first bytes, never by its name), streams of decompressed bytes, and
 * whole-buffer compression into complete gzip members and zstd frames, so that concatenating outputs gives a valid file.
 *
 * Streams are pulled: nothing is read ahead of what was asked for, and an expansion limit stops a bomb where it passes
 * the limit. gzip runs in libuv's pool (250–320 MB/s of output with 256 KiB buffers against 131 with the default 16 KiB),
 * zstd in the calling thread (see zstd.ts).
 */
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { CorpusmillError } from '../core/errors.ts';
import { BrokenInput } from './broken-input.ts';
import { EXPANSION_FREE_BYTES } from './input.ts';
import { unzstd, ZSTD_MAGIC, zstdCodec } from './zstd.ts';

export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** The compression that the first bytes of a file name; four bytes are enough. */
export function detectCompression(head: Uint8Array): Compression {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length < 4) return 'none';
  const magic = (head[0] | (head[1] << 8) | (head[2] << 16) | (head[3] << 24)) >>> 0;
  return magic === ZSTD_MAGIC || (magic & 0xfffffff0) >>> 0 === 0x184d2a50 ? 'zstd' : 'none';
}

/** Compressed kinds that are recognised in order to say that they are not read, by their first bytes. */
export function unsupportedCompression(head: Uint8Array): string | undefined {
  const start = Buffer.from(head.buffer, head.byteOffset, Math.min(6, head.length)).toString('latin1');
  if (start.startsWith('BZh')) return 'bzip2';
  if (start.startsWith('\xfd7zXZ\0')) return 'xz';
  if (start.startsWith('PK\x03\x04')) return 'zip';
  if (start.startsWith('\x04"M\x18')) return 'lz4';
  return undefined;
}

const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);

export const DEFAULT_LEVEL: Record<Compression, number> = { none: 0, gzip: 6, zstd: 3 };

/**
 * Compresses bytes into one complete gzip member or zstd frame. The same bytes and level give the same result on the
 * same Node (gzip's header carries no time). gzip runs in libuv's pool, zstd in the calling thread.
 */
export async function compress(bytes: Uint8Array, kind: Compression, level?: number): Promise<Uint8Array> {
  if (kind === 'none') return bytes;
  if (kind === 'gzip') return gzip(bytes, { level: level ?? DEFAULT_LEVEL.gzip, chunkSize: 256 * 1024 });
  return (await zstdCodec()).compress(bytes, level ?? DEFAULT_LEVEL.zstd);
}

/**
 * Decompresses bytes whatever their kind, concatenated members and frames included. `maxExpansionRatio` as in
 * InputSpec. Throws CorpusmillError: EXPANSION_LIMIT, or INPUT_CORRUPT for broken data.
 */
export async function decompress(bytes: Uint8Array, maxExpansionRatio = 1000): Promise<Uint8Array> {
  const kind = detectCompression(bytes);
  if (kind === 'none') return bytes;
  const parts: Uint8Array[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += INPUT_PIECE_BYTES) yield bytes.subarray(at, at + INPUT_PIECE_BYTES);
  }
  try {
    const limit = expansionLimit(bytes.length, maxExpansionRatio);
    const guard = createGuard(limit, 'the compressed bytes', bytes.length);
    for await (const part of expand(source(), kind, guard)) parts.push(part.slice());
  } catch (error) {
    if (!(error instanceof BrokenInput)) throw error;
    throw new CorpusmillError(
      'INPUT_CORRUPT',
      `Decompressing ${bytes.length} bytes: ${error.reason}: ${error.message}`,
    );
  }
  return Buffer.concat(parts);
}

/** The bytes of a file after decompression, pulled into the caller's buffers. */
export interface ByteSource {
  readonly compression: Compression;
  /** Size of the file on disk when it was opened. */
  readonly fileBytes: number;
  /** Bytes of the file on disk read so far. */
  consumed(): number;
  /**
   * Writes the next bytes into `into` and returns how many; 0 only at the end. Throws BrokenInput where the file cannot
   * be read on (`truncated gzip`, `corrupt zstd`, `expansion limit`, `unreadable file` …), after all bytes before the
   * break have been handed out, and again at every later read.
   */
  read(into: Uint8Array): Promise<number>;
  /** After `corrupt gzip` or `truncated gzip`: offset in the file of the byte that could not be taken. */
  brokenAt?(): number | undefined;
  close(): Promise<void>;
}

/** Bytes of compressed input a step; a gzip bomb expands one step to at most 66 MB, and is stopped within it. */
const INPUT_PIECE_BYTES = 64 * 1024;

/**
 * Opens a file for reading. Throws BrokenInput `unreadable file` with the system's words. `from`: begin at this byte of
 * the file, where a gzip member must begin if the file is gzip.
 */
export async function openByteSource(path: string, maxExpansionRatio: number, from = 0): Promise<ByteSource> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const stat = await handle.stat();
    if (!stat.isFile()) throw new BrokenInput('unreadable file', 'not a regular file');
    const head = Buffer.alloc(6);
    const { bytesRead } = await handle.read(head, 0, 6, from);
    const unsupported = unsupportedCompression(head.subarray(0, bytesRead));
    if (unsupported !== undefined) {
      throw new BrokenInput('unsupported compression', `${unsupported} (gzip and zstd are read)`);
    }
    const kind = detectCompression(head.subarray(0, bytesRead));
    return kind === 'none'
      ? plainSource(handle, stat.size, from)
      : compressedSource(handle, stat.size, kind, path, maxExpansionRatio, from);
  } catch (error) {
    await handle?.close();
    throw asBroken(error);
  }
}

/** The first `bytes` bytes of a file after decompression, fewer if it is shorter. Throws BrokenInput. */
export async function decompressedHead(path: string, bytes: number): Promise<Uint8Array> {
  const source = await openByteSource(path, Number.POSITIVE_INFINITY);
  try {
    const head = new Uint8Array(bytes);
    return head.subarray(0, await fill(source, head, 0));
  } finally {
    await source.close();
  }
}

/** Reads until `into` is full from `from` on, or the source ends; returns the end of what was written. */
export async function fill(source: ByteSource, into: Uint8Array, from: number): Promise<number> {
  let at = from;
  while (at < into.length) {
    const read = await source.read(at === 0 ? into : into.subarray(at));
    if (read === 0) break;
    at += read;
  }
  return at;
}

/** A system error, or an expansion limit that was passed, as BrokenInput; others pass. */
export function asBroken(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (error instanceof BrokenInput) return error;
  if (error instanceof CorpusmillError) return new BrokenInput('expansion limit', `${error.message}. ${error.hint}`);
  return typeof code === 'string' && (error as NodeJS.ErrnoException).syscall !== undefined
    ? new BrokenInput('unreadable file', (error as Error).message)
    : error;
}

function plainSource(handle: FileHandle, fileBytes: number, from: number): ByteSource {
  let position = from;
  return {
    compression: 'none',
    fileBytes,
    consumed: () => position,
    async read(into) {
      try {
        const { bytesRead } = await handle.read(into, 0, into.length, position);
        position += bytesRead;
        return bytesRead;
      } catch (error) {
        throw asBroken(error);
      }
    },
    close: () => handle.close(),
  };
}

const NOTHING: Uint8Array = new Uint8Array(0);

function compressedSource(
  handle: FileHandle,
  fileBytes: number,
  kind: 'gzip' | 'zstd',
  path: string,
  maxExpansionRatio: number,
  from: number,
): ByteSource {
  let consumed = from;
  let brokenAt: number | undefined;
  const guard = createGuard(expansionLimit(fileBytes, maxExpansionRatio), path, fileBytes);
  const pieces = filePieces(handle, from, Number.POSITIVE_INFINITY, (position) => {
    consumed = position;
  });
  const onBreak = (position: number): void => {
    brokenAt = position;
  };
  const expanded =
    kind === 'gzip'
      ? gunzipToTheBreak(handle, from, gunzip(pieces, guard), () => consumed, onBreak)
      : guarded(unzstd(pieces), guard);
  let held = NOTHING;
  let failure: unknown;
  return {
    compression: kind,
    fileBytes,
    consumed: () => consumed,
    brokenAt: () => brokenAt,
    async read(into) {
      let fresh = false;
      while (held.length === 0) {
        // A generator that has thrown says `done` afterwards; the break must be met at every later read.
        if (failure !== undefined) throw failure;
        const step = await expanded.next().catch((error: unknown) => {
          failure = asBroken(error);
          throw failure;
        });
        if (step.done) return 0;
        held = step.value;
        fresh = kind === 'zstd';
      }
      const taken = Math.min(held.length, into.length);
      into.set(held.subarray(0, taken));
      // A copy: zstd's piece is a view of WebAssembly memory, void when another stream of this thread makes it grow.
      held = taken === held.length ? NOTHING : fresh ? held.slice(taken) : held.subarray(taken);
      return taken;
    },
    async close() {
      await expanded.return(undefined);
      await handle.close();
    },
  };
}

/** The file from `from` on in pieces, single bytes from `bytewiseFrom` on. */
async function* filePieces(
  handle: FileHandle,
  from: number,
  bytewiseFrom: number,
  onRead: (position: number) => void,
): AsyncGenerator<Uint8Array> {
  let position = from;
  for (;;) {
    // A fresh buffer each time: zlib reads it in another thread while this one goes on.
    const buffer = Buffer.allocUnsafeSlow(INPUT_PIECE_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    const step = position >= bytewiseFrom ? 1 : bytesRead;
    for (let at = 0; at < bytesRead; at += step) {
      onRead(position + at + step);
      yield buffer.subarray(at, at + step);
    }
    position += bytesRead;
  }
}

/**
 * Where gzip data is corrupt, zlib withholds what it had inflated of the last piece. So the file is inflated once more,
 * the piece that failed byte by byte (about a second), and what had been withheld is delivered before the error.
 */
async function* gunzipToTheBreak(
  handle: FileHandle,
  from: number,
  inflated: AsyncGenerator<Uint8Array>,
  consumed: () => number,
  onBreak: (position: number) => void,
): AsyncGenerator<Uint8Array> {
  let delivered = 0;
  try {
    for await (const part of inflated) {
      delivered += part.length;
      yield part;
    }
  } catch (error) {
    if (!(error instanceof BrokenInput)) throw error;
    onBreak(consumed());
    if (error.reason !== 'corrupt gzip') throw error;
    const failedPiece = from + Math.floor((consumed() - from - 1) / INPUT_PIECE_BYTES) * INPUT_PIECE_BYTES;
    let known = delivered;
    for await (const part of gunzip(filePieces(handle, from, failedPiece, onBreak), () => {})) {
      const fresh = part.subarray(Math.min(known, part.length));
      known -= part.length - fresh.length;
      if (fresh.length > 0) yield fresh;
    }
  }
}

function expand(pieces: AsyncGenerator<Uint8Array>, kind: 'gzip' | 'zstd', guard: Guard): AsyncGenerator<Uint8Array> {
  return kind === 'gzip' ? gunzip(pieces, guard) : guarded(unzstd(pieces), guard);
}

async function* guarded(pieces: AsyncGenerator<Uint8Array>, guard: Guard): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    guard(piece.length);
    yield piece;
  }
}

type Guard = (bytes: number) => void;

function expansionLimit(compressedBytes: number, maxExpansionRatio: number): number {
  return Math.max(EXPANSION_FREE_BYTES, compressedBytes * maxExpansionRatio);
}

function createGuard(limit: number, what: string, compressedBytes: number): Guard {
  let total = 0;
  return (bytes) => {
    total += bytes;
    if (total <= limit) return;
    throw new CorpusmillError(
      'EXPANSION_LIMIT',
      `Decompressing ${what}: its ${compressedBytes} bytes have already expanded to ${total} and the limit is ${limit}`,
      { hint: 'If the file is genuine, raise `maxExpansionRatio` of this input.' },
    );
  };
}

/**
 * Inflates gzip members. Pieces go in one at a time and their output is collected before the next, so nothing is lost
 * when the stream later fails (an async iterator over the zlib stream would drop what it had buffered).
 */
async function* gunzip(pieces: AsyncGenerator<Uint8Array>, guard: Guard): AsyncGenerator<Uint8Array> {
  const stream = zlib.createGunzip({ chunkSize: 256 * 1024 });
  let out: Buffer[] = [];
  let failure: unknown;
  let wake = (): void => {};
  const failed = (error: unknown): void => {
    failure ??= error;
    wake();
  };
  stream.on('error', failed);
  stream.on('end', () => wake());
  stream.on('data', (part: Buffer) => {
    if (failure !== undefined) return;
    try {
      guard(part.length);
      out.push(part);
    } catch (error) {
      failed(error);
      stream.destroy();
    }
  });
  const step = (start: () => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      start();
    });
  let taken = 0;
  let padded = false;
  try {
    for await (const piece of pieces) {
      let padding = piece;
      if (!padded) {
        const before = taken;
        await step(() => stream.write(piece, () => wake()));
        const ready = out;
        out = [];
        yield* ready;
        if (failure !== undefined) throw gzipFailure(failure);
        taken = stream.bytesWritten;
        // After the last member zlib takes no zero byte, and is at its end: tapes and disk blocks are padded with them.
        padded = taken < before + piece.length;
        padding = piece.subarray(taken - before);
      }
      if (!padding.every((byte) => byte === 0)) {
        throw new BrokenInput('corrupt gzip', 'zero bytes, and then other data, follow the last member');
      }
    }
    if (!padded) await step(() => stream.end());
    yield* out;
    if (failure !== undefined) throw gzipFailure(failure);
  } finally {
    stream.destroy();
    await pieces.return(undefined);
  }
}

function gzipFailure(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'Z_BUF_ERROR') return new BrokenInput('truncated gzip', 'the file ends inside a member');
  return code?.startsWith('Z_') ? new BrokenInput('corrupt gzip', (error as Error).message) : error;
}
