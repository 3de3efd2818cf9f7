import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { xxh64Hex } from '../../src/core/hash.ts';
import { COMPRESSIONS, decompress } from '../../src/io/codecs.ts';
import { flatRecord } from '../../src/io/write-jsonl.ts';
import { type DocumentWriterOptions, extensionOf, OUTPUT_FORMATS, openDocumentWriter } from '../../src/io/writers.ts';
import { documentColumns } from '../document-columns.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { describeWithPeers, inputSpec, python, readInput } from './fixture.ts';

const documents: Document[] = Array.from({ length: 500 }, (_, i) => ({
  id: `d${i}`,
  text: i === 0 ? '\ufeffstart\0😀' : `document ${i} 中文 ${'é'.repeat(i % 40)}`,
  meta: { source: i % 2 ? 'web' : 'books', lang: 'en', score: i / 7 },
}));

const kinds = OUTPUT_FORMATS.flatMap((format) =>
  COMPRESSIONS.filter((compression) => !(format === 'arrow' && compression === 'gzip')).map(
    (compression): DocumentWriterOptions => ({ format, compression }),
  ),
);

async function writeAll(path: string, options: DocumentWriterOptions, step = 97, all = documents) {
  const writer = await openDocumentWriter(path, options);
  for (let i = 0; i < all.length; i += step) await writer.write(documentColumns(all.slice(i, i + step)));
  return writer.close();
}

describe('openDocumentWriter', () => {
  it.each(kinds)('writes $format with $compression so that it reads back whole', async (options) => {
    const path = join(temporaryFolder(), `out${extensionOf(options.format, options.compression)}`);
    const written = await writeAll(path, options);
    const bytes = readFileSync(path);
    expect(written).toEqual({ bytes: bytes.length, documents: 500, xxh64: xxh64Hex(bytes) });
    const back = await readInput(inputSpec(path));
    expect(back.bad).toEqual([]);
    expect(back.documents.map((d) => [d.id, d.text])).toEqual(documents.map((d) => [d.id, d.text]));
    expect(back.documents.map((d) => d.meta['original_source'])).toEqual(documents.map((d) => d.meta['source']));
    const rest = back.documents.map(({ meta }) =>
      options.format === 'jsonl' ? { lang: meta['lang'], score: meta['score'] } : JSON.parse(meta['meta'] as string),
    );
    expect(rest).toEqual(documents.map(({ meta }) => ({ lang: meta['lang'], score: meta['score'] })));
  });

  it.each(kinds)('gives the same $format/$compression bytes however documents are grouped', async (options) => {
    const folder = temporaryFolder();
    await writeAll(join(folder, 'a'), options, 1);
    await writeAll(join(folder, 'b'), options, 500);
    expect(readFileSync(join(folder, 'a')).equals(readFileSync(join(folder, 'b')))).toBe(true);
  });

  it.each(kinds)('writes a valid $format/$compression file of no documents', async (options) => {
    const path = join(temporaryFolder(), `out${extensionOf(options.format, options.compression)}`);
    expect(await writeAll(path, options, 1, [])).toMatchObject({ documents: 0 });
    const back = await readInput(inputSpec(path));
    expect([back.documents, back.bad]).toEqual([[], []]);
  });

  it.each(['parquet', 'arrow'] as const)(
    'parts the source from the rest of meta in %s, wherever it stands',
    async (format) => {
      const rest = [{}, { lang: 'en' }, { a: { source: 'b' } }, { 1: 'first' }, { x: 1 }, {}, {}, { y: '"' }];
      const sources = ['web', 'web', 'last', 'number key', 'quo"te\\', undefined, 3, ''];
      const all = rest.map((meta, i) => {
        const source = sources[i] === undefined ? {} : { source: sources[i] };
        return { id: `${i}`, text: 't', meta: i === 2 ? { ...meta, ...source } : { ...source, ...meta } };
      });
      const path = join(temporaryFolder(), 'out');
      await writeAll(path, { format, compression: 'none' }, 3, all);
      const back = await readInput(inputSpec(path, { format }));
      expect(back.documents.map(({ meta }) => JSON.parse(meta['meta'] as string))).toEqual(rest);
      expect(back.documents.map(({ meta }) => meta['original_source'])).toEqual(
        sources.map((source) => (typeof source === 'string' ? source : '')),
      );
    },
  );

  it('nests meta where asked', async () => {
    const path = join(temporaryFolder(), 'out.jsonl');
    await writeAll(path, { format: 'jsonl', compression: 'none', meta: 'nested' });
    expect(JSON.parse(readFileSync(path, 'utf8').split('\n')[1])).toEqual(documents[1]);
  });

  it('makes large JSONL a run of members, each complete', async () => {
    const path = join(temporaryFolder(), 'out.jsonl.gz');
    const large = Array.from({ length: 10 }, (_, i) => ({ id: `${i}`, text: `${i}`.repeat(1_000_000), meta: {} }));
    await writeAll(path, { format: 'jsonl', compression: 'gzip' }, 3, large);
    const bytes = readFileSync(path);
    const lines = Buffer.from(await decompress(bytes))
      .toString()
      .split('\n');
    expect(lines).toHaveLength(11);
    // Lines of 1,000,000 characters, members of at least 4 Mi: five lines each. Members begin with the magic number, deflate, no flags, no time.
    expect(bytes.toString('latin1').split('\x1f\x8b\x08\x00\x00\x00\x00\x00').length - 1).toBe(2);
  });

  it('leaves nothing after abort', async () => {
    const folder = temporaryFolder();
    const writer = await openDocumentWriter(join(folder, 'out.parquet'), { format: 'parquet', compression: 'zstd' });
    await writer.write(documentColumns(documents));
    await writer.abort();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says CONFIG_INVALID for Arrow with gzip and for gzip above level 9', async () => {
    const path = join(temporaryFolder(), 'out');
    await expect(openDocumentWriter(path, { format: 'arrow', compression: 'gzip' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    const options = { format: 'jsonl', compression: 'gzip', level: 12 } as const;
    await expect(openDocumentWriter(path, options)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('flatRecord', () => {
  it('never lets meta hide id or text', () => {
    const meta = JSON.parse('{"id":1,"meta_id":2,"text":3,"x":4,"__proto__":5}');
    const record = flatRecord({ id: 'a', text: 't', meta });
    expect(Object.entries(record)).toEqual([
      ['id', 'a'],
      ['text', 't'],
      ['meta_meta_id', 1],
      ['meta_id', 2],
      ['meta_text', 3],
      ['x', 4],
      ['__proto__', 5],
    ]);
  });
});

describeWithPeers('written files in other tools', () => {
  it('hold the same text for pyarrow and polars', async () => {
    const folder = temporaryFolder();
    for (const options of kinds.filter(({ format }) => format !== 'jsonl')) {
      const path = join(folder, `${options.compression}${extensionOf(options.format, options.compression)}`);
      await writeAll(path, options);
      const program = `
import sys, json, pyarrow as pa, pyarrow.parquet as pq, polars as pl
path = sys.argv[1]
if path.endswith("parquet"):
    table, frame = pq.read_table(path), pl.read_parquet(path)
else:
    table, frame = pa.ipc.open_file(path).read_all(), pl.read_ipc(path)
table.validate(full=True)
assert frame["text"].to_list() == table["text"].to_pylist()
print(json.dumps([table.schema.names, table["text"].to_pylist(), table["source"].to_pylist()]))
`;
      expect(JSON.parse(python(program, path)), path).toEqual([
        ['id', 'text', 'source', 'meta'],
        documents.map((d) => d.text),
        documents.map((d) => d.meta['source']),
      ]);
    }
  });

  it('pass bench/interop/corpus.py', async () => {
    const folder = temporaryFolder();
    const paths: string[] = [];
    for (const options of kinds) {
      const path = join(folder, `${options.compression}${extensionOf(options.format, options.compression)}`);
      await writeAll(path, options);
      paths.push(path);
    }
    const script = join(import.meta.dirname, '../../bench/interop/corpus.py');
    const program = 'import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name="__main__")';
    expect(() => python(program, script, ...paths)).not.toThrow();
  }, 60_000);
});
