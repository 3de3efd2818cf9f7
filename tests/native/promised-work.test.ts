import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { packageRoot } from '../../src/core/package-root.ts';
import { temporaryFolder } from '../temporary-folder.ts';

/** Ends worker threads that have much under way on the pool, again and again. */
const SCRIPT = `
const { Worker } = require('node:worker_threads');
const [addon, folder] = process.argv.slice(1);
const work = \`
  const { workerData: [path, folder], parentPort, threadId } = require('node:worker_threads');
  const addon = require(path);
  const file = require('node:fs').openSync(path);
  for (let i = 0; i < 40; i++) {
    addon.readRanges(Float64Array.of(file, 0, 100000, 0), 100000);
    // Past its end: the range that failed is told of.
    addon.readRanges(Float64Array.of(file, 2 ** 40, 10, 0), 10);
    const names = ['file', '.file', ''].map((name) => folder + '/' + name + threadId + '-' + i);
    addon.writeWholeFiles([names[0], names[1], folder], [new Uint8Array(1000)], Uint32Array.of(1));
    addon.writeWholeFiles([names[0], folder + '/none/file', folder], [], Uint32Array.of(0));
  }
  parentPort.postMessage('under way');
  setInterval(() => {}, 1000);
\`;
(async () => {
  for (let i = 0; i < 20; i++) {
    const worker = new Worker(work, { eval: true, workerData: [addon, folder] });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    await worker.terminate();
  }
  console.log('alive');
})();
`;

describe.skipIf(native?.writeWholeFiles === undefined)('native work on threads of the pool', () => {
  it('outlives the worker thread that waits for it, and the process goes on', () => {
    const folder = join(temporaryFolder(), 'files');
    mkdirSync(folder);
    const addon = join(packageRoot(), 'build', 'Release', 'corpusmill.node');
    const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', SCRIPT, addon, folder], { encoding: 'utf8' });
    expect({ stdout, stderr, status }).toEqual({ stdout: 'alive\n', stderr: '', status: 0 });
    // What was begun is whole, and nothing else is left.
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
