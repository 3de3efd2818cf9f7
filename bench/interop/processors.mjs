// Processed logits for bench/interop/generate.py: reads JSON cases {logits, options, earlier} from standard input and prints,
// for each, the ids that can still be chosen with their processed logits.
//
//     node bench/interop/processors.mjs < cases.json        (after npm run build)
import { readFileSync } from 'node:fs';
import { processLogits } from '../../dist/src/training/generation/sampling.js';

const cases = JSON.parse(readFileSync(0, 'utf8'));
const results = cases.map(({ logits, options, earlier }) => {
  const values = Float32Array.from(logits);
  processLogits(values, options, earlier);
  const ids = [...values.keys()].filter((id) => values[id] !== -Infinity);
  return { ids, values: ids.map((id) => values[id]) };
});
process.stdout.write(JSON.stringify(results));
