import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type MixtureSource,
  openShards,
  type ShardLoaderOptions,
  type ShardSet,
  shardLoader,
  type TokenBatch,
} from '../../../src/shards/loader.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { runShards, someParts, writeByteTokenizer } from '../context.ts';

const LENGTH = 32;
let web: ShardSet;
let code: ShardSet;
let books: ShardSet;

beforeAll(async () => {
  const make = async (seed: number, documents: number, contextLength = LENGTH) => {
    const dir = temporaryFolder();
    const { outputDir } = await runShards({
      dir,
      parts: someParts(seed, [documents], 40),
      tokenizer: await writeByteTokenizer(dir),
      options: { contextLength, packing: 'greedy', targetShardBytes: 1 << 12 },
    });
    return openShards(outputDir);
  };
  [web, code, books] = [await make(1, 160), await make(2, 60), await make(3, 20)];
});
afterAll(() => Promise.all([web, code, books].map((set) => set.close())));

async function all(sources: readonly MixtureSource[], options: ShardLoaderOptions): Promise<TokenBatch[]> {
  const batches: TokenBatch[] = [];
  for await (const batch of shardLoader(sources, options)) batches.push(batch);
  return batches;
}

/** `source:row` of every row, in order. */
const rowsOf = (batches: readonly TokenBatch[]) =>
  batches.flatMap(({ rows, sources }) => rows.map((row, i) => `${sources[i]}:${row}`));
const three = (): MixtureSource[] => [
  { shards: web, weight: 0.6, epochs: 2 },
  { shards: code, weight: 0.3, epochs: 3.5 },
  { shards: books, weight: 0.1, epochs: 4 },
];
const count = (rows: readonly string[], source: number) => rows.filter((row) => row.startsWith(`${source}:`)).length;

describe('a mixture of shard sets', () => {
  it('gives tokens and lengths of the row that it names', async () => {
    const stored = await Promise.all(
      three().map(({ shards }) => all([{ shards }], { seed: 0, order: 'sequential', batchSize: shards.rows })),
    );
    const batches = await all(three(), { seed: 1, batchSize: 5 });
    for (const batch of batches.slice(0, 10)) {
      for (const [i, row] of batch.rows.entries()) {
        const [alone] = stored[batch.sources[i]];
        expect(batch.inputIds.subarray(i * LENGTH, (i + 1) * LENGTH)).toEqual(
          alone.inputIds.subarray(row * LENGTH, (row + 1) * LENGTH),
        );
        expect(batch.seqLengths[i]).toEqual(alone.seqLengths[row]);
        expect(batch.validTokens[i]).toBe(alone.validTokens[row]);
      }
    }
  });

  it('has the shares of its weights in rows at every point, while no source has run out', async () => {
    const sources = three().map((source) => ({ ...source, epochs: Infinity }));
    const counts = [0, 0, 0];
    let drawn = 0;
    for await (const batch of shardLoader(sources, { seed: 1, batchSize: 1, weightBy: 'rows' })) {
      counts[batch.sources[0]]++;
      drawn++;
      [0.6, 0.3, 0.1].forEach((share, i) => {
        expect(Math.abs(counts[i] - share * drawn)).toBeLessThan(1);
      });
      if (drawn === 700) break;
    }
  });

  it('has the shares of its weights in tokens by default, however full the rows of a source are', async () => {
    const sources = [
      { shards: web, weight: 1, epochs: Infinity },
      { shards: books, weight: 1, epochs: Infinity },
    ];
    const tokens = [0, 0];
    let batches = 0;
    for await (const batch of shardLoader(sources, { seed: 1, batchSize: 50 })) {
      batch.sources.forEach((source, i) => {
        tokens[source] += batch.validTokens[i];
      });
      if (++batches === 60) break;
    }
    expect(web.manifest.tokens / web.rows).not.toBeCloseTo(books.manifest.tokens / books.rows, 1);
    expect(tokens[0] / (tokens[0] + tokens[1])).toBeCloseTo(0.5, 2);
  });

  it('reads everything `epochs` times without weights, evenly spread', async () => {
    const sources = [{ shards: web }, { shards: code, epochs: 2 }];
    const rows = rowsOf(await all(sources, { seed: 1, batchSize: 7 }));
    expect(rows).toHaveLength(web.rows + 2 * code.rows);
    const half = rows.slice(0, rows.length >> 1);
    expect(Math.abs(count(half, 0) - web.rows / 2)).toBeLessThanOrEqual(1);
    expect(Math.abs(count(half, 1) - code.rows)).toBeLessThanOrEqual(1);
  });

  it('begins no epoch of a source before every row of the one before was given', async () => {
    const rows = rowsOf(await all(three(), { seed: 3, batchSize: 9 }));
    for (const [source, { shards, epochs }] of three().entries()) {
      const own = rows.filter((row) => row.startsWith(`${source}:`));
      expect(own).toHaveLength(Math.floor(epochs! * shards.rows));
      for (let at = 0; at < own.length; at += shards.rows) {
        const epoch = own.slice(at, at + shards.rows);
        expect(new Set(epoch).size).toBe(epoch.length);
      }
    }
  });

  it('orders the rows of two sources of the same shards differently', async () => {
    const rows = rowsOf(await all([{ shards: web }, { shards: web }], { seed: 1, batchSize: 4 }));
    const of = (source: number) => rows.filter((row) => row.startsWith(`${source}:`)).map((row) => row.slice(2));
    expect(of(0)).not.toEqual(of(1));
  });
});

describe('a source that has been given as often as it may be', () => {
  const sources = (): MixtureSource[] => [
    { shards: web, weight: 1, epochs: 3 },
    { shards: code, weight: 1, epochs: 3 },
    { shards: books, weight: 2 },
  ];

  it('leaves its part to the others in proportion (continue)', async () => {
    const rows = rowsOf(await all(sources(), { seed: 1, batchSize: 3, weightBy: 'rows' }));
    const last = rows.lastIndexOf(rows.filter((row) => row.startsWith('2:')).at(-1)!);
    expect(count(rows, 2)).toBe(books.rows);
    expect(Math.abs(last + 1 - 2 * books.rows)).toBeLessThanOrEqual(1);
    const after = rows.slice(last + 1, last + 1 + code.rows);
    expect(Math.abs(count(after, 0) - count(after, 1))).toBeLessThanOrEqual(1);
    expect(rows).toHaveLength(3 * web.rows + 3 * code.rows + books.rows);
  });

  it('ends the mixture, whose shares then held to the end (stop)', async () => {
    const options = { seed: 1, batchSize: 3, weightBy: 'rows', whenExhausted: 'stop' } as const;
    const rows = rowsOf(await all(sources(), options));
    expect(count(rows, 2)).toBe(books.rows);
    for (const source of [0, 1]) expect(Math.abs(count(rows, source) - books.rows / 2)).toBeLessThanOrEqual(1.5);
  });
});

describe('ranks', () => {
  it('give together the same rows in each step for every world size that divides the global batch', async () => {
    const GLOBAL = 12;
    const steps = async (worldSize: number) => {
      const ranks = await Promise.all(
        Array.from({ length: worldSize }, (_, rank) =>
          all(three(), { seed: 5, batchSize: GLOBAL / worldSize, worldSize, rank, tail: 'drop' }),
        ),
      );
      return ranks[0].map((_, step) => ({
        rows: ranks.flatMap((batches) => rowsOf([batches[step]])),
        cursors: [...new Set(ranks.map((batches) => batches[step].cursor))],
      }));
    };
    const expected = await steps(1);
    expect(expected.length).toBeGreaterThan(20);
    for (const worldSize of [2, 3, 4, 6, 12]) expect(await steps(worldSize)).toEqual(expected);
  });
});

describe('resuming a mixture', () => {
  it('goes on exactly, whatever the point and the world size before and after', async () => {
    const whole = rowsOf(await all(three(), { seed: 5, batchSize: 1 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            worldSize: fc.integer({ min: 1, max: 4 }),
            batchSize: fc.integer({ min: 1, max: 9 }),
            steps: fc.integer({ min: 1, max: 12 }),
          }),
          { minLength: 1, maxLength: 6 },
        ),
        async (legs) => {
          let cursor: string | undefined;
          const seen: string[] = [];
          for (const { worldSize, batchSize, steps } of legs) {
            const ranks = await Promise.all(
              Array.from({ length: worldSize }, async (_, rank) => {
                const options = { seed: 5, batchSize, worldSize, rank, tail: 'drop' as const };
                const batches: TokenBatch[] = [];
                for await (const batch of shardLoader(
                  three(),
                  cursor === undefined ? options : { ...options, cursor },
                )) {
                  batches.push(batch);
                  if (batches.length === steps) break;
                }
                return batches;
              }),
            );
            for (let step = 0; step < ranks[0].length; step++) {
              for (const batches of ranks) seen.push(...rowsOf([batches[step]]));
            }
            cursor = ranks[0].at(-1)?.cursor ?? cursor;
          }
          expect(seen).toEqual(whole.slice(0, seen.length));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('also after a source has run out', async () => {
    const sources = [
      { shards: web, weight: 1 },
      { shards: code, weight: 2 },
      { shards: books, weight: 3 },
    ];
    const batches = await all(sources, { seed: 2, batchSize: 4 });
    const late = batches.filter(({ cursor }) => cursor.split(':').length === 6);
    expect(late.length).toBeGreaterThan(5);
    for (const batch of [late[0], late[3], late.at(-2)!]) {
      const rest = await all(sources, { seed: 2, batchSize: 4, cursor: batch.cursor });
      expect(rest).toEqual(batches.slice(batches.indexOf(batch) + 1));
    }
  });

  it('has a cursor of a few bytes', async () => {
    const [first] = await all(three(), { seed: 5, batchSize: 10 });
    expect(first.cursor).toMatch(/^1:[0-9a-f]{8}:[0-9a-f]{8}:[0-9a-f]{8}:\d+,\d+,\d+$/);
  });

  it.each<[string, (sources: MixtureSource[]) => MixtureSource[], Partial<ShardLoaderOptions>, RegExp]>([
    [
      'other shards',
      ([a, b, c]) => [a, c, b].map((s, i) => ({ ...s, weight: [0.6, 0.3, 0.1][i] })),
      {},
      /other shards/,
    ],
    ['one source fewer', ([a, b]) => [a, b], {}, /other shards and other weights/],
    ['other weights', ([a, ...rest]) => [{ ...a, weight: 0.7 }, ...rest], {}, /to other weights or epochs than/],
    ['other epochs', ([a, ...rest]) => [{ ...a, epochs: 3 }, ...rest], {}, /to other weights or epochs than/],
    ['another seed', (sources) => sources, { seed: 6 }, /to another seed or order than/],
    ['another order', (sources) => sources, { order: 'sequential' }, /to another seed or order than/],
  ])('refuses a cursor of %s and says so', async (_, change, options, message) => {
    const [{ cursor }] = await all(three(), { seed: 5, batchSize: 10 });
    await expect(all(change(three()), { seed: 5, batchSize: 10, cursor, ...options })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(message),
    });
  });

  it.each(['', '1:2', '1:00000000:00000000:00000000:x', '1:00000000:00000000:00000000:5:6'])(
    'says that %j is no cursor',
    async (cursor) => {
      await expect(all(three(), { seed: 5, batchSize: 1, cursor })).rejects.toThrow(/is not a cursor/);
    },
  );

  it('takes other weights from a cursor on when told to, going on in every source', async () => {
    const before = await all(three(), { seed: 5, batchSize: 10, weightBy: 'rows' });
    const { cursor } = before[4];
    const seen = rowsOf(before.slice(0, 5));
    const changed = three().map((source, i) => ({ ...source, weight: [0.1, 0.1, 0.8][i] }));
    const [batch] = await all(changed, { seed: 5, batchSize: 20, cursor, allowOtherWeights: true, weightBy: 'rows' });
    expect([0, 1, 2].map((source) => count(rowsOf([batch]), source))).toEqual([2, 2, 16]);
    const epochOfWeb = rowsOf([...before.slice(0, 5), batch]).filter((row) => row.startsWith('0:'));
    expect(new Set(epochOfWeb).size).toBe(epochOfWeb.length);
    expect(seen).toHaveLength(50);
  });
});

describe('sources that do not fit', () => {
  it('are refused, each with the reason', async () => {
    const refused = (sources: readonly MixtureSource[], message: RegExp) =>
      expect(all(sources, { seed: 1, batchSize: 1 })).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringMatching(message),
      });
    await refused([], /there is no source/);
    await refused([{ shards: web, weight: 1 }, { shards: code }], /source 1 has no weight, others have/);
    await refused([{ shards: web, weight: -1 }], /source 0 has weight -1/);
    await refused([{ shards: web, epochs: Number.NaN }], /source 0 has epochs NaN/);
    const other = (change: Partial<ShardSet['manifest']>): ShardSet => ({
      ...code,
      manifest: { ...code.manifest, ...change },
    });
    await refused(
      [{ shards: web }, { shards: other({ contextLength: 64 }) }],
      /has rows of 64 uint16, the first has 32/,
    );
    await refused([{ shards: web }, { shards: other({ dtype: 'uint32' }) }], /has rows of 32 uint32/);
    const tokenizer = { ...code.manifest.tokenizer, sha256: '0'.repeat(64) };
    await refused([{ shards: web }, { shards: other({ tokenizer }) }], /made with another tokenizer/);
  });
});
