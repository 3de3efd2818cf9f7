/**
 * Bad input: each gives a clear message or a quarantined record; never a stack trace, never a lost document. A healthy
 * file lies beside the bad one in every run, and all of it must arrive.
 */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Zstd } from '@hpcc-js/wasm-zstd';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../../src/core/run-summary.ts';
import { type CliResult, cli, hasStackTrace, pipelineFile, summaryOf, workspace, writtenDocuments } from './cli.ts';
import { jsonl, madeCorpus } from './corpus.ts';

const HEALTHY = 5;
const healthy = jsonl(
  Array.from({ length: HEALTHY }, (_, i) => ({ id: `healthy-${i}`, text: `Healthy document ${i}.` })),
);
const many = madeCorpus(400);

interface Outcome {
  result: CliResult;
  summary: RunSummary;
  /** Written documents that are not of the healthy file. */
  documents: { id: string; text: string; [key: string]: unknown }[];
  /** Lines of the quarantine file. */
  quarantined: { file: string; offset: number; reason: string; [key: string]: unknown }[];
}

/** Runs `normalize` and `write` over the healthy file and over `files`, and checks what holds for all bad input. */
async function runBeside(files: Record<string, string | Uint8Array>, input: object = {}): Promise<Outcome> {
  const cwd = workspace({ 'data/healthy.jsonl': healthy, ...files });
  return runIn(cwd, Object.keys(files), input);
}

async function runIn(cwd: string, paths: string[], input: object = {}): Promise<Outcome> {
  writeFileSync(
    join(cwd, 'p.yaml'),
    pipelineFile({
      inputs: [
        { name: 'healthy', path: 'data/healthy.jsonl' },
        { name: 'bad', path: paths, ...input },
      ],
      stages: ['normalize', { stage: 'write', format: 'jsonl', compression: 'none' }],
    }),
  );
  const result = await cli(['run', 'p.yaml', '--workers', '2'], cwd);
  expect(hasStackTrace(result), result.stderr).toBe(false);
  expect(result.code, result.stderr).toBe(0);
  const summary = summaryOf(join(cwd, 'run'));
  const documents = writtenDocuments(join(cwd, 'run'));
  expect(documents.filter(({ id }) => id.startsWith('healthy-'))).toHaveLength(HEALTHY);
  const path = summary.quarantine.path;
  const quarantined =
    path === undefined
      ? []
      : readFileSync(join(cwd, 'run', path), 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as Outcome['quarantined'][number]);
  expect(quarantined).toHaveLength(summary.quarantine.records);
  return { result, summary, documents: documents.filter(({ id }) => !id.startsWith('healthy-')), quarantined };
}

describe('files', () => {
  it('an empty file holds no documents, and that is no error', async () => {
    const { documents, quarantined } = await runBeside({ 'data/empty.jsonl': '' });
    expect(documents).toEqual([]);
    expect(quarantined).toEqual([]);
  });

  it('one line of 50 MB is one document', async () => {
    const text = 'All work and no play makes Jack a dull boy. '.repeat(1.14e6).trim();
    const { documents, quarantined } = await runBeside({
      'data/long.jsonl': `${JSON.stringify({ id: 'long', text })}\n`,
    });
    expect(quarantined).toEqual([]);
    expect(documents.map(({ id }) => id)).toEqual(['long']);
    expect(documents[0].text.length).toBe(text.length);
  });

  it('one line above maxRecordBytes is quarantined, and the lines around it arrive', async () => {
    const line = (id: string, text: string): string => `${JSON.stringify({ id, text })}\n`;
    const content = line('before', 'Short.') + line('long', 'x'.repeat(3 << 20)) + line('after', 'Short too.');
    const { documents, quarantined } = await runBeside({ 'data/long.jsonl': content }, { maxRecordBytes: '1MiB' });
    expect(documents.map(({ id }) => id)).toEqual(['before', 'after']);
    expect(quarantined).toHaveLength(1);
    expect(quarantined[0].offset).toBe(line('before', 'Short.').length);
  });

  it.each([
    ['gz', (bytes: Uint8Array) => Promise.resolve(gzipSync(bytes))],
    ['zst', async (bytes: Uint8Array) => (await Zstd.load()).compress(bytes)],
  ])('a .%s cut short gives the documents before the cut and quarantines the rest', async (extension, compress) => {
    const whole = await compress(Buffer.from(jsonl(many)));
    const cut = whole.subarray(0, Math.floor(whole.length / 2));
    const { documents, quarantined, summary } = await runBeside({ [`data/cut.jsonl.${extension}`]: cut });
    // What arrives is a beginning of what was there, whole and in order.
    expect(documents.map(({ id }) => id)).toEqual(many.slice(0, documents.length).map(({ id }) => id));
    expect(documents.length).toBeLessThan(many.length);
    expect(quarantined.length).toBeGreaterThan(0);
    expect(quarantined[0].file).toContain(`cut.jsonl.${extension}`);
    expect(Object.keys(summary.quarantine.byReason).join(' ')).toMatch(/truncated/);
  });

  it('a Parquet file cut in half is quarantined as a whole, by name', async () => {
    const whole = new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'id', data: many.map(({ id }) => id), type: 'STRING' },
          { name: 'text', data: many.map(({ text }) => text), type: 'STRING' },
        ],
      }),
    );
    const { documents, quarantined } = await runBeside({ 'data/half.parquet': whole.subarray(0, whole.length / 2) });
    expect(documents).toEqual([]);
    expect(quarantined).toHaveLength(1);
    expect(quarantined[0].file).toContain('half.parquet');
  });

  it('a .jsonl that is really gzip is read as what it is', async () => {
    const { documents, quarantined } = await runBeside({ 'data/really-gzip.jsonl': gzipSync(jsonl(many)) });
    expect(documents).toHaveLength(many.length);
    expect(quarantined).toEqual([]);
  });

  it('a gzip bomb of 10 MB that grows to 10 GB is stopped by the expansion limit', async () => {
    // Members of a gzip file follow each other: 160 times 64 MiB of spaces.
    const member = gzipSync(Buffer.alloc(64 << 20, 0x20), { level: 9 });
    const bomb = Buffer.concat(Array.from({ length: 160 }, () => member));
    expect(bomb.length).toBeLessThan(12e6);
    const { documents, quarantined, summary } = await runBeside({ 'data/bomb.jsonl.gz': bomb });
    expect(documents).toEqual([]);
    expect(quarantined.length).toBeGreaterThan(0);
    expect(Object.keys(summary.quarantine.byReason).join(' ')).toMatch(/expan/i);
  });

  it('a dangling link is named and the rest arrives, or is refused by name before anything runs', async () => {
    const cwd = workspace({ 'data/healthy.jsonl': healthy });
    symlinkSync('nowhere.jsonl', join(cwd, 'data', 'dangling.jsonl'));
    writeFileSync(
      join(cwd, 'p.yaml'),
      pipelineFile({ inputs: [{ name: 'bad', path: 'data/dangling.jsonl' }], stages: ['normalize', 'write'] }),
    );
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code).toBe(3);
    expect(result.stderr).toContain('dangling.jsonl');
    expect(hasStackTrace(result)).toBe(false);
  });

  it('a glob that matches nothing is an error that names it', async () => {
    const cwd = workspace({
      'p.yaml': pipelineFile({ inputs: [{ path: 'data/*.jsonl' }], stages: ['normalize', 'write'] }),
    });
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code).toBe(3);
    expect(result.stderr).toContain('data/*.jsonl');
    expect(hasStackTrace(result)).toBe(false);
  });

  it('a file without read permission is named', async ({ skip }) => {
    const cwd = workspace({ 'data/secret.jsonl': healthy });
    writeFileSync(
      join(cwd, 'p.yaml'),
      pipelineFile({ inputs: [{ name: 'bad', path: 'data/secret.jsonl' }], stages: ['normalize', 'write'] }),
    );
    chmodSync(join(cwd, 'data', 'secret.jsonl'), 0o000);
    mkdirSync(join(cwd, 'run'));
    for (const folder of ['', 'data', 'run']) chmodSync(join(cwd, folder), 0o777);
    // Permissions do not bind root, so root runs this as nobody, if nobody may read this checkout.
    const root = process.getuid?.() === 0;
    const identity = root ? { uid: 65534, gid: 65534 } : {};
    if (root) {
      const probe = await cli(['--version'], cwd, identity).catch(() => undefined);
      if (probe?.code !== 0) skip('this checkout is not readable for the user nobody');
    }
    const result = await cli(['run', 'p.yaml'], cwd, identity);
    expect(result.stderr + result.stdout).toContain('secret.jsonl');
    expect([0, 3]).toContain(result.code);
    expect(hasStackTrace(result)).toBe(false);
    if (result.code === 0) expect(summaryOf(join(cwd, 'run')).quarantine.records).toBe(1);
  });
});

describe('records', () => {
  it('hostile JSON is data: __proto__ keys, lone surrogates, NUL bytes, a number for an id', async () => {
    const lines = [
      '{"id":"proto","text":"One.","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      '{"id":"surrogate","text":"A lone \\ud800 surrogate."}',
      '{"id":"nul","text":"A NUL \\u0000 byte."}',
      '{"id":17,"text":"A number for an id."}',
    ];
    const { documents, quarantined } = await runBeside({ 'data/hostile.jsonl': `${lines.join('\n')}\n` });
    expect(quarantined).toEqual([]);
    expect(documents.map(({ id }) => id)).toEqual(['proto', 'surrogate', 'nul', '17']);
    expect(documents[1].text).toBe('A lone \ufffd surrogate.');
    expect(documents[2].text).not.toContain('\0');
  });

  it('what is no document is quarantined with file, byte offset and reason, line by line', async () => {
    const lines = [
      '{"id":"good-1","text":"Kept."}',
      '{"id":"number","text":12}',
      '{"id":"missing"}',
      '{"id":"null","text":null}',
      '[1,2,3]',
      '"just a string"',
      'not JSON at all',
      '{"id":"cut","text":"no end',
      '{"id":"good-2","text":"Kept too."}',
    ];
    const { documents, quarantined, summary } = await runBeside({ 'data/mixed.jsonl': `${lines.join('\n')}\n` });
    expect(documents.map(({ id }) => id)).toEqual(['good-1', 'good-2']);
    const offsets = lines.map((_, i) => Buffer.byteLength(lines.slice(0, i).join('\n')) + (i > 0 ? 1 : 0));
    expect(quarantined.map(({ offset }) => offset)).toEqual(offsets.slice(1, -1));
    expect(quarantined.every(({ file, reason }) => file.includes('mixed.jsonl') && reason.length > 3)).toBe(true);
    const bad = summary.inputs.find(({ name }) => name === 'bad');
    expect(bad).toMatchObject({ documents: 2, badRecords: 7 });
  });

  it('BOM, CRLF, blank lines and a last line without an end are no errors; invalid UTF-8 is mended', async () => {
    const content = Buffer.concat([
      Buffer.from('\ufeff{"id":"a","text":"One."}\r\n\r\n{"id":"b","text":"'),
      Buffer.from([0x63, 0x61, 0x66, 0xe9]),
      Buffer.from('"}\r\n{"id":"c","text":"Three."}'),
    ]);
    const { documents, quarantined } = await runBeside({ 'data/odd.jsonl': content });
    expect(quarantined).toEqual([]);
    expect(documents.map(({ id, text }) => [id, text])).toEqual([
      ['a', 'One.'],
      ['b', 'caf\ufffd'],
      ['c', 'Three.'],
    ]);
  });

  it('more bad records than maxBadRecords fail the run, saying how many, where they are and what to do', async () => {
    const cwd = workspace({
      'data/bad.jsonl': 'nonsense\n'.repeat(20) + healthy,
      'p.yaml': pipelineFile({
        inputs: [{ path: 'data/bad.jsonl' }],
        stages: ['normalize', 'write'],
        run: { maxBadRecords: 10 },
      }),
    });
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/maxBadRecords/);
    expect(result.stderr).toMatch(/bad\.jsonl|quarantine/);
    expect(hasStackTrace(result)).toBe(false);
  });
});

describe('patterns', () => {
  it("a user's pattern that would hang a backtracking engine runs in linear time", async () => {
    // (a+)+$ takes 2^40 steps on this line in a backtracking engine.
    const cwd = workspace({
      'data/a.jsonl': jsonl([{ id: 'evil', text: `${'a'.repeat(40)}!` }, ...many]),
      'p.yaml': pipelineFile({
        inputs: [{ path: 'data/a.jsonl' }],
        stages: [
          { stage: 'filter.regex', exclude: [{ pattern: '(a+)+$' }] },
          { stage: 'write', format: 'jsonl', compression: 'none' },
        ],
      }),
    });
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code, result.stderr).toBe(0);
    expect(writtenDocuments(join(cwd, 'run')).map(({ id }) => id)).toContain('evil');
  });
});
