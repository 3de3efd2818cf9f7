/**
 * Products of 1024 × 1024 × 1024 in float32 on this machine's WebGPU adapter: corpusmill beside the JS peers tfjs and jax-js, by
 * turns in one process; seconds by the clock and of all processors (a software adapter computes with them). The peers are no
 * dependencies: `npm install --prefix FOLDER @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-webgpu@4.22.0
 * @jax-js/jax@0.1.25`, then `npm run build && node bench/peers/webgpu-js.mjs FOLDER [SIZE]`.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openGpu } from '../../dist/src/tensor/open-backend.js';
import { createWebGpuBackend } from '../../dist/src/tensor/webgpu/backend.js';

const [folder, given] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node bench/peers/webgpu-js.mjs FOLDER [SIZE]');
const size = Number(given ?? 1024);
const ROUNDS = 3;
const peer = (name) => import(pathToFileURL(createRequire(join(folder, 'package.json')).resolve(name)).href);

const gpu = await openGpu();
// The peers know browsers alone.
Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
const values = (seed) => Float32Array.from({ length: size * size }, (_, i) => (((i + seed) * 7919) % 201) / 100 - 1);
const [a, b] = [values(0), values(1)];

async function corpusmill() {
  const backend = await createWebGpuBackend(gpu, { compileInTurn: true });
  const buffers = ['a', 'b', 'out'].map((name) => backend.createBuffer('f32', size * size, name));
  backend.write(buffers[0], a);
  backend.write(buffers[1], b);
  const [x, y, out] = buffers.map(({ length }, i) => ({ slot: i + 1, offset: 0, length, dtype: 'f32' }));
  const instruction = {
    operation: 'matmul',
    inputs: [x, y, undefined, undefined],
    outputs: [out],
    attributes: [size, size, size, 0, 0, 1],
  };
  const executable = backend.compile({ name: 'product', buffers, instructions: [instruction], arenaLength: 0 });
  return async () => {
    await executable.run();
    return (await backend.read(buffers[2], 0, 1))[0];
  };
}

async function tfjs() {
  const tf = await peer('@tensorflow/tfjs-core');
  await peer('@tensorflow/tfjs-backend-webgpu');
  await tf.setBackend('webgpu');
  await tf.ready();
  const [x, y] = [tf.tensor2d(a, [size, size]), tf.tensor2d(b, [size, size])];
  return async () => {
    const product = tf.matMul(x, y);
    const first = tf.slice(product, [0, 0], [1, 1]);
    const [value] = await first.data();
    tf.dispose([product, first]);
    return value;
  };
}

async function jaxJs() {
  const jax = await peer('@jax-js/jax');
  await jax.init('webgpu');
  jax.defaultDevice('webgpu');
  const { numpy: np } = jax;
  const [x, y] = [np.array(a, { shape: [size, size] }), np.array(b, { shape: [size, size] })];
  const multiply = jax.jit((u, v) => np.matmul(u, v));
  return async () => {
    const product = multiply(x.ref, y.ref);
    const data = await product.data();
    return data[0];
  };
}

const runs = {};
for (const [name, open] of Object.entries({ corpusmill, tfjs, 'jax-js': jaxJs })) {
  try {
    runs[name] = await open();
    console.log(`${name}: first entry ${await runs[name]()}`);
  } catch (error) {
    delete runs[name];
    console.log(`${name}: ${error.message}`);
  }
}
const median = (list) => list.sort((p, q) => p - q)[list.length >> 1];
const times = Object.fromEntries(Object.keys(runs).map((name) => [name, { wall: [], cpu: [] }]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(runs)) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    await run();
    const { user, system } = process.cpuUsage(used);
    times[name].wall.push((performance.now() - start) / 1000);
    times[name].cpu.push((user + system) / 1e6);
  }
}
for (const [name, { wall, cpu }] of Object.entries(times)) {
  const [w, c] = [median(wall), median(cpu)];
  console.log(
    `${name}: ${w.toFixed(2)} s, ${((2 * size ** 3) / w / 1e9).toFixed(2)} GFLOP/s; ${c.toFixed(2)} s of processors`,
  );
}
process.exit(0);
