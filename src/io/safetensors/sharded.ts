/**
 * A model's tensors in one file, `model.safetensors`, or in several that `model.safetensors.index.json` lists, read as one.
 * Files are opened when the first of their tensors is asked for; the index is checked against their headers.
 * Source: transformers, `modeling_utils.py` (names of shards, `weight_map`).
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { TensorEntry } from './header.ts';
import { corrupt } from './header.ts';
import { openSafetensors, type SafetensorsFile, unreadable } from './reader.ts';

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
export async function openTensorFolder(folder: string): Promise<TensorFolder> {
  const indexPath = join(folder, INDEX_FILE);
  // Where both exist transformers takes the single file.
  const sharded = existsSync(indexPath) && !existsSync(join(folder, SINGLE_FILE));
  const map = sharded ? await readIndex(indexPath) : undefined;
  const names = map === undefined ? [SINGLE_FILE] : [...new Set(map.values())].sort();
  const opened: SafetensorsFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of opened.splice(0)) await file.close();
  };
  try {
    const holders = new Map<string, SafetensorsFile>();
    const tensors = new Map<string, TensorEntry>();
    for (const name of names) {
      const file = await openSafetensors(join(folder, name));
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
        throw corrupt(join(folder, name), `it has no tensor ${tensor}, which the index places there`);
    }
    return {
      files: names,
      tensors,
      readFloat32(name, out) {
        const file = holders.get(name);
        if (file === undefined) throw corrupt(folder, `there is no tensor ${name}`);
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
async function readIndex(path: string): Promise<Map<string, string>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
  let map: unknown;
  try {
    map = (JSON.parse(text) as { weight_map?: unknown } | null)?.weight_map;
  } catch (error) {
    throw corrupt(path, (error as Error).message, error);
  }
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw corrupt(path, 'it has no "weight_map"');
  const entries = Object.entries(map as Record<string, unknown>);
  for (const [tensor, file] of entries) {
    if (typeof file !== 'string' || basename(file) !== file || !file.endsWith('.safetensors')) {
      throw corrupt(
        path,
        `tensor ${tensor} is placed in ${JSON.stringify(file)}, expected a .safetensors file beside it`,
      );
    }
  }
  return new Map(entries as [string, string][]);
}
