/**
 * A model's tensors in one file, `model.safetensors`, or in several that `model.safetensors.index.json` lists, read as one.
 * Files are opened when the first of their tensors is asked for; the index is checked against their headers.
 * Source: transformers, `modeling_utils.py` (names of shards, `weight_map`).
 */
import { CorpusmillError } from '../../core/errors.ts';
import { type FileFolder, readFileOf } from '../byte-source.ts';
import type { TensorEntry } from './header.ts';
import { corrupt } from './header.ts';
import { readSafetensors, type SafetensorsFile } from './tensors.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/** The tensors of a folder. */
export interface TensorFolder {
  /** Files with tensors, in order of name. */
  readonly files: readonly string[];
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The tensor as float32, row-major, into `out` where it is given. Throws INPUT_CORRUPT. */
  readFloat32(name: string, out?: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Opens all tensor files of a folder and checks their headers. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_CORRUPT. */
export async function readTensorFolder(folder: FileFolder): Promise<TensorFolder> {
  // Where both exist transformers takes the single file.
  const single = await folder.open(SINGLE_FILE);
  const map = single === undefined ? await readIndex(folder) : undefined;
  const names = map === undefined ? [SINGLE_FILE] : [...new Set(map.values())].sort();
  const opened: SafetensorsFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of opened.splice(0)) await file.close();
  };
  try {
    const holders = new Map<string, SafetensorsFile>();
    const tensors = new Map<string, TensorEntry>();
    for (const name of names) {
      const source = single ?? (await folder.open(name));
      if (source === undefined) throw missing(folder.pathOf(name));
      const file = await readSafetensors(source);
      opened.push(file);
      for (const entry of file.tensors.values()) {
        const listed = map?.get(entry.name) ?? name;
        if (listed !== name)
          throw corrupt(file.path, `it has tensor ${entry.name}, which the index places in ${listed}`);
        holders.set(entry.name, file);
        tensors.set(entry.name, entry);
      }
    }
    for (const [tensor, name] of map ?? []) {
      if (!tensors.has(tensor))
        throw corrupt(folder.pathOf(name), `it has no tensor ${tensor}, which the index places there`);
    }
    return {
      files: names,
      tensors,
      readFloat32(name, out) {
        const file = holders.get(name);
        if (file === undefined) throw corrupt(folder.name, `there is no tensor ${name}`);
        return file.readFloat32(name, out);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Tensor names to file names. A name with a folder in it would reach outside of the checkpoint. */
async function readIndex(folder: FileFolder): Promise<Map<string, string>> {
  const bytes = await readFileOf(folder, INDEX_FILE);
  if (bytes === undefined) throw missing(folder.pathOf(SINGLE_FILE));
  const path = folder.pathOf(INDEX_FILE);
  let map: unknown;
  try {
    map = (JSON.parse(new TextDecoder().decode(bytes)) as { weight_map?: unknown } | null)?.weight_map;
  } catch (error) {
    throw corrupt(path, (error as Error).message, error);
  }
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw corrupt(path, 'it has no "weight_map"');
  const entries = Object.entries(map as Record<string, unknown>);
  for (const [tensor, file] of entries) {
    if (typeof file !== 'string' || /[/\\]/.test(file) || !file.endsWith('.safetensors')) {
      throw corrupt(
        path,
        `tensor ${tensor} is placed in ${JSON.stringify(file)}, expected a .safetensors file beside it`,
      );
    }
  }
  return new Map(entries as [string, string][]);
}

/** The user-facing error of a model file that is not there. */
export function missing(path: string): CorpusmillError {
  return new CorpusmillError('INPUT_NOT_FOUND', `reading ${path}: there is no such file`, {
    hint: 'Give the folder of a checkpoint, with config.json and model.safetensors.',
  });
}
