/**
 * Packing on lengths like those of web pages: padding, documents cut, and the time for 10 million documents.
 *
 * Lengths are log-normal (median 665 tokens, mean about 1,770: what the Qwen tokenizer gives on mixed web text) from a
 * fixed seed. The peers are the two other strategies, which is how Megatron, nanoGPT (concatenate) and simple packers
 * (next-fit) do it; TRL's best-fit, in Python over Arrow, is quoted at .3 s for 100,000 rows (30 s for 10 million).
 * Times are CPU seconds of one thread.
 */
import { createRandom } from '../src/core/random.ts';
import {
  equalBorders,
  PACKINGS,
  packDocuments,
  paddingPercent,
  sumReports,
  windowsFor,
} from '../src/shards/packing.ts';
import type { Bench } from './bench.ts';

const DOCUMENTS = 1_000_000;
const MANY_DOCUMENTS = 10_000_000;
const CONTEXT_LENGTHS = [1024, 2048, 4096, 8192, 32768];

export const packing: Bench = {
  name: 'packing',
  summary: 'Padding, documents cut and speed of best-fit packing, beside concatenation and next-fit',
  async run() {
    const table: (string | number)[][] = [
      ['row', 'packing', 'documents', 'padding %', 'cut %', 'cut avoidably %', 'rows', 'CPU s'],
    ];
    const lengths = webLikeLengths(MANY_DOCUMENTS, 20240410);
    const measure = (contextLength: number, packing: (typeof PACKINGS)[number], documents: number) => {
      const before = process.cpuUsage();
      const report = packWindows(lengths.subarray(0, documents), contextLength, packing);
      const { user, system } = process.cpuUsage(before);
      const seconds = (user + system) / 1e6;
      table.push([
        contextLength,
        packing,
        documents,
        paddingPercent(report).toFixed(4),
        ((100 * report.documentsCut) / documents).toFixed(1),
        ((100 * report.documentsCutAvoidably) / documents).toFixed(1),
        report.rows,
        seconds.toFixed(2),
      ]);
      return { report, seconds };
    };
    for (const contextLength of CONTEXT_LENGTHS) {
      for (const packing of PACKINGS) measure(contextLength, packing, DOCUMENTS);
    }
    const at2048 = measure(2048, 'best-fit', MANY_DOCUMENTS);
    const at8192 = measure(8192, 'best-fit', MANY_DOCUMENTS);
    return {
      table,
      figures: {
        paddingPercent2048: Number(paddingPercent(at2048.report).toFixed(5)),
        avoidablyCut: at2048.report.documentsCutAvoidably,
        secondsFor10M: Number(at2048.seconds.toFixed(2)),
        secondsFor10MAt8192: Number(at8192.seconds.toFixed(2)),
      },
      notes: ['Documents are packed in windows of at least 1,048,576, as the shards stage does by default.'],
    };
  },
};

function packWindows(lengths: Uint32Array, contextLength: number, packing: (typeof PACKINGS)[number]) {
  const borders = equalBorders(lengths.length, windowsFor(lengths.length, 2 ** 20));
  const reports = borders
    .slice(1)
    .map((end, w) => packDocuments(lengths.subarray(borders[w], end), { contextLength, packing }).report);
  return sumReports(reports);
}

/** exp(6.5 + 1.4 · normal), normals by Box and Muller. */
function webLikeLengths(documents: number, seed: number): Uint32Array {
  const random = createRandom(seed);
  const lengths = new Uint32Array(documents);
  for (let i = 0; i < documents; i++) {
    const normal = Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
    lengths[i] = Math.max(1, Math.round(Math.exp(6.5 + 1.4 * normal)));
  }
  return lengths;
}
