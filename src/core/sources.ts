/**
 * Which source each document comes from, for the report on who copies from whom: its input, or the value of a field in
 * its meta (`sourceField`: a site, a crawl, a publisher). The input is known to the engine and costs nothing; a field
 * takes one more column of features, an index into the part's own dictionary, which is the blob's trailer.
 */
import { z } from 'zod';
import type { Document } from './document.ts';
import type { FeatureReader } from './feature-reader.ts';
import { fieldValue } from './meta-field.ts';
import type { BarrierContext } from './stage.ts';

/** What documents without the field are counted under, and what those beyond `MAX_SOURCES` are. */
const NO_SOURCE = '(none)';
export const OTHER_SOURCES = '(others)';
/** Sources told apart: two bytes a document. */
const MAX_SOURCES = 0xffff;
const MAX_NAME_CHARS = 200;

/** The `sourceField` option of a dedup stage. */
export function sourceFieldOption() {
  return z
    .string()
    .min(1)
    .optional()
    .describe(
      'Path into meta to what the report counts as a source (`site`); by default the input. Decides nothing about documents.',
    );
}

/** The `sourceField` of a `groupBy` option, in which `source` stands for the input. */
export function groupField(groupBy: string | undefined): string | undefined {
  return groupBy === 'source' ? undefined : groupBy;
}

/** The observer's side: one word of a row, or none where the input is the source. */
export interface SourceColumn {
  words: 0 | 1;
  write(row: Uint32Array, at: number, document: Document): void;
  /** For the writer's `finish`: the names that the column's values index. */
  trailer(): string[] | undefined;
}

export function createSourceColumn(sourceField: string | undefined): SourceColumn {
  if (sourceField === undefined) return { words: 0, write() {}, trailer: () => undefined };
  const path = sourceField.split('.');
  const indices = new Map<string, number>();
  return {
    words: 1,
    write(row, at, { meta }) {
      const name = nameOf(fieldValue(meta, path));
      let index = indices.get(name);
      if (index === undefined) indices.set(name, (index = indices.size));
      row[at] = index;
    },
    trailer: () => [...indices.keys()],
  };
}

function nameOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return NO_SOURCE;
  const name = typeof value === 'string' ? value : JSON.stringify(value);
  return name.slice(0, MAX_NAME_CHARS).toWellFormed();
}

/** The source of every row. */
export interface SourceTable {
  /** The input's name, or the path of the field. */
  by: string;
  names: string[];
  /** By ordinal: index into `names`. */
  of: Uint16Array;
}

/** Reads what the observers left. `column` is the one that `createSourceColumn` wrote. */
export async function readSources(
  context: BarrierContext,
  reader: FeatureReader,
  { sourceField, column }: { sourceField: string | undefined; column: number },
): Promise<SourceTable> {
  const of = new Uint16Array(reader.rows);
  if (sourceField === undefined) {
    for (const part of reader.parts) {
      const info = await part.rowInfo();
      for (let row = 0; row < part.rows; row++) of[part.firstOrdinal + row] = info[2 * row + 1];
    }
    return { by: 'source', names: [...context.inputs], of };
  }
  const indices = new Map<string, number>();
  for (const part of reader.parts) {
    if (part.rows === 0) continue;
    const trailer = new TextDecoder().decode(await reader.trailer(part));
    const global = (JSON.parse(trailer) as string[]).map((name) => indexOf(name, indices));
    const [local] = await reader.columns(part, column, 1);
    for (let row = 0; row < part.rows; row++) of[part.firstOrdinal + row] = global[local[row]];
  }
  return { by: sourceField, names: [...indices.keys()], of };
}

function indexOf(name: string, indices: Map<string, number>): number {
  const key = indices.size < MAX_SOURCES - 1 || indices.has(name) ? name : OTHER_SOURCES;
  let index = indices.get(key);
  if (index === undefined) indices.set(key, (index = indices.size));
  return index;
}
