/**
 * Encoding web-mix (54 MB of text) with a 32,000-token vocabulary trained on it, beside HF tokenizers and tiktoken in
 * Python on the same files and @huggingface/tokenizers in this process (on a twentieth: it is slow). Ids of all texts
 * are compared. CPU time of one thread; corpusmill's is the second pass, with its code compiled.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { writeHfTokenizer } from '../src/tokenizer/hf-json.ts';
import { Tokenizer } from '../src/tokenizer/tokenizer.ts';
import { writeTokenizerFiles } from '../src/tokenizer/tokenizer-files.ts';
import type { Bench } from './bench.ts';
import { askPeers, cpuSeconds, NO_PEERS, readWebMix, trainOn, type WebMixRow } from './tokenizer-judge.ts';

export const tokenizerEncode: Bench = {
  name: 'tokenizer-encode',
  summary: 'Encoding speed and exactness, beside tiktoken, HF tokenizers and @huggingface/tokenizers',
  async run() {
    const { rows, bytes } = readWebMix();
    const { tables } = trainOn(rows);
    const json = writeHfTokenizer(tables);
    const tokenizer = Tokenizer.fromJson(json);
    const all = speed(tokenizer, rows);
    const folder = await mkdtemp(join(tmpdir(), 'corpusmill-bench-'));
    try {
      await writeTokenizerFiles(tables, folder);
      const idsPath = join(folder, 'ids.bin');
      await writeFile(idsPath, idFile(tokenizer, rows));
      const peers = await askPeers(folder, ['--ids', idsPath]);
      const some = rows.filter((_, i) => i % 20 === 0);
      const peer = new HuggingFaceTokenizer(json, {});
      const js = cpuSeconds(() => some.every((row) => sameIds(tokenizer.encode(row.text), peer.encode(row.text).ids)));
      const jsSpeed = some.reduce((sum, row) => sum + Buffer.byteLength(row.text), 0) / 1e6 / js.seconds;
      const table: (string | number)[][] = [
        ['encoder', 'MB/s', 'ids equal'],
        ['corpusmill (TypeScript)', all.toFixed(1), ''],
        [
          '  English',
          speed(
            tokenizer,
            rows.filter((row) => row.lang.startsWith('en')),
          ).toFixed(1),
          '',
        ],
        [
          '  Chinese',
          speed(
            tokenizer,
            rows.filter((row) => row.lang.startsWith('zh')),
          ).toFixed(1),
          '',
        ],
        ['@huggingface/tokenizers', jsSpeed.toFixed(1), String(js.value)],
      ];
      if (peers !== undefined) {
        table.push(['tiktoken (Python)', peers.tiktokenMbPerSecond, String(peers.hfVersusTiktoken === 0)]);
        table.push(['HF tokenizers (Python)', peers.hfMbPerSecond, String(peers.hfVersusCorpusmill === 0)]);
      }
      return {
        table,
        figures: {
          ratioToTiktoken: peers === undefined ? null : Number((all / peers.tiktokenMbPerSecond).toFixed(2)),
          ratioToHf: peers === undefined ? null : Number((all / peers.hfMbPerSecond).toFixed(2)),
          mbPerSecondPerCore: Number(all.toFixed(1)),
          idsIdentical: js.value && (peers === undefined || peers.hfVersusCorpusmill === 0),
          tenMillionLettersSeconds: Number(cpuSeconds(() => tokenizer.encode('a'.repeat(1e7))).seconds.toFixed(2)),
          megabytes: Number((bytes / 1e6).toFixed(1)),
        },
        notes: peers === undefined ? [NO_PEERS] : [],
      };
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

/** MB/s of the second of two passes. */
function speed(tokenizer: Tokenizer, rows: readonly WebMixRow[]): number {
  const pass = (): void => {
    for (const row of rows) tokenizer.encode(row.text);
  };
  pass();
  const { seconds } = cpuSeconds(pass);
  return rows.reduce((sum, row) => sum + Buffer.byteLength(row.text), 0) / 1e6 / seconds;
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
