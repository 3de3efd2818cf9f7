/**
 * `manifest.json` of a dedup index: what the index holds and under which options its keys were made. Nothing in it
 * depends on the clock or on workers. A folder holds:
 *
 *   keys.bin       for each key (one for exact copies, one a band for near copies) the 64 or 128 bits of every document
 *   rows.bin       five words a document: ends of its id and of its sketch (64 bits each), its source
 *   ids.bin        ids in UTF-8, one behind the other
 *   sketches.bin   what near copies are checked with (sketch.ts); empty where nothing is checked
 *   checksums.bin  xxHash64 of every 16 KiB of those files, in this order
 *
 * All words are 32 bits, little-endian.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CorpusmillError, systemCode } from '../../core/errors.ts';
import { hashJson } from '../../core/hash.ts';

export const MANIFEST_NAME = 'manifest.json';
export const INDEX_FILES = ['keys.bin', 'rows.bin', 'ids.bin', 'sketches.bin'] as const;
export type IndexFile = (typeof INDEX_FILES)[number];
export const CHECKSUMS_NAME = 'checksums.bin';
/** Words of a row: id end, sketch end, source. */
export const ROW_WORDS = 5;

const count = z.int().nonnegative();

const manifestSchema = z.strictObject({
  kind: z.literal('corpusmill-dedup-index'),
  schemaVersion: z.literal(1),
  stage: z.string(),
  /** What decides the keys: two indexes with different ones cannot be compared. */
  options: z.record(z.string(), z.union([z.string(), z.number()])),
  sketch: z.strictObject({
    shingleTokens: count.describe('Tokens of a sketched shingle; 0: documents have no sketches'),
    tokens: z.boolean().describe('Whether single tokens are sketched too'),
    maxValues: count,
  }),
  documents: count,
  keys: z.int().positive(),
  keyWords: z.union([z.literal(2), z.literal(4)]),
  sources: z.array(z.string()),
  files: z.strictObject({ 'keys.bin': count, 'rows.bin': count, 'ids.bin': count, 'sketches.bin': count }),
  /** Of checksums.bin, and of all else in this manifest. */
  checksums: z.string(),
  checksum: z.string(),
});

export type IndexManifest = z.output<typeof manifestSchema>;
export type UnsignedManifest = Omit<IndexManifest, 'kind' | 'schemaVersion' | 'checksum'>;

/** The manifest's text. */
export function formatManifest(given: UnsignedManifest): string {
  const content = { kind: 'corpusmill-dedup-index', schemaVersion: 1, ...given };
  return `${JSON.stringify({ ...content, checksum: hashJson(content) }, null, 2)}\n`;
}

/** The error for an index that is not as it was written. */
export function damagedIndex(folder: string): (what: string, cause?: unknown) => CorpusmillError {
  return (what, cause) =>
    new CorpusmillError('INPUT_CORRUPT', `the dedup index ${folder} is damaged: ${what}`, {
      hint: 'Copy the folder again, or let the pipeline that wrote it run again with `--from` its dedup stage.',
      cause,
    });
}

/** Reads and checks the manifest of an index. Throws INPUT_NOT_FOUND or INPUT_CORRUPT. */
export async function readManifest(folder: string): Promise<IndexManifest> {
  const path = join(folder, MANIFEST_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new CorpusmillError(
      'INPUT_NOT_FOUND',
      `reading a dedup index: ${path} cannot be read (${systemCode(error) ?? String(error)})`,
      {
        hint: 'An index is a folder that a dedup stage with `writeIndex: true` left: output/<stage>/index.',
        cause: error,
      },
    );
  }
  const damaged = damagedIndex(folder);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw damaged(`${MANIFEST_NAME} is no JSON`, error);
  }
  const found = json as { kind?: unknown; schemaVersion?: unknown; checksum?: unknown } | null;
  if (found?.kind !== 'corpusmill-dedup-index') throw damaged(`${MANIFEST_NAME} is that of something else`);
  if (found.schemaVersion !== 1) {
    throw new CorpusmillError(
      'INPUT_UNREADABLE',
      `the dedup index ${folder} has format version ${String(found.schemaVersion)}, this program reads version 1`,
      { hint: 'Use the version of corpusmill that wrote it, or make the index again.' },
    );
  }
  const { checksum, ...content } = found;
  if (checksum !== hashJson(content)) throw damaged(`${MANIFEST_NAME} is not as it was written (checksum)`);
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) throw damaged(`${MANIFEST_NAME}: ${parsed.error.issues[0].message}`);
  return parsed.data;
}

/** What this run needs of an index. */
export type IndexNeeds = Pick<IndexManifest, 'stage' | 'options' | 'sketch'>;

/** Refuses an index whose keys or sketches were made otherwise. Throws CONFIG_INVALID with both values. */
export function checkAgreement(folder: string, manifest: IndexManifest, needs: IndexNeeds): void {
  const refuse = (name: string, there: unknown, here: unknown): never => {
    const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `the dedup index ${folder} was made with ${name} = ${shown(there)}, this pipeline has ${shown(here)}: their keys cannot be compared`,
      { hint: `Give the stage the ${name} of the index, or make the index again with that of this pipeline.` },
    );
  };
  if (manifest.stage !== needs.stage) refuse('stage', manifest.stage, needs.stage);
  for (const name of new Set([...Object.keys(needs.options), ...Object.keys(manifest.options)])) {
    if (manifest.options[name] !== needs.options[name]) refuse(name, manifest.options[name], needs.options[name]);
  }
  const { sketch } = manifest;
  if (needs.sketch.shingleTokens === 0) return;
  if (sketch.shingleTokens !== needs.sketch.shingleTokens) {
    const none = sketch.shingleTokens === 0;
    refuse(
      'verify',
      none ? 0 : `${sketch.shingleTokens}-token shingles`,
      `${needs.sketch.shingleTokens}-token shingles`,
    );
  }
  if (needs.sketch.tokens && !sketch.tokens) refuse('verify', 'a Jaccard similarity', 'containment');
}
