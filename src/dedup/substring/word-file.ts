/**
 * A scratch file of records of 32-bit words, written once and read in order any number of times: what is too large for
 * memory waits here. A record is [words that follow, words …].
 */
import { open } from 'node:fs/promises';

const BUFFER_WORDS = 1 << 20;

export interface RecordFile {
  /** Calls `visit` for each record in the order of writing; the array is good during the call. */
  scan(visit: (record: Uint32Array) => void): Promise<void>;
}

export interface RecordWriter {
  /** Appends a record that is `head` followed by entries [from, to) of `words`. */
  write(head: readonly number[], words: Int32Array, from: number, to: number): Promise<void>;
  /** Ends the writing. */
  close(): Promise<RecordFile>;
}

export async function createRecordFile(path: string): Promise<RecordWriter> {
  const file = await open(path, 'w');
  let buffer = new Uint32Array(BUFFER_WORDS);
  let filled = 0;
  const flush = async (): Promise<void> => {
    const bytes = new Uint8Array(buffer.buffer, 0, 4 * filled);
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
    filled = 0;
  };
  return {
    async write(head, words, from, to) {
      const needed = 1 + head.length + to - from;
      if (filled + needed > buffer.length) await flush();
      if (needed > buffer.length) buffer = new Uint32Array(needed);
      buffer[filled++] = needed - 1;
      for (const word of head) buffer[filled++] = word;
      buffer.set(words.subarray(from, to), filled);
      filled += to - from;
    },
    async close() {
      await flush();
      await file.close();
      return { scan: (visit) => scanRecords(path, visit) };
    },
  };
}

async function scanRecords(path: string, visit: (record: Uint32Array) => void): Promise<void> {
  const file = await open(path, 'r');
  try {
    let buffer = new Uint32Array(BUFFER_WORDS);
    // Bytes of a record that the last read cut short, at the start of the buffer.
    let held = 0;
    for (;;) {
      const { bytesRead } = await file.read(new Uint8Array(buffer.buffer), held, 4 * buffer.length - held, null);
      if (bytesRead === 0) break;
      held += bytesRead;
      const words = held >>> 2;
      let at = 0;
      while (at < words && at + 1 + buffer[at] <= words) {
        visit(buffer.subarray(at + 1, at + 1 + buffer[at]));
        at += 1 + buffer[at];
      }
      held -= 4 * at;
      const rest = new Uint8Array(buffer.buffer, 4 * at, held);
      if (at < words && buffer[at] >= buffer.length) buffer = new Uint32Array(buffer[at] + 1);
      new Uint8Array(buffer.buffer).set(rest);
    }
    if (held !== 0) throw new Error(`${path} ends within a record`);
  } finally {
    await file.close();
  }
}
