/**
 * The feature blob of the dedup stages: uint32 columns, one value per row, laid out column by column so that `decide`
 * can look at one column of every part without the rest: [rows, columns, column 0, column 1 …], little-endian.
 */

/** Collects rows of `columns` values each. */
export interface ColumnWriter {
  /** Appends the first `columns` entries of `row`. */
  push(row: Uint32Array): void;
  /** The blob. */
  finish(): Uint8Array;
}

export function createColumnWriter(columns: number): ColumnWriter {
  let store = new Uint32Array(columns * 256);
  let rows = 0;
  const push = (row: Uint32Array): void => {
    const start = rows * columns;
    if (start + columns > store.length) {
      const grown = new Uint32Array(store.length * 2);
      grown.set(store);
      store = grown;
    }
    for (let i = 0; i < columns; i++) store[start + i] = row[i];
    rows++;
  };
  const finish = (): Uint8Array => {
    const blob = new Uint32Array(2 + rows * columns);
    blob[0] = rows;
    blob[1] = columns;
    for (let column = 0, at = 2; column < columns; column++) {
      for (let row = 0, from = column; row < rows; row++, from += columns) blob[at++] = store[from];
    }
    return new Uint8Array(blob.buffer);
  };
  return { push, finish };
}

/** The columns of a blob, without copying where its alignment allows. */
export function readColumns(blob: Uint8Array): Uint32Array[] {
  // Not blob.slice(): a Buffer's slice is a view at the same offset.
  const aligned = blob.byteOffset % 4 === 0 ? blob : new Uint8Array(blob);
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >>> 2);
  const [rows, columns] = words;
  if (words.length !== 2 + rows * columns) {
    throw new Error(`a feature blob of ${words.length} words says it has ${rows} rows of ${columns} columns`);
  }
  return Array.from({ length: columns }, (_, i) => words.subarray(2 + i * rows, 2 + (i + 1) * rows));
}
