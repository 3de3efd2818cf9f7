/**
 * The reference kernels over float64: they are plain loops over typed arrays, so they run as well on wider ones. Central
 * differences are then exact to about nine digits, and a gradient that is a little wrong shows.
 */
import type { Backend, Buffer, BufferData, Place, Program } from '../../src/tensor/backend.ts';
import type { OperationName } from '../../src/tensor/operations.ts';
import { attentionKernels } from '../../src/tensor/reference/attention-kernels.ts';
import { dropoutKernels } from '../../src/tensor/reference/dropout.ts';
import { elementwiseKernels } from '../../src/tensor/reference/elementwise.ts';
import { embeddingKernels } from '../../src/tensor/reference/embedding.ts';
import { type Kernel, Operands } from '../../src/tensor/reference/kernel.ts';
import { lossKernels } from '../../src/tensor/reference/loss.ts';
import { moeKernels } from '../../src/tensor/reference/moe.ts';
import { normKernels } from '../../src/tensor/reference/norm.ts';
import { optimizerKernels } from '../../src/tensor/reference/optimizer.ts';
import { productKernels } from '../../src/tensor/reference/products.ts';

const KERNELS: Partial<Record<OperationName, Kernel>> = {
  ...attentionKernels,
  ...dropoutKernels,
  ...elementwiseKernels,
  ...embeddingKernels,
  ...lossKernels,
  ...moeKernels,
  ...normKernels,
  ...optimizerKernels,
  ...productKernels,
};

type Wide = Float64Array | Int32Array;

interface WideBuffer extends Buffer {
  readonly data: Wide;
}

/** A backend whose `f32` is float64; buffers give and take Float64Array under the type of Float32Array. */
export function createFloat64Backend(): Backend {
  const dataOf = (buffer: Buffer): Wide => (buffer as WideBuffer).data;
  return {
    name: 'reference',
    createBuffer(dtype, length, name): WideBuffer {
      return { dtype, length, name, data: dtype === 'f32' ? new Float64Array(length) : new Int32Array(length) };
    },
    write(buffer, data, offset = 0) {
      dataOf(buffer).set(data, offset);
    },
    async read(buffer, offset = 0, length = buffer.length - offset) {
      return dataOf(buffer).slice(offset, offset + length) as unknown as BufferData;
    },
    compile(program: Program) {
      const arena = new Float64Array(program.arenaLength);
      const arenaOfIntegers = new Int32Array(program.arenaLength);
      const viewOf = (place: Place | undefined): BufferData | undefined => {
        if (place === undefined) return undefined;
        const own = place.dtype === 'f32' ? arena : arenaOfIntegers;
        const whole: Wide = place.slot > 0 ? dataOf(program.buffers[place.slot - 1]) : own;
        return whole.subarray(place.offset, place.offset + place.length) as unknown as BufferData;
      };
      return {
        arenaLength: program.arenaLength,
        scratchBytes: 0,
        async run() {
          for (const { operation, inputs, outputs, attributes } of program.instructions) {
            KERNELS[operation]?.(new Operands(inputs.map(viewOf), outputs.map(viewOf), attributes));
          }
        },
        profile: () => Promise.resolve([]),
        dispose() {},
      };
    },
    disposeBuffer() {},
    async dispose() {},
  };
}
