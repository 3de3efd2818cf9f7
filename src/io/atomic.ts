/**
 * Files that exist whole or not at all: written under a temporary name in the same folder, fsynced, renamed, and the
 * folder fsynced so that the name survives a power cut too. A failure removes the temporary file and says what, where
 * and what to do.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import { native } from '../core/native.ts';
import type { NativeAddon } from '../core/native-addon.ts';

/** A file being written; `commit` or `abort` ends it. */
export interface AtomicFile {
  /** Bytes written so far. */
  readonly bytes: number;
  /** Appends all of `bytes`. Throws OUTPUT_FAILED, after which only `abort` may be called. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the file appear under its name, replacing what was there. Throws OUTPUT_FAILED. */
  commit(): Promise<void>;
  /** Removes what was written; may be called after a failure, or twice. */
  abort(): Promise<void>;
}

/** Bytes of a file that the disk is given before all is written, so that the end of a large one is not waited for. */
const EARLY_SYNC_BYTES = 8 * 1024 * 1024;

/** A file and what it shall hold, in one piece or in several, which stay as they are until it is written. */
export interface FileContent {
  path: string;
  content: Uint8Array | string | readonly Uint8Array[];
}

/** Writes a whole file atomically. Throws CorpusmillError OUTPUT_FAILED. */
export function writeFileAtomic(path: string, content: FileContent['content']): Promise<void> {
  return writeFilesAtomic([{ path, content }]);
}

/**
 * Writes whole files, each atomically; the last only appears when the disk has the others. Throws CorpusmillError OUTPUT_FAILED, after
 * which some may be there, but not the last.
 */
export async function writeFilesAtomic(files: readonly FileContent[]): Promise<void> {
  const wholes = files.map(({ path, content }) => ({ path, pieces: piecesOf(content) }));
  if (native?.writeWholeFiles !== undefined && wholes.every(isSmall)) {
    await writeAtOnce(native.writeWholeFiles, wholes);
    return;
  }
  for (const some of [wholes.slice(0, -1), wholes.slice(-1)]) {
    // None is left under way.
    const settled = await Promise.allSettled(some.map(writeInSteps));
    for (const end of settled) if (end.status === 'rejected') throw end.reason;
  }
}

interface WholeFile {
  path: string;
  pieces: readonly Uint8Array[];
}

function piecesOf(content: FileContent['content']): readonly Uint8Array[] {
  if (typeof content === 'string') return [Buffer.from(content)];
  return content instanceof Uint8Array ? [content] : content;
}

/** A large file is given to the disk while it is written. */
function isSmall({ pieces }: WholeFile): boolean {
  return pieces.reduce((sum, { length }) => sum + length, 0) < EARLY_SYNC_BYTES;
}

async function writeInSteps({ path, pieces }: WholeFile): Promise<void> {
  const file = await openAtomic(path);
  try {
    for (const piece of pieces) await file.write(piece);
    await file.commit();
  } catch (error) {
    await file.abort();
    throw error;
  }
}

/**
 * All steps of all files in one go on a thread of the pool. Each step by itself comes back to this thread's event loop, and waits
 * there while something is computed.
 */
async function writeAtOnce(
  writeWholeFiles: NonNullable<NativeAddon['writeWholeFiles']>,
  files: readonly WholeFile[],
): Promise<void> {
  const pieces = files.flatMap((file) => file.pieces);
  const counts = Uint32Array.from(files, (file) => file.pieces.length);
  const write = () => {
    const names = files.flatMap(({ path }) => [path, temporaryName(path), dirname(path)]);
    return writeWholeFiles(names, pieces, counts);
  };
  const made = new Set<string>();
  for (let failed = await write(); failed !== undefined; failed = await write()) {
    const [file, call, errno] = failed;
    const { path } = files[file];
    const folder = dirname(path);
    const isFolderMissing = call === 'open' && errno === constants.errno.ENOENT;
    if (!isFolderMissing || made.has(folder)) throw failedCall(path, call, errno);
    await mkdir(folder, { recursive: true }).catch((error) => {
      throw outputFailed('create', path, error);
    });
    made.add(folder);
  }
}

/** The error of a system call, as Node's own functions word it. */
function failedCall(path: string, call: string, errno: number): unknown {
  const [code, meaning] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  const error = Object.assign(new Error(`${code}: ${meaning}, ${call} '${path}'`), {
    code,
    errno: -errno,
    syscall: call,
  });
  return outputFailed(call === 'open' ? 'create' : call === 'write' ? 'write' : 'finish', path, error);
}

export interface AtomicOptions {
  /**
   * False: pages of a large file leave the system's cache once the disk has them, and the next ones take their place. For what
   * a run only leaves behind: memory is for what it reads again, and fresh pages may cost more than the writing (283 MB in a
   * virtual machine: .85 s with them, .35 in the same few).
   */
  cached?: boolean;
}

/** Opens a file for atomic writing; its folder is made if it is missing. Throws CorpusmillError OUTPUT_FAILED. */
export async function openAtomic(path: string, { cached = true }: AtomicOptions = {}): Promise<AtomicFile> {
  const temporary = temporaryName(path);
  let handle: FileHandle | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    handle = await open(temporary, 'w');
  } catch (error) {
    throw outputFailed('create', path, error);
  }
  let bytes = 0;
  /** What the disk is at work at, up to where it was given to it, and its failure: a later sync does not tell of that again. */
  let syncing: Promise<void> | undefined;
  let given = 0;
  let failed: { error: unknown } | undefined;
  const drop = (from: number, to: number): void => {
    if (!cached && handle !== undefined) native?.dropFromCache(handle.fd, from, to - from);
  };
  const syncEarly = async (): Promise<void> => {
    const from = given;
    given = bytes;
    try {
      await handle?.datasync();
      drop(from, given);
    } catch (error) {
      failed ??= { error };
    }
    syncing = undefined;
  };
  const close = async (): Promise<void> => {
    const open = handle;
    handle = undefined;
    await open?.close();
  };
  return {
    get bytes() {
      return bytes;
    },
    async write(chunk) {
      try {
        for (let at = 0; at < chunk.length; ) {
          if (handle === undefined) throw new Error('the file is closed');
          const { bytesWritten } = await handle.write(chunk, at, Math.min(chunk.length - at, 0x40000000));
          at += bytesWritten;
        }
        bytes += chunk.length;
        if (syncing === undefined && bytes - given >= EARLY_SYNC_BYTES) syncing = syncEarly();
      } catch (error) {
        throw outputFailed('write', path, error);
      }
    },
    async commit() {
      try {
        await syncing;
        if (failed !== undefined) throw failed.error;
        await handle?.sync();
        if (given > 0) drop(given, bytes);
        await close();
        await rename(temporary, path);
        await syncFolder(dirname(path));
      } catch (error) {
        throw outputFailed('finish', path, error);
      }
    },
    async abort() {
      await close().catch(() => {});
      await rm(temporary, { force: true }).catch(() => {});
    },
  };
}

/**
 * The same for those who cannot wait: `fill` writes to an open file descriptor. Throws CorpusmillError OUTPUT_FAILED; the file
 * is then not there, or as it was.
 */
export function writeFileAtomicSync(path: string, fill: (file: number) => void): void {
  const temporary = temporaryName(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(temporary, 'w');
    try {
      fill(file);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // The first error says what is wrong with the place.
    }
    throw outputFailed('write', path, error);
  }
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}-${sequence++}.tmp`);
}

/** Distinguishes the temporary files that one process has open at once. */
let sequence = 0;

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  // Some file systems refuse fsync on a folder: the rename itself has succeeded.
  await handle?.sync().catch(() => {});
  await handle?.close();
}

const HINTS: Record<string, string> = {
  ENOSPC: 'The disk is full: free some space, or choose another output folder; the same command resumes.',
  EDQUOT: 'The disk quota is used up: free some space, or choose another output folder; the same command resumes.',
  EACCES: 'This user may not write there: change the permissions or choose another output folder.',
  EPERM: 'This user may not write there: change the permissions or choose another output folder.',
  EROFS: 'The file system is read-only: choose another output folder.',
  ENOTDIR: 'A part of the path is a file, not a folder: choose another output folder.',
  EEXIST: 'A part of the path is a file, not a folder: choose another output folder.',
  EISDIR: 'A folder has the name of the file to be written: move it away.',
  ENAMETOOLONG: 'The name is too long for this file system: shorten it.',
  EMFILE: 'Too many files are open: raise the limit (ulimit -n).',
};

/** The user-facing error of a failed write. */
export function outputFailed(action: string, path: string, error: unknown): unknown {
  if (error instanceof CorpusmillError) return error;
  const code = systemCode(error);
  if (code === undefined) return error;
  return new CorpusmillError('OUTPUT_FAILED', `Cannot ${action} ${path}: ${(error as Error).message}`, {
    hint: HINTS[code] ?? 'Check the disk and the folder.',
    cause: error,
  });
}

/** Removes what a killed process left of writeFileAtomic and openAtomic anywhere below `folder`, and nothing else. */
export function removeTemporaryFiles(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && /^\..+\.\d+-\d+\.tmp$/.test(entry.name)) {
      rmSync(join(entry.parentPath ?? entry.path, entry.name), { force: true });
    }
  }
}
