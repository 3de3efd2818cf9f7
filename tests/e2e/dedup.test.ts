/** `corpusmill dedup` and `corpusmill diff` as processes on real files: exit codes, and files that other programs can read. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { cli, filesUnder, hasStackTrace, productsOf, timingOf, workspace } from './cli.ts';

/** Sixty words that no other number shares. */
function words(n: number): string {
  return Array.from({ length: 60 }, (_, i) => `w${n}x${i}`).join(' ');
}

const lines = (documents: { id: string; text: string; [field: string]: string }[]): string =>
  documents.map((document) => `${JSON.stringify(document)}\n`).join('');

/** Twenty documents of which none is like another. */
const ORIGINALS = lines(
  Array.from({ length: 20 }, (_, n) => ({ id: `o${n}`, text: words(n), url: `http://x.org/${n}` })),
);
/** A copy, and a near copy that is longer. */
const COPIES = lines([
  { id: 'copy', text: words(3), url: 'https://www.x.org/elsewhere' },
  { id: 'near', text: `${words(5)} and some more`, url: 'https://www.x.org/6/' },
]);
const files = { 'data/a.jsonl': ORIGINALS, 'data/b.jsonl': COPIES };
const FORMATS = 'md,json,html,junit,codequality';

describe('dedup', () => {
  it('finds the copies, and leaves every report in a form that its readers take', async () => {
    const cwd = workspace(files);
    const result = await cli(['dedup', 'data/a.jsonl', 'data/b.jsonl', '--format', FORMATS], cwd);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toContain('2 duplicates among 22 documents (9.1 %)');
    const run = join(cwd, 'runs', 'dedup');
    const report = JSON.parse(readFileSync(join(run, 'report.json'), 'utf8'));
    const schema = JSON.parse(readFileSync(join(packageRoot(), 'configs', 'report.schema.json'), 'utf8'));
    const validate = new Ajv2020({ strict: false }).compile(schema);
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    expect(report.totals).toMatchObject({ duplicates: 2, read: { documents: 22 } });
    expect(readFileSync(join(run, 'report.md'), 'utf8')).toMatch(/^## corpusmill: dedup\n/);
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/i);
    expect(malformed(readFileSync(join(run, 'junit.xml'), 'utf8'))).toBeUndefined();
    expect(JSON.parse(readFileSync(join(run, 'codequality.json'), 'utf8'))).toMatchObject([
      { check_name: 'corpusmill/dedup.minhash', location: { path: 'data/a.jsonl', lines: { begin: 6 } } },
      { check_name: 'corpusmill/dedup.exact', location: { path: 'data/b.jsonl', lines: { begin: 1 } } },
    ]);
  });

  it('ends with 4 over the limit, and with 0 within it', async () => {
    const cwd = workspace(files);
    const over = await cli(['dedup', 'data', '--fail-over', '5%'], cwd);
    expect(over.code).toBe(4);
    expect(over.stderr).toContain('2 duplicates among 22 documents (9.1 %), over the limit of 5%');
    expect(filesUnder(join(cwd, 'runs', 'dedup'))).toContain('report.html');
    const within = await cli(['dedup', 'data', '--fail-over', '10%'], cwd);
    expect(within.code, within.stderr).toBe(0);
  });

  it('with a baseline counts what is new alone', async () => {
    const cwd = workspace(files);
    expect((await cli(['dedup', 'data'], cwd)).code).toBe(0);
    cpSync(join(cwd, 'runs', 'dedup', 'report.json'), join(cwd, 'old.json'));
    const since = ['--new-only', '--fail-over', '0', '--baseline', 'old.json', '--annotations', 'github'];
    const same = await cli(['dedup', 'data', ...since], cwd);
    expect(same.code, same.stderr).toBe(0);
    expect(same.stdout).toContain('2 duplicates among 22 documents');
    expect(same.stdout).not.toContain('::warning');

    const grown = workspace({ ...files, 'data/c.jsonl': lines([{ id: 'fresh', text: words(3) }]) });
    cpSync(join(cwd, 'old.json'), join(grown, 'old.json'));
    const more = await cli(['dedup', 'data', ...since], grown);
    expect(more.code, more.stderr).toBe(4);
    expect(more.stderr).toContain('1 new duplicate among 23 documents (4.3 %), over the limit of 0');
    expect(more.stdout.match(/^::.*/gm)).toEqual([
      "::warning file=data/c.jsonl,line=1,title=New duplicate::'fresh' is a copy of 'o3' (data/a.jsonl:4)",
    ]);
  });

  it('tells GitHub of them unasked where it runs there, beside the files of the checkout', async () => {
    const cwd = workspace({ 'repo/data/a.jsonl': ORIGINALS, 'repo/data/b.jsonl': COPIES });
    const env = { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: join(cwd, 'repo') };
    const result = await cli(['dedup', '../data', '--exact'], join(cwd, 'repo', 'data'), { env });
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout.match(/^::.*/gm)).toEqual([
      "::warning file=data/b.jsonl,line=1,title=Duplicate::'copy' is a copy of 'o3' (data/a.jsonl:4)",
    ]);
    const json = await cli(['dedup', '../data', '--exact', '--json'], join(cwd, 'repo', 'data'), { env });
    expect(() => JSON.parse(json.stdout)).not.toThrow();
    expect(json.stderr).toContain('::warning file=data/b.jsonl');
    const quiet = await cli(['dedup', '../data', '--annotations', 'none'], join(cwd, 'repo', 'data'), { env });
    expect(quiet.stdout).not.toContain('::warning');
  });

  it('compares by another field, and writes what is kept', async () => {
    const cwd = workspace(files);
    const args = ['dedup', 'data', '--by', 'url', '--exact', '--write', 'jsonl', '--json'];
    const result = await cli(args, cwd);
    expect(result.code, result.stderr).toBe(0);
    // 'near' has the address of o6, and its text is not looked at.
    expect(JSON.parse(result.stdout)).toMatchObject({
      totals: { duplicates: 1 },
      duplicates: [{ name: 'dedup.exact', settings: { by: 'url', normalize: 'url' } }],
      outputs: [{ name: 'write' }],
    });
    const kept = await cli(['inspect', 'runs/dedup/output/write', '--limit', '99', '--json'], cwd);
    const ids = (JSON.parse(kept.stdout).rows as { id: string }[]).map(({ id }) => id);
    expect(ids).toHaveLength(21);
    expect(ids).not.toContain('near');
  });

  it('does not pass files that it could not read', async () => {
    const cwd = workspace({ 'x.jsonl': ORIGINALS.replaceAll('"text"', '"content"'), 'y.jsonl': ORIGINALS });
    const result = await cli(['dedup', 'y.jsonl', 'x.jsonl', '--fail-over', '1'], cwd);
    expect([result.code, result.stdout]).toEqual([3, '']);
    expect(result.stderr).toContain('input x: no record became a document; the first: text field missing');
    expect(result.stderr).toContain('hint: name the field that holds the text with --text-field');
    const named = await cli(['dedup', 'x.jsonl', '--text-field', 'content', '--fail-over', '0'], cwd);
    expect(named.code, named.stderr).toBe(0);
  });

  it('counts by the values of a field', async () => {
    const sites = lines(['a', 'b', 'b'].map((site, i) => ({ id: `${i}`, text: words(i % 2), site })));
    const result = await cli(['dedup', 'x.jsonl', '--source-field', 'site'], workspace({ 'x.jsonl': sites }));
    expect(result.stdout).toMatch(/^ {2}b +2 +1 +50\.0 %$/m);
    expect(result.stdout).toMatch(/^ {2}a +1 +0 +0 %$/m);
  });

  it('reads standard input', async () => {
    const cwd = workspace(files);
    const main = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');
    const child = spawn(process.execPath, [main, 'dedup', '-', 'data/b.jsonl', '--json'], { cwd });
    child.stdin.end(ORIGINALS);
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(0);
    expect(JSON.parse(stdout).inputs).toMatchObject([
      { name: 'stdin', read: { documents: 20 } },
      { name: 'b', read: { documents: 2 } },
    ]);
  });

  it('leaves the same bytes for any number of workers, and reuses what it has', async () => {
    const args = ['dedup', 'data', '--format', FORMATS, '--fail-over', '1'];
    // Enough for three workers, or no more than one would be started.
    const many = Array.from({ length: 3000 }, (_, i) => ({ id: `m${i}`, text: `only ${i} `.repeat(40) }));
    const all = { ...files, 'data/many.jsonl': lines(many) };
    const [one, two] = [workspace(all), workspace(all)];
    expect((await cli([...args, '--workers', '1'], one)).code).toBe(4);
    expect((await cli([...args, '--workers', '3', '--memory', '16'], two)).code).toBe(4);
    expect([one, two].map((cwd) => timingOf(join(cwd, 'runs', 'dedup')).workers)).toEqual([1, 3]);
    expect(productsOf(join(two, 'runs', 'dedup'))).toEqual(productsOf(join(one, 'runs', 'dedup')));
    const again = await cli([...args, '--json'], one);
    const { timing } = JSON.parse(again.stdout) as { timing: { phases: { reused: boolean }[] } };
    expect(timing.phases.every(({ reused }) => reused)).toBe(true);
  });

  it.each<[string, string[], number, string]>([
    ['an input that is not there', ['nothing.jsonl'], 3, 'nothing.jsonl does not exist'],
    ['a pattern that matches nothing', ['data/*.parquet'], 3, 'no file matches'],
    ['a bad share', ['data', '--fail-over', 'two'], 2, "expected a share ('2%' or '0.02') or a number of documents"],
    ['a folder as a baseline', ['data', '--baseline', 'data'], 3, 'it is a folder; give the report.json in it'],
    ['a pipeline as a baseline', ['data', '--baseline', 'data/a.jsonl'], 3, 'is no report.json of corpusmill'],
    ['an output folder with other things in it', ['data', '--output', 'taken'], 5, 'holds no corpusmill run'],
  ])('says what is wrong with %s', async (_, args, code, message) => {
    const cwd = workspace({ ...files, 'taken/report.html': 'mine' });
    const result = await cli(['dedup', ...args], cwd);
    expect([result.code, result.stdout]).toEqual([code, '']);
    expect(result.stderr).toContain(message);
    expect(hasStackTrace(result)).toBe(false);
    expect(existsSync(join(cwd, 'runs'))).toBe(false);
  });
});

describe('diff', () => {
  const before = lines([0, 1, 2, 3, 4].map((n) => ({ id: `d${n}`, text: words(n) })));
  const after = lines([
    { id: 'd0', text: words(0) },
    { id: 'd1', text: `${words(1)} changed` },
    { id: 'd2-renamed', text: words(2) },
    { id: 'other', text: `${words(3)} and some more` },
    { id: 'fresh', text: words(9) },
  ]);
  const pair = { 'old.jsonl': before, 'new.jsonl': after };
  const CHANGES = {
    unchanged: { a: { documents: 1 }, b: { documents: 1 } },
    changed: { a: { documents: 1 }, b: { documents: 1 } },
    renamed: { a: { documents: 1 }, b: { documents: 1 } },
    near: { a: { documents: 1 }, b: { documents: 1 } },
    removed: { a: { documents: 1 }, b: { documents: 0 } },
    new: { a: { documents: 0 }, b: { documents: 1 } },
  };

  it('tells what became of each document, and ends with 0', async () => {
    const cwd = workspace(pair);
    const result = await cli(['diff', 'old.jsonl', 'new.jsonl', '--json'], cwd);
    expect(result.code, result.stderr).toBe(0);
    const found = JSON.parse(result.stdout);
    expect(found).toMatchObject({ total: { a: { documents: 5 }, b: { documents: 5 } }, changes: CHANGES });
    expect(found.examples.changed[0]).toMatchObject({
      a: { id: 'd1' },
      difference: [{ kind: 'same' }, { kind: 'added', text: ' changed' }],
    });
    const list = readFileSync(found.list, 'utf8').trimEnd().split('\n');
    expect(list.map((line) => JSON.parse(line))).toEqual([
      { change: 'changed', a: 'd1', b: 'd1' },
      { change: 'renamed', a: 'd2', b: 'd2-renamed' },
      { change: 'near', a: 'd3', b: 'other', side: 'a' },
      { change: 'removed', a: 'd4' },
      { change: 'near', a: 'd3', b: 'other', side: 'b' },
      { change: 'new', b: 'fresh' },
    ]);
  });

  it('shows examples with the words that differ', async () => {
    const { code, stdout } = await cli(['diff', 'old.jsonl', 'new.jsonl'], workspace(pair));
    expect(code).toBe(0);
    expect(stdout).toContain('{+ changed+}');
    expect(stdout).toContain('d2 → d2-renamed');
    expect(stdout).toMatch(/^new {7}.* 1 .*only in B$/m);
  });

  it('ends with 4 where --fail-on names a change that there is', async () => {
    const cwd = workspace(pair);
    const removed = await cli(['diff', 'old.jsonl', 'new.jsonl', '--fail-on', 'removed,new'], cwd);
    expect([removed.code, removed.stderr]).toEqual([
      4,
      expect.stringContaining('the corpora differ: 1 removed, 1 new'),
    ]);
    expect((await cli(['diff', 'old.jsonl', 'old.jsonl', '--fail-on', 'any'], cwd)).code).toBe(0);
    expect((await cli(['diff', 'old.jsonl', 'new.jsonl', '--fail-on', 'gone'], cwd)).code).toBe(2);
  });

  it('compares folders of text files by their paths', async () => {
    const cwd = workspace({ 'v1/a.txt': words(1), 'v1/b.txt': words(2), 'v2/a.txt': words(3), 'v2/b.txt': words(2) });
    const { stdout } = await cli(['diff', 'v1', 'v2', '--json'], cwd);
    expect(JSON.parse(stdout)).toMatchObject({
      changes: { unchanged: { a: { documents: 1 } }, changed: { a: { documents: 1 } }, new: { b: { documents: 0 } } },
      examples: { changed: [{ a: { id: 'a.txt' }, b: { id: 'a.txt' } }] },
    });
  });
});

/** The first place at which a text is no well-formed XML, or undefined: tags nest, attributes are quoted, entities known. */
function malformed(xml: string): string | undefined {
  const open: string[] = [];
  const rest = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/, '');
  const token = /<(\/?)([A-Za-z][\w.-]*)((?:\s+[A-Za-z][\w.:-]*="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
  while (token.lastIndex < rest.length) {
    const at = token.lastIndex;
    const match = token.exec(rest);
    if (match === null) return rest.slice(at, at + 60);
    const [whole, closing, name, attributes = '', empty, text = ''] = match;
    if (/&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i.test(attributes + text)) return whole.slice(0, 60);
    if (name === undefined) continue;
    if (closing === '/' && open.pop() !== name) return whole;
    if (closing === '' && empty === '') open.push(name);
  }
  return open.length === 0 ? undefined : `<${open.join('><')}> stays open`;
}
