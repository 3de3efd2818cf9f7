// Prefill and decode of llama.cpp on a GGUF file, float32 with a float32 cache, for the generate bench.
//
//     node bench/peers/generate_llama.mjs MODEL.gguf PROMPT NEW THREADS ROUNDS
//
// node-llama-cpp stands outside of the repository: bench/interop/gguf.mjs says where. One text at a time, greedy; prints one
// JSON object with the seconds of each round.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [file, ...numbers] = process.argv.slice(2);
const [prompt, fresh, threads, rounds] = numbers.map(Number);
const folder = process.env.CORPUSMILL_LLAMA ?? join(homedir(), '.cache', 'corpusmill', 'llama');
const { getLlama } = await import(
  pathToFileURL(join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js')).href
);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: threads });
const model = await llama.loadModel({ modelPath: file });
const context = await model.createContext({
  contextSize: Math.max(256, prompt + fresh),
  batchSize: Math.max(256, prompt),
  threads,
  experimentalKvCacheKeyType: 'F32',
  experimentalKvCacheValueType: 'F32',
  flashAttention: false,
});
const ids = Array.from({ length: prompt }, (_, t) => (t * 31) % 256);
const prefill = [];
const decode = [];
for (let round = -1; round < rounds; round++) {
  const sequence = context.getSequence();
  const begin = performance.now();
  // The first token follows the prompt; it ends prefill, as in ours.
  const tokens = sequence.evaluate(ids, { temperature: 0, yieldEogToken: true });
  await tokens.next();
  const middle = performance.now();
  let made = 1;
  while (made < fresh && !(await tokens.next()).done) made++;
  const end = performance.now();
  if (made < fresh) throw new Error(`llama.cpp ended after ${made} tokens`);
  sequence.dispose();
  if (round < 0) continue;
  prefill.push((middle - begin) / 1000);
  decode.push((end - middle) / 1000);
}
process.stdout.write(`\n${JSON.stringify({ prefill, decode, steps: fresh - 1 })}\n`);
process.exit(0);
