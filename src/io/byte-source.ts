/**
 * Bytes that are read piece by piece, wherever they lie, and folders of them: on the disk (local-folder.ts), at an address of
 * the web or among the files that somebody gave to a page (web-folder.ts). What reads model folders knows only these two,
 * which is why it runs in a browser.
 */
import { CorpusmillError } from '../core/errors.ts';

export interface ByteSource {
  /** A path or an address, for errors. */
  readonly name: string;
  readonly byteLength: number;
  /** Fills `out` with the bytes from `start` on. Throws INPUT_CORRUPT where there are fewer, INPUT_UNREADABLE. */
  readInto(start: number, out: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface FileFolder {
  /** A path or an address, for errors. */
  readonly name: string;
  /** The path or address of one of its files, whether it is there or not. */
  pathOf(file: string): string;
  /** Undefined where the folder has no such file. Throws INPUT_UNREADABLE. Close it after use. */
  open(file: string): Promise<ByteSource | undefined>;
}

/** Bytes `start` to `start + length` in a buffer of their own. Throws as `ByteSource.readInto`. */
export async function readBytes(source: ByteSource, start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await source.readInto(start, bytes);
  return bytes;
}

/** A whole file, or undefined where the folder has none of this name. Throws INPUT_UNREADABLE. */
export async function readFileOf(folder: FileFolder, file: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const source = await folder.open(file);
  if (source === undefined) return undefined;
  try {
    return await readBytes(source, 0, source.byteLength);
  } finally {
    await source.close();
  }
}

/** A file that has fewer bytes than were asked for. */
export function endedEarly(name: string, at: number): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `reading ${name}: it ended while it was read, at byte ${at}`, {
    hint: 'The file is damaged or was changed meanwhile: fetch or write it again.',
  });
}
