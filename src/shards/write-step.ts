/**
 * Last step of the shards sink: each shard gathers its rows' tokens and writes one Arrow file, with the table of its
 * pieces beside it; then each set's manifest, with the tokenizer copied beside it, and the result for the report.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../core/sha256.ts';
import type { SinkContext, SinkStep } from '../core/stage.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import type { DealtCorpus } from './deal-step.ts';
import type { EncodedCorpus } from './encode-step.ts';
import { loadEncoding } from './encoding.ts';
import { gatherShard, type ShardSettings } from './gather.ts';
import { describeColumns, MANIFEST_NAME, PIECE_COLUMNS, type ShardEntry, type ShardManifest } from './manifest.ts';
import type { ShardOptions } from './options.ts';
import type { PackedCorpus } from './pack-step.ts';
import { equalBorders, paddingPercent, sumReports } from './packing.ts';
import type { PieceRecords } from './piece-records.ts';
import { piecesName } from './pieces-table.ts';
import type { RoutedCorpus } from './route-step.ts';
import type { Shard, TokenType } from './shard-rows.ts';
import type { WrittenShard } from './shard-writer.ts';
import { SPLIT_NAMES } from './split.ts';
import type { SplitCorpus } from './split-step.ts';

interface WriteTask extends ShardSettings {
  folder: string;
  file: string;
}

/** The sink's `details` in the run summary; of both sides where documents are held out. */
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
  /** UTF-8 bytes of text per token, bos and eos not counted; not of conversations, whose text is not what is encoded. */
  bytesPerToken?: number;
  /** Of the side that is held out. */
  validation?: { documents: number; tokens: number; rows: number; leftOut: number };
  /** Documents that fill-in-the-middle rearranged. */
  rearranged?: number;
  /** Conversations cut to a row, and left out. */
  truncated?: number;
  dropped?: number;
}

type Earlier = [EncodedCorpus, SplitCorpus, DealtCorpus, PackedCorpus, RoutedCorpus];

export const writeStep = {
  name: 'write',
  // While the disk takes a shard the next one is gathered.
  tasksPerWorker: 2,

  async plan(options, _context, earlier): Promise<WriteTask[]> {
    const [encoded, , dealt, , { sets, groups, sources }] = earlier as Earlier;
    return sets.flatMap(({ firstShard, shards, rows }, s) => {
      const borders = equalBorders(rows, shards);
      return Array.from({ length: shards }, (_, shard) => ({
        folder: dealt.sets[s].folder,
        file: shardName(shard, shards),
        shard: firstShard + shard,
        firstRow: borders[shard],
        rows: borders[shard + 1] - borders[shard],
        groups,
        sources,
        contextLength: options.contextLength,
        type: encoded.type,
        paddingId: encoded.pad.id,
        hasLabels: options.conversations !== undefined,
      }));
    });
  },

  async run(options, task: WriteTask, context): Promise<ShardEntry> {
    const { file } = task;
    const folder = join(context.outputDir, task.folder);
    const { shard, pieces, close } = gatherShard(task, context.workDir);
    try {
      const { tokens } = pieces;
      const entry = { file, rows: task.rows, tokens: tokens.reduce((sum, length) => sum + length, 0) };
      // While the disk takes one the other is made.
      const [written, table] = await Promise.allSettled([
        writeTo(join(folder, file), shard, task, context.pipelineHash),
        options.provenance ? writeTable(join(folder, piecesName(file)), pieces) : null,
      ]);
      if (written.status === 'rejected') throw written.reason;
      if (table.status === 'rejected') throw table.reason;
      const { bytes, sha256 } = written.value;
      return { ...entry, bytes, sha256, pieces: table.value && { file: piecesName(file), ...table.value } };
    } finally {
      close();
    }
  },

  async merge(options, results: ShardEntry[], context, earlier): Promise<ShardsReport> {
    const [encoded, , dealt, { reports }, { sets }] = earlier as Earlier;
    for (const folder of ['', ...SPLIT_NAMES]) {
      const set = dealt.sets.findIndex((other) => other.folder === folder);
      const mine = set === -1 ? [] : results.slice(sets[set].firstShard, sets[set].firstShard + sets[set].shards);
      await removeStrangers(join(context.outputDir, folder), set === -1, mine);
      if (set === -1) continue;
      const manifest = await manifestOf(options, context, earlier as Earlier, set, mine);
      const path = join(context.outputDir, folder, MANIFEST_NAME);
      await writeFileAtomic(path, `${JSON.stringify(manifest, null, 2)}\n`);
    }
    const total = sumReports(reports);
    const { rows, tokens, documents, documentsCut, documentsCutAvoidably, paddingTokens } = total;
    const { rearranged, truncated, dropped } = encoded.counts;
    const added = documents * (Number(encoded.bos !== null) + Number(encoded.eos !== null)) + 3 * rearranged;
    const [, held] = reports;
    return {
      rows,
      tokens,
      documents,
      documentsCut,
      documentsCutAvoidably,
      paddingTokens,
      paddingPercent: Number(paddingPercent(total).toFixed(4)),
      contextLength: options.contextLength,
      dtype: encoded.type,
      shards: results.length,
      ...(options.conversations === undefined
        ? { bytesPerToken: Number((encoded.textBytes / Math.max(1, encoded.tokens - added)).toFixed(3)) }
        : { truncated, dropped }),
      ...(options.fillInTheMiddle && { rearranged }),
      ...(held && {
        validation: {
          documents: held.documents,
          tokens: held.tokens,
          rows: held.rows,
          leftOut: dealt.sets[0].leftOut,
        },
      }),
    };
  },
} satisfies SinkStep<ShardOptions>;

// Both imported only here: they bring the Arrow and Parquet libraries, and every command imports this step.

async function writeTo(path: string, shard: Shard, task: WriteTask, pipelineHash: string): Promise<WrittenShard> {
  const { writeShard } = await import('./shard-writer.ts');
  return writeShard(path, shard, {
    'corpusmill.context_length': String(task.contextLength),
    'corpusmill.pad_id': String(task.paddingId),
    'corpusmill.pipeline': pipelineHash,
  });
}

async function writeTable(path: string, pieces: PieceRecords): Promise<{ bytes: number; sha256: string }> {
  const { writePieces } = await import('./pieces-table.ts');
  return writePieces(path, pieces);
}

/** `shard-00002-of-00017.arrow`, as HF datasets name theirs. */
export function shardName(shard: number, shards: number): string {
  const five = (n: number) => String(n).padStart(5, '0');
  return `shard-${five(shard)}-of-${five(shards)}.arrow`;
}

async function manifestOf(
  options: ShardOptions,
  context: SinkContext,
  [encoded, { threshold }, dealt, { reports }]: Earlier,
  set: number,
  shards: ShardEntry[],
): Promise<ShardManifest> {
  const { windows, sources, leftOut } = dealt.sets[set];
  const report = reports[set];
  const { fillInTheMiddle, conversations } = options;
  const { rearranged, truncated, dropped } = encoded.counts;
  return {
    schemaVersion: 2,
    kind: 'corpusmill-shards',
    pipelineHash: context.pipelineHash,
    split: dealt.sets.length === 1 ? null : { name: SPLIT_NAMES[set], below: threshold, leftOut },
    contextLength: options.contextLength,
    dtype: encoded.type,
    rows: report.rows,
    tokens: report.tokens,
    documents: report.documents,
    documentsEmpty: report.documentsEmpty,
    padding: { tokens: report.paddingTokens, percent: Number(paddingPercent(report).toFixed(4)) },
    cut: { documents: report.documentsCut, avoidably: report.documentsCutAvoidably },
    packing: { strategy: options.packing, windows, shuffled: options.shuffle },
    seed: context.seed,
    bos: encoded.bos,
    eos: encoded.eos,
    pad: encoded.pad,
    fillInTheMiddle:
      fillInTheMiddle && encoded.fim
        ? { rate: fillInTheMiddle.rate, spmRate: fillInTheMiddle.spmRate, ...encoded.fim, documents: rearranged }
        : null,
    conversations: conversations ? { tooLong: conversations.tooLong, truncated, dropped } : null,
    tokenizer: await copyTokenizer(options, context, dealt.sets[set].folder),
    sources,
    columns: describeColumns(options.contextLength, encoded.type, conversations !== undefined),
    pieceColumns: options.provenance ? PIECE_COLUMNS : null,
    shards,
  };
}

async function copyTokenizer(
  options: ShardOptions,
  context: SinkContext,
  folder: string,
): Promise<ShardManifest['tokenizer']> {
  const { tokenizer, tokenizerFiles } = await loadEncoding(options, context);
  for (const [name, bytes] of tokenizerFiles) await writeFileAtomic(join(context.outputDir, folder, name), bytes);
  const [[file, bytes]] = tokenizerFiles;
  return { file, sha256: sha256Hex(bytes), vocabSize: tokenizer.vocabSize };
}

/** Shards of an earlier run with another number of shards, or another split, would be read along by a glob. */
async function removeStrangers(folder: string, whole: boolean, mine: readonly ShardEntry[]): Promise<void> {
  const names = new Set(mine.flatMap(({ file, pieces }) => [file, pieces?.file]));
  for (const name of await readdir(folder).catch(() => [])) {
    const isShard = /^(shard|pieces)-\d{5,}-of-\d{5,}\.(arrow|parquet)$/.test(name);
    if ((isShard && !names.has(name)) || (whole && name === MANIFEST_NAME)) await rm(join(folder, name));
  }
}
