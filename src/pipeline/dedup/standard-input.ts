/** Standard input as a file, because a run cuts its inputs into chunks and may read them again. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface SpooledInput {
  path: string;
  remove(): Promise<void>;
}

/** Copies a stream to a file in the system's folder for temporary files. Its format is told from its first bytes. */
export async function spoolInput(stream: Readable): Promise<SpooledInput> {
  const folder = await mkdtemp(join(tmpdir(), 'corpusmill-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'stdin');
  try {
    await pipeline(stream, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, remove };
}
