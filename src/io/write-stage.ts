/**
 * The sink `write`: the documents that reach it, as files of about a target size, with a manifest that lists files,
 * documents, bytes and checksums. Each file is a contiguous run of parts, so files are independent tasks and their
 * content does not depend on the number of workers.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { defineSink, type SinkContext, type SinkPart, type SinkTaskContext } from '../core/stage.ts';
import { writeFileAtomic } from './atomic.ts';
import { COMPRESSIONS } from './codecs.ts';
import { extensionOf, OUTPUT_FORMATS, openDocumentWriter } from './writers.ts';

const options = z.strictObject({
  format: z
    .enum(OUTPUT_FORMATS)
    .default('parquet')
    .describe('File format: parquet, jsonl or arrow (IPC file); DuckDB, pyarrow, polars and HF datasets open each.'),
  compression: z
    .enum(COMPRESSIONS)
    .default('zstd')
    .describe('Compression of pages (parquet), buffers (arrow: zstd or none) or the whole file (jsonl).'),
  level: z
    .int()
    .min(1)
    .max(22)
    .optional()
    .describe('Compression level: gzip 1 to 9, zstd 1 to 22. Default 6 for gzip, 3 for zstd.'),
  targetFileBytes: z
    .int()
    .min(1)
    .optional()
    .describe(
      'A file ends before it holds more than this many bytes of text (UTF-8, before compression). By default there are ' +
        'eight files of about the same size, so that several workers can write; four, two or one where they would be ' +
        'smaller than 2 MiB, more where they would be larger than 256 MiB.',
    ),
  meta: z
    .enum(['flat', 'nested'])
    .default('flat')
    .describe(
      'jsonl: members of meta beside id and text (flat; one named id or text becomes meta_id, meta_text), or under `meta` (nested).',
    ),
});

type Options = z.output<typeof options>;

const MIB = 1024 * 1024;
/** Each half of the one before, so that two, four or eight workers end together. */
const FEW_FILES = [8, 4, 2];
const LEAST_BYTES = 2 * MIB;
const MOST_BYTES = 256 * MIB;

interface FileTask {
  name: string;
  parts: number[];
}

/** One file of the manifest. */
export interface WrittenFile {
  name: string;
  documents: number;
  bytes: number;
  /** UTF-8 bytes of its documents' text. */
  textBytes: number;
  /** xxHash64 of the file, 16 hexadecimal digits. */
  xxh64: string;
}

export const writeStage = defineSink({
  kind: 'sink',
  name: 'write',
  summary: 'Write the documents as Parquet, JSON Lines or Arrow files with a manifest.',
  source: 'Files as DuckDB, pyarrow, polars and Hugging Face datasets open them; manifest with xxHash64 checksums.',
  version: 5,
  options,
  steps: [{ name: 'files', plan: planFiles, run: writeOneFile, merge: writeManifest, tasksPerWorker: 2 }],
});

async function planFiles(options: Options, context: SinkContext): Promise<FileTask[]> {
  const parts = context.parts.filter(({ documents }) => documents > 0);
  const runs = options.targetFileBytes === undefined ? evenRuns(parts) : filledRuns(parts, options.targetFileBytes);
  const extension = extensionOf(options.format, options.compression);
  const digits = (n: number): string => String(n).padStart(5, '0');
  return runs.map((parts, i) => ({ name: `documents-${digits(i)}-of-${digits(runs.length)}${extension}`, parts }));
}

/** Runs of parts, each as long as its bytes stay within `mostBytes`. */
function filledRuns(parts: readonly SinkPart[], mostBytes: number): number[][] {
  const runs: number[][] = [];
  let filled = Number.POSITIVE_INFINITY;
  for (const { part, bytes } of parts) {
    if (filled + bytes > mostBytes) {
      runs.push([]);
      filled = 0;
    }
    runs.at(-1)!.push(part);
    filled += bytes;
  }
  return runs;
}

/** Runs of about the same bytes. Their number depends on the corpus alone: with that of the workers the files would change. */
function evenRuns(parts: readonly SinkPart[]): number[][] {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const few = FEW_FILES.find((files) => total / files >= LEAST_BYTES) ?? 1;
  const files = Math.max(few, Math.ceil(total / MOST_BYTES));
  const runs: number[][] = Array.from({ length: files }, () => []);
  let before = 0;
  for (const { part, bytes } of parts) {
    // Where its middle lies.
    const share = total === 0 ? 0 : (before + bytes / 2) / total;
    runs[Math.min(files - 1, Math.floor(share * files))].push(part);
    before += bytes;
  }
  return runs.filter((run) => run.length > 0);
}

async function writeOneFile(options: Options, task: FileTask, context: SinkTaskContext): Promise<WrittenFile> {
  const writer = await openDocumentWriter(join(context.outputDir, task.name), options);
  try {
    let textBytes = 0;
    for (const part of task.parts) {
      await context.withColumns(part, async (columns) => {
        textBytes += columns.texts.offsets[columns.rows] - columns.texts.offsets[0];
        await writer.write(columns);
      });
    }
    const { bytes, documents, xxh64 } = await writer.close();
    return { name: task.name, documents, bytes, textBytes, xxh64 };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function writeManifest(options: Options, files: WrittenFile[], context: SinkContext): Promise<unknown> {
  await removeStale(context.outputDir, new Set(files.map((file) => file.name)));
  const sum = (key: 'documents' | 'bytes' | 'textBytes'): number => files.reduce((total, file) => total + file[key], 0);
  const totals = { documents: sum('documents'), bytes: sum('bytes'), textBytes: sum('textBytes') };
  const { format, compression } = options;
  const manifest = { schemaVersion: 1, format, compression, pipelineHash: context.pipelineHash, ...totals, files };
  await writeFileAtomic(join(context.outputDir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return { files: files.length, ...totals, format, compression, manifest: 'manifest.json' };
}

const OWN_FILE = /^documents-\d{5,}-of-\d{5,}\.(parquet|arrow|jsonl|jsonl\.gz|jsonl\.zst)$/;

/** Files of an earlier run with another number of files or another format would be read along with the new ones. */
async function removeStale(folder: string, current: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (OWN_FILE.test(name) && !current.has(name)) await rm(join(folder, name), { force: true });
  }
}
