/** What the native add-on does for tensors. */

/** See src/tensor/reference/matmul.ts for the products, native/tensor/isa.h for instruction sets. */
export interface NativeMatmul {
  gemm(
    m: number,
    n: number,
    k: number,
    transposeA: 0 | 1,
    transposeB: 0 | 1,
    aRow: number,
    bRow: number,
    cRow: number,
    alpha: number,
    accumulate: 0 | 1,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
    bias?: Float32Array,
  ): void;
  groupedGemm(
    n: number,
    k: number,
    offsets: Int32Array,
    transposeB: 0 | 1,
    alpha: number,
    accumulate: 0 | 1,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
  ): void;
  groupedGemmWeights(
    n: number,
    k: number,
    offsets: Int32Array,
    alpha: number,
    accumulate: 0 | 1,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
  ): void;
  /** Threads of the products that are called from here; 1 at first. */
  setThreads(threads: number): void;
  /** GFLOP/s of multiply-adds in registers, `threads` at once for `seconds`: what no product exceeds. */
  fmaPeak(threads: number, seconds: number): number;
  /** The instruction set in use, and those that this processor runs, slowest first. */
  isa(): string;
  isas(): string[];
}

/** See src/tensor/native/backend.ts: buffers and programs are numbers that it gives out. */
export interface NativeTensorBackend {
  createBuffer(isInteger: 0 | 1, length: number): number;
  disposeBuffer(buffer: number): void;
  write(buffer: number, data: Float32Array | Int32Array, offset: number): void;
  read(buffer: number, target: Float32Array | Int32Array, offset: number): Promise<void>;
  compile(buffers: Float64Array, code: Float64Array, arenaLength: number): { program: number; scratchBytes: number };
  /** With `profile` the nanoseconds of each instruction. */
  run(program: number, profile: 0 | 1): Promise<Float64Array | undefined>;
  disposeProgram(program: number): void;
  dispose(): Promise<void>;
}
/** level, threads, sizes, scale, causal, window, segmentIds, prefix, keyRange, and the arrays of the direction. */
export type NativeAttentionArguments = [
  level: number,
  threads: number,
  sizes: Int32Array,
  scale: number,
  causal: 0 | 1,
  window: number,
  segmentIds: Int32Array | undefined,
  prefix: Int32Array | undefined,
  keyRange: Int32Array | undefined,
  ...arrays: (Float32Array | number)[],
];
