/**
 * Runs products with the native kernels of the instruction set that CORPUSMILL_ISA names, which a process reads once.
 * Input: one JSON array of { function, args }, typed arrays as { type, base64 }. Output: { isa, results }: of each call
 * C on one thread in base64, and the numbers of threads that gave other bits.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { matmul } = require('node-gyp-build')(fileURLToPath(new URL('../..', import.meta.url)));
const types = { Float32Array, Int32Array };

const calls = JSON.parse(readFileSync(0, 'utf8')).map((call) => ({
  function: call.function,
  args: call.args.map((arg) => {
    if (typeof arg !== 'object' || arg === null) return arg ?? undefined;
    return new types[arg.type](new Uint8Array(Buffer.from(arg.base64, 'base64')).buffer);
  }),
  others: [],
}));
for (const threads of [1, 2, 3, 4]) {
  matmul.setThreads(threads);
  for (const call of calls) {
    const place = call.function === 'gemm' ? 12 : call.args.length - 1;
    const c = call.args[place].slice();
    matmul[call.function](...call.args.map((arg, i) => (i === place ? c : arg)));
    const bytes = Buffer.from(c.buffer);
    if (threads === 1) call.alone = bytes;
    else if (!bytes.equals(call.alone)) call.others.push(threads);
  }
}
const results = calls.map(({ alone, others }) => ({ c: alone.toString('base64'), others }));
process.stdout.write(JSON.stringify({ isa: matmul.isa(), results }));
