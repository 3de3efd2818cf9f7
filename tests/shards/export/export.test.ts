import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ZstdCodec, zstdCodec } from '../../../src/io/zstd.ts';
import { type ExportOptions, exportShards } from '../../../src/shards/export/export.ts';
import { openShards } from '../../../src/shards/loader.ts';
import type { ShardManifest } from '../../../src/shards/manifest.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { EOS, expectedTokens, runShards, someParts, writeByteTokenizer } from '../context.ts';

const LENGTH = 64;
/** Documents of up to eight rows, so that many are cut into pieces that packing scatters. */
const parts = someParts(7, [70, 90, 40], 160);
const documents = parts.flat().filter(({ text }) => text !== '');
/** `shards`: shuffled best-fit rows; `split`: sides train and validation; `wide`: uint32. */
let shards: string;
let split: string;
let wide: string;
let out: string;

beforeAll(async () => {
  const make = async (options: Record<string, unknown>, wideIds = false) => {
    const dir = temporaryFolder();
    const tokenizer = await writeByteTokenizer(dir, { wide: wideIds });
    const all = { contextLength: LENGTH, targetShardBytes: 1 << 13, ...options };
    return (await runShards({ dir, parts, tokenizer, options: all })).outputDir;
  };
  shards = await make({});
  split = await make({ validation: 0.2 });
  wide = await make({}, true);
});
beforeEach(async () => {
  out = join(temporaryFolder(), 'out');
});

const run = (options: Partial<ExportOptions> & Pick<ExportOptions, 'to'>, dir = shards) =>
  exportShards(dir, { out, ...options });
const read = (name: string) => readFile(join(out, name));
const asText = (documents: readonly (readonly number[])[]) => documents.map((ids) => ids.join(' ')).sort();
const expected = () => asText(documents.map(({ text }) => expectedTokens(text)));
const manifestOf = async (dir: string) =>
  JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')) as ShardManifest;

/** Sequences of a Megatron dataset, read as indexed_dataset.py reads it. */
async function megatron(name: string): Promise<{ type: number; sequences: number[][]; borders: number[] }> {
  const [bin, idx] = [await read(`${name}.bin`), await read(`${name}.idx`)];
  expect(idx.subarray(0, 9).toString('latin1')).toBe('MMIDIDX\0\0');
  expect(idx.readBigUInt64LE(9)).toBe(1n);
  const type = idx[17];
  const width = { 4: 4, 8: 2 }[type]!;
  const [sequences, borders] = [Number(idx.readBigUInt64LE(18)), Number(idx.readBigUInt64LE(26))];
  const [positionsAt, bordersAt] = [34 + 4 * sequences, 34 + 12 * sequences];
  expect(idx).toHaveLength(bordersAt + 8 * borders);
  return {
    type,
    sequences: Array.from({ length: sequences }, (_, i) => {
      const at = Number(idx.readBigInt64LE(positionsAt + 8 * i));
      return Array.from({ length: idx.readInt32LE(34 + 4 * i) }, (_, k) =>
        width === 2 ? bin.readUInt16LE(at + 2 * k) : bin.readInt32LE(at + 4 * k),
      );
    }),
    borders: Array.from({ length: borders }, (_, i) => Number(idx.readBigInt64LE(bordersAt + 8 * i))),
  };
}

describe('the shards that are exported', () => {
  it('have documents cut into pieces that lie in shuffled rows', async () => {
    const { cut, packing } = await manifestOf(shards);
    expect(cut.documents).toBeGreaterThan(80);
    expect(packing.shuffled).toBe(true);
  });
});

describe('megatron', () => {
  it('has a sequence for every document, whole again, in uint16', async () => {
    const result = await run({ to: 'megatron' });
    const { type, sequences, borders } = await megatron('tokens');
    expect(type).toBe(8);
    expect(asText(sequences)).toEqual(expected());
    expect(borders).toEqual(Array.from({ length: documents.length + 1 }, (_, i) => i));
    const tokens = sequences.flat().length;
    expect(result).toMatchObject({ dtype: 'uint16', sets: [{ name: 'tokens', documents: documents.length, tokens }] });
  });

  it('has int32 for large vocabularies', async () => {
    await run({ to: 'megatron' }, wide);
    const { type, sequences } = await megatron('tokens');
    expect(type).toBe(4);
    expect(asText(sequences)).toEqual(expected());
  });

  it('has a sequence for every piece with cut: apart', async () => {
    await run({ to: 'megatron', cut: 'apart' });
    const { sequences } = await megatron('tokens');
    expect(sequences.length).toBeGreaterThan(documents.length);
    expect(Math.max(...sequences.map((ids) => ids.length))).toBe(LENGTH);
    expect(sequences.flat().sort()).toEqual(documents.flatMap(({ text }) => expectedTokens(text)).sort());
  });

  it('has both sides of a split', async () => {
    const { sets } = await run({ to: 'megatron' }, split);
    expect(sets.map(({ name }) => name)).toEqual(['train', 'validation']);
    const [train, validation] = [await megatron('train'), await megatron('validation')];
    expect(validation.sequences.length).toBeGreaterThan(10);
    expect(asText([...train.sequences, ...validation.sequences])).toEqual(expected());
  });
});

describe('nanogpt', () => {
  const ids = async (name: string) => {
    const bytes = await read(name);
    return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16LE(2 * i));
  };
  const documentsIn = (stream: readonly number[]) => {
    const found: number[][] = [[]];
    for (const id of stream) {
      found.at(-1)!.push(id);
      if (id === EOS) found.push([]);
    }
    expect(found.pop()).toEqual([]);
    return found;
  };

  it('has documents end to end, each ended by the end-of-text token, a share of them in val.bin', async () => {
    const { sets } = await run({ to: 'nanogpt', validationShare: 0.1 });
    const [train, val] = [documentsIn(await ids('train.bin')), documentsIn(await ids('val.bin'))];
    expect(asText([...train, ...val])).toEqual(expected());
    expect(val.length).toBeGreaterThan(documents.length * 0.04);
    expect(val.length).toBeLessThan(documents.length * 0.18);
    expect(sets.map((set) => [set.name, set.documents])).toEqual([
      ['train', train.length],
      ['val', val.length],
    ]);
  });

  it('takes val.bin from the side of a split that is for validation', async () => {
    await run({ to: 'nanogpt' }, split);
    const val = documentsIn(await ids('val.bin'));
    expect(val).toHaveLength((await manifestOf(join(split, 'validation'))).documents);
  });

  it('puts the token asked for behind documents that do not end with it', async () => {
    await run({ to: 'nanogpt', eot: 300, validationShare: 0 });
    const stream = await ids('train.bin');
    expect(stream.filter((id) => id === 300)).toHaveLength(documents.length);
    expect(stream[stream.indexOf(300) - 1]).toBe(EOS);
  });

  it('says the size of the vocabulary as Python pickles it', async () => {
    await run({ to: 'nanogpt' });
    expect((await read('meta.pkl')).toString()).toBe("(dS'vocab_size'\nI259\ns.");
  });

  it('refuses a vocabulary that 16 bits do not hold', async () => {
    await expect(run({ to: 'nanogpt' }, wide)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('a vocabulary of 70001 needs more'),
    });
  });
});

describe('npy', () => {
  it('has raw tokens and the borders of documents, in parts of limited size', async () => {
    const sizeLimit = 4000;
    const { files } = await run({ to: 'npy', sizeLimit });
    const npy = files.filter(({ file }) => file.endsWith('.npy'));
    expect(npy.length).toBeGreaterThan(4);
    const found: number[][] = [];
    for (const { file, bytes } of npy) {
      const data = await read(file);
      const lines = gunzipSync(await read(file.replace('.npy', '.csv.gz')))
        .toString()
        .trimEnd()
        .split('\n');
      let last = 0;
      for (const line of lines) {
        const [start, end, id, source, number] = line.split(',');
        expect(Number(start)).toBe(last);
        expect(Number(number)).toBe(found.length);
        last = Number(end);
        found.push(Array.from({ length: last - Number(start) }, (_, k) => data.readUInt16LE(2 * (Number(start) + k))));
        const document = documents.find((document) => document.id === id);
        expect(found.at(-1)).toEqual(expectedTokens(document!.text));
        expect(source).toBe('docs');
      }
      expect(2 * last).toBe(bytes);
      expect(lines.length === 1 || bytes <= sizeLimit).toBe(true);
    }
    expect(asText(found)).toEqual(expected());
  });
});

describe('mds', () => {
  interface Index {
    version: number;
    shards: {
      raw_data: { basename: string; bytes: number; hashes: Record<string, string> };
      zip_data: { basename: string; bytes: number; hashes: Record<string, string> } | null;
      samples: number;
      column_names: string[];
      column_sizes: (number | null)[];
      compression: string | null;
    }[];
  }
  const index = async () => JSON.parse((await read('index.json')).toString()) as Index;

  /** Tokens, lengths and padding of every sample, read as MDSReader reads them. */
  async function samples(dataOf: (shard: Index['shards'][number]) => Promise<Uint8Array>) {
    const found: { tokens: number[]; lengths: number[]; padding: number }[] = [];
    for (const shard of (await index()).shards) {
      const data = Buffer.from(await dataOf(shard));
      expect(data).toHaveLength(shard.raw_data.bytes);
      expect(data.readUInt32LE(0)).toBe(shard.samples);
      expect(shard.column_names).toEqual(['padding', 'seq_lengths', 'tokens']);
      for (let i = 0; i < shard.samples; i++) {
        const sample = data.subarray(data.readUInt32LE(4 + 4 * i), data.readUInt32LE(8 + 4 * i));
        const size = sample.readUInt32LE(0);
        const lengths = sample.subarray(8, 8 + size);
        expect(lengths[0]).toBe((1 << 2) | 0); // one dimension, its length in one byte
        const tokens = sample.subarray(8 + size);
        expect(tokens).toHaveLength(2 * LENGTH);
        found.push({
          padding: sample.readInt32LE(4),
          lengths: Array.from({ length: lengths[1] }, (_, k) => lengths.readInt32LE(2 + 4 * k)),
          tokens: Array.from({ length: LENGTH }, (_, k) => tokens.readUInt16LE(2 * k)),
        });
      }
    }
    return found;
  }

  async function storedRows() {
    const set = await openShards(shards);
    const rows: { tokens: number[]; lengths: number[]; padding: number }[] = [];
    for (let shard = 0; shard < set.manifest.shards.length; shard++) {
      const file = await set.file(shard);
      const tokens = new Uint16Array(file.rows * LENGTH);
      await file.readTokens(0, file.rows, tokens, 0);
      for (let batch = 0; batch < file.batches; batch++) {
        const pieces = await file.readPieces(batch);
        for (let r = 0; r < pieces.rows; r++) {
          const row = pieces.firstRow + r;
          rows.push({
            tokens: [...tokens.subarray(row * LENGTH, (row + 1) * LENGTH)],
            lengths: [...pieces.seqLengths.subarray(pieces.seqOffsets[r], pieces.seqOffsets[r + 1])],
            padding: pieces.padding[r],
          });
        }
      }
    }
    await set.close();
    return rows;
  }

  it('has the rows in their order, in shards of limited size with hashes', async () => {
    await run({ to: 'mds', sizeLimit: 5000, hashes: ['xxh64', 'sha1'] });
    expect(await samples(({ raw_data }) => read(raw_data.basename))).toEqual(await storedRows());
    const { version, shards: list } = await index();
    expect(version).toBe(2);
    expect(list.length).toBeGreaterThan(5);
    for (const { raw_data } of list) {
      expect(raw_data.bytes).toBeLessThanOrEqual(5000);
      const sha1 = createHash('sha1')
        .update(await read(raw_data.basename))
        .digest('hex');
      expect(raw_data.hashes).toEqual({ sha1, xxh64: expect.stringMatching(/^[0-9a-f]{16}$/) });
    }
  });

  it('compresses with zstd, and lists both forms', async () => {
    const codec: ZstdCodec = await zstdCodec();
    await run({ to: 'mds', zstdLevel: 5 });
    const found = await samples(async ({ raw_data, zip_data, compression }) => {
      expect(compression).toBe('zstd:5');
      expect(zip_data?.basename).toBe(`${raw_data.basename}.zstd`);
      const zip = await read(zip_data!.basename);
      expect(zip_data?.hashes['sha1']).toBe(createHash('sha1').update(zip).digest('hex'));
      return codec.decompress(zip, raw_data.bytes);
    });
    expect(found).toEqual(await storedRows());
  });

  it('has the sides of a split in folders', async () => {
    await run({ to: 'mds' }, split);
    expect((await readdir(out)).sort()).toEqual(['export.json', 'tokenizer.json', 'train', 'validation']);
  });
});

describe('an export', () => {
  it('lists its files and copies the tokenizer', async () => {
    const { files } = await run({ to: 'megatron' });
    const list = JSON.parse((await read('export.json')).toString());
    expect(list).toMatchObject({ kind: 'corpusmill-export', format: 'megatron', pipelineHash: '0123456789abcdef' });
    expect(list.files).toEqual(files);
    expect(files.map(({ file }) => file)).toEqual(['tokens.bin', 'tokens.idx', 'tokenizer.json']);
    expect(await read('tokenizer.json')).toEqual(await readFile(join(shards, 'tokenizer.json')));
    expect((await readdir(out)).sort()).toEqual(['export.json', 'tokenizer.json', 'tokens.bin', 'tokens.idx']);
  });

  it.each(['megatron', 'mds', 'nanogpt', 'npy'] as const)('to %s gives the same bytes again', async (to) => {
    const bytes = async () => {
      const names = (await readdir(out)).sort();
      return Promise.all(
        names.map(async (name) => [
          name,
          createHash('sha1')
            .update(await read(name))
            .digest('hex'),
        ]),
      );
    };
    await run({ to });
    const first = await bytes();
    await run({ to, force: true });
    expect(await bytes()).toEqual(first);
  });

  it('refuses a folder that is not empty; force takes the earlier export away and nothing else', async () => {
    await mkdir(out);
    await writeFile(join(out, 'notes.txt'), 'mine');
    const refused = { code: 'OUTPUT_FAILED', message: expect.stringContaining('is not empty (notes.txt)') };
    await expect(run({ to: 'npy' })).rejects.toMatchObject(refused);
    await run({ to: 'npy', sizeLimit: 4000, force: true });
    expect(await readdir(out)).toContain('part-00003.npy');
    await run({ to: 'megatron', force: true });
    expect((await readdir(out)).sort()).toEqual([
      'export.json',
      'notes.txt',
      'tokenizer.json',
      'tokens.bin',
      'tokens.idx',
    ]);
  });

  it('refuses a folder within the shards, a file in its place, and a disk that is too small', async () => {
    await expect(run({ to: 'npy', out: join(shards, 'x') })).rejects.toMatchObject({ code: 'USAGE' });
    await writeFile(out, 'a file');
    await expect(run({ to: 'npy' })).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
    await rm(out);
    const copy = join(temporaryFolder(), 'shards');
    await cp(shards, copy, { recursive: true });
    const manifest = await manifestOf(copy);
    await writeFile(join(copy, 'manifest.json'), JSON.stringify({ ...manifest, tokens: 1e15 }));
    await expect(run({ to: 'npy' }, copy)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringMatching(/needs about 2000000\.\d\d GB, the disk has/),
    });
  });

  it('leaves nothing when it is stopped or fails', async () => {
    const controller = new AbortController();
    const stopped = run({
      to: 'mds',
      sizeLimit: 5000,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await readdir(out)).toEqual([]);

    const copy = join(temporaryFolder(), 'shards');
    await cp(shards, copy, { recursive: true });
    const { shards: list } = await manifestOf(copy);
    const last = join(copy, list.at(-1)!.file);
    await writeFile(last, (await readFile(last)).subarray(0, 5000));
    for (const to of ['megatron', 'mds', 'nanogpt', 'npy'] as const) {
      await expect(run({ to }, copy)).rejects.toMatchObject({
        code: 'INPUT_CORRUPT',
        message: expect.stringContaining(list.at(-1)!.file),
      });
      expect(await readdir(out)).toEqual([]);
    }
  });

  it('says that cut documents cannot be joined without tables of pieces, and takes the pieces apart when told to', async () => {
    const copy = join(temporaryFolder(), 'shards');
    await cp(shards, copy, { recursive: true });
    const manifest = await manifestOf(copy);
    const without = { ...manifest, shards: manifest.shards.map((shard) => ({ ...shard, pieces: null })) };
    await writeFile(join(copy, 'manifest.json'), JSON.stringify({ ...without, pieceColumns: null }));
    await expect(run({ to: 'megatron' }, copy)).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--cut apart'),
    });
    const [set] = (await run({ to: 'megatron', cut: 'apart' }, copy)).sets;
    expect(set.tokens).toBe(manifest.tokens);
  });

  it.each<[string, Partial<ExportOptions>]>([
    ['format', { to: 'webdataset' as ExportOptions['to'] }],
    ['size limit', { to: 'mds', sizeLimit: 2 ** 32 }],
    ['level', { to: 'mds', zstdLevel: 23 }],
    ['hash', { to: 'mds', hashes: ['crc' as 'sha1'] }],
    ['share', { to: 'nanogpt', validationShare: 1 }],
    ['id', { to: 'nanogpt', eot: 70_000 }],
  ])('refuses a %s that there is not', async (_, options) => {
    await expect(run(options as ExportOptions)).rejects.toMatchObject({ code: 'USAGE' });
  });
});
