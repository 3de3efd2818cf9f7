/**
 * The reference backend: programs by plain loops in TypeScript. It is what the other backends are tested against, and it
 * serves where neither a compiler nor a GPU is there; it is a thousand times slower than the native one.
 */
import type { Backend, Buffer, BufferData, DType, Executable, Place, Program } from '../backend.ts';
import { checkProgram } from '../check-program.ts';
import { sumTimes } from '../operation-times.ts';
import { OPERATIONS } from '../operations.ts';
import { attentionKernels } from './attention-kernels.ts';
import { dropoutKernels } from './dropout.ts';
import { elementwiseKernels } from './elementwise.ts';
import { embeddingKernels } from './embedding.ts';
import { type Kernel, Operands } from './kernel.ts';
import { lossKernels } from './loss.ts';
import { moeKernels } from './moe.ts';
import { normKernels } from './norm.ts';
import { optimizerKernels } from './optimizer.ts';
import { productKernels } from './products.ts';

const KERNELS: Readonly<Record<string, Kernel | undefined>> = {
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

interface ReferenceBuffer extends Buffer {
  readonly data: BufferData;
}

/** A backend of TypeScript loops. Calls take effect at once, so their order is kept. */
export function createReferenceBackend(): Backend {
  let arena = new ArrayBuffer(0);
  const dataOf = (buffer: Buffer): BufferData => (buffer as ReferenceBuffer).data;
  const viewOf = (program: Program, place: Place | undefined): BufferData | undefined => {
    if (place === undefined) return undefined;
    if (place.slot > 0)
      return dataOf(program.buffers[place.slot - 1]).subarray(place.offset, place.offset + place.length);
    const View = place.dtype === 'f32' ? Float32Array : Int32Array;
    return new View(arena, 4 * place.offset, place.length);
  };

  return {
    name: 'reference',
    createBuffer(dtype: DType, length: number, name: string): ReferenceBuffer {
      return { dtype, length, name, data: dtype === 'f32' ? new Float32Array(length) : new Int32Array(length) };
    },
    write(buffer, data, offset = 0) {
      dataOf(buffer).set(data, offset);
    },
    async read(buffer, offset = 0, length = buffer.length - offset) {
      return dataOf(buffer).slice(offset, offset + length);
    },
    compile(program): Executable {
      checkProgram(program);
      const runOne = (index: number): void => {
        const { operation, inputs, outputs, attributes } = program.instructions[index];
        const operands = new Operands(
          inputs.map((place) => viewOf(program, place)),
          outputs.map((place) => viewOf(program, place)),
          attributes,
        );
        try {
          KERNELS[operation]?.(operands);
        } catch (error) {
          const which = OPERATIONS[operation].inputs.join(', ');
          const message = error instanceof Error ? error.message : String(error);
          throw new RangeError(`program ${program.name}, instruction ${index}, ${operation}(${which}): ${message}`);
        }
      };
      const prepare = (): void => {
        if (arena.byteLength < 4 * program.arenaLength) arena = new ArrayBuffer(4 * program.arenaLength);
      };
      return {
        arenaLength: program.arenaLength,
        scratchBytes: 0,
        async run() {
          prepare();
          for (let index = 0; index < program.instructions.length; index++) runOne(index);
        },
        async profile() {
          prepare();
          const times = program.instructions.map((_, index) => {
            const start = performance.now();
            runOne(index);
            return performance.now() - start;
          });
          return sumTimes(program.instructions, times);
        },
        dispose() {},
      };
    },
    disposeBuffer() {},
    async dispose() {
      arena = new ArrayBuffer(0);
    },
  };
}
