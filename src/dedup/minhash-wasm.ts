/**
 * The MinHash kernel as WebAssembly SIMD, for machines where the native add-on is not built: six times the speed of
 * the plain twin, everywhere that Node runs. The module is some two hundred bytes, assembled here instruction by
 * instruction, so that there is neither a binary in the repository nor a toolchain to build it.
 *
 *   sign(hashes, end, functions, out): for 16 functions — their multipliers at `functions`, their increments 64 bytes on —
 *   the minimum over the uint32 in [hashes, end) of multiplier·hash + increment, stored at `out`. Addresses in bytes.
 *
 * Same contract and bits as `minhashSignatureTwin`. Encoding: WebAssembly core specification 2.0, §5.
 */

/** Functions per call: four vectors of multipliers, increments and minima are 12 of the 16 registers of x86-64. */
const BLOCK = 16;
const VECTORS = BLOCK / 4;
const BLOCK_BYTES = BLOCK * 4;
/** Hashes copied in at a time: a memory of fixed size that stays in the second-level cache, however long a document. */
const PIECE = 1 << 15;
const PAGES = Math.ceil((4 * (3 * BLOCK + PIECE)) / 65536);

/** What is used of the global, which comes with TypeScript's DOM library only. */
declare const WebAssembly: {
  Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: Record<string, Record<string, unknown>>,
  ) => { exports: Record<string, unknown> };
};

type Signature = (
  hashes: Uint32Array,
  count: number,
  multipliers: Uint32Array,
  increments: Uint32Array,
  signature: Uint32Array,
) => void;

/** The kernel, or undefined where this Node has no WebAssembly SIMD. Holds 192 KiB. */
export function createWasmSignature(): Signature | undefined {
  const memory = new WebAssembly.Memory({ initial: PAGES });
  let sign: (hashes: number, end: number, functions: number, out: number) => void;
  try {
    const module = new WebAssembly.Module(assemble());
    sign = new WebAssembly.Instance(module, { env: { memory } }).exports['sign'] as typeof sign;
  } catch {
    return undefined;
  }
  const words = new Uint32Array(memory.buffer);
  // One block's functions and result lie first, a piece of the hashes after them.
  const out = 2 * BLOCK;
  const first = 3 * BLOCK;
  return (hashes, count, multipliers, increments, signature) => {
    signature.fill(0xffffffff);
    for (let start = 0; start < count; start += PIECE) {
      const piece = hashes.subarray(start, Math.min(start + PIECE, count));
      words.set(piece, first);
      for (let done = 0; done < signature.length; done += BLOCK) {
        // The last block may be partial; what its other lanes hold is computed and left.
        const width = Math.min(BLOCK, signature.length - done);
        for (let k = 0; k < width; k++) {
          words[k] = multipliers[done + k];
          words[BLOCK + k] = increments[done + k];
        }
        sign(first * 4, (first + piece.length) * 4, 0, out * 4);
        for (let k = 0; k < width; k++) {
          if (words[out + k] < signature[done + k]) signature[done + k] = words[out + k];
        }
      }
    }
  };
}

// ---- the assembler: only what the kernel needs -----------------------------------------------------------------------

const I32 = 0x7f;
const V128 = 0x7b;
const simd = (opcode: number, ...immediates: number[]): number[] => [0xfd, ...unsigned(opcode), ...immediates];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
/** Alignment as a power of two, then a byte offset. */
const address = (alignment: number, offset: number): number[] => [alignment, ...unsigned(offset)];

function assemble(): Uint8Array<ArrayBuffer> {
  const [hashes, end, functions, out] = [0, 1, 2, 3];
  const multiplier = (j: number): number => 4 + j;
  const increment = (j: number): number => 4 + VECTORS + j;
  const minimum = (j: number): number => 4 + 2 * VECTORS + j;
  const hash = 4 + 3 * VECTORS;
  const vectors = Array.from({ length: VECTORS }, (_, j) => j);

  const code = [
    ...vectors.flatMap((j) => [
      ...[...get(functions), ...simd(0x00, ...address(4, 16 * j)), ...set(multiplier(j))],
      ...[...get(functions), ...simd(0x00, ...address(4, BLOCK_BYTES + 16 * j)), ...set(increment(j))],
      // v128.const: all ones is 2^32 - 1 in each lane.
      ...[...simd(0x0c, ...Array<number>(16).fill(0xff)), ...set(minimum(j))],
    ]),
    ...[0x02, 0x40, 0x03, 0x40], // block, loop
    ...[...get(hashes), ...get(end), 0x4f, 0x0d, 1], // i32.ge_u, br_if: leave the block
    ...[...get(hashes), ...simd(0x09, ...address(2, 0)), ...set(hash)], // v128.load32_splat
    ...vectors.flatMap((j) => [
      ...get(minimum(j)),
      ...[...get(multiplier(j)), ...get(hash), ...simd(0xb5)], // i32x4.mul
      ...[...get(increment(j)), ...simd(0xae)], // i32x4.add
      ...[...simd(0xb7), ...set(minimum(j))], // i32x4.min_u
    ]),
    ...[...get(hashes), 0x41, 4, 0x6a, ...set(hashes)], // hashes += 4
    ...[0x0c, 0, 0x0b, 0x0b], // br: next round; end of loop, end of block
    ...vectors.flatMap((j) => [...get(out), ...get(minimum(j)), ...simd(0x0b, ...address(4, 16 * j))]),
    0x0b,
  ];
  const body = [1, ...unsigned(3 * VECTORS + 1), V128, ...code];
  const name = (text: string): number[] => [text.length, ...Buffer.from(text)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
    ...section(1, [1, 0x60, 4, I32, I32, I32, I32, 0]), // type: four i32, no result
    ...section(2, [1, ...name('env'), ...name('memory'), 2, 0, 1]), // import: memory of at least one page
    ...section(3, [1, 0]), // one function of that type
    ...section(7, [1, ...name('sign'), 0, 0]), // export
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
