/**
 * MosaicML's MDS: packed rows as samples of StreamingDataset (streaming/base/format/mds, read at commit 89e7bb9).
 *
 *   shard.00000.mds   u32 samples, u32[samples + 1] positions, the column description as JSON, then the samples
 *   a sample          u32 size of each column of variable size, then the columns' bytes, ordered by name
 *   index.json        per shard its columns, samples, size and hashes, raw and compressed
 *
 * Columns: tokens, seq_lengths, padding, and labels where the set has them: as in the shards. Tokens are uint16 or int32
 * (torch does no arithmetic on uint32). A shard ends before the sample that would pass the size limit, counted as
 * MDSWriter counts it, and JSON is spelled as Python spells it: the files are those that MDSWriter writes of the same
 * samples (bench/interop/exports.py).
 */
import { createHash } from 'node:crypto';
import { xxh64Hex } from '../../core/hash.ts';
import { zstdCodec } from '../../io/zstd.ts';
import { hasLabels } from '../loader/read-batch.ts';
import type { ShardManifest } from '../manifest.ts';
import { bytesOf } from '../positioned-read.ts';
import { tokenArray } from '../shard-rows.ts';
import type { ShardSet } from '../shard-set.ts';
import type { OutputFolder } from './output-folder.ts';

export const MDS_HASHES = ['md5', 'sha1', 'sha256', 'xxh64'] as const;
export type MdsHash = (typeof MDS_HASHES)[number];

export interface MdsOptions {
  /** Level of zstd, 1 … 22; undefined: not compressed. */
  zstdLevel: number | undefined;
  hashes: readonly MdsHash[];
  /** Largest shard in bytes, before compression. */
  sizeLimit: number;
}

interface Column {
  name: string;
  encoding: string;
  /** Bytes; null: variable. */
  size: number | null;
}

function columnsOf(manifest: ShardManifest): Column[] {
  const { contextLength, dtype } = manifest;
  const [type, width] = dtype === 'uint16' ? ['uint16', 2] : ['int32', 4];
  return [
    ...(hasLabels(manifest)
      ? [{ name: 'labels', encoding: `ndarray:int32:${contextLength}`, size: 4 * contextLength }]
      : []),
    { name: 'padding', encoding: 'int32', size: 4 },
    { name: 'seq_lengths', encoding: 'ndarray:int32', size: null },
    { name: 'tokens', encoding: `ndarray:${type}:${contextLength}`, size: width * contextLength },
  ];
}

/** Writes the rows of a set, in their order, to the folder `prefix` ('' or `train/`) of the output. */
export async function writeMds(
  output: OutputFolder,
  prefix: string,
  set: ShardSet,
  options: MdsOptions,
  onRows: (rows: number) => void,
): Promise<{ rows: number; shards: number }> {
  const { contextLength, dtype, shards } = set.manifest;
  const isLabelled = hasLabels(set.manifest);
  const columns = columnsOf(set.manifest);
  const config = {
    column_encodings: columns.map(({ encoding }) => encoding),
    column_names: columns.map(({ name }) => name),
    column_sizes: columns.map(({ size }) => size),
    compression: options.zstdLevel === undefined ? null : `zstd:${options.zstdLevel}`,
    format: 'mds',
    hashes: [...options.hashes].sort(),
    size_limit: options.sizeLimit,
    version: 2,
  };
  const writer = await createShardWriter(output, prefix, config, options);
  for (let shard = 0; shard < shards.length; shard++) {
    const file = await set.file(shard);
    for (let batch = 0; batch < file.batches; batch++) {
      const { firstRow, rows, seqOffsets, seqLengths, padding } = await file.readPieces(batch);
      const tokens = tokenArray(dtype, rows * contextLength);
      await file.readTokens(firstRow, rows, tokens, 0);
      const labels = new Int32Array(isLabelled ? rows * contextLength : 0);
      if (isLabelled) await file.readLabels(firstRow, rows, labels, 0);
      for (let r = 0; r < rows; r++) {
        const own = (array: typeof tokens | Int32Array) =>
          bytesOf(array.subarray(r * contextLength, (r + 1) * contextLength));
        const lengths = variableArray(seqLengths.subarray(seqOffsets[r], seqOffsets[r + 1]));
        const parts = [bytesOf(Uint32Array.of(lengths.length))];
        if (isLabelled) parts.push(own(labels));
        parts.push(bytesOf(padding.slice(r, r + 1)), lengths, own(tokens));
        await writer.add(parts);
      }
      onRows(set.firstRow(shard) + firstRow + rows);
    }
  }
  return { rows: set.rows, shards: await writer.finish() };
}

/** An int32 array of one dimension and unknown length: a byte with dimensions and type of the length, the length, the numbers. */
function variableArray(values: Int32Array): Uint8Array {
  const code = values.length < 1 << 8 ? 0 : values.length < 1 << 16 ? 1 : 2;
  const bytes = Buffer.alloc(1 + 2 ** code + 4 * values.length);
  bytes[0] = (1 << 2) | code;
  bytes.writeUIntLE(values.length, 1, 2 ** code);
  bytes.set(bytesOf(values), 1 + 2 ** code);
  return bytes;
}

async function createShardWriter(
  output: OutputFolder,
  prefix: string,
  config: Record<string, unknown>,
  { zstdLevel, hashes, sizeLimit }: MdsOptions,
): Promise<{ add(sample: readonly Uint8Array[]): Promise<void>; finish(): Promise<number> }> {
  const description = Buffer.from(pythonJson(config));
  const codec = zstdLevel === undefined ? undefined : await zstdCodec();
  const shards: unknown[] = [];
  const emptyBytes = 8 + description.length;
  let samples: Buffer[] = [];
  let bytes = emptyBytes;

  const info = (basename: string, data: Uint8Array) => ({
    basename,
    bytes: data.length,
    hashes: Object.fromEntries([...hashes].sort().map((name) => [name, hashOf(name, data)])),
  });
  const flush = async (): Promise<void> => {
    const raw = shardBytes(description, samples, bytes);
    const basename = `shard.${String(shards.length).padStart(5, '0')}.mds`;
    const zip = zstdLevel === undefined ? undefined : codec?.compress(raw, zstdLevel);
    const file = await output.create(`${prefix}${basename}${zip === undefined ? '' : '.zstd'}`);
    await file.write(zip ?? raw);
    await file.commit();
    shards.push({
      ...config,
      raw_data: info(basename, raw),
      samples: samples.length,
      zip_data: zip === undefined ? null : info(`${basename}.zstd`, zip),
    });
    samples = [];
    bytes = emptyBytes;
  };
  return {
    async add(parts) {
      const sample = Buffer.concat(parts);
      if (samples.length > 0 && sizeLimit < bytes + sample.length + 4) await flush();
      samples.push(sample);
      bytes += sample.length + 4;
    },
    async finish() {
      if (samples.length > 0) await flush();
      const index = await output.create(`${prefix}index.json`);
      await index.write(Buffer.from(pythonJson({ shards, version: 2 })));
      await index.commit();
      return shards.length;
    },
  };
}

function shardBytes(description: Uint8Array, samples: readonly Uint8Array[], bytes: number): Buffer {
  const positions = new Uint32Array(samples.length + 1);
  positions[0] = 4 + 4 * positions.length + description.length;
  for (let i = 0; i < samples.length; i++) positions[i + 1] = positions[i] + samples[i].length;
  return Buffer.concat([bytesOf(Uint32Array.of(samples.length)), bytesOf(positions), description, ...samples], bytes);
}

function hashOf(name: MdsHash, data: Uint8Array): string {
  return name === 'xxh64' ? xxh64Hex(data) : createHash(name).update(data).digest('hex');
}

/** JSON as Python's `json.dumps(value, sort_keys=True)` spells it, for ASCII without floats. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}: ${pythonJson(member)}`).join(', ')}}`;
}
