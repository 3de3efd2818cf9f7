import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromIPC, type Vector } from 'apache-arrow';
import fc from 'fast-check';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { encodedPartName, writeEncodedPart } from '../../src/shards/encoded-part.ts';
import { MANIFEST_NAME, type ShardManifest, shardManifestJsonSchema } from '../../src/shards/manifest.ts';
import { verifyShards } from '../../src/shards/verify.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { BOS, EOS, expectedTokens, PAD, runShards, someParts, writeByteTokenizer } from './context.ts';

interface Row {
  inputIds: number[];
  seqLengths: number[];
  padding: number;
  documentIds: string[];
  /** First token of each piece within its document. */
  starts: number[];
  sources: string[];
}

/** All rows of a folder as apache-arrow and hyparquet read them, in shard order; nothing of src/shards takes part. */
async function readRows(outputDir: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of (await readdir(outputDir)).filter((file) => file.endsWith('.arrow')).sort()) {
    const table = tableFromIPC(await readFile(join(outputDir, name)));
    expect(table.schema.fields.map((field) => field.name)).toEqual(['input_ids', 'seq_lengths', 'padding']);
    const column = (name: string) => table.getChild(name) as Vector;
    const first = rows.length;
    for (let r = 0; r < table.numRows; r++) {
      const seqLengths = Array.from(column('seq_lengths').get(r).toArray() as Int32Array);
      rows.push({
        inputIds: Array.from(column('input_ids').get(r).toArray() as Uint16Array),
        seqLengths,
        padding: column('padding').get(r),
        documentIds: [],
        starts: [],
        sources: [],
      });
    }
    const pieces = join(outputDir, name.replace('shard-', 'pieces-').replace('.arrow', '.parquet'));
    for (const piece of await parquetReadObjects({ file: await asyncBufferFromFile(pieces) })) {
      const row = rows[piece['row']];
      expect(piece['row']).toBeGreaterThanOrEqual(first);
      expect(piece['piece']).toBe(row.documentIds.length);
      expect(piece['tokens']).toBe(row.seqLengths[piece['piece']]);
      row.documentIds.push(piece['doc_id']);
      row.starts.push(piece['start']);
      row.sources.push(piece['source']);
    }
  }
  return rows;
}

async function manifestOf(outputDir: string): Promise<ShardManifest> {
  return JSON.parse(await readFile(join(outputDir, MANIFEST_NAME), 'utf8')) as ShardManifest;
}

/** Name → SHA-256 of every file in a folder. */
async function fingerprints(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir)).sort();
  const entries = names.map(async (name) => {
    const bytes = await readFile(join(dir, name));
    return [name, createHash('sha256').update(bytes).digest('hex')] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

let tokenizer: string;
let wideTokenizer: string;
beforeAll(async () => {
  const dir = temporaryFolder();
  tokenizer = await writeByteTokenizer(dir);
  wideTokenizer = await writeByteTokenizer(dir, { wide: true });
});

describe.each(['best-fit', 'concatenate', 'greedy'] as const)('the shards sink, %s', (packing) => {
  it('writes every token of every document exactly once, and says of each piece whose it is', async () => {
    const parts = someParts(3, [40, 0, 1, 75, 20]);
    const { outputDir, report } = await runShards({
      dir: temporaryFolder(),
      parts,
      tokenizer,
      options: { contextLength: 128, packing, targetShardBytes: 1 << 14, windowDocuments: 50 },
    });
    const pieces = new Map<string, { start: number; ids: number[] }[]>();
    let padding = 0;
    const rows = await readRows(outputDir);
    for (const row of rows) {
      expect(row.inputIds).toHaveLength(128);
      expect(row.seqLengths.reduce((sum, length) => sum + length, 0)).toBe(128);
      expect(row.seqLengths).toHaveLength(row.documentIds.length + (row.padding > 0 ? 1 : 0));
      let at = 0;
      row.documentIds.forEach((id, i) => {
        const ids = row.inputIds.slice(at, at + row.seqLengths[i]);
        at += ids.length;
        pieces.set(id, [...(pieces.get(id) ?? []), { start: row.starts[i], ids }]);
        expect(row.sources[i]).toBe('docs');
      });
      expect(128 - at).toBe(row.padding);
      expect(row.inputIds.slice(at).every((id) => id === EOS)).toBe(true);
      padding += row.padding;
    }
    const documents = parts.flat();
    for (const { id, text } of documents) {
      const found = (pieces.get(id) ?? []).sort((a, b) => a.start - b.start);
      expect(found.flatMap(({ ids }) => ids)).toEqual(expectedTokens(text));
      found.reduce((at, piece) => {
        expect(piece.start).toBe(at);
        return at + piece.ids.length;
      }, 0);
    }
    const tokens = documents.reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0);
    expect(report).toMatchObject({ documents: 136, tokens, rows: rows.length, paddingTokens: padding });
    expect(rows.length * 128).toBe(tokens + padding);
    expect(report.bytesPerToken).toBe(1);
    const cut = [...pieces.values()].filter((found) => found.length > 1).length;
    expect(report.documentsCut).toBe(cut);
  });
});

describe('the shards sink', () => {
  it('gives the same bytes whatever the order of tasks', async () => {
    const parts = someParts(5, [30, 50, 20, 33]);
    const options = { contextLength: 256, targetShardBytes: 1 << 14, windowDocuments: 40 };
    const planned = await runShards({ dir: temporaryFolder(), parts, tokenizer, options });
    const shuffled = await runShards({ dir: temporaryFolder(), parts, tokenizer, options, taskOrder: 9 });
    expect(await fingerprints(shuffled.outputDir)).toEqual(await fingerprints(planned.outputDir));
    expect(shuffled.report).toEqual(planned.report);
    const other = await runShards({ dir: temporaryFolder(), parts, tokenizer, options, seed: 2 });
    expect(await fingerprints(other.outputDir)).not.toEqual(await fingerprints(planned.outputDir));
  });

  it('goes on after an interruption at any task and ends with the same bytes', async () => {
    const parts = someParts(6, [15, 25, 10]);
    const options = { contextLength: 128, targetShardBytes: 1 << 13, windowDocuments: 20 };
    let tasks = 0;
    const whole = await runShards({ dir: temporaryFolder(), parts, tokenizer, options, beforeTask: () => tasks++ });
    const expected = await fingerprints(whole.outputDir);
    expect(tasks).toBeGreaterThan(6);
    for (let stop = 0; stop < tasks; stop++) {
      const dir = temporaryFolder();
      const memory = new Map<string, string>();
      let done = 0;
      const interrupted = runShards({
        dir,
        parts,
        tokenizer,
        options,
        memory,
        beforeTask: () => {
          if (done++ === stop) throw new Error('killed');
        },
      });
      await expect(interrupted).rejects.toThrow('killed');
      const resumed = await runShards({ dir, parts, tokenizer, options, memory });
      expect(await fingerprints(resumed.outputDir)).toEqual(expected);
    }
  });

  it('writes a manifest that agrees with the files, and a copy of the tokenizer', async () => {
    const { outputDir, report } = await runShards({
      dir: temporaryFolder(),
      parts: someParts(7, [60, 60]),
      tokenizer,
      options: { contextLength: 128, targetShardBytes: 1 << 14 },
      seed: 42,
    });
    const manifest = await manifestOf(outputDir);
    expect(manifest).toMatchObject({
      schemaVersion: 2,
      contextLength: 128,
      dtype: 'uint16',
      documents: 120,
      seed: 42,
      pipelineHash: '0123456789abcdef',
      bos: null,
      eos: { token: '<|endoftext|>', id: EOS },
      pad: { token: '<|endoftext|>', id: EOS },
      tokenizer: { file: 'tokenizer.json', vocabSize: 259 },
      cut: { documents: report.documentsCut, avoidably: 0 },
    });
    expect(manifest.shards.length).toBe(report.shards);
    expect(manifest.shards.length).toBeGreaterThan(2);
    const prints = await fingerprints(outputDir);
    for (const [i, shard] of manifest.shards.entries()) {
      const n = String(manifest.shards.length).padStart(5, '0');
      expect(shard.file).toBe(`shard-${String(i).padStart(5, '0')}-of-${n}.arrow`);
      expect(shard.sha256).toBe(prints[shard.file]);
      expect(shard.bytes).toBe((await stat(join(outputDir, shard.file))).size);
      // Within the target and not tiny: the estimate counts tokens, lengths and ids, not the stream's framing.
      expect(shard.bytes).toBeLessThan(1.2 * (1 << 14));
    }
    expect(prints[manifest.tokenizer.file]).toBe(manifest.tokenizer.sha256);
    expect(await readFile(join(outputDir, 'tokenizer.json'))).toEqual(await readFile(tokenizer));
    expect(await verifyShards(outputDir)).toMatchObject({ ok: true, problems: [], rows: report.rows });
  });

  it('uses uint32 when the vocabulary needs it, and the options’ special tokens', async () => {
    const { outputDir } = await runShards({
      dir: temporaryFolder(),
      parts: [[{ id: 'a', text: 'abc', meta: {} }]],
      tokenizer: undefined,
      options: {
        contextLength: 8,
        tokenizer: wideTokenizer,
        appendEos: false,
        bosToken: '<|bos|>',
        padToken: '<|pad|>',
      },
    });
    expect(await readRows(outputDir)).toEqual([
      {
        inputIds: [BOS, 97, 98, 99, PAD, PAD, PAD, PAD],
        seqLengths: [4, 4],
        padding: 4,
        documentIds: ['a'],
        starts: [0],
        sources: [''],
      },
    ]);
    expect(await manifestOf(outputDir)).toMatchObject({
      dtype: 'uint32',
      tokens: 4,
      padding: { tokens: 4, percent: 50 },
      eos: null,
      bos: { id: BOS },
      pad: { id: PAD },
      // Named as HF looks for it, whatever the original (wide.json) is called.
      tokenizer: { file: 'tokenizer.json', vocabSize: 70_001 },
    });
  });

  it.each([false, true])('writes batches of several megabytes as they are (wide ids: %j)', async (wide) => {
    const dir = temporaryFolder();
    const parts = someParts(8, [150, 150], 9000);
    const wideTokenizer = await writeByteTokenizer(dir, { wide });
    const options = { contextLength: 2048, packing: 'concatenate', shuffle: false } as const;
    const { outputDir } = await runShards({ dir, parts, tokenizer: wideTokenizer, options });
    const written: number[] = [];
    for (const name of (await readdir(outputDir)).filter((file) => file.endsWith('.arrow')).sort()) {
      const table = tableFromIPC(await readFile(join(outputDir, name)));
      for (const row of table.getChild('input_ids') as Vector) written.push(...row.toArray());
    }
    const expected = parts.flat().flatMap(({ text }) => expectedTokens(text));
    expect(expected.length).toBeGreaterThan(2 ** 21);
    expect(written.findIndex((id, i) => i < expected.length && id !== expected[i])).toBe(-1);
  });

  it('takes text that spells a special token as text', async () => {
    const { outputDir } = await runShards({
      dir: temporaryFolder(),
      parts: [[{ id: 'a', text: '<|endoftext|>', meta: {} }]],
      tokenizer,
      options: { contextLength: 14 },
    });
    expect((await readRows(outputDir))[0].inputIds).toEqual([...Buffer.from('<|endoftext|>'), EOS]);
  });

  it('writes a manifest without shards for no documents', async () => {
    const { outputDir, report } = await runShards({ dir: temporaryFolder(), parts: [[], []], tokenizer });
    expect(report).toMatchObject({ rows: 0, tokens: 0, documents: 0, shards: 0 });
    expect(await manifestOf(outputDir)).toMatchObject({ rows: 0, shards: [] });
    expect(await verifyShards(outputDir)).toMatchObject({ ok: true });
  });

  it('counts documents without a token when nothing is added to them', async () => {
    const { outputDir } = await runShards({
      dir: temporaryFolder(),
      parts: [
        [
          { id: 'empty', text: '', meta: {} },
          { id: 'full', text: 'eight by', meta: {} },
        ],
      ],
      tokenizer,
      options: { contextLength: 8, appendEos: false },
    });
    expect(await manifestOf(outputDir)).toMatchObject({ documents: 2, documentsEmpty: 1, rows: 1 });
  });

  it('removes the shards of an earlier run with another number of shards', async () => {
    const dir = temporaryFolder();
    const parts = someParts(8, [40]);
    const options = { contextLength: 128 };
    const first = await runShards({ dir, parts, tokenizer, options: { ...options, targetShardBytes: 1 << 13 } });
    const second = await runShards({ dir, parts, tokenizer, options });
    expect(first.report.shards).toBeGreaterThan(1);
    expect((await readdir(second.outputDir)).filter((name) => name.endsWith('.arrow'))).toEqual([
      'shard-00000-of-00001.arrow',
    ]);
  });

  it('keeps documents of any shape whole', async () => {
    const dir = temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 6 }), { maxLength: 4 }),
        fc.constantFrom('best-fit', 'concatenate', 'greedy' as const),
        fc.integer({ min: 8, max: 40 }),
        async (texts, packing, contextLength) => {
          const parts: Document[][] = texts.map((part, p) =>
            part.map((text, d) => ({ id: `${p}/${d}`, text, meta: {} })),
          );
          const { outputDir } = await runShards({
            dir: join(dir, String(run++)),
            parts,
            tokenizer,
            options: { contextLength, packing, windowDocuments: 3 },
          });
          const found = new Map<string, number[]>();
          for (const { inputIds, seqLengths, documentIds } of await readRows(outputDir)) {
            let at = 0;
            documentIds.forEach((id, i) => {
              const ids = found.get(id) ?? [];
              ids.push(...inputIds.slice(at, at + seqLengths[i]));
              at += seqLengths[i];
              found.set(id, ids);
            });
          }
          for (const { id, text } of parts.flat()) {
            expect([...(found.get(id) ?? [])].sort()).toEqual(expectedTokens(text).sort());
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('has a manifest schema for others', () => {
    expect(shardManifestJsonSchema()).toMatchObject({
      type: 'object',
      properties: { contextLength: { type: 'integer' }, shards: { type: 'array' } },
    });
  });
});

describe('what the shards sink refuses', () => {
  const parts = [[{ id: 'a', text: 'abc', meta: {} }]];

  it('a run without a tokenizer', async () => {
    await expect(runShards({ dir: temporaryFolder(), parts, tokenizer: undefined })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'stage shards: there is no tokenizer to encode with',
    });
  });

  it('a special token that the tokenizer lacks', async () => {
    await expect(
      runShards({ dir: temporaryFolder(), parts, tokenizer, options: { eosToken: '</s>' } }),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('no special token "</s>"') });
  });

  it('scratch files that were cut short', async () => {
    const dir = temporaryFolder();
    const file = join(dir, 'work', encodedPartName(0));
    await mkdir(join(dir, 'work'));
    const part = { lengths: Uint32Array.of(4), ids: ['a'], tokens: Uint16Array.of(1, 2, 3, EOS) };
    await writeEncodedPart(file, part, { sources: [''] }, 0);
    await writeFile(file, (await readFile(file)).subarray(0, -1));
    const memory = new Map([['encode 0', JSON.stringify({ part: 0, documents: 1, tokens: 4, kept: false })]]);
    await expect(runShards({ dir, parts, tokenizer, memory })).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: expect.stringContaining('is not a complete token file'),
    });
  });
});
