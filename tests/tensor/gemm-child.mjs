/**
 * Runs products with the native kernels of the instruction set that CORPUSMILL_ISA names, which a process reads once.
 * Input: one JSON array of { threads, function, args } with typed arrays as { type, base64 }; the last array before an optional
 * bias is C. Output: { isa, results }, each result C in base64.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { matmul } = require('node-gyp-build')(new URL('../..', import.meta.url).pathname);
const types = { Float32Array, Int32Array };

const results = JSON.parse(readFileSync(0, 'utf8')).map((call) => {
  const args = call.args.map((arg) => {
    if (typeof arg !== 'object' || arg === null) return arg ?? undefined;
    const bytes = Buffer.from(arg.base64, 'base64');
    return new types[arg.type](new Uint8Array(bytes).buffer);
  });
  matmul.setThreads(call.threads);
  matmul[call.function](...args);
  const c = args[call.function === 'gemm' ? 12 : args.length - 1];
  return Buffer.from(c.buffer).toString('base64');
});
process.stdout.write(JSON.stringify({ isa: matmul.isa(), results }));
