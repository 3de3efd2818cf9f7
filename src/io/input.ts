/**
 * An input as the engine sees it: named files in one format, and the chunks they are cut into.
 *
 * The main thread moves bytes, never text: it cuts an input into numbered chunks at record borders; a worker parses a
 * chunk into documents. Byte chunks live in SharedArrayBuffers, so a chunk whose worker died can be given to another.
 */

export const INPUT_FORMATS = ['jsonl', 'csv', 'tsv', 'parquet', 'arrow', 'text', 'html', 'warc'] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];

/** One entry of a pipeline's `inputs`, validated; paths are absolute. */
export interface InputSpec {
  /** Becomes `meta.source` of its documents. */
  name: string;
  /** Files or globs, absolute. */
  paths: string[];
  /** `auto`: by file name extension (ignoring .gz/.zst), then by the first bytes. */
  format: InputFormat | 'auto';
  textField: string;
  /** Makes the text out of several fields, in place of `textField`; see template.ts. */
  template?: string;
  /** Records are conversations (conversation.ts): the text is what is said, and `meta.conversation` the turns. */
  conversations?: boolean;
  /** A missing field, or a record without it, gives the id `<name>/<relative file>#<offset or row>`. */
  idField: string | undefined;
  /** Which other columns go into `meta`. */
  metaFields: 'all' | 'none' | string[];
  /** First N records of the input, counted before sampling. */
  limit: number | undefined;
  /** Fraction kept, decided by a hash of seed and document id. */
  sample: number | undefined;
  seed: number;
  /** Longer records are quarantined. */
  maxRecordBytes: number;
  /** A compressed file may not expand to more than this many times its size (once past `EXPANSION_FREE_BYTES`). */
  maxExpansionRatio: number;
  /** Which records of web archives become documents; absent: the defaults of `WarcSelection`. */
  warc?: WarcSelection;
}

/** Which records of a WARC or ARC file become documents. The others are counted in ReadCounters.skipped. */
export interface WarcSelection {
  /** WARC-Type of the records that are read. */
  records: readonly WarcRecordType[];
  /** HTTP status codes of the responses that are read. */
  status: '2xx' | 'any' | readonly number[];
  /** Media types that are read, in lower case and without parameters. */
  contentTypes: readonly string[];
}

export const WARC_RECORD_TYPES = ['response', 'resource', 'conversion'] as const;
export type WarcRecordType = (typeof WARC_RECORD_TYPES)[number];

export const WARC_DEFAULTS: WarcSelection = {
  records: WARC_RECORD_TYPES,
  status: '2xx',
  contentTypes: ['text/html', 'application/xhtml+xml', 'text/plain'],
};

/** Below this much output a compressed file's expansion ratio is not looked at. */
export const EXPANSION_FREE_BYTES = 64 * 1024 * 1024;

/** A file of an input after glob expansion, in the order it is read (sorted by path). */
export interface InputFile {
  input: number;
  path: string;
  /** Relative to the glob's fixed prefix; used in ids and messages. */
  relativePath: string;
  format: InputFormat;
  bytes: number;
  modifiedMs: number;
}

interface ChunkBase {
  /** Index into the pipeline's inputs. */
  input: number;
  file: string;
  relativePath: string;
  /** Bytes of the file on disk that this chunk accounts for, for progress. */
  fileBytes: number;
}

/** Whole records of a JSONL, CSV/TSV, WARC or ARC file. `header` is the CSV header row, already parsed. */
export interface ByteChunk extends ChunkBase {
  kind: 'bytes';
  format: 'jsonl' | 'csv' | 'tsv' | 'warc';
  /** View over a SharedArrayBuffer. */
  bytes: Uint8Array;
  /** Offset of the first byte in the file after decompression. */
  offset: number;
  header: string[] | undefined;
}

/** Rows [rowStart, rowEnd) of a Parquet or Arrow file; the worker reads them itself. */
export interface RowsChunk extends ChunkBase {
  kind: 'rows';
  format: 'parquet' | 'arrow';
  rowStart: number;
  rowEnd: number;
  /** Arrow: index of the record batch that holds the rows, and the byte range of its message in a stream file. */
  batch?: number;
}

/** Whole text or HTML files, one document each. */
export interface FilesChunk extends ChunkBase {
  kind: 'files';
  format: 'text' | 'html';
  files: { path: string; relativePath: string; bytes: number }[];
}

/** Something of a file that could not be read at all; goes straight to quarantine. */
export interface BadChunk extends ChunkBase {
  kind: 'bad';
  bad: BadRecord;
}

export type Chunk = ByteChunk | RowsChunk | FilesChunk | BadChunk;

/** A record that could not become a document. */
export interface BadRecord {
  input: string;
  file: string;
  /** Byte offset in the decompressed file, or row number for Parquet and Arrow. */
  offset: number;
  unit: 'byte' | 'row' | 'file';
  /** Length in bytes where it is known. */
  length: number | undefined;
  /** Short and stable, for counting: `invalid JSON`, `text field missing`, `text is not a string`, `truncated gzip` … */
  reason: string;
  /** The parser's own words, or what was found. */
  detail: string;
  /** Start of the raw record, at most 300 characters. */
  excerpt: string;
}

/** Reading problems that are mended rather than quarantined, counted per chunk. */
export interface ReadCounters {
  /** Invalid UTF-8 sequences replaced by U+FFFD: documents affected. */
  invalidUtf8: number;
  /** Lone surrogates replaced by U+FFFD: documents affected. */
  loneSurrogates: number;
  /** Numeric ids, turned into text. */
  numericIds: number;
  /** Records of web archives that are no documents, by why: `type: request`, `status: 404`, `content type: image/png`. */
  skipped?: Record<string, number>;
}
