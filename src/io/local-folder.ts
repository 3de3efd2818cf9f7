/** Folders and files of the disk as byte sources. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import { type ByteSource, endedEarly, type FileFolder } from './byte-source.ts';

export function localFolder(path: string): FileFolder {
  const pathOf = (file: string): string => join(path, file);
  return { name: path, pathOf, open: (file) => openLocalFile(pathOf(file)) };
}

/** Undefined where there is no such file. Throws INPUT_UNREADABLE. Close it after use. */
export async function openLocalFile(path: string): Promise<ByteSource | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new CorpusmillError('INPUT_UNREADABLE', `reading ${path}: ${(error as Error).message}`, { cause: error });
  }
  const { size } = await handle.stat();
  return {
    name: path,
    byteLength: size,
    async readInto(start, out) {
      for (let at = 0; at < out.length; ) {
        // One read takes at most 2 GiB.
        const { bytesRead } = await handle.read(out, at, Math.min(out.length - at, 0x40000000), start + at);
        if (bytesRead === 0) throw endedEarly(path, start + at);
        at += bytesRead;
      }
    },
    close: () => handle.close(),
  };
}
