import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';
import { describeWithPeers, inputSpec, python, readInput } from './fixture.ts';

function parquetFile(columns: { name: string; data: unknown[]; type?: string }[], options: object = {}): string {
  const path = join(temporaryFolder(), 'in.parquet');
  writeFileSync(path, Buffer.from(parquetWriteBuffer({ columnData: columns as never, ...options })));
  return path;
}

const texts = Array.from({ length: 3000 }, (_, i) => `text ${i} 中文 ${'é'.repeat(i % 50)}`);

describe('Parquet', () => {
  it('gives rows as documents with ids by row, keeping a leading U+FEFF and NUL', async () => {
    const path = parquetFile([
      { name: 'text', data: ['\ufeffa', 'b\0c', '', '😀'], type: 'STRING' },
      { name: 'n', data: [1, 2, 3, 4], type: 'INT32' },
    ]);
    const { documents, bad } = await readInput(inputSpec(path));
    expect(bad).toEqual([]);
    expect(documents.map((d) => d.text)).toEqual(['\ufeffa', 'b\0c', '', '😀']);
    expect(documents[2]).toMatchObject({ id: 'web/in.parquet#2', meta: { source: 'web', n: 3 } });
  });

  it('quarantines rows whose text is null or no string, by row number', async () => {
    const path = parquetFile([{ name: 'text', data: ['a', null, 'c'], type: 'STRING' }]);
    const { documents, bad } = await readInput(inputSpec(path));
    expect(documents.map((d) => d.text)).toEqual(['a', 'c']);
    expect(bad).toMatchObject([{ reason: 'text is not a string', offset: 1, unit: 'row' }]);
    const numbers = await readInput(inputSpec(parquetFile([{ name: 'text', data: [1, 2], type: 'INT32' }])));
    expect(numbers.bad.map((b) => [b.reason, b.offset])).toEqual([
      ['text is not a string', 0],
      ['text is not a string', 1],
    ]);
    const missing = await readInput(inputSpec(path, { textField: 'body' }));
    expect(missing.bad.map((b) => b.reason)).toEqual(Array(3).fill('text field missing'));
  });

  it('counts invalid UTF-8', async () => {
    const path = parquetFile([
      { name: 'text', data: [Buffer.from('ok'), Buffer.from([0x61, 0xff])], type: 'BYTE_ARRAY' },
    ]);
    const { documents, counters } = await readInput(inputSpec(path));
    expect(documents.map((d) => d.text)).toEqual(['ok', 'a\ufffd']);
    expect(counters.invalidUtf8).toBe(1);
  });

  it('cuts by row groups and counts limit exactly', async () => {
    const path = parquetFile([{ name: 'text', data: texts, type: 'STRING' }], { rowGroupSize: 500 });
    const all = await readInput(inputSpec(path));
    expect(all.chunks.map((c) => c.kind === 'rows' && [c.rowStart, c.rowEnd])).toEqual([
      [0, 500],
      [500, 1000],
      [1000, 1500],
      [1500, 2000],
      [2000, 2500],
      [2500, 3000],
    ]);
    expect(all.documents.map((d) => d.text)).toEqual(texts);
    const some = await readInput(inputSpec(path, { limit: 1234 }));
    expect(some.documents.map((d) => d.text)).toEqual(texts.slice(0, 1234));
  });

  it('cuts a large row group into ranges that give every row once', async () => {
    const big = Array.from({ length: 400 }, (_, i) => `${i} ${'x'.repeat(100_000)}`);
    const path = parquetFile([{ name: 'text', data: big, type: 'STRING' }], { rowGroupSize: 400 });
    const { documents, chunks } = await readInput(inputSpec(path), 1_000_000);
    expect(chunks.length).toBeGreaterThan(1);
    expect(documents.map((d) => Number.parseInt(d.text, 10))).toEqual(big.map((_, i) => i));
  });

  it('cut in half is one bad record that says why, and reading goes on', async () => {
    const path = parquetFile([{ name: 'text', data: texts, type: 'STRING' }]);
    const bytes = readFileSync(path);
    const next = parquetFile([{ name: 'text', data: ['next'], type: 'STRING' }]);
    writeFileSync(path, bytes.subarray(0, bytes.length >> 1));
    const { documents, bad } = await readInput(inputSpec([path, next]));
    expect(documents.map((d) => d.text)).toEqual(['next']);
    expect(bad).toMatchObject([{ reason: 'truncated Parquet', unit: 'file', file: path }]);
    expect(bad[0].detail).toContain('footer is missing');
  });

  it('damaged inside a row group loses that group’s rows alone, and says which', async () => {
    const path = parquetFile([{ name: 'text', data: texts, type: 'STRING' }], {
      rowGroupSize: 1000,
      codec: 'UNCOMPRESSED',
    });
    const bytes = readFileSync(path);
    const at = bytes.indexOf('text 1500 ');
    bytes.fill(0xff, at - 20_000, at + 5);
    writeFileSync(path, bytes);
    const { documents, bad } = await readInput(inputSpec(path));
    expect(documents.map((d) => d.text)).toEqual([...texts.slice(0, 1000), ...texts.slice(2000)]);
    expect(bad).toMatchObject([{ offset: 1000, unit: 'row', detail: expect.stringContaining('rows 1000 to 1999') }]);
  });

  it.each(['PAR1', 'not parquet at all', ''])('that is none (%j) is one bad record', async (content) => {
    const path = join(temporaryFolder(), 'in.parquet');
    writeFileSync(path, content);
    const { bad } = await readInput(inputSpec(path));
    expect(bad).toHaveLength(1);
  });
});

describeWithPeers('Parquet of other writers', () => {
  const make = `
import sys, pyarrow as pa, pyarrow.parquet as pq, duckdb, polars as pl, datetime, decimal
folder = sys.argv[1]
n = 3000
table = pa.table({
    "id": pa.array([f"d{i}" for i in range(n)]),
    "text": pa.array([f"text {i} 中文 " + "é" * (i % 50) for i in range(n)]),
    "lang": pa.array(["en", "zh", None] * (n // 3)),
    "big": pa.array([2**60 + i for i in range(n)]),
    "when": pa.array([datetime.datetime(2024, 1, 2, 3, 4, 5)] * n),
    "tags": pa.array([["a", "b"]] * n),
    "deep": pa.array([{"x": 1, "y": "z"}] * n),
    "image": pa.array([b"\\x00\\xff"] * n),
    "pics": pa.array([{"bytes": b"\\x00", "path": "p"}] * n),
})
for codec in ["snappy", "gzip", "zstd", "lz4", "brotli", "none"]:
    pq.write_table(table, f"{folder}/pyarrow-{codec}.parquet", compression=codec, row_group_size=700)
pq.write_table(table, f"{folder}/pyarrow-v2.parquet", data_page_version="2.0", write_page_index=True, data_page_size=2000)
large = table.set_column(1, "text", table["text"].cast(pa.large_string()))
pq.write_table(large, f"{folder}/pyarrow-large.parquet")
pl.from_arrow(table.drop_columns(["pics", "deep"])).write_parquet(f"{folder}/polars.parquet")
duckdb.connect().execute(f"copy (from read_parquet('{folder}/pyarrow-none.parquet')) to '{folder}/duckdb.parquet' (compression zstd)")
`;

  it('is read whole, whatever codec, page version or string type', async () => {
    const folder = temporaryFolder();
    python(make, folder);
    for (const name of ['snappy', 'gzip', 'zstd', 'lz4', 'brotli', 'none', 'v2', 'large', '../polars', '../duckdb']) {
      const file = name.startsWith('../') ? `${name.slice(3)}.parquet` : `pyarrow-${name}.parquet`;
      const { documents, bad } = await readInput(inputSpec(join(folder, file)));
      expect(bad, file).toEqual([]);
      expect(
        documents.map((d) => d.text),
        file,
      ).toEqual(texts);
      expect(documents[2999].id, file).toBe('d2999');
      const { meta } = documents[1];
      expect(meta, file).toMatchObject({
        source: 'web',
        lang: 'zh',
        tags: ['a', 'b'],
        when: '2024-01-02T03:04:05.000Z',
      });
      // 2^60 + 1 is beyond what a double holds exactly.
      expect(meta['big'], file).toBe('1152921504606846977');
      expect(Object.keys(meta), file).not.toContain('image');
      expect(Object.keys(meta), file).not.toContain('pics');
    }
  });
});
