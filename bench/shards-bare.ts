/**
 * Bare encoding in a process of its own, for the bench `shards`: node shards-bare.js JSONL TOKENIZER THREADS. The texts lie in
 * memory, 4 MB to a column, before the clock starts; each thread encodes every so manieth column. Prints JSON: the better of
 * two passes.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { columnOf, type Utf8Column } from '../src/core/utf8-column.ts';
import { Tokenizer } from '../src/tokenizer/tokenizer.ts';

/** What this process says. */
export interface BareCost {
  megabytes: number;
  tokens: number;
  seconds: number;
  cpuSeconds: number;
}

const COLUMN_CHARS = 4e6;
const PASSES = 2;

if (isMainThread) await main();
else await encodeShare();

async function main(): Promise<void> {
  const [input, tokenizer, threads] = process.argv.slice(2);
  const columns = [...readColumns(input)];
  const share = (thread: number): Utf8Column[] => columns.filter((_, i) => i % Number(threads) === thread);
  const workers = Array.from({ length: Number(threads) }, (_, thread) => {
    return new Worker(new URL(import.meta.url), { workerData: { tokenizer, columns: share(thread) } });
  });
  const all = (): Promise<number[]> =>
    Promise.all(workers.map((worker) => new Promise<number>((resolve) => worker.once('message', resolve))));
  await all();
  const best: BareCost = { megabytes: 0, tokens: 0, seconds: Number.POSITIVE_INFINITY, cpuSeconds: 0 };
  for (const { bytes } of columns) best.megabytes += bytes.length / 1e6;
  for (let pass = 0; pass < PASSES; pass++) {
    const before = process.cpuUsage();
    const started = performance.now();
    const answers = all();
    for (const worker of workers) worker.postMessage('encode');
    best.tokens = (await answers).reduce((sum, tokens) => sum + tokens);
    const seconds = (performance.now() - started) / 1000;
    if (seconds >= best.seconds) continue;
    const { user, system } = process.cpuUsage(before);
    Object.assign(best, { seconds, cpuSeconds: (user + system) / 1e6 });
  }
  for (const worker of workers) await worker.terminate();
  process.stdout.write(JSON.stringify(best));
}

async function encodeShare(): Promise<void> {
  const { tokenizer: path, columns } = workerData as { tokenizer: string; columns: Utf8Column[] };
  const tokenizer = await Tokenizer.fromFile(path);
  parentPort?.on('message', () => {
    let tokens = 0;
    for (const column of columns) tokens += tokenizer.encodeBatch(column, { after: 0, narrow: true }).ids.length;
    parentPort?.postMessage(tokens);
  });
  parentPort?.postMessage(0);
}

function* readColumns(path: string): Generator<Utf8Column> {
  let texts: string[] = [];
  let chars = 0;
  for (const line of linesOf(path)) {
    const { text } = JSON.parse(line) as { text: string };
    texts.push(text);
    chars += text.length;
    if (chars < COLUMN_CHARS) continue;
    yield columnOf(texts);
    texts = [];
    chars = 0;
  }
  if (texts.length > 0) yield columnOf(texts);
}

/** By pieces: no string holds a gigabyte. */
function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  const piece = Buffer.alloc(1 << 24);
  let rest = Buffer.alloc(0);
  for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
    const bytes = Buffer.concat([rest, piece.subarray(0, read)]);
    const end = bytes.lastIndexOf(10) + 1;
    rest = bytes.subarray(end);
    if (end > 0) yield* bytes.toString('utf8', 0, end - 1).split('\n');
  }
  closeSync(file);
  if (rest.length > 0) yield rest.toString();
}
