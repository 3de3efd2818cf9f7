/**
 * Which tiles are fastest on this adapter, measured once and kept: a few shapes, each computed by every kernel that can,
 * timed together. Results are kept per adapter in a store that the caller gives (a file in Node, localStorage in a
 * browser); software adapters are never measured, because there one kernel is best by far and timing it takes long.
 *
 * About two seconds on a GPU. What is written is a table from classes of sizes to kernels, which `chooseProduct` looks up.
 */
import type { Buffer, Executable, Instruction, Place } from '../backend.ts';
import { describeAdapter, requestAdapter } from './adapter.ts';
import { createWebGpuBackend, type WebGpuBackend, type WebGpuOptions } from './backend.ts';
import { type ProductSizes, type ProductVariant, sizeClass, TILES } from './kernels/product-variant.ts';

/** Where tables are kept between runs. */
export interface TileStore {
  /** The text kept under a name, if any. */
  read(name: string): Promise<string | undefined>;
  write(name: string, text: string): Promise<void>;
}

/** Texts in a browser's localStorage. */
export function storageStore(storage: {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}): TileStore {
  return {
    read: async (name) => storage.getItem(`corpusmill ${name}`) ?? undefined,
    write: async (name, text) => storage.setItem(`corpusmill ${name}`, text),
  };
}

export type TileTable = Readonly<Record<string, ProductVariant>>;

/** What a table was measured for: another format, kernel or adapter has another. */
const FORMAT = 1;

/** Products of training and generation, in sizes that tell tiles apart: forward, gradients of x and of weights, a token. */
export const TUNED_SIZES: readonly ProductSizes[] = [256, 1024, 4096].flatMap((m) =>
  [768, 3072].flatMap((n) => [
    { m, n, k: 768, transposeA: false, transposeB: true },
    { m, n, k: 768, transposeA: false, transposeB: false },
    { m: n, n: 768, k: m, transposeA: true, transposeB: false },
  ]),
);

const CANDIDATES: readonly ProductVariant[] = [...(Object.keys(TILES) as ProductVariant[]), 'direct', 'matrix'];

/** Runs of each kernel, of which the median counts. */
const RUNS = 5;
/** Share of the time of the rule's own choice that another must save to be taken: less is noise. */
const LEAST_GAIN = 0.05;

/**
 * The table of this adapter, from the store or measured now and put there; undefined on a software adapter. A store that
 * cannot be read or written, or holds another text, costs only the measurement.
 */
export async function tileTable(
  gpu: GPU,
  store: TileStore,
  options: WebGpuOptions = {},
): Promise<TileTable | undefined> {
  const adapter = describeAdapter((await requestAdapter(gpu, options)).info);
  if (adapter.isSoftware) return undefined;
  const precision = options.products?.precision ?? 'f32';
  const key = [FORMAT, adapter.vendor, adapter.architecture, adapter.device, adapter.description, precision].join('|');
  const kept = await store.read('webgpu-tiles').catch(() => undefined);
  const tables = parseTables(kept);
  const found = tables[key];
  if (found !== undefined) return found;
  const table = await measureTiles(gpu, TUNED_SIZES, options);
  await store.write('webgpu-tiles', `${JSON.stringify({ ...tables, [key]: table }, null, 2)}\n`).catch(() => {});
  return table;
}

function parseTables(text: string | undefined): Record<string, TileTable> {
  const known = new Set<unknown>([...CANDIDATES, 'rows']);
  try {
    const tables = JSON.parse(text ?? '{}') as Record<string, Record<string, unknown>>;
    const isTable = ([, table]: [string, Record<string, unknown>]): boolean =>
      Object.values(table).every((variant) => known.has(variant));
    return Object.fromEntries(Object.entries(tables).filter(isTable)) as Record<string, TileTable>;
  } catch {
    return {};
  }
}

/** For each class of sizes the kernel that was fastest, where it beats the rule's choice. */
export async function measureTiles(
  gpu: GPU,
  sizes: readonly ProductSizes[],
  options: WebGpuOptions = {},
): Promise<TileTable> {
  const times = new Map<ProductVariant | 'rule', readonly number[]>();
  for (const variant of ['rule', ...CANDIDATES] as const) {
    const force = variant === 'rule' ? undefined : { variant };
    const backend = await createWebGpuBackend(gpu, { ...options, products: { ...options.products, force } });
    const of: number[] = [];
    try {
      for (const size of sizes) of.push(await timeProduct(backend, size, RUNS));
    } catch (error) {
      // A kernel that this driver does not take is one that is not chosen.
      if (variant === 'rule') throw error;
      of.length = 0;
    } finally {
      await backend.dispose();
    }
    times.set(variant, of);
  }
  const rule = times.get('rule') as readonly number[];
  const table: Record<string, ProductVariant> = {};
  sizes.forEach((size, i) => {
    let best = rule[i] * (1 - LEAST_GAIN);
    for (const variant of CANDIDATES) {
      const time = (times.get(variant) as readonly number[])[i] ?? Number.POSITIVE_INFINITY;
      if (time < best) [best, table[sizeClass(size)]] = [time, variant];
    }
  });
  return table;
}

/** Milliseconds of one product: the median of `runs`, each of them several products in one submission. */
export async function timeProduct(backend: WebGpuBackend, sizes: ProductSizes, runs: number): Promise<number> {
  const { m, n, k, transposeA, transposeB } = sizes;
  const make = (length: number, name: string): Buffer => {
    const buffer = backend.createBuffer('f32', length, name);
    // Never zeros: some chips compute with them faster.
    backend.write(
      buffer,
      Float32Array.from({ length }, (_, i) => ((i * 37) % 101) / 50 - 1),
    );
    return buffer;
  };
  const buffers = [make(m * k, 'a'), make(k * n, 'b'), backend.createBuffer('f32', m * n, 'out')];
  const [a, b, out] = buffers.map(({ length }, i): Place => ({ slot: i + 1, offset: 0, length, dtype: 'f32' }));
  const attributes = [m, n, k, Number(transposeA), Number(transposeB), 1];
  const instruction: Instruction = {
    operation: 'matmul',
    inputs: [a, b, undefined, undefined],
    outputs: [out],
    attributes,
  };
  // About 20 GFLOP a submission, so that the way to the device and back does not count.
  const isSoftware = backend.adapter.isSoftware;
  const repeats = isSoftware ? 1 : Math.max(1, Math.min(64, Math.round(1e10 / (m * n * k))));
  const instructions = Array.from({ length: repeats }, () => instruction);
  const executable: Executable = backend.compile({ name: 'time of a product', buffers, instructions, arenaLength: 0 });
  await executable.run();
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    await executable.run();
    times.push((performance.now() - started) / repeats);
  }
  executable.dispose();
  for (const buffer of buffers) backend.disposeBuffer(buffer);
  return times.sort((x, y) => x - y)[Math.floor(runs / 2)];
}
