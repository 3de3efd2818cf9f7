/**
 * Training a 32,000-token byte-level BPE on web-mix (54 MB of text, English and Chinese), beside HF tokenizers'
 * BpeTrainer with the same pattern, alphabet and settings; merges are compared in order. CPU seconds of one thread.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTokenizerFiles } from '../src/tokenizer/tokenizer-files.ts';
import type { Bench } from './bench.ts';
import { askPeers, NO_PEERS, readWebMix, trainOn } from './tokenizer-judge.ts';

export const tokenizerTrain: Bench = {
  name: 'tokenizer-train',
  summary: 'BPE training to 32,000 tokens, beside HF tokenizers',
  async run() {
    const { rows, bytes } = readWebMix();
    const { trained, count, merge } = trainOn(rows);
    const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
    const folder = await mkdtemp(join(tmpdir(), 'corpusmill-bench-'));
    try {
      await writeTokenizerFiles(trained.tables, folder);
      const peers = await askPeers(folder, ['--train']);
      const seconds = count + merge;
      const hfSeconds = peers?.hfTrainCpuSeconds;
      const table: (string | number)[][] = [
        ['trainer', 'CPU s', 'MB/s', 'peak MiB'],
        ['corpusmill (TypeScript)', seconds.toFixed(2), (bytes / 1e6 / seconds).toFixed(1), peakMiB],
        ['  counting pieces', count.toFixed(2), (bytes / 1e6 / count).toFixed(1), ''],
        ['  merging', merge.toFixed(2), (bytes / 1e6 / merge).toFixed(1), ''],
      ];
      if (hfSeconds !== undefined) {
        table.push(['HF tokenizers', hfSeconds, (bytes / 1e6 / hfSeconds).toFixed(1), peers?.hfPeakMiB ?? '']);
      }
      return {
        table,
        figures: {
          cpuRatioToHf32k: hfSeconds === undefined ? null : Number((hfSeconds / seconds).toFixed(2)),
          mergesIdentical: peers?.mergesIdentical ?? null,
          merges: trained.merges,
          cpuSeconds: Number(seconds.toFixed(2)),
          peakMiB,
          hfPeakMiB: peers?.hfPeakMiB ?? null,
        },
        notes: peers === undefined ? [NO_PEERS] : ['Both peaks include the texts themselves.'],
      };
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
