/**
 * Whether llama.cpp computes what it should from a GGUF file of ours: log-probabilities of every token of the vocabulary at every
 * position, against the logits of a reference (a safetensors file with `input_ids` [rows, time] and `logits`
 * [rows, time, vocabulary]), with float32 cache and flash attention off.
 *
 *   node bench/interop/gguf.mjs MODEL.gguf REFERENCE.safetensors [--tolerance 1e-4] [--rows N] [--json]
 *   node bench/interop/gguf.mjs MODEL.gguf --tokenize TEXT          ids of a text, as llama.cpp cuts it
 *
 * The judge is node-llama-cpp, which ships a built llama.cpp; it stands outside of this repository (30 MB):
 *
 *   mkdir -p ~/.cache/corpusmill/llama && cd ~/.cache/corpusmill/llama && npm init -y &&
 *   npm install --omit=optional --ignore-scripts node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1
 *
 * or in another folder that CORPUSMILL_LLAMA names. It runs in a process of its own: a file that llama.cpp dislikes ends its process.
 * Needs the build (`npm run build`). Exit code 1 when the tolerance is passed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tolerance: { type: 'string', default: '1e-4' },
    rows: { type: 'string' },
    tokenize: { type: 'string' },
    json: { type: 'boolean', default: false },
    child: { type: 'boolean', default: false },
  },
});

if (flags.child) await judge();
else parent();

function parent() {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), ...process.argv.slice(2), '--child'],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  const line = stdout.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) {
    process.stderr.write(`${stderr}\nllama.cpp ended with ${signal ?? `exit code ${status}`} and no answer\n`);
    process.exit(1);
  }
  const result = JSON.parse(line);
  if (flags.json || result.ids !== undefined) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    const { file, positions, vocabulary, maxLogProbabilityError, sameArgmax, tolerance } = result;
    process.stdout.write(
      `${file}: ${positions} positions × ${vocabulary} tokens, largest difference of log-probabilities ` +
        `${maxLogProbabilityError.toExponential(2)} (at most ${tolerance}), same first token at ${sameArgmax}\n`,
    );
  }
  process.exit(result.ok === false ? 1 : 0);
}

async function judge() {
  const [file, referencePath] = positionals;
  const folder = process.env.CORPUSMILL_LLAMA ?? join(homedir(), '.cache', 'corpusmill', 'llama');
  const entry = join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
  if (!existsSync(entry))
    throw new Error(`no node-llama-cpp in ${folder}: the header of this file says how to install it`);
  const { getLlama } = await import(pathToFileURL(entry).href);
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
  const model = await llama.loadModel({ modelPath: file });
  if (flags.tokenize !== undefined) {
    process.stdout.write(`\n${JSON.stringify({ ids: [...model.tokenize(flags.tokenize)] })}\n`);
    process.exit(0);
  }
  const { openSafetensors } = await import('../../dist/src/io/safetensors/reader.js');
  const reference = await openSafetensors(referencePath);
  const [rows, time] = reference.tensors.get('input_ids').shape;
  const ids = Array.from(await reference.read('input_ids'), Number);
  const logits = await reference.readFloat32('logits');
  const vocabulary = logits.length / (rows * time);
  const wanted = Math.min(rows, Number(flags.rows ?? rows));
  let worst = 0;
  let same = 0;
  for (let row = 0; row < wanted; row++) {
    const context = await model.createContext({
      contextSize: Math.max(256, time),
      experimentalKvCacheKeyType: 'F32',
      experimentalKvCacheValueType: 'F32',
      flashAttention: false,
    });
    const sequence = context.getSequence();
    const answers = await sequence.controlledEvaluate(
      ids
        .slice(row * time, (row + 1) * time)
        .map((id) => [
          id,
          { generateNext: { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } } },
        ]),
    );
    for (let t = 0; t < time; t++) {
      const { probabilities } = answers[t].next;
      const expected = logSoftmax(logits.subarray((row * time + t) * vocabulary, (row * time + t + 1) * vocabulary));
      let first = -1;
      let best = -1;
      for (const [token, probability] of probabilities) {
        worst = Math.max(worst, Math.abs(Math.log(probability) - expected[token]));
        if (probability > best) [first, best] = [token, probability];
      }
      if (probabilities.size !== vocabulary)
        throw new Error(`${probabilities.size} probabilities of ${vocabulary} tokens`);
      if (first === expected.indexOf(Math.max(...expected))) same++;
    }
    await context.dispose();
  }
  const tolerance = Number(flags.tolerance);
  const result = {
    file,
    positions: wanted * time,
    vocabulary,
    maxLogProbabilityError: worst,
    sameArgmax: same,
    tolerance,
    ok: worst <= tolerance,
  };
  process.stdout.write(`\n${JSON.stringify(result)}\n`);
  process.exit(0);
}

/** In float64. */
function logSoftmax(logits) {
  const largest = Math.max(...logits);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  const logSum = largest + Math.log(sum);
  return Array.from(logits, (logit) => logit - logSum);
}
