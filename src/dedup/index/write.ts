/** Writes an index: the documents of one or several contents, one behind the other (files: manifest.ts). */
import { join } from 'node:path';
import { xxh64Hex } from '../../core/hash.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { type BlockWriter, openBlockWriter } from './block-file.ts';
import type { IndexContent } from './content.ts';
import {
  CHECKSUMS_NAME,
  formatManifest,
  INDEX_FILES,
  type IndexFile,
  type IndexNeeds,
  MANIFEST_NAME,
  ROW_WORDS,
} from './manifest.ts';

export interface IndexShape extends IndexNeeds {
  keys: number;
  keyWords: 2 | 4;
}

/** Writes the folder; the manifest last, so that a folder with one is whole. Throws OUTPUT_FAILED. */
export async function writeIndex(folder: string, contents: readonly IndexContent[], shape: IndexShape): Promise<void> {
  const { keys, keyWords, stage, options, sketch } = shape;
  const bytes = {} as Record<IndexFile, number>;
  const checksums: Uint8Array[] = [];
  const sources: string[] = [];
  const closed = async (name: IndexFile, writer: BlockWriter): Promise<void> => {
    const done = await writer.close();
    bytes[name] = done.bytes;
    checksums.push(bytesOf(done.checksums));
  };
  const open = new Map<IndexFile, BlockWriter>();
  try {
    for (const name of INDEX_FILES) open.set(name, await openBlockWriter(join(folder, name)));
    await writeKeys(open.get('keys.bin')!, contents, keys);
    await writeRows(open, contents, sources);
    for (const name of INDEX_FILES) await closed(name, open.get(name)!);
  } catch (error) {
    for (const writer of open.values()) await writer.abort();
    throw error;
  }
  const sums = Buffer.concat(checksums);
  await writeFileAtomic(join(folder, CHECKSUMS_NAME), sums);
  const documents = contents.reduce((sum, content) => sum + content.documents, 0);
  const manifest = { stage, options, sketch, documents, keys, keyWords, sources, files: bytes };
  await writeFileAtomic(join(folder, MANIFEST_NAME), formatManifest({ ...manifest, checksums: xxh64Hex(sums) }));
}

async function writeKeys(file: BlockWriter, contents: readonly IndexContent[], keys: number): Promise<void> {
  for (let key = 0; key < keys; key++) {
    for (const content of contents) {
      for await (const words of content.keys(key)) await file.write(bytesOf(words));
    }
  }
}

async function writeRows(
  files: ReadonlyMap<IndexFile, BlockWriter>,
  contents: readonly IndexContent[],
  sources: string[],
): Promise<void> {
  let idEnd = 0;
  let sketchEnd = 0;
  for (const content of contents) {
    const numbers = content.sources.map((name) => {
      if (!sources.includes(name)) sources.push(name);
      return sources.indexOf(name);
    });
    for await (const { idLengths, ids, sources: of, sketchLengths, sketches } of content.rows()) {
      const rows = new Uint32Array(idLengths.length * ROW_WORDS);
      for (let row = 0, at = 0; row < idLengths.length; row++, at += ROW_WORDS) {
        idEnd += idLengths[row];
        sketchEnd += sketchLengths[row];
        rows[at] = idEnd >>> 0;
        rows[at + 1] = Math.floor(idEnd / 2 ** 32);
        rows[at + 2] = sketchEnd >>> 0;
        rows[at + 3] = Math.floor(sketchEnd / 2 ** 32);
        rows[at + 4] = numbers[of[row]];
      }
      await files.get('rows.bin')!.write(bytesOf(rows));
      await files.get('ids.bin')!.write(ids);
      await files.get('sketches.bin')!.write(bytesOf(sketches));
    }
  }
}

function bytesOf(words: Uint32Array | BigUint64Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
