/**
 * Files of documents for other people's tools: JSON Lines, Parquet, Arrow. One file per writer, atomic, in pieces of
 * bounded size; the bytes depend on the documents and options alone, not on how they were grouped into `write` calls.
 */
import xxhash from 'xxhash-wasm';
import type { DocumentColumns } from '../core/document.ts';
import { CorpusmillError } from '../core/errors.ts';
import { openAtomic } from './atomic.ts';
import { type Compression, DEFAULT_LEVEL } from './codecs.ts';
import type { DocumentEncoder } from './document-encoder.ts';
import { jsonlEncoder } from './write-jsonl.ts';

const { create64 } = await xxhash();

export const OUTPUT_FORMATS = ['jsonl', 'parquet', 'arrow'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface DocumentWriterOptions {
  format: OutputFormat;
  compression: Compression;
  /** Compression level; by default 6 for gzip and 3 for zstd. */
  level?: number | undefined;
  /** JSONL: `flat` puts the members of meta beside `id` and `text`, `nested` under `meta`. Default `flat`. */
  meta?: 'nested' | 'flat' | undefined;
}

export interface DocumentWriter {
  /** Adds documents. Throws CorpusmillError OUTPUT_FAILED, after which only `abort` may be called. */
  write(columns: DocumentColumns): Promise<void>;
  /** Finishes the file; it appears under its name. `xxh64` is of its bytes, as 16 hexadecimal digits. */
  close(): Promise<{ bytes: number; documents: number; xxh64: string }>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

/** Opens a writer. Throws CorpusmillError: CONFIG_INVALID for Arrow with gzip (the format has zstd), OUTPUT_FAILED. */
export async function openDocumentWriter(path: string, options: DocumentWriterOptions): Promise<DocumentWriter> {
  const encoder = await createEncoder(path, options);
  const file = await openAtomic(path, { cached: false });
  const hash = create64();
  let documents = 0;
  const put = async (pieces: Uint8Array[]): Promise<void> => {
    for (const piece of pieces) {
      hash.update(piece);
      await file.write(piece);
    }
  };
  return {
    async write(columns) {
      for (let row = 0; row < columns.rows; ) {
        row = encoder.add(columns, row);
        if (encoder.ready()) await put(await encoder.take());
      }
      documents += columns.rows;
    },
    async close() {
      await put(await encoder.finish());
      encoder.release?.();
      await file.commit();
      return { bytes: file.bytes, documents, xxh64: hash.digest().toString(16).padStart(16, '0') };
    },
    abort: () => file.abort(),
  };
}

async function createEncoder(path: string, options: DocumentWriterOptions): Promise<DocumentEncoder> {
  const { format, compression } = options;
  const level = options.level ?? DEFAULT_LEVEL[compression];
  if (compression === 'gzip' && level > 9) {
    throw new CorpusmillError('CONFIG_INVALID', `Writing ${path}: gzip has levels 1 to 9, not ${level}`);
  }
  if (format === 'jsonl') return jsonlEncoder(compression, level, options.meta ?? 'flat');
  // Imported only here: each brings a library of a hundred files, and every command imports this one.
  if (format === 'parquet') return (await import('./write-parquet.ts')).parquetEncoder(compression, level);
  if (compression === 'gzip') {
    throw new CorpusmillError('CONFIG_INVALID', `Writing ${path}: Arrow files cannot be compressed with gzip`, {
      hint: 'Use `compression: zstd` or `none` with `format: arrow`.',
    });
  }
  return (await import('./write-arrow.ts')).arrowEncoder(compression, level);
}

/** File name extension of a format under a compression: `.jsonl.zst`, `.parquet`, `.arrow`. */
export function extensionOf(format: OutputFormat, compression: Compression): string {
  if (format !== 'jsonl') return `.${format}`;
  return { none: '.jsonl', gzip: '.jsonl.gz', zstd: '.jsonl.zst' }[compression];
}
