/**
 * What runs programs. A backend owns memory and kernels and knows nothing of graphs, gradients or models: the graph
 * (graph.ts) is turned into a program (plan.ts) once, and the program is run as often as there are steps, with no
 * allocation and no work in JavaScript per operation. That is what makes one submission per training step possible on a
 * GPU, lets the native backend work off the event loop, and makes the memory of a step known before it is run.
 *
 * Memory is of two kinds. A `Buffer` lives until it is disposed of and has a name for errors: parameters, gradients,
 * optimizer state, inputs, results. The arena is one block per backend, as large as its largest program needs; what lies
 * in it has no meaning after a run.
 *
 * Calls on one backend take effect in the order in which they are made, also those that return promises.
 */
import type { OperationName } from './operations.ts';

export type DType = 'f32' | 'i32';

export interface Buffer {
  readonly dtype: DType;
  /** Entries, 4 bytes each. */
  readonly length: number;
  /** For errors and memory tables, such as `model.norm.weight`. */
  readonly name: string;
}

/** Where a tensor of a program lies: slot 0 is the arena, slot s > 0 is `buffers[s − 1]`; offset and length in words. */
export interface Place {
  readonly slot: number;
  readonly offset: number;
  readonly length: number;
  readonly dtype: DType;
}

export interface Instruction {
  readonly operation: OperationName;
  /** In the order of the operation's spec; `undefined` for an absent optional one. */
  readonly inputs: readonly (Place | undefined)[];
  readonly outputs: readonly (Place | undefined)[];
  readonly attributes: readonly number[];
}

export interface Program {
  readonly name: string;
  readonly buffers: readonly Buffer[];
  readonly instructions: readonly Instruction[];
  /** Words of the arena. */
  readonly arenaLength: number;
}

export type BufferData = Float32Array | Int32Array;

/** Time of one operation over a profiled run. */
export interface OperationTiming {
  readonly operation: OperationName;
  readonly calls: number;
  readonly milliseconds: number;
}

/** A program that a backend has checked and made ready. */
export interface Executable {
  /** Runs it once; rejects with a named error when a kernel finds a wrong value (an id outside its table, say). */
  run(): Promise<void>;
  /** Runs it once and says what each operation took. */
  profile(): Promise<OperationTiming[]>;
  /** Words of the arena that the program uses. */
  readonly arenaLength: number;
  /** Bytes that kernels need besides the arena. */
  readonly scratchBytes: number;
  /** Kernels that a run launches, where a backend launches any. */
  readonly launches?: number;
  dispose(): void;
}

/** What can be asked for; `auto` chooses: see open-backend.ts. */
export const BACKEND_CHOICES = ['auto', 'native', 'webgpu', 'reference'] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

export interface Backend {
  readonly name: 'reference' | 'native' | 'webgpu';
  /** Zeros. */
  createBuffer(dtype: DType, length: number, name: string): Buffer;
  /** Copies `data` into the buffer from entry `offset` on; the caller may change `data` as soon as the call returns. */
  write(buffer: Buffer, data: BufferData, offset?: number): void;
  /** A copy of entries offset to offset + length. */
  read(buffer: Buffer, offset?: number, length?: number): Promise<BufferData>;
  /** Checks every instruction (sizes, places, kinds) and prepares it; throws a named error for a wrong one. */
  compile(program: Program): Executable;
  disposeBuffer(buffer: Buffer): void;
  /** Frees everything; the backend is of no use afterwards. */
  dispose(): Promise<void>;
}
