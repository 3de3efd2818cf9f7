import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { escapePath } from 'tinyglobby';
import { describe, expect, it } from 'vitest';
import { compress } from '../../src/io/codecs.ts';
import { encodeDocuments } from '../../src/io/document-batch.ts';
import { expandInputs } from '../../src/io/files.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { inputSpec } from './fixture.ts';

function tree(files: Record<string, string | Uint8Array>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Root may read everything: it takes the user id of `nobody` for a while. */
async function asOrdinaryUser(folder: string, body: () => Promise<void>): Promise<void> {
  const root = process.geteuid?.() === 0;
  if (!root) return body();
  chmodSync(folder, 0o755);
  process.seteuid?.(65534);
  try {
    await body();
  } finally {
    process.seteuid?.(0);
  }
}

describe('expandInputs', () => {
  const lines = '{"text":"a"}\n';

  it('leaves out what lies in the run directory, and says so; a pattern that finds nothing else is refused', async () => {
    const folder = tree({ 'a.jsonl': lines, 'run/output/write/b.jsonl': lines, 'running.jsonl': lines });
    const warnings: string[] = [];
    const options = { runDirectory: join(folder, 'run'), onWarning: (message: string) => warnings.push(message) };
    const files = await expandInputs([inputSpec([join(folder, '**/*.jsonl')])], options);
    expect(files.map((f) => f.relativePath)).toEqual(['a.jsonl', 'running.jsonl']);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('1 of the files');
    const own = expandInputs([inputSpec([join(folder, 'run/output/write/b.jsonl')])], options);
    await expect(own).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it.each(['a [b]', 'a {b,c}', 'a (b)', 'a*b'])('takes a pattern in a folder that is named %s', async (name) => {
    const folder = tree({ [`${name}/data/a.jsonl`]: lines });
    const files = await expandInputs([inputSpec([`${escapePath(join(folder, name))}/data/*.jsonl`])]);
    expect(files.map((f) => f.relativePath)).toEqual(['a.jsonl']);
  });

  it('takes files, folders and globs, each file once, sorted by path', async () => {
    const folder = tree({ 'b.jsonl': lines, 'a/z.jsonl': lines, 'a/y.txt': 'words', '.hidden': 'x' });
    const files = await expandInputs([
      inputSpec([join(folder, '**/*.jsonl'), join(folder, 'b.jsonl'), join(folder, 'a')]),
    ]);
    expect(files.map((f) => [f.relativePath, f.format, f.bytes])).toEqual([
      ['a/y.txt', 'text', 5],
      ['a/z.jsonl', 'jsonl', lines.length],
      ['b.jsonl', 'jsonl', lines.length],
    ]);
  });

  it('names files relative to the glob’s fixed part', async () => {
    const folder = tree({ 'x/2024/a.jsonl': lines, 'x/2025/a.jsonl': lines });
    const files = await expandInputs([inputSpec(join(folder, 'x/*/a.jsonl'))]);
    expect(files.map((f) => f.relativePath)).toEqual(['2024/a.jsonl', '2025/a.jsonl']);
  });

  it('takes a name that exists as it is, even when it looks like a glob', async () => {
    const folder = tree({ 'a[1].jsonl': lines, 'b[x]/c.jsonl': lines });
    expect(await expandInputs([inputSpec(join(folder, 'a[1].jsonl'))])).toHaveLength(1);
    expect(await expandInputs([inputSpec(join(folder, 'b[x]'))])).toHaveLength(1);
  });

  it('takes a glob below a folder whose name looks like one, escaped as the configuration does', async () => {
    const folder = tree({ 'odd [2019] (x)/a.jsonl': lines });
    const [file] = await expandInputs([inputSpec(join(escapePath(join(folder, 'odd [2019] (x)')), '*.jsonl'))]);
    expect(file.relativePath).toBe('a.jsonl');
  });

  it('keeps inputs in order', async () => {
    const folder = tree({ 'a.jsonl': lines, 'b.jsonl': lines });
    const files = await expandInputs([inputSpec(join(folder, 'b.jsonl')), inputSpec(join(folder, 'a.jsonl'))]);
    expect(files.map((f) => [f.input, f.relativePath])).toEqual([
      [0, 'b.jsonl'],
      [1, 'a.jsonl'],
    ]);
  });

  it('tells formats by extension, else by the first bytes, through compression', async () => {
    const gz = await compress(Buffer.from(lines), 'gzip');
    const folder = tree({
      'a.csv.gz': gz,
      'b.tsv': 'a\tb\n',
      'c.ndjson.zst': lines,
      'd.json.gz': gz,
      'e.unknown': gz,
      'f.dump': encodeDocuments([]),
      'g.bin': 'PAR1....',
      'h.log': 'plain words',
      i: '\ufeff \n{"text":1}',
    });
    const files = await expandInputs([inputSpec(folder)]);
    expect(files.map((f) => f.format)).toEqual([
      'csv',
      'tsv',
      'jsonl',
      'jsonl',
      'jsonl',
      'arrow',
      'parquet',
      'text',
      'jsonl',
    ]);
  });

  it('does as the spec says where it names a format', async () => {
    const folder = tree({ 'a.txt': lines });
    expect((await expandInputs([inputSpec(folder, { format: 'jsonl' })]))[0].format).toBe('jsonl');
  });

  it.each([
    ['missing.jsonl', /Input web: .*missing\.jsonl does not exist \(its folder .* exists\)/],
    ['no/such/*.jsonl', /Input web: no file matches .*\*\.jsonl \(the nearest folder that exists is /],
    ['*.parquet', /Input web: no file matches/],
  ])('says INPUT_NOT_FOUND for %s', async (pattern, message) => {
    const folder = tree({ 'a.jsonl': lines });
    await expect(expandInputs([inputSpec(join(folder, pattern))])).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      message: expect.stringMatching(message),
    });
  });

  it('says INPUT_NOT_FOUND for an empty folder', async () => {
    await expect(expandInputs([inputSpec(temporaryFolder())])).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  });

  it.each([
    ['picture.png', Buffer.from([0x89, 0x50, 0, 0]), /cannot tell the format/],
    ['array.json', Buffer.from('[{"text":"a"}]'), /cannot tell the format/],
    ['odd.bz2', Buffer.from('BZh91AY'), /unsupported compression: bzip2/],
  ])('says INPUT_UNREADABLE for %s', async (name, content, message) => {
    await expect(expandInputs([inputSpec(tree({ [name]: content }))])).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringMatching(message),
    });
  });

  it('says INPUT_UNREADABLE for files and folders that may not be read', async () => {
    const folder = tree({ 'a.jsonl': lines, 'open/b.jsonl': lines, 'open/shut/c.jsonl': lines });
    chmodSync(join(folder, 'a.jsonl'), 0);
    chmodSync(join(folder, 'open/shut'), 0);
    await asOrdinaryUser(folder, async () => {
      for (const pattern of ['a.jsonl', '*.jsonl', 'open', 'open/**/*.jsonl', 'open/*/c.jsonl']) {
        const expanding = expandInputs([inputSpec(join(folder, pattern))]);
        await expect(expanding, pattern).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
      }
    });
    chmodSync(join(folder, 'open/shut'), 0o700);
  });
});
