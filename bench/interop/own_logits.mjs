/**
 * Logits that corpusmill computes of a checkpoint folder, for random token ids, as a reference for the judges beside:
 *
 *   node bench/interop/own_logits.mjs FOLDER OUT.safetensors [--rows 2] [--time 64] [--backend native|reference]
 *   PYTHON bench/interop/checkpoint.py FOLDER OUT.safetensors
 *   npx corpusmill model export FOLDER --gguf model.gguf --type f32 && node bench/interop/gguf.mjs model.gguf OUT.safetensors
 *
 * So a model trained here is held against transformers and llama.cpp. Needs the build (`npm run build`).
 */
import { parseArgs } from 'node:util';
import { logitsOf } from '../../dist/bench/golden-model.js';
import { createRandom } from '../../dist/src/core/random.js';
import { writeSafetensors } from '../../dist/src/io/safetensors/writer.js';
import { loadWeights } from '../../dist/src/models/checkpoint/load-weights.js';
import { openBackend } from '../../dist/src/tensor/open-backend.js';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '2' },
    time: { type: 'string', default: '64' },
    backend: { type: 'string', default: 'auto' },
  },
});
const [folder, out] = positionals;
const [rows, time] = [Number(flags.rows), Number(flags.time)];
const backend = await openBackend(flags.backend);
const weights = await loadWeights(backend, folder);
const { config } = weights;
const random = createRandom(1);
const ids = Int32Array.from({ length: rows * time }, () => Math.floor(random.float() * config.vocabSize));
const logits = await logitsOf(backend, { config, weights }, rows, ids);
await writeSafetensors(out, [
  { name: 'input_ids', dtype: 'I64', shape: [rows, time], values: () => BigInt64Array.from(ids, BigInt) },
  { name: 'logits', dtype: 'F32', shape: [rows, time, config.vocabSize], values: () => logits },
]);
process.stdout.write(
  `${out}: logits [${rows}, ${time}, ${config.vocabSize}] of ${folder} on the ${backend.name} backend\n`,
);
await backend.dispose();
