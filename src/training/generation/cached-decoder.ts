/**
 * A model with a cache of keys and values, as programs: prefill reads a prompt, decode one more token of each text. Logits
 * come back to the host for the last position of each text alone.
 *
 * There are `slots` texts side by side; each has its own place in every layer's cache, [slots, rows, kvHeads · headDim],
 * and its own length, so nothing is padded on the left. A program is compiled once for each number of texts and, for
 * prompts, each slot and bucket of lengths: rows behind a prompt's end are computed for nothing and overwritten by what
 * follows, and no token sees them. Buckets are at most a half apart. Prompts longer than the largest go through in pieces.
 *
 * What a text gets does not depend on the others, to the last bit: matrix products may add in another order where there are
 * many rows, so prompts are read one by one, and texts decoded in groups of at most `DECODE_ROWS`. Both cost little: a
 * prompt of some dozens of tokens keeps the processor busy, and so do sixteen texts.
 *
 * Programs read the model's buffers as they stand: weights may change between calls, but what is cached then is of the
 * old ones, so texts should begin anew.
 *
 * Cost of a token: every weight is read once for all texts together, and each text's cache once; on a CPU memory's
 * bandwidth is the limit. Memory: 8 · slots · rows · layers · kvHeads · headDim bytes for the cache.
 */
import { type ForwardInputs, forward, outputWeight } from '../../models/forward.ts';
import type { ModelWeights } from '../../models/weights.ts';
import type { Backend, Buffer, Executable, OperationTiming } from '../../tensor/backend.ts';
import { Graph } from '../../tensor/graph.ts';
import { embedding } from '../../tensor/ops/embedding.ts';
import { linear } from '../../tensor/ops/matmul.ts';
import { plan } from '../../tensor/plan.ts';
import { createPlaceInputs, textLength } from './place-inputs.ts';

export interface CachedDecoderOptions {
  /** Texts side by side. */
  readonly slots: number;
  /** Tokens that a text can have, prompt included. */
  readonly capacity: number;
  /** Rows of the largest prefill program: as many tokens of a prompt are computed together. Default 512. */
  readonly prefillRows?: number;
}

/** One more token of a text. */
export interface DecodeRow {
  /** The token that was chosen last. */
  readonly id: number;
  /** Its position: as many tokens are in the cache already. */
  readonly position: number;
  readonly promptLength: number;
}

export interface CachedDecoder {
  readonly slots: number;
  readonly capacity: number;
  readonly vocabSize: number;
  /**
   * Reads prompts into slots firstSlot, firstSlot + 1 …, one after another, and returns the logits after each,
   * [prompts, vocab].
   */
  prefill(firstSlot: number, prompts: readonly ArrayLike<number>[]): Promise<Float32Array>;
  /** Appends a token to the texts of slots 0, 1 … and returns the logits after each, [rows, vocab]. */
  decode(rows: readonly DecodeRow[]): Promise<Float32Array>;
  /** Copies the first `length` tokens of a slot to another one. */
  copySlot(from: number, to: number, length: number): Promise<void>;
  /** Time by operation of one decode step of `rows` texts at `position`. */
  profile(rows: number, position: number): Promise<OperationTiming[]>;
  /** Bytes. */
  readonly memory: { readonly cache: number; readonly arena: number };
  dispose(): void;
}

/** Texts of one decode program: the native products add alike, a row by itself, up to so many rows. */
const DECODE_ROWS = 16;

/** Builds the cache; programs are compiled when they are first needed. */
export function createCachedDecoder(
  backend: Backend,
  weights: ModelWeights,
  options: CachedDecoderOptions,
): CachedDecoder {
  const { config } = weights;
  const { slots, capacity } = options;
  const prefillRows = bucketOf(Math.min(options.prefillRows ?? 512, capacity));
  const maxRows = Math.max(prefillRows, slots);
  // The last piece of a prompt is padded to its bucket, which must fit too.
  const rest = capacity % prefillRows;
  const cacheRows = capacity - rest + (rest === 0 ? 0 : bucketOf(rest));
  const columns = config.kvHeads * config.headDim;

  const made: Buffer[] = [];
  const create = (dtype: 'f32' | 'i32', length: number, name: string): Buffer => {
    const buffer = backend.createBuffer(dtype, length, name);
    made.push(buffer);
    return buffer;
  };
  const cacheOf = (kind: string): Buffer[] =>
    Array.from({ length: config.layers }, (_, layer) =>
      create('f32', slots * cacheRows * columns, `cached ${kind} of layer ${layer}`),
    );
  const keys = cacheOf('keys');
  const values = cacheOf('values');
  const inputs = {
    ids: create('i32', maxRows, 'token ids'),
    at: create('i32', slots, 'cache places'),
    keyRange: create('i32', 2 * slots, 'cache ranges'),
    lastRows: create('i32', slots, 'last rows'),
  };
  const places = createPlaceInputs(backend, config, { maxRows, maxLength: capacity });
  const logits = create('f32', slots * config.vocabSize, 'logits');
  const programs = new Map<string, Executable>();

  /** `count` texts from `firstSlot` on, `time` tokens of each. */
  function program(firstSlot: number, count: number, time: number, withLogits: boolean): Executable {
    const key = `${firstSlot} ${count} ${time} ${withLogits}`;
    const known = programs.get(key);
    if (known !== undefined) return known;
    const graph = new Graph(`${time === 1 ? 'decode' : 'prefill'} ${count} × ${time}`);
    const { result } = graph.withTape('off', () => build(graph, firstSlot, count, time, withLogits));
    if (result !== undefined) graph.assign(logits, result);
    const executable = backend.compile(plan(graph));
    programs.set(key, executable);
    return executable;
  }

  function build(graph: Graph, firstSlot: number, count: number, time: number, withLogits: boolean) {
    const rows = count * time;
    const tensors = weights.tensors(graph);
    const slice = (buffer: Buffer): ReturnType<Graph['buffer']> =>
      graph.buffer(buffer, [count, cacheRows, columns], { offset: firstSlot * cacheRows * columns });
    const forwardInputs: ForwardInputs = {
      batch: count,
      ids: graph.buffer(inputs.ids, [rows]),
      ...places.tensors(graph, rows),
      cache: {
        keys: (layer) => slice(keys[layer]),
        values: (layer) => slice(values[layer]),
        at: graph.buffer(inputs.at, [count]),
        keyRange: graph.buffer(inputs.keyRange, [count, 2]),
      },
    };
    const { hidden } = forward(config, tensors, forwardInputs);
    if (!withLogits) return undefined;
    const last = time === 1 ? hidden : embedding(hidden, graph.buffer(inputs.lastRows, [count]));
    return linear(last, outputWeight(config, tensors));
  }

  /** Writes what a program reads: for each text its tokens from `at` on, and its length for rotary angles. */
  function writeInputs(
    time: number,
    texts: readonly { ids: ArrayLike<number>; from: number; count: number; length: number }[],
  ): void {
    const ids = new Int32Array(texts.length * time);
    const positions = new Int32Array(texts.length * time);
    const lengths = new Int32Array(texts.length * time);
    texts.forEach(({ ids: all, from, count, length }, text) => {
      for (let t = 0; t < time; t++) {
        const row = text * time + t;
        ids[row] = t < count ? all[t] : 0;
        // Rows behind the end take the last position, so that a model with learned positions has one for them.
        positions[row] = from + Math.min(t, count - 1);
        lengths[row] = length;
      }
    });
    backend.write(inputs.ids, ids);
    places.write(positions, lengths);
    backend.write(
      inputs.at,
      Int32Array.from(texts, ({ from }) => from),
    );
    backend.write(inputs.keyRange, Int32Array.from(texts.flatMap(({ from }) => [0, from + time])));
    backend.write(
      inputs.lastRows,
      Int32Array.from(texts, ({ count }, text) => text * time + count - 1),
    );
  }

  const readLogits = (count: number): Promise<Float32Array> =>
    backend.read(logits, 0, count * config.vocabSize) as Promise<Float32Array>;

  /** Reads one prompt, in pieces of `prefillRows`; leaves its logits in their buffer. */
  async function prefillOne(slot: number, prompt: ArrayLike<number>): Promise<void> {
    const length = textLength(config, prompt.length, prompt.length);
    for (let from = 0; from < prompt.length; from += prefillRows) {
      const count = Math.min(prefillRows, prompt.length - from);
      const isLast = from + count === prompt.length;
      const time = isLast ? bucketOf(count) : prefillRows;
      const ids = Int32Array.from({ length: count }, (_, t) => prompt[from + t]);
      writeInputs(time, [{ ids, from, count, length }]);
      await program(slot, 1, time, isLast).run();
    }
  }

  function check(count: number, firstSlot: number, length: number): void {
    if (count < 1 || firstSlot + count > slots || length < 1 || length > capacity) {
      throw new RangeError(
        `cached decoder of ${slots} slots of ${capacity} tokens: asked for ${count} texts of up to ${length} tokens from slot ${firstSlot} on`,
      );
    }
  }

  function decodeProgram(firstSlot: number, rows: readonly DecodeRow[]): Executable {
    const texts = rows.map(({ id, position, promptLength }) => ({
      ids: [id],
      from: position,
      count: 1,
      length: textLength(config, promptLength, position + 1),
    }));
    writeInputs(1, texts);
    return program(firstSlot, rows.length, 1, true);
  }

  return {
    slots,
    capacity,
    vocabSize: config.vocabSize,
    async prefill(firstSlot, prompts) {
      for (const prompt of prompts) check(prompts.length, firstSlot, prompt.length);
      const out = new Float32Array(prompts.length * config.vocabSize);
      for (const [i, prompt] of prompts.entries()) {
        await prefillOne(firstSlot + i, prompt);
        out.set(await readLogits(1), i * config.vocabSize);
      }
      return out;
    },
    async decode(rows) {
      const longest = rows.reduce((most, { position }) => Math.max(most, position + 1), 0);
      check(rows.length, 0, longest);
      if (rows.length <= DECODE_ROWS) {
        await decodeProgram(0, rows).run();
        return readLogits(rows.length);
      }
      const out = new Float32Array(rows.length * config.vocabSize);
      for (let from = 0; from < rows.length; from += DECODE_ROWS) {
        const taken = rows.slice(from, from + DECODE_ROWS);
        await decodeProgram(from, taken).run();
        out.set(await readLogits(taken.length), from * config.vocabSize);
      }
      return out;
    },
    async copySlot(from, to, length) {
      check(1, Math.max(from, to), length);
      const rows = Math.min(cacheRows, bucketOf(length));
      const key = `copy ${from} ${to} ${rows}`;
      let executable = programs.get(key);
      if (executable === undefined) {
        const graph = new Graph(`copy of slot ${from} to ${to}`);
        for (const buffer of [...keys, ...values]) {
          const held = graph.buffer(buffer, [rows, columns], { offset: from * cacheRows * columns });
          graph.assign(buffer, held, to * cacheRows * columns);
        }
        executable = backend.compile(plan(graph));
        programs.set(key, executable);
      }
      await executable.run();
    },
    profile(rows, position) {
      const row = { id: 0, position, promptLength: position };
      return decodeProgram(
        0,
        Array.from({ length: Math.min(rows, DECODE_ROWS) }, () => row),
      ).profile();
    },
    get memory() {
      const arena = Math.max(0, ...[...programs.values()].map(({ arenaLength }) => arenaLength));
      return { cache: 4 * 2 * config.layers * slots * cacheRows * columns, arena: 4 * arena };
    },
    dispose() {
      for (const executable of programs.values()) executable.dispose();
      places.dispose();
      for (const buffer of made) backend.disposeBuffer(buffer);
    },
  };
}

/** The length that `length` tokens are computed as: 8, 12, 16, 24, 32, 48, 64, 96 … */
export function bucketOf(length: number): number {
  if (length <= 8) return 8;
  let power = 16;
  while (power < length) power *= 2;
  return length <= (power / 4) * 3 ? (power / 4) * 3 : power;
}
