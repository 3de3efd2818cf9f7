/**
 * Encoding beside tiktoken and HF tokenizers in Python, in one run, on web-mix (54 MB of text): all of it, its English and its
 * Chinese, with a vocabulary of 32,000 tokens trained on it and with Qwen2.5's 151,665. Ids of all texts are compared with
 * HF's. CPU time of one thread: ours the better of two passes, the peers' one pass, which runs right before; theirs have no
 * code to compile, but their time holds the making of Python lists. Further: texts made to be slow, the TypeScript twin, and
 * @huggingface/tokenizers (on a fiftieth: it is slow).
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { packageRoot } from '../src/core/package-root.ts';
import { createIdWriter } from '../src/tokenizer/create-id-writer.ts';
import { type BpeTables, readHfTokenizer, writeHfTokenizer } from '../src/tokenizer/hf-json.ts';
import type { IdWriter } from '../src/tokenizer/id-writer.ts';
import { TwinIdWriter } from '../src/tokenizer/id-writer-twin.ts';
import { Tokenizer } from '../src/tokenizer/tokenizer.ts';
import { writeTokenizerFiles } from '../src/tokenizer/tokenizer-files.ts';
import type { Bench } from './bench.ts';
import {
  askPeers,
  cpuSeconds,
  NO_PEERS,
  type PeerReport,
  readWebMix,
  trainOn,
  type WebMixRow,
} from './tokenizer-judge.ts';

type Figures = Awaited<ReturnType<Bench['run']>>['figures'];

export const tokenizerEncode: Bench = {
  name: 'tokenizer-encode',
  summary: 'Encoding speed and exactness, beside tiktoken, HF tokenizers and @huggingface/tokenizers',
  async run() {
    const { rows, bytes } = readWebMix();
    const table: (string | number)[][] = [['vocabulary, text', 'encoder', 'MB/s']];
    const own = trainOn(rows).tables;
    const figures: Figures = { megabytes: round(bytes / 1e6) };
    const peers = await compare('own 32k', own, rows, table, figures, '');
    const qwenPath = join(
      process.env['CORPUSMILL_SHARED'] ?? join(packageRoot(), '..', 'shared'),
      'data',
      'qwen-tokenizer',
    );
    if (existsSync(qwenPath)) {
      const json = JSON.parse(gunzipSync(readFileSync(join(qwenPath, 'tokenizer.json.gz'))).toString()) as object;
      const loading = cpuSeconds(() => Tokenizer.fromJson(json).encode('now'));
      figures['qwenCreateSeconds'] = round(loading.seconds);
      await compare('Qwen2.5', readHfTokenizer(json, qwenPath), rows, table, figures, 'Qwen');
    }
    for (const [name, text] of slowTexts()) {
      const tokenizer = Tokenizer.fromJson(writeHfTokenizer(own));
      const { seconds } = cpuSeconds(() => tokenizer.encode(text));
      table.push([`own 32k, ${name}`, 'corpusmill', round(Buffer.byteLength(text) / 1e6 / seconds)]);
    }
    const some = rows.filter((_, i) => i % 50 === 0);
    const js = new HuggingFaceTokenizer(writeHfTokenizer(own), {});
    const jsSpeed = speed(some, () => {
      for (const row of some) js.encode(row.text);
    });
    table.push(['own 32k, a fiftieth', '@huggingface/tokenizers', round(jsSpeed)]);
    return { table, figures, notes: peers === undefined ? [NO_PEERS] : [] };
  },
};

/** One vocabulary beside the peers; figures get `suffix` behind their names. */
async function compare(
  name: string,
  tables: BpeTables,
  rows: readonly WebMixRow[],
  table: (string | number)[][],
  figures: Figures,
  suffix: string,
): Promise<PeerReport | undefined> {
  const tokenizer = Tokenizer.fromJson(writeHfTokenizer(tables));
  const folder = await mkdtemp(join(tmpdir(), 'corpusmill-bench-'));
  try {
    await writeTokenizerFiles(tables, folder);
    const idsPath = join(folder, 'ids.bin');
    await writeFile(idsPath, idFile(tokenizer, rows));
    const peers = await askPeers(folder, ['--ids', idsPath]);
    const groups = { mixed: rows, English: ofLanguage(rows, 'en'), Chinese: ofLanguage(rows, 'zh') };
    for (const [group, texts] of Object.entries(groups)) {
      const ours = speed(texts, () => {
        for (const row of texts) tokenizer.encode(row.text);
      });
      table.push([`${name}, ${group}`, 'corpusmill', round(ours)]);
      const figure = (key: string): string => key + (group === 'mixed' ? '' : group) + suffix;
      figures[figure('mbPerSecondPerCore')] = round(ours);
      const theirs = peers?.groups[group];
      if (theirs === undefined) continue;
      figures[figure('ratioToTiktoken')] = round(ours / theirs.tiktokenMbPerSecond);
      figures[figure('ratioToHf')] = round(ours / theirs.hfMbPerSecond);
      table.push([`${name}, ${group}`, 'tiktoken (Python)', theirs.tiktokenMbPerSecond]);
      table.push([`${name}, ${group}`, 'HF tokenizers (Python)', theirs.hfMbPerSecond]);
    }
    figures[`idsIdentical${suffix}`] = peers === undefined ? null : peers.hfVersusCorpusmill === 0;
    const twin = new TwinIdWriter(tables);
    const native = createIdWriter(tables);
    const twinSpeed = speed(rows, () => {
      for (const row of rows) appendAndDrop(twin, row.text);
    });
    const same = rows.every((row) => sameIds(idsOf(twin, row.text), idsOf(native, row.text)));
    figures[`twinMbPerSecond${suffix}`] = round(twinSpeed);
    figures[`twinIdsIdentical${suffix}`] = same;
    table.push([`${name}, mixed`, 'corpusmill (TypeScript twin)', round(twinSpeed)]);
    if (peers !== undefined) table.push([name, 'texts with other ids than HF', peers.hfVersusCorpusmill ?? '']);
    return peers;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Ten megabytes each of what makes encoders quadratic. */
function* slowTexts(): Generator<[string, string]> {
  yield ['10 MB of one letter', 'a'.repeat(1e7)];
  yield ['10 MB of Chinese without a border', '中文分词没有标点很长'.repeat(333_333)];
  let state = 1;
  const random = Array.from({ length: 1e7 / 1.5 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  yield ['10 MB of random bytes as Latin-1', Buffer.from(random).toString('latin1')];
}

/** MB/s of CPU time, the better of two passes. */
function speed(rows: readonly WebMixRow[], pass: () => void): number {
  const seconds = Math.min(cpuSeconds(pass).seconds, cpuSeconds(pass).seconds);
  return rows.reduce((sum, row) => sum + Buffer.byteLength(row.text), 0) / 1e6 / seconds;
}

function ofLanguage(rows: readonly WebMixRow[], language: string): WebMixRow[] {
  return rows.filter((row) => row.lang.startsWith(language));
}

function appendAndDrop(writer: IdWriter, text: string): void {
  writer.appendText(text);
  writer.clear();
}

function idsOf(writer: IdWriter, text: string): Uint32Array {
  writer.appendText(text);
  const ids = new Uint32Array(writer.size());
  writer.take(ids, 0);
  return ids;
}

/** Per text a length and the ids, little-endian uint32: what bench/interop/tokenizer.py reads. */
function idFile(tokenizer: Tokenizer, rows: readonly WebMixRow[]): Buffer {
  return Buffer.concat(
    rows.flatMap((row) => {
      const ids = tokenizer.encode(row.text);
      return [Uint32Array.of(ids.length), ids].map((words) => Buffer.from(words.buffer));
    }),
  );
}

function sameIds(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
