/** The table of pieces in memory: which stretch of which document each piece of a row is. */
/** The pieces of consecutive rows as columns. */
export interface PieceColumns {
  row: Int32Array;
  piece: Int32Array;
  documentId: string[];
  source: string[];
  start: Int32Array;
  tokens: Int32Array;
}

/** The same without a string per piece, of which a shard of short documents would need millions. */
export interface PieceRecords extends Omit<PieceColumns, 'documentId' | 'source'> {
  /** Document ids in UTF-8, in any order, and where each piece's begins and ends. */
  ids: Uint8Array;
  idStart: Float64Array;
  idEnd: Float64Array;
  /** Index of each piece's source in `sources`. */
  source: Uint32Array;
  sources: readonly string[];
}
