/** The border between programs and the native kernels: order of calls, errors, life and death of what it hands out. */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { packageRoot } from '../../src/core/package-root.ts';
import type {
  Backend,
  BufferData,
  Instruction,
  Place,
  Program,
  Buffer as TensorBuffer,
} from '../../src/tensor/backend.ts';
import { createNativeBackend, tableDifferences } from '../../src/tensor/native/backend.ts';

const withNative = native === undefined ? describe.skip : describe;

/** The whole buffer as an operand. */
function whole(program: readonly TensorBuffer[], buffer: TensorBuffer): Place {
  return { slot: program.indexOf(buffer) + 1, offset: 0, length: buffer.length, dtype: buffer.dtype };
}

function programOf(name: string, buffers: TensorBuffer[], instructions: Instruction[], arenaLength = 0): Program {
  return { name, buffers, instructions, arenaLength };
}

/** `toEqual` takes half a minute for millions of entries. */
function sameBits(a: BufferData, b: BufferData): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}

/** out = a · b for square matrices of `size`. */
function square(
  buffers: TensorBuffer[],
  size: number,
  [a, b, out]: [TensorBuffer, TensorBuffer, TensorBuffer],
): Instruction {
  return {
    operation: 'matmul',
    inputs: [whole(buffers, a), whole(buffers, b), undefined, undefined],
    outputs: [whole(buffers, out)],
    attributes: [size, size, size, 0, 0, 1],
  };
}

withNative('the native table of operations', () => {
  it('is that of operations.ts', () => {
    expect(tableDifferences(native!.tensorOperations())).toEqual([]);
  });

  it('is refused where a name, a mark or a pair differs', () => {
    const matmul = native!.tensorOperations().find(({ name }) => name === 'matmul');
    expect(tableDifferences([{ ...matmul!, inputs: ['a', 'b', 'bias', 'addend?'] }])).toHaveLength(1);
    expect(tableDifferences([{ ...matmul!, inPlace: [] }])).toHaveLength(1);
    expect(tableDifferences([{ ...matmul!, name: 'matrixProduct' }])).toEqual([
      'matrixProduct is not in operations.ts',
    ]);
  });
});

withNative('a native backend', () => {
  let backend: Backend;
  beforeAll(() => {
    backend = createNativeBackend({ threads: 2 })!;
  });
  afterAll(() => backend.dispose());

  const matrices = (size: number): [TensorBuffer, TensorBuffer, TensorBuffer] => {
    const make = (name: string): TensorBuffer => backend.createBuffer('f32', size * size, name);
    return [make('a'), make('b'), make('out')];
  };
  const squareProgram = (size: number, buffers: [TensorBuffer, TensorBuffer, TensorBuffer]): Program =>
    programOf('square', buffers, [square(buffers, size, buffers)]);

  it('makes buffers of zeros, and reads what was written', async () => {
    const buffer = backend.createBuffer('i32', 5, 'ids');
    expect(await backend.read(buffer)).toEqual(new Int32Array(5));
    backend.write(buffer, Int32Array.of(7, -8), 2);
    expect(await backend.read(buffer)).toEqual(Int32Array.of(0, 0, 7, -8, 0));
    expect(await backend.read(buffer, 2, 2)).toEqual(Int32Array.of(7, -8));
    const large = backend.createBuffer('f32', 3_000_001, 'large');
    const data = Float32Array.from({ length: large.length }, (_, i) => i);
    backend.write(large, data);
    expect(sameBits(await backend.read(large), data)).toBe(true);
  });

  it('runs, reads and writes in the order of the calls', async () => {
    const size = 256;
    const buffers = matrices(size);
    const [a, b, out] = buffers;
    const identity = Float32Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0));
    backend.write(b, identity);
    const executable = backend.compile(squareProgram(size, buffers));
    const data = new Float32Array(size * size);
    const seen: Promise<unknown>[] = [];
    for (let step = 1; step <= 20; step++) {
      backend.write(a, data.fill(step));
      void executable.run();
      seen.push(backend.read(out, 5, 1));
    }
    // The caller's array was changed nineteen times while runs were waiting.
    expect(await Promise.all(seen)).toEqual(Array.from({ length: 20 }, (_, step) => Float32Array.of(step + 1)));
  });

  it('leaves the event loop free during a run', async () => {
    const size = 1536;
    const buffers = matrices(size);
    const executable = backend.compile(programOf('long', buffers, Array(8).fill(square(buffers, size, buffers))));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await executable.run();
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });

  it('says in a profile what was called, and times that add up', async () => {
    const buffers = matrices(64);
    const executable = backend.compile(programOf('three', buffers, Array(3).fill(square(buffers, 64, buffers))));
    const [timing, ...rest] = await executable.profile();
    expect(rest).toEqual([]);
    expect(timing).toMatchObject({ operation: 'matmul', calls: 3 });
    expect(timing!.milliseconds).toBeGreaterThan(0);
  });

  it('gives an arena only as large as its largest program, and programs that do not disturb each other', async () => {
    const buffers = matrices(8);
    const [a, b, out] = buffers;
    backend.write(a, new Float32Array(64).fill(1));
    backend.write(b, new Float32Array(64).fill(2));
    const middle = (arena: number): Program => {
      const place: Place = { slot: 0, offset: arena - 64, length: 64, dtype: 'f32' };
      const first = { ...square(buffers, 8, buffers), outputs: [place] };
      const second = { ...square(buffers, 8, buffers), inputs: [place, whole(buffers, b), undefined, undefined] };
      return programOf('middle', buffers, [first, second], arena);
    };
    const [small, large] = [backend.compile(middle(64)), backend.compile(middle(1 << 20))];
    for (const executable of [small, large, small]) {
      backend.write(out, new Float32Array(64));
      await executable.run();
      expect(await backend.read(out)).toEqual(new Float32Array(64).fill(8 * 2 * 8 * 2));
    }
  });

  describe('refuses', () => {
    const good = (): { buffers: [TensorBuffer, TensorBuffer, TensorBuffer]; instruction: Instruction } => {
      const buffers = matrices(4);
      return { buffers, instruction: square(buffers, 4, buffers) };
    };
    const compileWith = (change: (instruction: Instruction) => Instruction): (() => unknown) => {
      const { buffers, instruction } = good();
      return () => backend.compile(programOf('wrong', buffers, [instruction, change(instruction)], 100));
    };
    const place = (slot: number, offset: number, length: number): Place => ({ slot, offset, length, dtype: 'f32' });

    it.each<[string, (instruction: Instruction) => Instruction, RegExp]>([
      [
        'a place beyond its buffer',
        (i) => ({ ...i, outputs: [place(3, 1, 16)] }),
        /out lies at 1 to 17 of buffer out, which has 16/,
      ],
      [
        'a place beyond the arena',
        (i) => ({ ...i, outputs: [place(0, 90, 16)] }),
        /out lies at 90 to 106 of the arena, which has 100/,
      ],
      ['a buffer that the program has not', (i) => ({ ...i, outputs: [place(4, 0, 16)] }), /lies in no buffer/],
      ['an offset that is no integer', (i) => ({ ...i, outputs: [place(3, 0.5, 16)] }), /offset/],
      [
        'a length that the attributes do not say',
        (i) => ({ ...i, outputs: [place(3, 0, 15)] }),
        /out has 15 entries.*\[4, 4\]/,
      ],
      ['a size that is no count', (i) => ({ ...i, attributes: [-1, 4, 4, 0, 0, 1] }), /m is -1/],
      [
        'sizes whose product overflows',
        (i) => ({ ...i, attributes: [2 ** 40, 2 ** 40, 4, 0, 0, 1] }),
        /a has 16 entries/,
      ],
      ['a flag that is none', (i) => ({ ...i, attributes: [4, 4, 4, 2, 0, 1] }), /transposeA is 2/],
      ['too few attributes', (i) => ({ ...i, attributes: [4, 4, 4] }), /3 attributes, want 6/],
      ['too few inputs', (i) => ({ ...i, inputs: i.inputs.slice(1) }), /3 inputs, want 4/],
      ['an absent input', (i) => ({ ...i, inputs: [undefined, ...i.inputs.slice(1)] }), /a is absent/],
      ['an output over an input', (i) => ({ ...i, outputs: [place(1, 0, 16)] }), /out overlaps a/],
      ['an operation that does not exist', (i) => ({ ...i, operation: 'cure' as 'copy' }), /no operation cure/],
      [
        'integers where numbers are wanted',
        (i) => ({ ...i, outputs: [{ ...place(3, 0, 16), dtype: 'i32' }] }),
        /wrong type/,
      ],
    ])('%s', (_, change, message) => {
      expect(compileWith(change)).toThrow(message);
      expect(compileWith(change)).toThrow(/^program wrong: instruction 1/);
    });

    it('an input in place that is shifted by one', () => {
      const buffers = [backend.createBuffer('f32', 64, 'a'), backend.createBuffer('f32', 64, 'out')];
      const instruction = (addend: Place): Instruction => ({
        operation: 'matmul',
        inputs: [place(1, 0, 16), place(1, 16, 16), undefined, addend],
        outputs: [place(2, 0, 16)],
        attributes: [4, 4, 4, 0, 0, 1],
      });
      expect(() => backend.compile(programOf('over', buffers, [instruction(place(2, 0, 16))]))).not.toThrow();
      expect(() => backend.compile(programOf('over', buffers, [instruction(place(2, 1, 16))]))).toThrow(
        /out overlaps addend/,
      );
    });

    it('buffers of another backend and buffers that are gone', async () => {
      const other = createNativeBackend({ threads: 1 })!;
      const foreign = other.createBuffer('f32', 16, 'foreign');
      expect(() => backend.write(foreign, new Float32Array(1))).toThrow(/foreign belongs to another backend/);
      await expect(backend.read(foreign)).rejects.toThrow(/another backend/);
      const { buffers, instruction } = good();
      const executable = backend.compile(programOf('gone', buffers, [instruction]));
      backend.disposeBuffer(buffers[1]);
      expect(() => backend.write(buffers[1], new Float32Array(1))).toThrow(
        /buffer b: write: the buffer was disposed of/,
      );
      await expect(backend.read(buffers[1])).rejects.toThrow(/disposed/);
      await expect(executable.run()).rejects.toThrow('program gone: buffer b was disposed of');
      expect(() => backend.compile(programOf('gone', buffers, [instruction]))).toThrow(/buffer b was disposed of/);
      expect(() => backend.disposeBuffer(buffers[1])).toThrow(/disposed/);
      await other.dispose();
      expect(() => other.createBuffer('f32', 1, 'late')).toThrow(/the backend was disposed of/);
      expect(() => other.write(foreign, new Float32Array(1))).toThrow(/disposed/);
      await expect(other.read(foreign)).rejects.toThrow(/disposed/);
      await expect(other.dispose()).resolves.toBeUndefined();
    });

    it('a program that was disposed of, data of another type, entries outside a buffer, a wrong number of threads', async () => {
      const { buffers, instruction } = good();
      const executable = backend.compile(programOf('once', buffers, [instruction]));
      executable.dispose();
      executable.dispose();
      await expect(executable.run()).rejects.toThrow('program once: the program was disposed of');
      expect(() => backend.write(buffers[0], new Int32Array(1))).toThrow(/buffer a: .*typed array/);
      expect(() => backend.write(buffers[0], new Float32Array(9), 8)).toThrow(/entries 8 to 17 of a buffer of 16/);
      expect(() => backend.write(buffers[0], new Float32Array(1), -1)).toThrow(/buffer a/);
      await expect(backend.read(buffers[0], 10, 7)).rejects.toThrow(/buffer a has 16 entries, asked for 7 from 10/);
      expect(() => backend.createBuffer('f32', -1, 'negative')).toThrow(/buffer negative/);
      expect(() => backend.createBuffer('f32', 2 ** 40, 'endless')).toThrow(/not enough memory/);
      for (const threads of [0, 257, 1.5]) expect(() => createNativeBackend({ threads })).toThrow(/TensorBackend/);
    });
  });

  it('is of use after a wrong value, which is named with its place', async () => {
    const buffers = [
      backend.createBuffer('f32', 6, 'x'),
      backend.createBuffer('f32', 12, 'experts'),
      backend.createBuffer('i32', 4, 'offsets'),
      backend.createBuffer('f32', 6, 'y'),
    ];
    const grouped: Instruction = {
      operation: 'groupedMatmul',
      inputs: buffers.slice(0, 3).map((buffer) => whole(buffers, buffer)),
      outputs: [whole(buffers, buffers[3]!)],
      attributes: [3, 2, 2, 3, 0],
    };
    const executable = backend.compile(programOf('moe', buffers, [grouped]));
    backend.write(buffers[2]!, Int32Array.of(0, 2, 1, 3));
    await expect(executable.run()).rejects.toThrow(
      'program moe: instruction 0 (groupedMatmul): entry 2 of offsets is 1, offsets must ascend to the number of rows, 3',
    );
    backend.write(buffers[2]!, Int32Array.of(0, 1, 1, 3));
    await expect(executable.run()).resolves.toBeUndefined();
  });

  it('stays safe whatever numbers a program has', () => {
    const buffers = matrices(4);
    const instruction = square(buffers, 4, buffers);
    const number = fc.oneof(
      fc.integer({ min: -2, max: 20 }),
      fc.constantFrom(NaN, Infinity, -Infinity, 0.5, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53, 2 ** 63, 2 ** 64, -1, 1e300),
    );
    const operand = fc.option(
      fc.record({
        slot: number,
        offset: number,
        length: number,
        dtype: fc.constantFrom('f32' as const, 'i32' as const),
      }),
      { nil: undefined },
    );
    const names = native!.tensorOperations().map(({ name }) => name as 'matmul');
    const arbitrary = fc.record({
      operation: fc.constantFrom(...names),
      inputs: fc.oneof(fc.constant(instruction.inputs), fc.array(operand, { maxLength: 9 })),
      outputs: fc.oneof(fc.constant(instruction.outputs), fc.array(operand, { maxLength: 4 })),
      attributes: fc.oneof(fc.constant(instruction.attributes), fc.array(number, { maxLength: 9 })),
    });
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 3 }), fc.constantFrom(0, 100), (instructions, arenaLength) => {
        try {
          backend.compile(programOf('mutated', buffers, instructions, arenaLength)).dispose();
        } catch (error) {
          expect(String(error)).toMatch(/^(Range|Type)Error: program mutated: instruction \d/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('stays safe whatever list of numbers arrives', () => {
    const raw = new native!.TensorBackend(1);
    const buffers = Float64Array.of(raw.createBuffer(0, 16), raw.createBuffer(0, 16), raw.createBuffer(1, 4));
    const matmul = native!.tensorOperations().findIndex(({ name }) => name === 'matmul');
    const good = [matmul, 4, 1, 6, 1, 0, 16, 0, 2, 0, 16, 0, -1, 0, 0, 0, -1, 0, 0, 0, 0, 0, 16, 0, 4, 4, 4, 0, 0, 1];
    expect(() => raw.compile(buffers, Float64Array.from(good), 16)).not.toThrow();
    const change = fc.tuple(fc.nat(good.length - 1), fc.oneof(fc.integer({ min: -2, max: 20 }), fc.double()));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(good.length), (changes, cut) => {
        const code = [...good, ...good.slice(0, cut)];
        for (const [at, value] of changes) code[at] = value;
        try {
          raw.compile(buffers, Float64Array.from(code), 16);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
    void raw.dispose();
  });
});

withNative('the end of a native backend', () => {
  const setUp = `
    const native = require('node-gyp-build')(${JSON.stringify(packageRoot())});
    const start = (threads, size = 768, repeat = 40) => {
      const backend = new native.TensorBackend(threads);
      const buffers = [0, 1, 2].map(() => backend.createBuffer(0, size * size));
      const code = [native.tensorOperations().findIndex(({ name }) => name === 'matmul'), 4, 1, 6];
      for (const slot of [1, 2, -1, -1, 3]) code.push(slot, 0, size * size, 0);
      code.push(size, size, size, 0, 0, 1);
      const { program } = backend.compile(Float64Array.from(buffers), Float64Array.from(Array(repeat).fill(code).flat()), 0);
      return { backend, buffers, promise: backend.run(program, 0), program };
    };`;
  const runNode = (script: string, ...flags: string[]): { status: number | null; output: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', setUp + script], {
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  };

  it('waits for a run that was asked for before the disposal', async () => {
    const backend = createNativeBackend({ threads: 2 })!;
    const buffers = ['a', 'b', 'out'].map((name) => backend.createBuffer('f32', 512 * 512, name)) as [
      TensorBuffer,
      TensorBuffer,
      TensorBuffer,
    ];
    const executable = backend.compile(programOf('last', buffers, [square(buffers, 512, buffers)]));
    const [run, disposal] = [executable.run(), backend.dispose()];
    await expect(run).resolves.toBeUndefined();
    await expect(disposal).resolves.toBeUndefined();
    await expect(executable.run()).rejects.toThrow(/disposed/);
  });

  it('frees a buffer only when runs that use it are over', async () => {
    const backend = createNativeBackend({ threads: 2 })!;
    const buffers = ['a', 'b', 'out'].map((name) => backend.createBuffer('f32', 700 * 700, name)) as [
      TensorBuffer,
      TensorBuffer,
      TensorBuffer,
    ];
    const executable = backend.compile(programOf('busy', buffers, [square(buffers, 700, buffers)]));
    const run = executable.run();
    for (const buffer of buffers) backend.disposeBuffer(buffer);
    executable.dispose();
    await expect(run).resolves.toBeUndefined();
    await backend.dispose();
  });

  it('is clean when the process ends by itself, by exit() or by an exception during a run', () => {
    expect(runNode(`start(2).promise.then(() => console.log('done'))`)).toEqual({ status: 0, output: 'done\n' });
    expect(runNode(`start(2, 1024, 400); setTimeout(() => process.exit(7), 20)`)).toEqual({ status: 7, output: '' });
    expect(runNode(`start(2, 1024, 400); setTimeout(() => { throw new Error('thrown') }, 20)`).status).toBe(1);
    expect(runNode(`start(1); start(2).backend.dispose().then(() => console.log('done'))`)).toEqual({
      status: 0,
      output: 'done\n',
    });
  });

  it('does not keep a process alive that waits for nothing', () => {
    expect(runNode(`new native.TensorBackend(4).createBuffer(0, 10)`)).toEqual({ status: 0, output: '' });
  });

  it('is clean when handles are collected, also while a run is in flight', () => {
    const script = `
      (async () => {
        const runs = [];
        for (let i = 0; i < 20; i++) {
          runs.push(start(1 + (i % 3), 128, 4).promise);
          gc();
        }
        await Promise.all(runs);
        for (let i = 0; i < 5; i++) { gc(); await new Promise((done) => setTimeout(done, 5)); }
        console.log('done');
      })()`;
    expect(runNode(script, '--expose-gc')).toEqual({ status: 0, output: 'done\n' });
  });

  it('is clean when a worker thread ends or is terminated during a run', async () => {
    for (const end of [`promise.then(() => process.exit(0))`, `setTimeout(() => process.exit(0), 20)`, '']) {
      const started = `require('node:worker_threads').parentPort.postMessage('started');`;
      const worker = new Worker(`${setUp} const { promise } = start(2, 768, 60); ${started} ${end}`, { eval: true });
      const exit = new Promise((done) => worker.once('exit', done));
      if (end === '') {
        // Not before: Node ends the process when a worker is terminated while it loads an add-on.
        await new Promise((done) => worker.once('message', done));
        await sleep(20);
        await worker.terminate();
      }
      await exit;
    }
  });

  it('leaves no memory behind', () => {
    const script = `
      (async () => {
        const { rss } = process.memoryUsage;
        const round = async () => {
          const { backend, promise } = start(2, 600, 1);
          await promise;
          await backend.dispose();
        };
        for (let i = 0; i < 10; i++) await round();
        const before = rss();
        for (let i = 0; i < 60; i++) await round();
        console.log(rss() - before < 20e6 ? 'steady' : rss() - before);
      })()`;
    expect(runNode(script)).toEqual({ status: 0, output: 'steady\n' });
  });
});
