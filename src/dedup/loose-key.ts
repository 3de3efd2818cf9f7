/**
 * Texts as `dedup.exact` compares them with `normalize: loose`, and their keys.
 *
 * Rows of a column are folded by the native kernel (native/loose_text.cc), unit by unit through a table, at several times the
 * speed of JavaScript's functions on strings. A row with a character that the table cannot tell of by itself goes through
 * those (fold-table.ts).
 */
import type { ColumnBlock } from '../core/columns.ts';
import { native } from '../core/native.ts';
import { rowString } from '../core/stored-text.ts';
import type { TextRows } from '../core/utf8-column.ts';
import { type FoldTable, foldTable } from './fold-table.ts';
import { KEY_WORDS, writeTextKey } from './text-key.ts';

/** NFKC, lower case, runs of white space (as JavaScript's `\s` knows it) as one space, trimmed. */
export function normalizeLoosely(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** The keys of rows of texts, as the four first columns of a block; needs the native add-on. */
export function writeLooseKeys(rows: TextRows, { words, at, stride }: ColumnBlock): void {
  const { looseKeyRows } = native!;
  const { bytes, offsets, from, to } = rows;
  const { entries, expansions } = looseTable();
  const key = new Uint32Array(KEY_WORDS);
  const writeFrom = (row: number) =>
    looseKeyRows(bytes, offsets, row, to, entries, expansions, words, at + row - from, stride);
  for (let row = writeFrom(from); row < to; row = writeFrom(row + 1)) {
    writeTextKey(normalizeLoosely(rowString(rows, row)), key);
    for (let word = 0; word < KEY_WORDS; word++) words[at + row - from + word * stride] = key[word];
  }
}

let table: FoldTable | undefined;

/** The table of lines, but for what is white space: here U+FEFF, and neither U+001C to U+001F nor U+0085. */
function looseTable(): FoldTable {
  if (table === undefined) {
    const lines = foldTable('loose');
    const entries = lines.entries.slice();
    for (const unit of [0x1c, 0x1d, 0x1e, 0x1f, 0x85]) entries[unit] = unit;
    entries[0xfeff] = entries[0x20];
    table = { ...lines, entries };
  }
  return table;
}
