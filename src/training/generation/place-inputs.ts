/**
 * What `forward` must be told of places in a text at inference: positions, rotary angles, and for contexts beyond the
 * trained length what the model's configuration asks for.
 *
 *   dynamic NTK   the base grows with the text. In transformers' form a token is turned by the base of the length that the
 *                 text has when it is read, and the keys before it stay as they were cached; in the first Qwen's form the
 *                 prompt's length decides for the whole text. Either way each row has angles of its own, computed on the
 *                 host: headDim / 2 of them a token.
 *   YaRN, linear, Llama 3   fixed tables (rope-tables.ts).
 *   LogN          queries beyond the trained length are scaled by their position (the first Qwen).
 *   dual chunk    positions within chunks: a key has its place in its chunk, and a query one place for its own chunk, one
 *                 for the chunk before and one for all others (An et al. 2024, ChunkLlama). Beyond
 *                 `originalMaxPositionEmbeddings` the scores are scaled by 0.1 · ln(length / original) + 1 (vLLM).
 */

import type { ModelConfig, RotaryConfig } from '../../models/config.ts';
import { configError } from '../../models/config-error.ts';
import type { DualChunkPositions, ForwardInputs } from '../../models/forward.ts';
import { inverseFrequencies, logNScale, type RopeTables, ropeTables, writeAngles } from '../../models/rope-tables.ts';
import type { Backend, Buffer } from '../../tensor/backend.ts';
import type { Graph, Tensor } from '../../tensor/graph.ts';

/** The parts of `ForwardInputs` that are about places. */
export type PlaceTensors = Pick<ForwardInputs, 'positions' | 'rope' | 'queryScale' | 'dualChunk'>;

export interface PlaceInputs {
  /** The inputs of a program over the first `rows` rows. */
  tensors(graph: Graph, rows: number): PlaceTensors;
  /**
   * Sets the rows: where each stands in its text, and the length of the text that it is part of (of the prompt while
   * that is read, of all tokens so far afterwards; see `textLength`).
   */
  write(positions: Int32Array, lengths: Int32Array): void;
  dispose(): void;
}

/** How many positions the model can be asked for; no limit where its configuration stretches them as needed. */
export function contextLimit(config: ModelConfig): number {
  if (config.architecture === 'gpt2') return config.maxPositionEmbeddings;
  const { ropeScaling: scaling, maxPositionEmbeddings, dualChunk } = config;
  if (dualChunk !== null) return Number.POSITIVE_INFINITY;
  switch (scaling.type) {
    case 'dynamic':
    case 'qwen-dynamic-ntk':
      return Number.POSITIVE_INFINITY;
    case 'linear':
      return maxPositionEmbeddings * scaling.factor;
    case 'yarn':
      return Math.max(maxPositionEmbeddings, Math.floor(scaling.originalMaxPositionEmbeddings * scaling.factor));
    default:
      return maxPositionEmbeddings;
  }
}

/** The length that a token's angles follow when `length` tokens are there and `promptLength` of them were the prompt. */
export function textLength(config: ModelConfig, promptLength: number, length: number): number {
  const fixed = config.architecture !== 'gpt2' && config.ropeScaling.type === 'qwen-dynamic-ntk';
  return fixed ? promptLength : Math.max(promptLength, length);
}

/** Buffers for at most `maxRows` rows of texts of at most `maxLength` tokens. Throws CONFIG_INVALID for what does not go together. */
export function createPlaceInputs(
  backend: Backend,
  config: ModelConfig,
  options: { readonly maxRows: number; readonly maxLength: number },
): PlaceInputs {
  const { maxRows, maxLength } = options;
  const made: Buffer[] = [];
  const ints = (name: string): Buffer => keep(backend.createBuffer('i32', maxRows, name));
  const keep = (buffer: Buffer): Buffer => {
    made.push(buffer);
    return buffer;
  };
  const positionBuffer = ints('positions');
  const dispose = (): void => {
    for (const buffer of made) backend.disposeBuffer(buffer);
  };
  if (config.architecture === 'gpt2') {
    return {
      tensors: (graph, rows) => ({ positions: graph.buffer(positionBuffer, [rows]) }),
      write: (positions) => backend.write(positionBuffer, positions),
      dispose,
    };
  }
  const angles = isStretched(config, maxLength)
    ? rowAngles(backend, config, maxRows, keep)
    : tableAngles(backend, config, maxLength, keep);
  const scale = queryScaling(config, maxLength);
  const scaleBuffer = scale && keep(backend.createBuffer('f32', maxRows, 'query scale'));
  const chunks = chunkPlaces(config, maxLength);
  const chunkBuffers = chunks && {
    key: ints('places of keys in their chunk'),
    intra: ints('places of queries in their chunk'),
    successive: ints('places of queries for the chunk before'),
    inter: ints('places of queries for earlier chunks'),
  };
  return {
    tensors(graph, rows) {
      const leaf = (buffer: Buffer): Tensor => graph.buffer(buffer, [rows]);
      const dualChunk: DualChunkPositions | undefined = chunkBuffers && {
        key: leaf(chunkBuffers.key),
        intra: leaf(chunkBuffers.intra),
        successive: leaf(chunkBuffers.successive),
        inter: leaf(chunkBuffers.inter),
      };
      return {
        positions: leaf(positionBuffer),
        rope: angles.tensors(graph),
        queryScale: scaleBuffer && graph.buffer(scaleBuffer, [rows, 1]),
        dualChunk,
      };
    },
    write(positions, lengths) {
      backend.write(positionBuffer, angles.write(positions, lengths));
      if (scale !== undefined && scaleBuffer !== undefined) {
        backend.write(
          scaleBuffer,
          Float32Array.from(positions, (position, row) => scale(position, lengths[row])),
        );
      }
      if (chunks === undefined || chunkBuffers === undefined) return;
      for (const name of ['key', 'intra', 'successive', 'inter'] as const) {
        backend.write(chunkBuffers[name], positions.map(chunks[name]));
      }
    },
    dispose,
  };
}

interface Angles {
  tensors(graph: Graph): { cos: Tensor; sin: Tensor };
  /** Sets the angles of rows and returns the table row of each. */
  write(positions: Int32Array, lengths: Int32Array): Int32Array;
}

/** One table for all texts: its rows are positions. */
function tableAngles(
  backend: Backend,
  config: RotaryConfig,
  maxLength: number,
  keep: (buffer: Buffer) => Buffer,
): Angles {
  const rows = chunkPlaces(config, maxLength) === undefined ? maxLength : config.dualChunk!.chunkSize + 1;
  const tables = ropeTables(config, rows);
  const buffers = angleBuffers(backend, rows * (config.headDim / 2), keep);
  backend.write(buffers.cos, tables.cos);
  backend.write(buffers.sin, tables.sin);
  return { tensors: (graph) => angleTensors(graph, buffers, rows), write: (positions) => positions };
}

/** Angles of each row by itself, because they depend on the length of its text. */
function rowAngles(backend: Backend, config: RotaryConfig, maxRows: number, keep: (buffer: Buffer) => Buffer): Angles {
  const half = config.headDim / 2;
  const buffers = angleBuffers(backend, maxRows * half, keep);
  const tables: RopeTables = { cos: new Float32Array(maxRows * half), sin: new Float32Array(maxRows * half) };
  const ownRows = Int32Array.from({ length: maxRows }, (_, row) => row);
  return {
    tensors: (graph) => angleTensors(graph, buffers, maxRows),
    write(positions, lengths) {
      const byLength = new Map<number, ReturnType<typeof inverseFrequencies>>();
      positions.forEach((position, row) => {
        const length = lengths[row];
        const found = byLength.get(length) ?? inverseFrequencies(config, length);
        byLength.set(length, found);
        writeAngles(tables, row, position, found.inverse, found.attentionFactor);
      });
      backend.write(buffers.cos, tables.cos.subarray(0, positions.length * half));
      backend.write(buffers.sin, tables.sin.subarray(0, positions.length * half));
      return ownRows.subarray(0, positions.length);
    },
  };
}

function angleBuffers(
  backend: Backend,
  length: number,
  keep: (buffer: Buffer) => Buffer,
): { cos: Buffer; sin: Buffer } {
  return {
    cos: keep(backend.createBuffer('f32', length, 'rope cos')),
    sin: keep(backend.createBuffer('f32', length, 'rope sin')),
  };
}

function angleTensors(
  graph: Graph,
  { cos, sin }: { cos: Buffer; sin: Buffer },
  rows: number,
): { cos: Tensor; sin: Tensor } {
  const shape = [rows, cos.length / rows];
  return { cos: graph.buffer(cos, shape), sin: graph.buffer(sin, shape) };
}

/** True when the angles change with the length of a text. */
function isStretched(config: RotaryConfig, maxLength: number): boolean {
  const { ropeScaling: scaling } = config;
  if (scaling.type !== 'dynamic' && scaling.type !== 'qwen-dynamic-ntk') return false;
  const trained = scaling.type === 'dynamic' ? config.maxPositionEmbeddings : scaling.trainedLength;
  if (maxLength <= trained) return false;
  if (config.dualChunk !== null) {
    throw configError(
      config.architecture,
      'it has both dual chunk attention and dynamic NTK scaling',
      'Dual chunk attention keeps positions within the trained length: take the scaling out of the configuration.',
    );
  }
  return true;
}

/** By what a query is multiplied, from its position and its text's length; undefined: by nothing in texts so long. */
function queryScaling(
  config: RotaryConfig,
  maxLength: number,
): ((position: number, length: number) => number) | undefined {
  const { logN, dualChunk } = config;
  const original = dualChunk?.originalMaxPositionEmbeddings ?? Number.POSITIVE_INFINITY;
  const trained = logN?.trainedLength ?? Number.POSITIVE_INFINITY;
  if (maxLength <= trained && maxLength <= original) return undefined;
  return (position, length) =>
    (logN === null ? 1 : logNScale(position, trained)) * Math.max(0.1 * Math.log(length / original) + 1, 1);
}

/**
 * Places of dual chunk attention from a position; undefined where all texts are so short that it is the plain attention.
 * A query's distance to keys of the chunk before is the true one up to `chunkSize`, where it is held.
 */
export function chunkPlaces(
  config: RotaryConfig,
  maxLength: number,
): Readonly<Record<keyof DualChunkPositions, (position: number) => number>> | undefined {
  const { dualChunk } = config;
  if (dualChunk === null || maxLength <= dualChunk.chunkSize) return undefined;
  const { chunkSize, localSize } = dualChunk;
  const chunkLength = chunkSize - localSize;
  const within = (position: number): number => position % chunkLength;
  return {
    key: within,
    intra: within,
    successive: (position) => Math.min(within(position) + chunkLength, chunkSize),
    inter: () => chunkSize,
  };
}
