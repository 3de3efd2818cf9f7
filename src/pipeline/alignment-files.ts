/** The files of records that stages of alignment learn from, as they are now. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { type AlignmentFiles, RECORD_MEMBERS } from './model-keys.ts';
import type { Pipeline } from './pipeline.ts';

/** Looks for all files of records. Throws INPUT_NOT_FOUND and INPUT_UNREADABLE, before anything runs. */
export async function alignmentFiles({ alignment }: Pipeline): Promise<AlignmentFiles> {
  const found = new Map<string, unknown>();
  for (const { name, config } of alignment?.stages ?? []) {
    const data = config.data as Readonly<Record<string, unknown>>;
    const isShards = data['shards'] !== undefined;
    for (const path of RECORD_MEMBERS.flatMap((member) => data[member] ?? []) as string[]) {
      if (!found.has(path) && !isShards) found.set(path, await describe(path, name));
    }
  }
  return found;
}

async function describe(path: string, stage: string): Promise<unknown> {
  try {
    const { filesOf } = await import('../align/data/records.ts');
    const files = await filesOf(path);
    return await Promise.all(
      files.map(async (file) => {
        const { size, mtimeMs } = await stat(file);
        return [basename(file), size, mtimeMs];
      }),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CorpusmillError('INPUT_NOT_FOUND', `the alignment stage ${stage}: ${reason}`, {
      hint: 'paths in a pipeline file are relative to that file',
      cause: error,
    });
  }
}
