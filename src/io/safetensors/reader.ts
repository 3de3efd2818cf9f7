/** Tensor files and folders of the disk. */
import { localFolder, openLocalFile } from '../local-folder.ts';
import { missing, readTensorFolder, type TensorFolder } from './sharded.ts';
import { readSafetensors, type SafetensorsFile } from './tensors.ts';

export type { SafetensorsFile };

/** Opens a file and checks its header. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_CORRUPT. Close it after use. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const source = await openLocalFile(path);
  if (source === undefined) throw missing(path);
  return readSafetensors(source);
}

/** Opens all tensor files of a folder and checks their headers. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_CORRUPT. */
export function openTensorFolder(folder: string): Promise<TensorFolder> {
  return readTensorFolder(localFolder(folder));
}
