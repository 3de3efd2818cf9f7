/** Reads a checkpoint folder of the disk. */
import { localFolder } from '../../io/local-folder.ts';
import type { ModelConfig } from '../config.ts';
import { sizeOf } from '../cost.ts';
import { parametersOf } from '../parameters.ts';
import { type OpenedCheckpoint, openCheckpointIn } from './opened.ts';

export type { OpenedCheckpoint };

/** Throws as `openCheckpointIn`. Close it after use. */
export function openCheckpoint(folder: string): Promise<OpenedCheckpoint> {
  return openCheckpointIn(localFolder(folder));
}

/** All of a checkpoint at once: the configuration and the parameters by name, as float32. Throws as `openCheckpoint`. */
export async function readCheckpoint(
  folder: string,
): Promise<{ config: ModelConfig; parameters: Map<string, Float32Array> }> {
  const opened = await openCheckpoint(folder);
  try {
    const parameters = new Map(
      parametersOf(opened.config).map((parameter) => [parameter.name, new Float32Array(sizeOf(parameter))]),
    );
    await opened.readInto((name) => parameters.get(name)!);
    return { config: opened.config, parameters };
  } finally {
    await opened.close();
  }
}
