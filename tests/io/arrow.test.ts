import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';
import { describeWithPeers, inputSpec, python, readInput } from './fixture.ts';

function arrowFile(columns: Record<string, unknown[]>, form: 'file' | 'stream'): string {
  const path = join(temporaryFolder(), 'in.arrow');
  writeFileSync(path, tableToIPC(tableFromArrays(columns), form));
  return path;
}

describe('Arrow IPC', () => {
  it.each(['file', 'stream'] as const)(
    'of apache-arrow’s own writer in %s form, dictionary strings included',
    async (form) => {
      // tableFromArrays makes dictionary-encoded strings.
      const path = arrowFile({ id: ['a', 'b'], text: ['\ufeffx\0', '😀'], n: [1, 2] }, form);
      const { documents, bad } = await readInput(inputSpec(path));
      expect(bad).toEqual([]);
      expect(documents).toEqual([
        { id: 'a', text: '\ufeffx\0', meta: { source: 'web', n: 1 } },
        { id: 'b', text: '😀', meta: { source: 'web', n: 2 } },
      ]);
    },
  );

  it.each(['ARROW1', 'nothing of the kind', ''])('that is none (%j) is one bad record', async (content) => {
    const path = join(temporaryFolder(), 'in.arrow');
    writeFileSync(path, content);
    const { documents, bad } = await readInput(inputSpec(path));
    expect(documents).toEqual([]);
    expect(bad).toHaveLength(1);
  });
});

describeWithPeers('Arrow IPC of other writers', () => {
  const make = `
import sys, pyarrow as pa, pyarrow.feather as feather, polars as pl
folder = sys.argv[1]
n = 3000
table = pa.table({
    "id": pa.array([f"d{i}" for i in range(n)]),
    "text": pa.array([None if i == 7 else f"text {i} 中文 " + "é" * (i % 50) for i in range(n)]),
    "lang": pa.array(["en", "zh", None] * (n // 3)),
    "big": pa.array([2**60 + i for i in range(n)]),
    "tags": pa.array([["a", "b"]] * n),
    "image": pa.array([b"\\x00\\xff"] * n),
})
def stream(name, table, rows):
    with pa.ipc.new_stream(f"{folder}/{name}.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
stream("stream", table, 100)
at = table.schema.get_field_index("text")
stream("dictionary", table.set_column(at, "text", table["text"].dictionary_encode()), 1000)
stream("large", table.set_column(at, "text", table["text"].cast(pa.large_string())), 1000)
stream("view", table.set_column(at, "text", table["text"].cast(pa.string_view())), 1000)
with pa.ipc.new_file(f"{folder}/file.arrow", table.schema) as writer:
    writer.write_table(table, max_chunksize=700)
feather.write_feather(table, f"{folder}/lz4.feather", compression="lz4")
feather.write_feather(table, f"{folder}/zstd.feather", compression="zstd")
pl.from_arrow(table).write_ipc(f"{folder}/polars.arrow")
pl.from_arrow(table).write_ipc(f"{folder}/polars-zstd.arrow", compression="zstd")
pl.from_arrow(table).write_ipc(f"{folder}/polars-lz4.arrow", compression="lz4")
`;
  const texts = Array.from({ length: 3000 }, (_, i) => `text ${i} 中文 ${'é'.repeat(i % 50)}`).filter(
    (_, i) => i !== 7,
  );

  it('is read whole: both forms, all string types, compressed buffers', async () => {
    const folder = temporaryFolder();
    python(make, folder);
    const names = ['stream.arrow', 'dictionary.arrow', 'large.arrow', 'view.arrow', 'file.arrow', 'lz4.feather'];
    for (const name of [...names, 'zstd.feather', 'polars.arrow', 'polars-zstd.arrow', 'polars-lz4.arrow']) {
      const { documents, bad } = await readInput(inputSpec(join(folder, name)), 20_000);
      expect(
        documents.map((d) => d.text),
        name,
      ).toEqual(texts);
      expect(bad, name).toMatchObject([{ reason: 'text is not a string', offset: 7, unit: 'row' }]);
      expect(documents[1].meta, name).toEqual({
        source: 'web',
        lang: 'zh',
        big: '1152921504606846977',
        tags: ['a', 'b'],
      });
    }
  });

  it('counts limit exactly over batches', async () => {
    const folder = temporaryFolder();
    python(make, folder);
    for (const name of ['stream.arrow', 'file.arrow', 'polars.arrow']) {
      const { documents } = await readInput(inputSpec(join(folder, name), { limit: 1234 }), 20_000);
      expect(documents.map((d) => d.text)).toEqual(texts.slice(0, 1233));
    }
  });

  it('cut in half gives the whole batches before the cut, then one bad record', async () => {
    const folder = temporaryFolder();
    python(make, folder);
    for (const name of ['stream.arrow', 'file.arrow']) {
      const path = join(folder, name);
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.subarray(0, bytes.length >> 1));
      const { documents, bad } = await readInput(inputSpec(path));
      expect(documents.length, name).toBeGreaterThan(600);
      expect(documents.map((d) => d.text)).toEqual(texts.slice(0, documents.length));
      expect(
        bad.map((b) => b.reason),
        name,
      ).toEqual(['text is not a string', 'truncated Arrow']);
      expect(bad[1].offset).toBe(documents.length + 1);
    }
  });
});
