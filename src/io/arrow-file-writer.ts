/**
 * Writes Arrow IPC files and streams piece by piece. apache-arrow's own file writer leaves the schema message out of the file's
 * body, which readers with a footer forgive; the format (Columnar.rst, "IPC File Format") wants it, and with it a file
 * whose footer was cut off can still be read as a stream. Its compressed buffers are announced wrongly too, and pyarrow
 * refuses them. Both are mended here.
 */
import {
  AsyncByteQueue,
  type CompressionType,
  type Data,
  Message,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  type RecordBatchWriter,
  type Schema,
  Struct,
} from 'apache-arrow';

export interface ArrowFileWriter {
  /** Adds one record batch; the pieces are views of its buffers and must be used before these change. */
  batch(children: Data[], rows: number): Uint8Array[];
  /** End mark, and in a file the footer; in front of them what was not written yet. */
  finish(): Uint8Array[];
}

/** A writer of one file. `compressionType` needs its codec registered (arrow-codecs.ts). */
export function arrowFileWriter(schema: Schema, compressionType: CompressionType | null = null): ArrowFileWriter {
  return pieceWriter(schema, new WholeFileWriter({ autoDestroy: false, compressionType }));
}

/** A writer of one stream: schema, batches, end mark. */
export function arrowStreamWriter(schema: Schema): ArrowFileWriter {
  return pieceWriter(schema, new RecordBatchStreamWriter({ autoDestroy: false }));
}

function pieceWriter(schema: Schema, writer: RecordBatchWriter): ArrowFileWriter {
  const sink = new PieceSink();
  writer.reset(sink, schema);
  return {
    batch(children, rows) {
      const data = makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children });
      writer.write(new RecordBatch(schema, data));
      return sink.drain();
    },
    finish() {
      writer.finish();
      return sink.drain();
    },
  };
}

class WholeFileWriter extends RecordBatchFileWriter {
  protected override _writeSchema(schema: Schema): this {
    super._writeSchema(schema);
    return this._writeMessage(Message.from(schema));
  }

  /** Buffers come in pairs, length prefix and body; apache-arrow 21.2 puts the compressed length into the prefix. */
  protected override _compressBodyBuffers(buffers: ArrayBufferView[]): CompressedBody {
    const body = super._compressBodyBuffers(buffers);
    for (let i = 0; i < buffers.length; i++) {
      const prefix = body.buffers[2 * i];
      if (prefix.byteLength === 0) continue;
      const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
      if (view.getBigInt64(0, true) !== STORED) view.setBigInt64(0, BigInt(buffers[i].byteLength), true);
    }
    return body;
  }
}

/** Stands for the length of a buffer that compression would not have made smaller. */
const STORED = -1n;

type CompressedBody = ReturnType<RecordBatchFileWriter['_compressBodyBuffers']>;

/** Takes what the writer writes, as it is written. */
class PieceSink extends AsyncByteQueue {
  pieces: Uint8Array[] = [];

  override write(value: Uint8Array): void {
    if (value.byteLength > 0) this.pieces.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }

  drain(): Uint8Array[] {
    const { pieces } = this;
    this.pieces = [];
    return pieces;
  }
}
