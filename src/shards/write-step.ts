/**
 * Last step of the shards sink: each shard gathers its rows' tokens and writes one Arrow file; then the manifest, with
 * the tokenizer copied beside it, and the result for the report.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256Hex } from '../core/hash.ts';
import type { SinkContext, SinkStep } from '../core/stage.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import type { EncodedCorpus } from './encode-step.ts';
import { gatherRows } from './gather.ts';
import { layoutName, readLayout } from './layout.ts';
import { describeColumns, MANIFEST_NAME, type ShardEntry, type ShardManifest } from './manifest.ts';
import { loadEncoding, type ShardOptions } from './options.ts';
import type { PackedCorpus } from './pack-step.ts';
import { paddingPercent } from './packing.ts';
import { type TokenType, tokenBytes } from './shard-rows.ts';

interface WriteTask {
  shard: number;
  shards: number;
  /** Rows [from, to) of each window that the shard holds. */
  slices: { window: number; from: number; to: number }[];
  type: TokenType;
  paddingId: number;
}

/** The sink's `details` in the run summary. */
export interface ShardsReport extends Record<string, unknown> {
  rows: number;
  tokens: number;
  documents: number;
  documentsCut: number;
  documentsCutAvoidably: number;
  paddingTokens: number;
  paddingPercent: number;
  contextLength: number;
  dtype: TokenType;
  shards: number;
  /** UTF-8 bytes of text per token, bos and eos not counted. */
  bytesPerToken: number;
}

/** The tokenizer's companions that other tools look for beside it. */
const TOKENIZER_COMPANIONS = ['tokenizer_config.json', 'special_tokens_map.json'];

export const writeStep = {
  name: 'write',

  async plan(options, _context, earlier): Promise<WriteTask[]> {
    const [encoded, packed] = earlier as [EncodedCorpus, PackedCorpus];
    const { rows } = packed.report;
    if (rows === 0) return [];
    const rowsPerShard = Math.max(1, Math.floor(options.targetShardBytes / rowBytes(options, encoded, packed)));
    const shards = Math.ceil(rows / rowsPerShard);
    // Shards of equal size rather than a small last one.
    return Array.from({ length: shards }, (_, shard) => ({
      shard,
      shards,
      slices: slicesOf(packed.windows, Math.floor((rows * shard) / shards), Math.floor((rows * (shard + 1)) / shards)),
      type: encoded.type,
      paddingId: encoded.pad.id,
    }));
  },

  async run(options, task: WriteTask, context): Promise<ShardEntry> {
    const { contextLength } = options;
    const slices = [];
    for (const { window, from, to } of task.slices) {
      slices.push(await readLayout(join(context.workDir, layoutName(window)), from, to));
    }
    const { type, paddingId } = task;
    const rows = await gatherRows(slices, context.workDir, { contextLength, type, paddingId });
    let tokens = 0;
    for (const slice of slices) for (const length of slice.length) tokens += length;
    const file = shardName(task.shard, task.shards);
    // Imported only here: it brings the Arrow library, and every command imports this step.
    const { writeShard } = await import('./shard-writer.ts');
    const written = await writeShard(join(context.outputDir, file), rows, {
      'corpusmill.context_length': String(contextLength),
      'corpusmill.pad_id': String(paddingId),
      'corpusmill.pipeline': context.pipelineHash,
    });
    return { file, rows: written.rows, tokens, bytes: written.bytes, sha256: written.sha256 };
  },

  async merge(options, results: ShardEntry[], context, earlier): Promise<ShardsReport> {
    const [encoded, { windows, report }] = earlier as [EncodedCorpus, PackedCorpus];
    const { documents, documentsEmpty, documentsCut, documentsCutAvoidably, rows, tokens, paddingTokens } = report;
    const percent = Number(paddingPercent(report).toFixed(4));
    const manifest: ShardManifest = {
      schemaVersion: 1,
      kind: 'corpusmill-shards',
      pipelineHash: context.pipelineHash,
      contextLength: options.contextLength,
      dtype: encoded.type,
      rows,
      tokens,
      documents,
      documentsEmpty,
      padding: { tokens: paddingTokens, percent },
      cut: { documents: documentsCut, avoidably: documentsCutAvoidably },
      packing: { strategy: options.packing, windows: windows.length, shuffled: options.shuffle },
      seed: context.seed,
      bos: encoded.bos,
      eos: encoded.eos,
      pad: encoded.pad,
      tokenizer: await copyTokenizer(options, context),
      columns: describeColumns(options.contextLength, encoded.type),
      shards: results,
    };
    await removeStrangers(context.outputDir, new Set(results.map(({ file }) => file)));
    await writeFileAtomic(join(context.outputDir, MANIFEST_NAME), `${JSON.stringify(manifest, null, 2)}\n`);
    const added = documents * (Number(encoded.bos !== null) + Number(encoded.eos !== null));
    return {
      rows,
      tokens,
      documents,
      documentsCut,
      documentsCutAvoidably,
      paddingTokens,
      paddingPercent: percent,
      contextLength: options.contextLength,
      dtype: encoded.type,
      shards: results.length,
      bytesPerToken: Number((encoded.textBytes / Math.max(1, tokens - added)).toFixed(3)),
    };
  },
} satisfies SinkStep<ShardOptions>;

/** `shard-00002-of-00017.arrow`, as HF datasets name theirs. */
export function shardName(shard: number, shards: number): string {
  const five = (n: number) => String(n).padStart(5, '0');
  return `shard-${five(shard)}-of-${five(shards)}.arrow`;
}

/** Bytes of an average row in the file: tokens, lengths, document ids. */
function rowBytes(options: ShardOptions, encoded: EncodedCorpus, packed: PackedCorpus): number {
  const { pieces, rows } = packed.report;
  const idBytes = encoded.idBytes / encoded.documents;
  return options.contextLength * tokenBytes(encoded.type) + 12 + (pieces / rows) * (8 + idBytes);
}

/** Rows [from, to) of the corpus as stretches of windows. */
function slicesOf(windows: readonly number[], from: number, to: number): WriteTask['slices'] {
  const slices: WriteTask['slices'] = [];
  let first = 0;
  windows.forEach((rows, window) => {
    const start = Math.max(from, first);
    const end = Math.min(to, first + rows);
    if (start < end) slices.push({ window, from: start - first, to: end - first });
    first += rows;
  });
  return slices;
}

async function copyTokenizer(options: ShardOptions, context: SinkContext): Promise<ShardManifest['tokenizer']> {
  const { path, tokenizer } = await loadEncoding(options, context);
  const bytes = await readFile(path);
  // The name that HF looks for, whatever the original is called.
  const file = 'tokenizer.json';
  await writeFileAtomic(join(context.outputDir, file), bytes);
  for (const name of TOKENIZER_COMPANIONS) {
    const companion = await readFile(join(dirname(path), name)).catch(() => undefined);
    if (companion !== undefined) await writeFileAtomic(join(context.outputDir, name), companion);
  }
  return { file, sha256: sha256Hex(bytes), vocabSize: tokenizer.vocabSize };
}

/** Shards of an earlier run with another number of shards would be read along by a glob. */
async function removeStrangers(outputDir: string, mine: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(outputDir)) {
    if (/^shard-\d{5,}-of-\d{5,}\.arrow$/.test(name) && !mine.has(name)) await rm(join(outputDir, name));
  }
}
