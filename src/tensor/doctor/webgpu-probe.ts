/**
 * Tries WebGPU in a process of its own: a driver that is broken takes down the process that loads it, and must not take
 * this one. The child opens Dawn, an adapter and a device, runs one kernel and prints what it saw as a line of JSON; how far
 * it came says what is missing.
 */
import { spawn } from 'node:child_process';
import { packageRoot } from '../../core/package-root.ts';
import { type AdapterDescription, describeAdapter } from '../webgpu/adapter.ts';
import { dawnOptions } from '../webgpu/open-node.ts';

/** What the adapter said of itself. */
export interface ProbedAdapter {
  readonly adapter: AdapterDescription;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

export type WebGpuProbe =
  /** A kernel ran and its result was right. */
  | ({ readonly stage: 'works'; readonly milliseconds: number } & ProbedAdapter)
  /** The package cannot be loaded. */
  | { readonly stage: 'package'; readonly message: string }
  /** No adapter; `log` is what Dawn and the driver's loader said. */
  | { readonly stage: 'adapter'; readonly log: string }
  /** An adapter that gives no device, or whose kernel failed. */
  | ({ readonly stage: 'device' | 'result'; readonly message: string } & ProbedAdapter)
  /** The process ended or hung. */
  | { readonly stage: 'crash'; readonly message: string; readonly log: string };

/** In JavaScript, because it is given to a bare `node`; it ends itself, for a broken driver may keep threads alive. */
const CHILD = `
const tell = (value) => new Promise((resolve) => process.stdout.write(JSON.stringify(value) + '\\n', resolve));
const run = async () => {
  let dawn;
  try {
    dawn = await import('webgpu');
  } catch (error) {
    return { stage: 'package', message: String(error.message).split('\\n')[0] };
  }
  Object.assign(globalThis, dawn.globals);
  // Held for ever: collected under a live device it crashes.
  const gpu = (globalThis.heldGpu = dawn.create(['verbose=1', ...process.argv.slice(1)]));
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) return { stage: 'adapter' };
  const { vendor, architecture, device: name, description, isFallbackAdapter } = adapter.info;
  const limits = {};
  for (const limit in adapter.limits) limits[limit] = adapter.limits[limit];
  const info = { vendor, architecture, device: name, description, isFallbackAdapter };
  const seen = { info, features: [...adapter.features].sort(), limits };
  let device;
  try {
    device = await adapter.requestDevice();
  } catch (error) {
    return { ...seen, stage: 'device', message: String(error.message) };
  }
  const start = performance.now();
  const memory = device.createBuffer({ size: 1024, usage: 0x80 | 4 });
  const page = device.createBuffer({ size: 1024, usage: 1 | 8 });
  const code = '@group(0) @binding(0) var<storage, read_write> x: array<u32>;' +
    '@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { x[id.x] = id.x * id.x + 7u; }';
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: memory } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(4);
  pass.end();
  encoder.copyBufferToBuffer(memory, 0, page, 0, 1024);
  device.queue.submit([encoder.finish()]);
  await page.mapAsync(1);
  const words = new Uint32Array(page.getMappedRange());
  const wrong = words.findIndex((word, i) => word !== i * i + 7);
  if (wrong >= 0) return { ...seen, stage: 'result', message: 'entry ' + wrong + ' of a test is ' + words[wrong] };
  return { ...seen, stage: 'works', milliseconds: performance.now() - start };
};
let said;
try {
  said = await run();
} catch (error) {
  said = { stage: 'crash', message: String(error.message) };
}
await tell(said);
process.exit(0);
`;

export interface ProbeOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** First starts of a driver compile caches; a minute is more than any took. */
  readonly timeoutMs?: number;
  /** Another program than the one above, for tests of what goes wrong. */
  readonly script?: string;
}

/** Never rejects. */
export function probeWebGpu(options: ProbeOptions = {}): Promise<WebGpuProbe> {
  const { env = process.env, timeoutMs = 60_000, script = CHILD } = options;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...dawnOptions(env)], {
      // Where the package `webgpu` is looked for.
      cwd: packageRoot(),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, log, isLate] = ['', '', false];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ stage: 'crash', message: error.message, log });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const said = parse(out, log);
      if (said !== undefined) return resolve(said);
      const how = isLate
        ? `did not answer within ${timeoutMs / 1000} s`
        : `ended with ${signal ?? `exit code ${code}`}`;
      resolve({ stage: 'crash', message: `the process that tried it ${how}`, log });
    });
  });
}

interface Said {
  stage: WebGpuProbe['stage'];
  message?: string;
  info?: Parameters<typeof describeAdapter>[0];
  features?: string[];
  limits?: Record<string, number>;
  milliseconds?: number;
}

/** The last line that the child printed; undefined when it is not what the child prints. */
function parse(out: string, log: string): WebGpuProbe | undefined {
  let said: Said;
  try {
    said = JSON.parse(out.trim().split('\n').at(-1) ?? '') as Said;
  } catch {
    return undefined;
  }
  const { stage, message = '', info, features = [], limits = {}, milliseconds = 0 } = said;
  if (stage === 'package') return { stage, message };
  if (stage === 'adapter') return { stage, log };
  if (stage === 'crash') return { stage, message, log };
  if (info === undefined) return undefined;
  const seen = { adapter: describeAdapter(info), features, limits };
  return stage === 'works' ? { stage, milliseconds, ...seen } : { stage, message, ...seen };
}
