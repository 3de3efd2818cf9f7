/**
 * One training run in a process of its own, so that its time and peak memory are its own:
 *
 *   node dist/bench/tokenizer-train-run.js TEXTS.jsonl VOCAB_SIZE THREADS OUT.txt
 *
 * Reads the texts (member `text`) as they are needed, writes the merges a line each, prints one JSON object.
 */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { bytesToAlphabet } from '../src/tokenizer/byte-alphabet.ts';
import { trainBpe } from '../src/tokenizer/train-texts.ts';

/** What this program prints. CPU seconds of all threads. */
export interface TrainRun {
  cpuSeconds: number;
  wallSeconds: number;
  /** Of both, what reading, counting and adding up took. */
  countCpuSeconds: number;
  countWallSeconds: number;
  peakMiB: number;
  uniquePieces: number;
}

/** Room for what is read at once, and for a line that is not whole yet. */
const READ_BYTES = 1 << 22;

function* textsOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  let buffer = Buffer.allocUnsafe(2 * READ_BYTES);
  let held = 0;
  for (;;) {
    if (buffer.length - held < READ_BYTES) buffer = Buffer.concat([buffer.subarray(0, held)], 2 * buffer.length);
    const read = readSync(file, buffer, held, READ_BYTES, null);
    if (read === 0) break;
    held += read;
    let at = 0;
    for (let end = buffer.indexOf(10); end >= 0 && end < held; end = buffer.indexOf(10, at)) {
      yield (JSON.parse(buffer.toString('utf8', at, end)) as { text: string }).text;
      at = end + 1;
    }
    buffer.copyWithin(0, at, held);
    held -= at;
  }
  closeSync(file);
}

const [path, vocabSize, threads, out] = process.argv.slice(2);
const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const started = { cpu: cpu(), wall: performance.now() };
let counted: typeof started | undefined;
const { tables, uniquePieces } = await trainBpe(textsOf(path), {
  vocabSize: Number(vocabSize),
  threads: Number(threads),
  specialTokens: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
  onProgress: () => {
    counted ??= { cpu: cpu(), wall: performance.now() };
  },
});
const ended = { cpu: cpu(), wall: performance.now() };
counted ??= ended;
const words = tables.tokens.map((token) => bytesToAlphabet(token!));
writeFileSync(out, Array.from(tables.lefts, (left, rank) => `${words[left]} ${words[tables.rights[rank]]}\n`).join(''));
const run: TrainRun = {
  cpuSeconds: ended.cpu - started.cpu,
  wallSeconds: (ended.wall - started.wall) / 1000,
  countCpuSeconds: counted.cpu - started.cpu,
  countWallSeconds: (counted.wall - started.wall) / 1000,
  peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  uniquePieces,
};
process.stdout.write(`${JSON.stringify(run)}\n`);
