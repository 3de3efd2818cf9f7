/** Rows of a table by index: token embeddings, learned positions, and the picking of rows such as the last token's. */
import { asMatrix, elements, type Tensor } from '../graph.ts';

/** Rows ids[r] of table [tableRows, columns] as [rows, columns]; a negative id gives zeros. */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  const { rows: tableRows, columns } = asMatrix(table);
  const rows = elements(ids.shape);
  const attributes = [rows, columns, tableRows];
  return table.graph.emit('embedding', [table, ids], attributes, [{ shape: [rows, columns] }], ([dy], sink) => {
    if (dy === undefined) return;
    sink.accumulate(
      table,
      (before) => table.graph.emit('embeddingGrad', [dy, ids, before], attributes, [{ shape: table.shape }])[0],
    );
  })[0];
}

/** Writes rows [batch·time, columns] into cache [batch, capacity, columns] at time at[b] (i32 [batch]). */
export function cacheWrite(cache: Tensor, rows: Tensor, at: Tensor): void {
  const [batch, capacity, columns] = cache.shape as [number, number, number];
  const time = elements(rows.shape) / (batch * columns);
  cache.graph.emit('cacheWrite', [cache, rows, at], [batch, time, capacity, columns], []);
}

/**
 * Sums of rows with the same id: out [count, columns], row i the sum of x's rows r with ids[r] = i, in order of rows; rows with a
 * negative id count nowhere. Sums of log-probabilities of sequences that lie in one batch of rows, for instance.
 */
export function sumById(x: Tensor, ids: Tensor, count: number): Tensor {
  const { rows, columns } = asMatrix(x);
  const attributes = [rows, columns, count];
  const shape = [count, columns];
  return x.graph.emit('embeddingGrad', [x, ids, undefined], attributes, [{ shape }], ([dy], sink) => {
    if (dy !== undefined) sink.add(x, x.graph.reshape(embedding(dy, ids), x.shape));
  })[0];
}
