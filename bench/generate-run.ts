/**
 * One measurement of the generate bench, in a process of its own: `node dist/bench/generate-run.js MODEL-FOLDER BATCH PROMPT
 * NEW THREADS ROUNDS`. Prints one JSON object: seconds of prefill and of decode for each round, and what a decode step is
 * made of.
 */
import { readConfigFile } from '../src/models/known-configs.ts';
import { createWeights } from '../src/models/weights.ts';
import { openBackend } from '../src/tensor/open-backend.ts';
import { createCachedDecoder } from '../src/training/generation/cached-decoder.ts';
import { argmax } from '../src/training/generation/sampling.ts';

const [path, ...numbers] = process.argv.slice(2);
const [batch, prompt, fresh, threads, rounds] = numbers.map(Number);
const { config } = readConfigFile(path);
const backend = await openBackend('auto', { threads });
const weights = createWeights(backend, config);
weights.initialize(1);
const decoder = createCachedDecoder(backend, weights, { slots: batch, capacity: prompt + fresh });
const prompts = Array.from({ length: batch }, (_, b) =>
  Int32Array.from({ length: prompt }, (_, t) => (t * 31 + b * 7) % config.vocabSize),
);
const prefill: number[] = [];
const decode: number[] = [];
let hostSeconds = 0;
for (let round = -1; round < rounds; round++) {
  const begin = performance.now();
  let logits = await decoder.prefill(0, prompts);
  const middle = performance.now();
  let choosing = 0;
  for (let step = 0; step < fresh - 1; step++) {
    const before = performance.now();
    const rows = prompts.map((_, b) => ({
      id: argmax(logits.subarray(b * config.vocabSize, (b + 1) * config.vocabSize)),
      position: prompt + step,
      promptLength: prompt,
    }));
    choosing += performance.now() - before;
    logits = await decoder.decode(rows);
  }
  if (round < 0) continue;
  prefill.push((middle - begin) / 1000);
  decode.push((performance.now() - middle) / 1000);
  hostSeconds += choosing / 1000;
}
const operations = await decoder.profile(batch, prompt + fresh - 1);
const output = {
  backend: backend.name,
  prefill,
  decode,
  steps: fresh - 1,
  choosingShare: hostSeconds / decode.reduce((sum, s) => sum + s, 0),
  operations: operations.map(({ operation, calls, milliseconds }) => ({ operation, calls, milliseconds })),
};
process.stdout.write(`${JSON.stringify(output)}\n`);
await backend.dispose();
