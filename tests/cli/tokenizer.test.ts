import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namedTokenizers } from '../../src/cli/tokenizer-file.ts';
import { tokenizerReportSchema } from '../../src/tokenizer/compare/tokenizer-report-schema.ts';
import { byteTokenizer } from '../tokenizer/byte-tokenizer.ts';
import { cli, type Outcome } from './cli.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-cli-tokenizer-'));
  await mkdir(join(dir, 'bytes'));
  await writeFile(join(dir, 'bytes', 'tokenizer.json'), JSON.stringify(byteTokenizer(['<end>']).toJson()));
  const rows = [
    { id: '1', text: 'The quay was empty.', lang: 'en', source: 'mail' },
    { id: '2', text: '北京是中华人民共和国的首都，也是全国的政治、文化中心。', lang: 'zh', source: 'web' },
  ];
  await writeFile(join(dir, 'rows.jsonl.gz'), gzipSync(rows.map((row) => `${JSON.stringify(row)}\n`).join('')));
  await writeFile(join(dir, 'note.txt'), 'A note.\n');
});
afterAll(() => rm(dir, { recursive: true }));

const here = (...args: string[]): Promise<Outcome> => cli(['tokenizer', ...args], { cwd: dir });
const reportIn = (folder: string) =>
  tokenizerReportSchema.parse(JSON.parse(readFileSync(join(dir, folder, 'tokenizer-report.json'), 'utf8')));

describe('tokenizer compare', () => {
  it('leaves the report in three forms, and prints it with speeds', async () => {
    const { code, stdout, stderr } = await here(
      ...['compare', 'a=bytes', 'b=bytes/tokenizer.json', '--on', 'rows.jsonl.gz', 'note.txt'],
      ...['--language-field', 'lang', '--source-field', 'source', '--out', 'out'],
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('a, b on rows, note: 3 documents, 108 B');
    expect(stdout).toMatch(/encoded at \d/);
    for (const format of ['json', 'md', 'html'])
      expect(stdout).toContain(join(dir, 'out', `tokenizer-report.${format}`));
    const report = reportIn('out');
    expect(report.tokenizers.map(({ figures }) => figures.tokens)).toEqual([108, 108]);
    expect(report.groups.map(({ rows }) => rows.map(({ name }) => name))).toEqual([
      ['zh', 'en', null],
      ['web', 'mail', null],
    ]);
  });

  it('writes the formats asked for, and one JSON object on standard output', async () => {
    const { code, stdout } = await here(
      'compare',
      'bytes',
      '--on',
      'rows.jsonl.gz',
      '--out',
      'json',
      '--format',
      'json',
      '--json',
    );
    expect(code).toBe(0);
    const { report, files, bytesPerSecond } = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toEqual(reportIn('json'));
    expect(files).toEqual({ json: join(dir, 'json', 'tokenizer-report.json') });
    expect(bytesPerSecond).toEqual([expect.any(Number)]);
    expect(existsSync(join(dir, 'json', 'tokenizer-report.html'))).toBe(false);
    // The source is the input where no field is named.
    expect((report as { groups: unknown }).groups).toEqual([expect.objectContaining({ by: 'source' })]);
  });

  it('identifies languages when asked to', async () => {
    await here(
      'compare',
      'bytes',
      '--on',
      'rows.jsonl.gz',
      '--identify-languages',
      '--out',
      'langid',
      '--format',
      'json',
    );
    expect(reportIn('langid').groups[0].rows.map(({ name }) => name)).toEqual(['zh', 'en']);
  });

  it('writes the same bytes again', async () => {
    const run = (out: string) => here('compare', 'bytes', '--on', 'rows.jsonl.gz', '--out', out);
    await run('once');
    await run('twice');
    for (const format of ['json', 'md', 'html']) {
      const [one, two] = ['once', 'twice'].map((out) => readFileSync(join(dir, out, `tokenizer-report.${format}`)));
      expect(one.equals(two)).toBe(true);
    }
  });

  it.each([
    [['compare', 'bytes'], 2, "required option '--on <input...>' not specified"],
    [['compare', 'bytes', '--on', 'none.jsonl'], 3, 'none.jsonl does not exist'],
    [['compare', 'none', '--on', 'rows.jsonl.gz'], 3, 'there is no such file'],
    [['compare', 'bytes', '--on', 'rows.jsonl.gz', '--base', 'x'], 2, 'no tokenizer is called "x"'],
    [['compare', 'bytes', '--on', 'rows.jsonl.gz', '--format', 'pdf'], 2, 'expected some of json,md,html'],
    [['compare', 'bytes', '--on', 'rows.jsonl.gz', '--text-field', 'body'], 3, 'text field missing'],
    [
      ['compare', 'bytes', '--on', 'note.txt', '--identify-languages', '--language-field', 'l'],
      2,
      'exclude each other',
    ],
  ])('%j is refused', async (args, exitCode, message) => {
    const { code, stderr } = await here(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(exitCode);
  });
});

describe('names of tokenizers', () => {
  it('are given, or the folder of a tokenizer.json, and never the same', () => {
    const given = ['qwen/tokenizer.json', 'models/qwen', 'x=a/b.json', 'b.tiktoken', 'qwen/tokenizer.json'];
    expect(namedTokenizers(given, '/here')).toEqual([
      { name: 'qwen', path: 'qwen/tokenizer.json' },
      { name: 'qwen 2', path: 'models/qwen' },
      { name: 'x', path: 'a/b.json' },
      { name: 'b', path: 'b.tiktoken' },
      { name: 'qwen 3', path: 'qwen/tokenizer.json' },
    ]);
  });
});

describe('tokenizer encode and decode', () => {
  it('shows ids, places and pieces', async () => {
    expect(await here('encode', 'bytes', 'a é')).toEqual({
      code: 0,
      stdout: ' 97  0–1  "a"\n 32  1–2  " "\n195  2–3  <c3>\n169  3–4  <a9>\n4 tokens, 4 bytes, 1.00 bytes a token\n',
      stderr: '',
    });
  });

  it('gives ids alone, or JSON', async () => {
    expect((await here('encode', 'bytes', 'hi', '--ids')).stdout).toBe('104 105\n');
    expect(JSON.parse((await here('encode', 'bytes', 'h\n', '--json')).stdout)).toEqual({
      text: 'h\n',
      exact: true,
      tokens: [
        { id: 104, start: 0, end: 1, piece: '"h"' },
        { id: 10, start: 1, end: 2, piece: '"\\n"' },
      ],
    });
  });

  it('decodes ids, written with or without commas, special tokens on request left out', async () => {
    expect((await here('decode', 'bytes', '104,', '105', '256')).stdout).toBe('hi<end>\n');
    expect((await here('decode', 'bytes', '[104, 105, 256]', '--skip-special')).stdout).toBe('hi\n');
  });

  it('refuses what is no id', async () => {
    expect(await here('decode', 'bytes', '1x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"1x" is no token id'),
    });
    expect(await here('decode', 'bytes', '9999')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('there is no token 9999'),
    });
  });
});

describe('tokenizer convert', () => {
  it('writes ranks as a folder of Hugging Face that encodes the same, and back', async () => {
    const ranks = [...Array(256).keys()].map((byte) => `${Buffer.of(byte).toString('base64')} ${byte}\n`).join('');
    await writeFile(join(dir, 'bytes.tiktoken'), `${ranks}${Buffer.from('th').toString('base64')} 256\n`);
    const given = ['--pattern', 'gpt2', '--special', '<end>', '--special', '<pad>'];
    const { code, stdout, stderr } = await here('convert', 'bytes.tiktoken', 'as-hf', ...given);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      'as-hf: tokenizer.json, tokenizer_config.json, special_tokens_map.json (259 ids, 2 added tokens)\n',
    );
    expect((await here('encode', 'as-hf', 'the', '--ids')).stdout).toBe(`256 ${'e'.charCodeAt(0)}\n`);
    expect((await here('convert', 'as-hf', 'as-ranks', '--to', 'tiktoken')).code).toBe(0);
    expect(readFileSync(join(dir, 'as-ranks', 'tokenizer.tiktoken'), 'utf8')).toBe(
      readFileSync(join(dir, 'bytes.tiktoken'), 'utf8'),
    );
  });

  it('asks for what ranks do not say', async () => {
    await writeFile(join(dir, 'bare.tiktoken'), 'YQ== 0\n');
    const { code, stderr } = await here('convert', 'bare.tiktoken', 'out-of-bare');
    expect(code).toBe(2);
    expect(stderr).toContain('does not say by which pattern a text is cut');
    expect(existsSync(join(dir, 'out-of-bare'))).toBe(false);
  });
});
