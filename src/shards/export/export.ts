/**
 * Shard sets written in the formats of other trainers, from their own rows: nothing is tokenized or packed again.
 *
 *   megatron  .bin and .idx, a sequence a document                       megatron.ts
 *   mds       MosaicML streaming, a sample a packed row                  mds.ts
 *   nanogpt   train.bin and val.bin, uint16                              nanogpt.ts
 *   npy       OLMo-core and dolma: raw tokens and the borders of documents   olmo-npy.ts
 *
 * Streams: memory does not grow with the set but for an index of cut documents (documents.ts; mds.ts holds a shard of
 * its own), and the same set gives the same bytes.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import { MANIFEST_NAME, type ShardManifest } from '../manifest.ts';
import { openShards, type ShardSet } from '../shard-set.ts';
import { type CutPolicy, type DocumentGroup, documentGroups } from './documents.ts';
import { MDS_HASHES, type MdsHash, writeMds } from './mds.ts';
import { megatronType, writeMegatron } from './megatron.ts';
import { checkNanoGpt, vocabularyPickle, writeNanoGpt } from './nanogpt.ts';
import { writeOlmoNpy } from './olmo-npy.ts';
import { checkApart, type ExportedFile, type OutputFolder, openOutputFolder, throwIfAborted } from './output-folder.ts';

export const EXPORT_FORMATS = ['megatron', 'mds', 'nanogpt', 'npy'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportOptions {
  to: ExportFormat;
  /** Folder for the files; made if it is missing. */
  out: string;
  /** Replace what an earlier export left there, and files of the same names. */
  force?: boolean;
  /** Of all but mds: documents in several pieces are joined (default), or each piece is a document. */
  cut?: CutPolicy;
  /** mds: largest shard in bytes, default 64 MiB; npy: largest part, default 4 GiB. */
  sizeLimit?: number;
  /** mds: level of zstd, 1 … 22; default: not compressed. */
  zstdLevel?: number;
  /** mds: hashes of each shard in index.json; default sha1. */
  hashes?: readonly MdsHash[];
  /**
   * nanogpt, of a set without a side for validation: share of the documents that go to val.bin; default .0005, as
   * nanoGPT's own preparation.
   */
  validationShare?: number;
  /** nanogpt: id that ends documents; default: the eos token of the shards. */
  eot?: number;
  /** Stops the export; what was written is removed. */
  signal?: AbortSignal;
  onProgress?: (done: { rows: number; of: number }) => void;
}

/** What became of one shard set, or of one side of a split. */
export interface ExportedSet {
  /** `tokens`, `train` or `validation`; of nanogpt `train` and `val`. */
  name: string;
  rows: number;
  /** Documents (pieces with `cut: apart`); of mds, where rows are exported, those of the set. */
  documents: number;
  /** Without padding. */
  tokens: number;
}

export interface ExportResult {
  to: ExportFormat;
  out: string;
  /** Integer type of the tokens. */
  dtype: string;
  sets: ExportedSet[];
  files: ExportedFile[];
  /** What the format cannot say. */
  notes: string[];
}

/**
 * Exports a shard folder, or a folder with the sides `train` and `validation` of a split. Throws CorpusmillError: USAGE for
 * options or sets that the format cannot take, OUTPUT_FAILED for the folder, INPUT_* for the shards, INTERRUPTED.
 */
export async function exportShards(dir: string, options: ExportOptions): Promise<ExportResult> {
  check(options);
  const sets = await openSets(dir);
  try {
    checkApart(dir, options.out);
    const { manifest } = sets[0].set;
    if (options.to === 'nanogpt') checkNanoGpt(manifest);
    const dtype = typeOf(options.to, manifest);
    const neededBytes = sets.reduce((sum, { set }) => sum + bytesNeeded(options, dtype, set.manifest), 0);
    const output = await openOutputFolder(options.out, { force: options.force === true, neededBytes });
    try {
      const exported = await exportSets(sets, output, options);
      await copyTokenizer(sets[0].set, output);
      const { to, out } = options;
      const facts = {
        kind: 'corpusmill-export',
        format: to,
        dtype,
        pipelineHash: manifest.pipelineHash,
        sets: exported,
      };
      const files = await output.finish(facts);
      return { to, out, dtype, sets: exported, files, notes: notesOn(sets, to) };
    } catch (error) {
      await output.abort();
      throw error;
    }
  } finally {
    for (const { set } of sets) await set.close();
  }
}

interface NamedSet {
  name: string;
  set: ShardSet;
}

async function openSets(dir: string): Promise<NamedSet[]> {
  const has = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );
  if (!(await has(join(dir, MANIFEST_NAME))) && (await has(join(dir, 'train', MANIFEST_NAME)))) {
    const train = await openShards(join(dir, 'train'));
    return [
      { name: 'train', set: train },
      { name: 'validation', set: await openShards(join(dir, 'validation')) },
    ];
  }
  const set = await openShards(dir);
  return [{ name: set.manifest.split?.name ?? 'tokens', set }];
}

async function exportSets(
  sets: readonly NamedSet[],
  output: OutputFolder,
  options: ExportOptions,
): Promise<ExportedSet[]> {
  const { to, signal, onProgress, cut = 'join' } = options;
  const of = sets.reduce((sum, { set }) => sum + set.rows, 0);
  let before = 0;
  const progress = (rows: number): void => {
    throwIfAborted(signal);
    onProgress?.({ rows: before + rows, of });
  };
  async function* groupsOf(set: ShardSet): AsyncGenerator<DocumentGroup, void, void> {
    for await (const group of documentGroups(set, cut)) {
      progress(group.rows);
      yield group;
    }
  }
  if (to === 'nanogpt') return exportNanoGpt(sets, output, options, groupsOf);
  const exported: ExportedSet[] = [];
  for (const { name, set } of sets) {
    const { manifest, rows } = set;
    const prefix = sets.length === 1 ? '' : `${name}/`;
    if (to === 'mds') {
      const { sizeLimit = 2 ** 26, hashes = ['sha1'], zstdLevel } = options;
      await writeMds(output, prefix, set, { sizeLimit, hashes, zstdLevel }, progress);
      exported.push({ name, rows, documents: manifest.documents - manifest.documentsEmpty, tokens: manifest.tokens });
    } else if (to === 'megatron') {
      const written = await writeMegatron(output, name, manifest.tokenizer.vocabSize, groupsOf(set));
      exported.push({ name, rows, ...written });
    } else {
      const written = await writeOlmoNpy(output, prefix, groupsOf(set), options.sizeLimit ?? 2 ** 32);
      exported.push({ name, rows, ...written });
    }
    before += rows;
  }
  return exported;
}

/** The side `validation` of a split is val.bin; without one, a share of the documents is. */
async function exportNanoGpt(
  sets: readonly NamedSet[],
  output: OutputFolder,
  { validationShare = 0.0005, eot }: ExportOptions,
  groupsOf: (set: ShardSet) => AsyncIterable<DocumentGroup>,
): Promise<ExportedSet[]> {
  const { manifest } = sets[0].set;
  const end = eot ?? manifest.eos?.id;
  if (end === undefined) {
    throw new CorpusmillError(
      'USAGE',
      'exporting shards: nanoGPT wants a token between documents, these end with none',
      {
        hint: 'Name the id of one with --eot, or run the shards stage with appendEos.',
      },
    );
  }
  const files = { train: await output.create('train.bin'), val: await output.create('val.bin') };
  const train: ExportedSet = { name: 'train', rows: 0, documents: 0, tokens: 0 };
  const val: ExportedSet = { name: 'val', rows: 0, documents: 0, tokens: 0 };
  for (const { name, set } of sets) {
    const isValidation = name === 'validation';
    const share = sets.length > 1 || isValidation ? Number(isValidation) : validationShare;
    const counts = await writeNanoGpt(files, groupsOf(set), { eot: end, validationShare: share, seed: manifest.seed });
    for (const side of [train, val]) {
      side.documents += counts[side.name as 'train' | 'val'].documents;
      side.tokens += counts[side.name as 'train' | 'val'].tokens;
    }
    (isValidation ? val : train).rows += set.rows;
  }
  const meta = await output.create('meta.pkl');
  await meta.write(vocabularyPickle(manifest.tokenizer.vocabSize));
  for (const file of [files.train, files.val, meta]) await file.commit();
  return [train, val];
}

function typeOf(to: ExportFormat, { dtype, tokenizer }: ShardManifest): string {
  if (to === 'megatron') return megatronType(tokenizer.vocabSize);
  return to === 'mds' && dtype === 'uint32' ? 'int32' : dtype;
}

/** About what the files take; of compressed ones the least that is likely. */
function bytesNeeded({ to, zstdLevel }: ExportOptions, dtype: string, manifest: ShardManifest): number {
  const width = dtype === 'uint16' ? 2 : 4;
  if (to !== 'mds') return width * manifest.tokens + (to === 'megatron' ? 20 * manifest.documents : 0);
  const raw = manifest.rows * (manifest.contextLength * width + 16);
  return zstdLevel === undefined ? raw : raw / 4;
}

/** The tokenizer goes along: the formats hold ids alone. */
async function copyTokenizer({ dir, manifest }: ShardSet, output: OutputFolder): Promise<void> {
  const path = join(dir, manifest.tokenizer.file);
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return;
  const file = await output.create(basename(path));
  await file.write(bytes);
  await file.commit();
}

function notesOn(sets: readonly NamedSet[], to: ExportFormat): string[] {
  const notes: string[] = [];
  const { manifest } = sets[0].set;
  if (to !== 'mds' && manifest.conversations !== null) {
    notes.push(`${to} has no labels: which tokens of the conversations take a loss is not exported`);
  }
  if (to !== 'mds' && manifest.eos === null) notes.push('documents end with no token of their own in these shards');
  return notes;
}

function check({ to, sizeLimit, zstdLevel, hashes = [], validationShare = 0, eot = 0 }: ExportOptions): void {
  const wrong = (found: string): never => {
    throw new CorpusmillError('USAGE', `exporting shards: ${found}`);
  };
  if (!EXPORT_FORMATS.includes(to)) wrong(`there is no format ${to}; the formats are ${EXPORT_FORMATS.join(', ')}`);
  // MDS has byte positions of 32 bits.
  if (sizeLimit !== undefined && !(sizeLimit >= 1 && (to !== 'mds' || sizeLimit < 2 ** 32))) {
    wrong(`a size limit of ${sizeLimit} bytes, expected 1 or more${to === 'mds' ? ' and less than 4 GiB' : ''}`);
  }
  if (zstdLevel !== undefined && !(Number.isInteger(zstdLevel) && zstdLevel >= 1 && zstdLevel <= 22)) {
    wrong(`zstd level ${zstdLevel}, expected 1 … 22`);
  }
  for (const hash of hashes) if (!MDS_HASHES.includes(hash)) wrong(`no hash ${hash}: ${MDS_HASHES.join(', ')}`);
  if (!(validationShare >= 0 && validationShare < 1)) wrong(`validation share ${validationShare}, expected 0 … 1`);
  if (!(Number.isInteger(eot) && eot >= 0 && eot <= 0xffff)) wrong(`id ${eot} does not fit uint16`);
}
