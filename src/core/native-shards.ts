/** What the add-on has for the shards sink: src/shards/kernels/. Sets of parts are five words each, native/shard_pieces.h, EvenParts. */

export interface NativeShards {
  /** See src/shards/scratch-file.ts for these four: files in the memory of the process, seen by all of its threads. */
  keepFile(name: string, pieces: readonly Uint8Array[], most: number): boolean;
  keptFile(name: string): number;
  keptBytes(number: number): number;
  forgetFiles(prefix: string): void;
  dealDocuments(
    lengths: Uint32Array,
    sources: Uint32Array,
    sourceCount: number,
    sides: Uint8Array | undefined,
    sets: Float64Array,
    next: Float64Array,
    window: Uint32Array,
    records: Uint32Array,
    counts: Uint32Array,
    dealt: number,
    documents: number,
    tallies: Float64Array,
  ): number;
  sortRecords(bucket: Uint32Array, records: Uint32Array, width: number, starts: Float64Array, out: Uint32Array): void;
  groupPieces(
    placeOf: Uint32Array,
    documentOf: Uint32Array,
    groupEnd: Uint32Array,
    places: number,
    document: Uint32Array,
    start: Uint32Array,
    length: Uint32Array,
    row: Uint32Array,
    at: Uint32Array,
    counts: Uint32Array,
    words: Uint32Array,
  ): void;
  placePieces(
    packed: Uint32Array,
    next: Uint32Array,
    rows: Float64Array,
    firstRow: number,
    words: Uint32Array,
    shard: Uint32Array,
  ): void;
  routePieces(
    words: Uint32Array,
    shard: Uint32Array,
    part: Uint32Array,
    tokenAt: Uint32Array,
    source: Uint32Array,
    idEnds: Float64Array,
    starts: Float64Array,
    out: Uint32Array,
    documents: Uint32Array,
    idBytes: Float64Array,
  ): void;
  joinIds(documents: Uint32Array, idEnds: Float64Array, ids: Uint8Array, out: Uint8Array): void;
  rowColumns(
    words: Uint32Array,
    firstRow: number,
    contextLength: number,
    firstPiece: Uint32Array,
    idStart: Float64Array,
    idEnd: Float64Array,
    columns: Uint32Array,
    seqOffsets: Int32Array,
    seqLengths: Int32Array,
    padding: Int32Array,
  ): void;
}
