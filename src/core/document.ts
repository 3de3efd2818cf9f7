/**
 * A document: the one thing that flows through a pipeline.
 *
 * What a stage learns about a document goes into `meta` under the stage's own name
 * (`meta.quality.score`), so that provenance is visible in the output. All values of `meta` are JSON values.
 */
import type { Utf8Column } from './utf8-column.ts';
export interface Document {
  /** Unique within its input; given by the input's `idField`, else made from file and position. */
  id: string;
  /** Well-formed UTF-16 (lone surrogates were replaced by U+FFFD when the document was read). */
  text: string;
  /** `meta.source` is always the name of the input the document came from. */
  meta: Meta;
}

/** Documents as columns, row by row the same ones. */
export interface DocumentColumns {
  rows: number;
  ids: Utf8Column;
  texts: Utf8Column;
  /** JSON objects. */
  metas: Utf8Column;
  sources: SourceNumbers;
}

/** Names and for each row the index of its own: `meta.source`, '' where there is none. In the order of first occurrence. */
export interface SourceNumbers {
  numbers: Uint32Array;
  names: string[];
}

/** JSON object with a document's other columns and whatever stages add. */
export type Meta = Record<string, unknown>;

/**
 * A document's place in a phase's output: parts are numbered in input order and rows within a part, so the ordinal
 * (rows of all earlier parts + row) is the same for any number of workers.
 */
export type Ordinal = number;
