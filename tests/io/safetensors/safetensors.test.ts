/** Files of others are read, files of ours are read by others (bench/interop/checkpoint.py), damage is named. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CorpusmillError } from '../../../src/core/errors.ts';
import { isDtype } from '../../../src/io/safetensors/dtypes.ts';
import { headerLength, parseHeader } from '../../../src/io/safetensors/header.ts';
import { openSafetensors, openTensorFolder } from '../../../src/io/safetensors/reader.ts';
import { INDEX_FILE } from '../../../src/io/safetensors/sharded.ts';
import { type TensorSource, writeSafetensors } from '../../../src/io/safetensors/writer.ts';
import { describeWithShared, shared } from '../../shared.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-safetensors-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** A file from header text and data, as the format describes it. */
function file(header: string, data = 0): Uint8Array {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(data)]);
}

function parse(bytes: Uint8Array): ReturnType<typeof parseHeader> {
  const length = headerLength(bytes.subarray(0, 8), bytes.length, 'x');
  return parseHeader(bytes.subarray(8, 8 + length), bytes.length, 'x');
}

const entry = (dtype: string, shape: unknown, offsets: unknown): unknown => ({ dtype, shape, data_offsets: offsets });

describe('header', () => {
  it('reads places, scalars and tensors without elements', () => {
    const { tensors, metadata } = parse(
      file(
        JSON.stringify({
          b: entry('F32', [], [8, 12]),
          __metadata__: { format: 'pt' },
          a: entry('I64', [1], [0, 8]),
          empty: entry('F16', [0, 7], [12, 12]),
        }),
        12,
      ),
    );
    expect([...tensors.keys()]).toEqual(['a', 'b', 'empty']);
    expect(metadata).toEqual({ format: 'pt' });
    expect(tensors.get('b')!.end - tensors.get('a')!.start).toBe(12);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['fewer than eight bytes', new Uint8Array(5), /5 bytes, too few/],
    ['a length beyond the limit', new Uint8Array(16).fill(0xff), /announce a header of 18446744073709551615 bytes/],
    ['a header beyond the end', file('{}').subarray(0, 9), /ends within its header: 9 bytes/],
    ['no JSON', file('{"a":'), /header is not JSON/],
    ['bytes that are no UTF-8', file('{}').map((b, i) => (i === 8 ? 0xff : b)), /header is not JSON/],
    ['a list', file('[]'), /not a JSON object/],
    ['an entry that is a number', file('{"a":1}'), /tensor a: its entry is not an object/],
    ['an unknown dtype', file(JSON.stringify({ a: entry('F128', [1], [0, 16]) }), 16), /dtype is "F128"/],
    ['a fractional shape', file(JSON.stringify({ a: entry('F32', [1.5], [0, 6]) }), 6), /shape is \[1.5\]/],
    ['a negative size', file(JSON.stringify({ a: entry('F32', [-1], [0, 4]) }), 4), /shape is \[-1\]/],
    ['offsets backwards', file(JSON.stringify({ a: entry('F32', [1], [4, 0]) }), 4), /data_offsets is \[4,0\]/],
    [
      'a shape of other size',
      file(JSON.stringify({ a: entry('F32', [2], [0, 4]) }), 4),
      /shape \[2\] has 8 bytes, its place 4/,
    ],
    [
      'a shape beyond all numbers',
      file(JSON.stringify({ a: entry('F32', [2 ** 52, 2 ** 52], [0, 4]) }), 4),
      /its place 4/,
    ],
    [
      'overlap',
      file(JSON.stringify({ a: entry('U8', [4], [0, 4]), b: entry('U8', [4], [2, 6]) }), 6),
      /tensor b overlaps/,
    ],
    [
      'a gap',
      file(JSON.stringify({ a: entry('U8', [4], [0, 4]), b: entry('U8', [4], [6, 10]) }), 10),
      /leaves 2 bytes/,
    ],
    ['a cut file', file(JSON.stringify({ a: entry('U8', [4], [0, 4]) }), 3), /it is cut off/],
    ['bytes left over', file(JSON.stringify({ a: entry('U8', [4], [0, 4]) }), 5), /bytes follow its last tensor/],
    [
      'a name twice',
      file(
        '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      ),
      /has "a" twice/,
    ],
    ['metadata of numbers', file('{"__metadata__":{"a":1}}'), /__metadata__ is not an object of texts/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parse(bytes)).toThrow(message);
    expect(() => parse(bytes)).toThrow(CorpusmillError);
  });

  it('takes keys within entries for no repetition', () => {
    const nested = `{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"a\\"}":{"a":1}},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`;
    expect([...parse(file(nested)).tensors.keys()]).toEqual(['a', 'b']);
  });

  it('knows no dtype by an inherited name', () => expect(isDtype('toString')).toBe(false));
});

const SOURCES: TensorSource[] = [
  { name: 'weights', dtype: 'F32', shape: [2, 3], values: () => Float32Array.of(1, -2, 3.5, 0, -0, 1e-40) },
  { name: 'brief', dtype: 'BF16', shape: [3], values: () => Float32Array.of(1.00390625, 0.1, Math.PI) },
  { name: 'half', dtype: 'F16', shape: [2], values: async () => Float32Array.of(65519, 0.1) },
  { name: 'double', dtype: 'F64', shape: [1], values: () => Float64Array.of(Math.PI) },
  { name: 'ids', dtype: 'I64', shape: [2], values: () => BigInt64Array.of(-1n, 2n ** 60n) },
  { name: 'labels', dtype: 'I32', shape: [1, 2], values: () => Int32Array.of(-100, 7) },
  { name: 'mask', dtype: 'BOOL', shape: [3], values: () => Uint8Array.of(0, 1, 1) },
  { name: 'scalar', dtype: 'U8', shape: [], values: () => Uint8Array.of(9) },
  { name: 'none', dtype: 'F32', shape: [0, 4], values: () => new Float32Array(0) },
];

describe('writer and reader', () => {
  it('give back every type, narrowed to the nearest', async () => {
    const path = join(dir, 'all.safetensors');
    const size = await writeSafetensors(path, SOURCES);
    const bytes = await readFile(path);
    expect(bytes.length).toBe(size);
    const opened = await openSafetensors(path);
    expect(opened.metadata).toEqual({ format: 'pt' });
    expect([...opened.tensors.values()].filter(({ start }) => start % 8 !== 0).map(({ name }) => name)).not.toContain(
      'double',
    );
    expect(await opened.read('weights')).toEqual(Float32Array.of(1, -2, 3.5, 0, -0, 1e-40));
    expect(await opened.read('brief')).toEqual(Float32Array.of(1, 0.10009765625, 3.140625));
    expect(await opened.read('half')).toEqual(Float32Array.of(65504, 0.0999755859375));
    expect(await opened.read('double')).toEqual(Float64Array.of(Math.PI));
    expect(await opened.read('ids')).toEqual(BigInt64Array.of(-1n, 2n ** 60n));
    expect(await opened.read('labels')).toEqual(Int32Array.of(-100, 7));
    expect(await opened.read('mask')).toEqual(Uint8Array.of(0, 1, 1));
    expect(await opened.read('scalar')).toEqual(Uint8Array.of(9));
    expect(await opened.read('none')).toEqual(new Float32Array(0));
    expect(await opened.readFloat32('double')).toEqual(Float32Array.of(Math.PI));
    const into = new Float32Array(8);
    for (const [name, expected] of [
      ['weights', Float32Array.of(1, -2, 3.5, 0, -0, 1e-40)],
      ['half', Float32Array.of(65504, 0.0999755859375)],
      ['double', Float32Array.of(Math.PI)],
    ] as const) {
      const part = into.subarray(1, 1 + expected.length);
      expect(await opened.readFloat32(name, part)).toBe(part);
      expect(part).toEqual(expected);
    }
    await expect(opened.readFloat32('weights', into)).rejects.toThrow('tensor weights has 6 values, expected 8');
    await expect(opened.readFloat32('ids')).rejects.toThrow('tensor ids is of I64, expected F32');
    await expect(opened.read('other')).rejects.toThrow('it has no tensor other');
    await opened.close();
  });

  it('leaves no file behind when values do not fit', async () => {
    const path = join(dir, 'bad.safetensors');
    const wrong: TensorSource = { name: 'w', dtype: 'F32', shape: [3], values: () => new Float32Array(2) };
    await expect(writeSafetensors(path, [wrong])).rejects.toThrow(/2 values of Float32Array cannot be written as F32/);
    await expect(openSafetensors(path)).rejects.toThrow(/there is no such file/);
    await expect(writeSafetensors(path, [wrong, wrong])).rejects.toThrow('two tensors are called w');
    const typed: TensorSource = { name: 'w', dtype: 'I32', shape: [2], values: () => new Float32Array(2) };
    await expect(writeSafetensors(path, [typed])).rejects.toThrow(/cannot be written as I32/);
  });

  it('survive any damage: the file reads as before, or a named error says why not', { timeout: 120_000 }, async () => {
    const path = join(dir, 'whole.safetensors');
    await writeSafetensors(path, SOURCES);
    const whole = await readFile(path);
    const header = 8 + Number(whole.readBigUInt64LE());
    const damage = fc.oneof(
      fc.record({ at: fc.nat(header - 1), byte: fc.nat(255) }).map(({ at, byte }) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        return bytes;
      }),
      fc.nat(whole.length).map((length) => whole.subarray(0, length)),
      fc
        .record({ at: fc.nat(header), text: fc.string({ maxLength: 8 }) })
        .map(({ at, text }) => Buffer.concat([whole.subarray(0, at), Buffer.from(text), whole.subarray(at)])),
      fc
        .record({ at: fc.nat(header), count: fc.nat(40) })
        .map(({ at, count }) => Buffer.concat([whole.subarray(0, at), whole.subarray(at + count)])),
      // A digit for a digit: sizes and offsets that remain JSON.
      fc.record({ n: fc.nat(), digit: fc.nat(9) }).map(({ n, digit }) => {
        const digits = [...whole.subarray(0, header).keys()].filter(
          (i) => i >= 8 && whole[i] >= 0x30 && whole[i] <= 0x39,
        );
        const bytes = Buffer.from(whole);
        bytes[digits[n % digits.length]] = 0x30 + digit;
        return bytes;
      }),
    );
    const damaged = join(dir, 'damaged.safetensors');
    await fc.assert(
      fc.asyncProperty(damage, async (bytes) => {
        await writeFile(damaged, bytes);
        try {
          const opened = await openSafetensors(damaged);
          try {
            let total = 0;
            for (const name of opened.tensors.keys()) total += (await opened.read(name)).byteLength;
            // What was read lies within the file; 16-bit floats widen.
            expect(total).toBeLessThanOrEqual(2 * bytes.length);
          } finally {
            await opened.close();
          }
        } catch (error) {
          if (!(error instanceof CorpusmillError)) throw error;
          expect(error.code).toBe('INPUT_CORRUPT');
          expect(error.message).toContain(damaged);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('folders', () => {
  const write = (name: string, tensor: string): Promise<number> =>
    writeSafetensors(join(dir, name), [{ name: tensor, dtype: 'F32', shape: [1], values: () => Float32Array.of(7) }]);
  const index = (map: Record<string, unknown>): Promise<void> =>
    writeFile(join(dir, INDEX_FILE), JSON.stringify({ metadata: { total_size: 8 }, weight_map: map }));

  it('reads shards as one', async () => {
    await write('model-00001-of-00002.safetensors', 'a');
    await write('model-00002-of-00002.safetensors', 'b');
    await index({ a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' });
    const folder = await openTensorFolder(dir);
    expect([...folder.tensors.keys()]).toEqual(['a', 'b']);
    expect(await folder.readFloat32('b')).toEqual(Float32Array.of(7));
    expect(() => folder.readFloat32('c')).toThrow('there is no tensor c');
    await folder.close();
  });

  it.each([
    [{ a: '../model-00001-of-00002.safetensors' }, /expected a .safetensors file beside it/],
    [
      { a: 'model-00001-of-00002.safetensors', c: 'model-00001-of-00002.safetensors' },
      /has no tensor c, which the index/,
    ],
    [
      { a: 'model-00002-of-00002.safetensors', b: 'model-00001-of-00002.safetensors' },
      /has tensor \w, which the index places in/,
    ],
    [{ a: 'model-00003-of-00002.safetensors' }, /there is no such file/],
  ])('refuses the index %j', async (map, message) => {
    await index(map);
    await expect(openTensorFolder(dir)).rejects.toThrow(message);
  });

  it.each(['{', '{}', '{"weight_map":[]}', 'null'])('refuses an index of %s', async (text) => {
    await writeFile(join(dir, INDEX_FILE), text);
    await expect(openTensorFolder(dir)).rejects.toThrow(CorpusmillError);
  });
});

describeWithShared('golden files', () => {
  it('reads what PyTorch wrote: ids and logits of the reference', async () => {
    const opened = await openSafetensors(shared('goldens/qwen2-gqa/reference.safetensors'));
    expect(opened.tensors.get('logits')!.shape).toEqual([4, 96, 503]);
    const ids = await opened.read('input_ids');
    expect(ids.length).toBe(4 * 96);
    expect([...ids].every((id) => Number(id) >= 0 && Number(id) < 503)).toBe(true);
    const logits = await opened.readFloat32('logits');
    expect(logits.every(Number.isFinite)).toBe(true);
    await opened.close();
  });
});
