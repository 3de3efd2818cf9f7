import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDocumentWriter } from '../../src/io/writers.ts';
import { documentColumns } from '../document-columns.ts';
import { runShards, writeByteTokenizer } from '../shards/context.ts';
import { cli, type Outcome } from './cli.ts';

let dir: string;
const inspect = (...args: string[]): Promise<Outcome> => cli(['inspect', ...args], { cwd: dir });
const bar = (title: string) => `── ${title} ${'─'.repeat(96 - title.length)}`;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-inspect-'));
  const lines = [0, 1, 2, 3].map((n) => JSON.stringify({ id: `d${n}`, text: `text ${n}`, score: n / 2, tags: ['a'] }));
  await writeFile(join(dir, 'docs.jsonl'), `${lines.join('\n')}\n`);
  await writeFile(join(dir, 'docs.jsonl.gz'), gzipSync(`${lines.join('\n')}\n`));
  await writeFile(join(dir, 'table.csv'), 'id,text\n1,"one, two"\n2,three\n');
  await writeFile(join(dir, 'note.txt'), 'first line\nsecond line\u001b[31m red\n');
  await mkdir(join(dir, 'clean'));
  await writeFile(join(dir, 'clean', 'manifest.json'), '{"schemaVersion": 1}');
  for (const [file, ids] of [
    ['documents-0.parquet', ['a', 'b', 'c']],
    ['documents-1.parquet', ['d', 'e']],
  ] as const) {
    const writer = await openDocumentWriter(join(dir, 'clean', file), { format: 'parquet', compression: 'zstd' });
    await writer.write(documentColumns(ids.map((id) => ({ id, text: `text of ${id}`, meta: { source: 'x' } }))));
    await writer.close();
  }
});
afterAll(() => rm(dir, { recursive: true }));

describe('inspect: documents', () => {
  it('shows the rows of a JSONL file with every field', async () => {
    const { code, stdout, stderr } = await inspect('docs.jsonl', '--limit', '2', '--offset', '1');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(`docs.jsonl: jsonl, 208 B
${bar('row 1')}
id: d1
text: text 1
score: 0.5
tags: ["a"]
${bar('row 2')}
id: d2
text: text 2
score: 1
tags: ["a"]
`);
  });

  it.each([
    ['docs.jsonl.gz', 'jsonl', 'd0'],
    ['table.csv', 'csv', '1'],
    ['clean/documents-1.parquet', 'parquet', 'd'],
  ])('reads %s', async (file, format, firstId) => {
    const shown = JSON.parse((await inspect(file, '--json')).stdout) as { format: string; rows: { id: string }[] };
    expect([shown.format, shown.rows[0].id]).toEqual([format, firstId]);
  });

  it('reads a folder as one table, without its manifest', async () => {
    const shown = JSON.parse((await inspect('clean', '--offset', '2', '--limit', '2', '--json')).stdout) as object;
    expect(shown).toMatchObject({ path: 'clean', files: 2, offset: 2, rows: [{ id: 'c' }, { id: 'd' }] });
    const { stdout } = await inspect('clean', '--offset', '3', '--limit', '1');
    expect(stdout).toContain('clean: 2 parquet files, zstd; the first: ');
    expect(stdout).toContain(bar('documents-1.parquet row 0'));
  });

  it('cuts long texts unless told not to', async () => {
    expect((await inspect('docs.jsonl', '--limit', '1', '--chars', '4')).stdout).toContain('text: text… (2 more)\n');
    expect((await inspect('docs.jsonl', '--limit', '1', '--chars', '0')).stdout).toContain('text: text 0\n');
  });

  it('does not let a text command the terminal', async () => {
    const { stdout } = await inspect('note.txt');
    expect(stdout).toContain('text:\nfirst line\nsecond line␛[31m red\n');
  });

  it('takes the format from --format', async () => {
    expect((await inspect('table.csv', '--format', 'text')).stdout).toContain('text:\nid,text\n1,"one, two"');
  });

  it('says so when there are no rows there', async () => {
    expect((await inspect('docs.jsonl', '--offset', '9')).stdout).toBe(
      'docs.jsonl: jsonl, 208 B\nno rows at offset 9\n',
    );
  });
});

describe('inspect: shards', () => {
  beforeAll(async () => {
    const parts = [
      [
        { id: 'one', text: 'Hello', meta: {} },
        { id: 'two', text: '你好', meta: {} },
      ],
    ];
    const options = { contextLength: 16, packing: 'concatenate', shuffle: false } as const;
    await runShards({ dir, parts, tokenizer: await writeByteTokenizer(dir), options });
  });

  it('decodes rows to text and shows the document borders', async () => {
    const { code, stdout } = await inspect('out');
    expect(code).toBe(0);
    // Hello: 5 bytes and the end token; 你好: 6 bytes and the end token; 13 of 16 places.
    expect(stdout).toBe(`out: 1 row of 16 tokens (uint16)
${bar('shard-00000-of-00001.arrow row 0: 2 pieces, 3 padding')}
▌ one  6 tokens at 0, document ends
Hello
▌ two  7 tokens at 6, document ends
你好
`);
  });

  it('opens a single shard file and the manifest too', async () => {
    const { stdout } = await inspect('out');
    const rows = stdout.slice(stdout.indexOf('\n'));
    for (const path of ['out/manifest.json', 'out/shard-00000-of-00001.arrow']) {
      expect((await inspect(path)).stdout).toContain(rows);
    }
  });

  it('prints JSON with the token ids', async () => {
    expect(JSON.parse((await inspect('out', '--json')).stdout)).toMatchObject({
      format: 'shards',
      totalRows: 1,
      contextLength: 16,
      rows: [
        { padding: 3, pieces: [{ documentId: 'one', tokens: [72, 101, 108, 108, 111, 256] }, { documentId: 'two' }] },
      ],
    });
  });
});

describe('inspect: what cannot be shown', () => {
  it('a path that is not there', async () => {
    expect(await inspect('none.parquet')).toEqual({
      code: 3,
      stdout: '',
      stderr: 'corpusmill: there is no none.parquet\nhint: give a file, or a folder that a run has written\n',
    });
  });

  it('a run directory: its outputs are named', async () => {
    await mkdir(join(dir, 'run', 'output', 'shards'), { recursive: true });
    await mkdir(join(dir, 'run', 'phases'));
    await writeFile(join(dir, 'run', 'run.json'), '{}');
    expect(await inspect('run')).toEqual({
      code: 3,
      stdout: '',
      stderr: 'corpusmill: the folder run holds no rows\nhint: its outputs have: run/output/shards\n',
    });
  });

  it('a file of unknown format', async () => {
    await writeFile(join(dir, 'blob.bin'), Uint8Array.of(0, 1, 2, 3));
    const { code, stderr } = await inspect('blob.bin');
    expect(code).toBe(3);
    expect(stderr).toContain('cannot tell the format of');
  });
});
