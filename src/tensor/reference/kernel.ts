/**
 * The form of a reference kernel. Reference kernels are the readable definition of each operation: plain loops, float32
 * in and out, sums in float64. Outputs may lie in the memory of inputs where the operation allows it, so each kernel reads
 * an entry before it writes it.
 */
import type { BufferData } from '../backend.ts';

/** Operands in the order of the operation's spec. */
export class Operands {
  readonly #inputs: readonly (BufferData | undefined)[];
  readonly #outputs: readonly (BufferData | undefined)[];
  readonly attributes: readonly number[];

  constructor(
    inputs: readonly (BufferData | undefined)[],
    outputs: readonly (BufferData | undefined)[],
    attributes: readonly number[],
  ) {
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.attributes = attributes;
  }

  get inputCount(): number {
    return this.#inputs.length;
  }

  in(index: number): Float32Array {
    return this.#inputs[index] as Float32Array;
  }

  /** An integer input. */
  ints(index: number): Int32Array {
    return this.#inputs[index] as Int32Array;
  }

  /** An optional input. */
  maybe(index: number): Float32Array | undefined {
    return this.#inputs[index] as Float32Array | undefined;
  }

  maybeInts(index: number): Int32Array | undefined {
    return this.#inputs[index] as Int32Array | undefined;
  }

  out(index: number): Float32Array {
    return this.#outputs[index] as Float32Array;
  }

  outInts(index: number): Int32Array {
    return this.#outputs[index] as Int32Array;
  }

  maybeOut(index: number): Float32Array | undefined {
    return this.#outputs[index] as Float32Array | undefined;
  }
}

export type Kernel = (operands: Operands) => void;
