/**
 * The folder of an export: refused where something lies already, checked for room, and left as if nothing had been done
 * when the export fails. Every file appears whole or not at all; `export.json`, written last, lists them, so that it marks
 * a complete export and says what `force` may take away.
 */
import { mkdir, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import { type AtomicFile, openAtomic, outputFailed, writeFileAtomic } from '../../io/atomic.ts';

const LIST_NAME = 'export.json';

export interface OutputFolder {
  path: string;
  /** Opens a file for writing; `name` may have folders. */
  create(name: string): Promise<AtomicFile>;
  /** Writes `export.json` with `facts` and the list of files. */
  finish(facts: Record<string, unknown>): Promise<ExportedFile[]>;
  /** Removes everything that was written. */
  abort(): Promise<void>;
}

export interface ExportedFile {
  file: string;
  bytes: number;
}

/**
 * Opens the folder `path` for an export of about `neededBytes`. Throws CorpusmillError('OUTPUT_FAILED'): something lies
 * there and `force` is not set, the folder cannot be made, or the disk has too little room.
 */
export async function openOutputFolder(
  path: string,
  { force, neededBytes }: { force: boolean; neededBytes: number },
): Promise<OutputFolder> {
  const earlier = await earlierExport(path, force);
  await checkRoom(path, neededBytes - earlier.reduce((sum, { bytes }) => sum + bytes, 0));
  // Its list goes first: a half-removed export must not look complete.
  for (const file of [LIST_NAME, ...earlier.map(({ file }) => file)]) await rm(join(path, file), { force: true });
  const files: { name: string; file: AtomicFile }[] = [];
  return {
    path,
    async create(name) {
      const file = await openAtomic(join(path, name));
      files.push({ name, file });
      return file;
    },
    async finish(facts) {
      const list = files.map(({ name, file }) => ({ file: name, bytes: file.bytes }));
      await writeFileAtomic(join(path, LIST_NAME), `${JSON.stringify({ ...facts, files: list }, null, 2)}\n`);
      return list;
    },
    async abort() {
      for (const { name, file } of files) {
        await file.abort();
        await rm(join(path, name), { force: true }).catch(() => {});
      }
    },
  };
}

/** Makes the folder; the files of an earlier export in it, if `force` allows anything to be there. */
async function earlierExport(path: string, force: boolean): Promise<ExportedFile[]> {
  let found: string[];
  try {
    await mkdir(path, { recursive: true });
    found = await readdir(path);
  } catch (error) {
    throw outputFailed('create', path, error);
  }
  if (found.length > 0 && !force) {
    throw new CorpusmillError('OUTPUT_FAILED', `exporting shards: the folder ${path} is not empty (${found[0]})`, {
      hint: 'Name another folder, or replace what is there with --force.',
    });
  }
  if (!found.includes(LIST_NAME)) return [];
  try {
    const { files } = JSON.parse(await readFile(join(path, LIST_NAME), 'utf8')) as { files: ExportedFile[] };
    // Names that lead out of the folder are no files of an export.
    return files.filter(({ file }) => resolve(path, file).startsWith(resolve(path) + sep));
  } catch {
    return [];
  }
}

async function checkRoom(path: string, neededBytes: number): Promise<void> {
  // Some file systems do not say; then the first write that fails does.
  const found = await statfs(path).catch(() => undefined);
  if (found === undefined || found.blocks === 0) return;
  const free = found.bavail * found.bsize;
  if (free >= neededBytes) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  throw new CorpusmillError(
    'OUTPUT_FAILED',
    `exporting shards: ${path} needs about ${gigabytes(neededBytes)}, the disk has ${gigabytes(free)} left`,
    { hint: 'Free some space, or choose a folder on another disk.' },
  );
}

/** Throws CorpusmillError('USAGE') when the export would lie in the folder of its shards. */
export function checkApart(shards: string, out: string): void {
  const source = resolve(shards);
  for (let at = resolve(out); ; at = dirname(at)) {
    if (at === source) {
      throw new CorpusmillError('USAGE', `exporting shards: ${out} lies within the shards ${shards}`, {
        hint: 'Name a folder outside of it.',
      });
    }
    if (at === dirname(at)) return;
  }
}

/** Throws CorpusmillError('INTERRUPTED') when the signal has been given. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new CorpusmillError('INTERRUPTED', 'exporting shards: stopped; what was written is removed', {
    cause: signal.reason,
  });
}
