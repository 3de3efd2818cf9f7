/** The audit of a run, the user's own stages in it, and `explain`: every dropped document can be found again, with its reason. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { describe, expect, it } from 'vitest';
import {
  cli,
  hasStackTrace,
  pipelineFile,
  productsOf,
  summaryOf,
  timingOf,
  workspace,
  writtenDocuments,
} from './cli.ts';
import { jsonl, madeCorpus } from './corpus.ts';

const corpus = madeCorpus(400);
const files = { 'data/web.jsonl': jsonl(corpus) };

const shout = (limit: string): string => `
export default ({ defineMap, ruleStage, z }) => defineMap({
  kind: 'map', name: 'filter.vowels', summary: 'Drop texts of few vowels.', source: 'this test', version: 1,
  options: z.strictObject({ minVowels: z.number().default(${limit}).describe('Least share of vowels.') }),
  reasons: { few_vowels: 'share of vowels under minVowels' },
  create: ({ minVowels }) => ruleStage([{
    reason: 'few_vowels', min: minVowels,
    measure: ({ text }) => (text.match(/[aeiou]/g) ?? []).length / Math.max(1, text.length),
  }]),
});
`;

const stages = [
  'normalize',
  { stage: './filters/vowels.mjs', minVowels: 0.28 },
  'filter.gopher-quality',
  'dedup.exact',
  'dedup.minhash',
  { stage: 'write', format: 'jsonl', compression: 'none' },
];

const pipeline = (run: object): string =>
  pipelineFile({ inputs: [{ name: 'web', path: 'data/*.jsonl' }], stages, run: { chunkBytes: 16 * 1024, ...run } });

interface Row {
  id: string;
  stage: string;
  reason: string;
  value: number | null;
  threshold: number | null;
  keptAs: string | null;
  text: string;
  bytes: bigint;
}

async function droppedOf(run: string): Promise<Row[]> {
  const dir = join(run, 'dropped');
  const rows: Row[] = [];
  for (const name of existsSync(dir) ? readdirSync(dir).sort() : []) {
    const bytes = readFileSync(join(dir, name));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    rows.push(...((await parquetReadObjects({ file, compressors })) as unknown as Row[]));
  }
  return rows;
}

describe('the audit', () => {
  it('full: every document is either written or dropped with its rule, the same bytes for any number of workers', async () => {
    const runs: Record<string, string>[] = [];
    for (const workers of ['1', '3']) {
      const cwd = workspace({ ...files, 'filters/vowels.mjs': shout('0.1'), 'p.yaml': pipeline({ audit: 'full' }) });
      const result = await cli(['run', 'p.yaml', '--workers', workers], cwd);
      expect(result.code, result.stderr).toBe(0);
      expect(result.stdout).toMatch(/dropped +run\/dropped +all/);
      const run = join(cwd, 'run');
      runs.push(productsOf(run));
      const kept = writtenDocuments(run).map(({ id }) => id);
      const dropped = await droppedOf(run);
      expect([...kept, ...dropped.map(({ id }) => id)].sort()).toEqual(corpus.map(({ id }) => id).sort());

      const counted: Record<string, number> = {};
      for (const { stage, reason } of dropped) counted[`${stage} ${reason}`] = (counted[`${stage} ${reason}`] ?? 0) + 1;
      const summed = summaryOf(run).stages.flatMap(({ name, dropped }) =>
        Object.entries(dropped).map(([reason, { documents }]) => [`${name} ${reason}`, documents] as const),
      );
      expect(counted).toEqual(Object.fromEntries(summed));

      const vowels = dropped.filter(({ stage }) => stage === 'filter.vowels');
      expect(vowels.length).toBeGreaterThan(0);
      for (const { value, threshold } of vowels) {
        expect(threshold).toBe(0.28);
        expect(value).toBeLessThan(0.28);
      }
      const texts = new Map(corpus.map(({ id, text }) => [id, text]));
      const copies = dropped.filter(({ stage }) => stage === 'dedup.exact');
      expect(copies.length).toBeGreaterThan(0);
      for (const { id, keptAs, text, bytes } of copies) {
        expect(texts.get(keptAs!)).toBe(texts.get(id));
        expect(texts.get(id)!.startsWith(text)).toBe(true);
        expect(Number(bytes)).toBe(Buffer.byteLength(texts.get(id)!));
      }
      const inspected = await cli(['inspect', 'run/dropped', '--limit', '1'], cwd);
      expect(inspected.stdout).toMatch(/reason: /);
    }
    expect(runs[1]).toEqual(runs[0]);
  });

  it('sampled: a share of them by id, and the examples of the report among them; off: none', async () => {
    const cwd = workspace({ ...files, 'filters/vowels.mjs': shout('0.1'), 'p.yaml': pipeline({ auditFraction: 0.3 }) });
    expect((await cli(['run', 'p.yaml', '--workers', '2'], cwd)).code).toBe(0);
    const run = join(cwd, 'run');
    const sampled = await droppedOf(run);
    const all = summaryOf(run).stages.flatMap(({ dropped }) => Object.values(dropped));
    const total = all.reduce((sum, { documents }) => sum + documents, 0);
    expect(sampled.length).toBeGreaterThan(0.15 * total);
    expect(sampled.length).toBeLessThan(0.45 * total);

    // Turning it off re-runs nothing and takes the folder away; turning it on again makes it again.
    writeFileSync(join(cwd, 'p.yaml'), pipeline({ audit: 'off' }));
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(timingOf(run).phases.every(({ reused }) => reused)).toBe(true);
    expect(existsSync(join(run, 'dropped'))).toBe(false);
    expect(summaryOf(run).dropped).toBeUndefined();
    writeFileSync(join(cwd, 'p.yaml'), pipeline({ auditFraction: 0.3, auditText: 'whole' }));
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const again = await droppedOf(run);
    expect(again.map(({ id }) => id)).toEqual(sampled.map(({ id }) => id));
    const texts = new Map(corpus.map(({ id, text }) => [id, text]));
    expect(again.every(({ id, text }) => text === texts.get(id))).toBe(true);
    // What the other phases left is still right, so the products that do not hang on the audit are not made again.
    expect(timingOf(run).phases.find(({ title }) => title === 'write')?.reused).toBe(true);
  });
});

describe('a stage of the user’s own', () => {
  it('runs in the workers, and again when its file changes', async () => {
    const cwd = workspace({
      ...files,
      'filters/vowels.mjs': shout('0.1'),
      'p.yaml': pipeline({}).replace(/,?\s*"minVowels": 0.28/, ''),
    });
    const run = join(cwd, 'run');
    expect((await cli(['run', 'p.yaml', '--workers', '2'], cwd)).code).toBe(0);
    const none = summaryOf(run).stages.find(({ name }) => name === 'filter.vowels')!;
    expect(none.dropped).toEqual({});
    writeFileSync(join(cwd, 'filters/vowels.mjs'), shout('0.28'));
    expect((await cli(['run', 'p.yaml', '--workers', '2'], cwd)).code).toBe(0);
    expect(timingOf(run).phases[0].reused).toBe(false);
    const some = summaryOf(run).stages.find(({ name }) => name === 'filter.vowels')!;
    expect(some.dropped['few_vowels'].documents).toBeGreaterThan(0);
    expect(JSON.parse(readFileSync(join(run, 'report.json'), 'utf8')).drops).toContainEqual(
      expect.objectContaining({ reason: 'few_vowels', description: 'share of vowels under minVowels' }),
    );
    const listed = await cli(['stages', './filters/vowels.mjs'], cwd);
    expect(listed.stdout).toMatch(/filter\.vowels[\s\S]*minVowels[\s\S]*stage: \.\/filters\/vowels\.mjs/);
  });

  it('that is broken is a mistake of the pipeline, with its place', async () => {
    const cwd = workspace({ ...files, 'filters/vowels.mjs': 'export default {', 'p.yaml': pipeline({}) });
    const result = await cli(['validate', 'p.yaml'], cwd);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /p\.yaml:\d+:\d+: stages\.1\.stage: found '\.\/filters\/vowels\.mjs': an error when it was imported/,
    );
    expect(hasStackTrace(result)).toBe(false);
  });
});

describe('corpusmill explain', () => {
  it('shows each stage with its measured values, agrees with the run, and knows which copy was kept', async () => {
    const cwd = workspace({ ...files, 'filters/vowels.mjs': shout('0.1'), 'p.yaml': pipeline({ audit: 'full' }) });
    const unrun = await cli(['explain', 'p.yaml', corpus[0].id, '--json'], cwd);
    expect(JSON.parse(unrun.stdout).verdict).toEqual({ outcome: 'unknown', stage: 'dedup.exact' });
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const dropped = new Map((await droppedOf(join(cwd, 'run'))).map((row) => [row.id, row]));
    for (const kind of ['prose', 'exact copy', 'near copy', 'scrap', 'list']) {
      const { id } = corpus.find((document) => document.kind === kind)!;
      const { stdout, code } = await cli(['explain', 'p.yaml', id, '--json'], cwd);
      expect(code).toBe(0);
      const { verdict, stages } = JSON.parse(stdout);
      const row = dropped.get(id);
      expect(verdict).toEqual(
        row === undefined ? { outcome: 'kept' } : { outcome: 'dropped', stage: row.stage, reason: row.reason },
      );
      const decisive = stages.find(({ name }: { name: string }) => name === row?.stage);
      if (row?.keptAs) expect(decisive.keptAs).toBe(row.keptAs);
      if (row !== undefined && row.value !== null) {
        const measured = decisive.measurements.find(({ rule }: { rule: string }) => rule === row.reason);
        expect(measured).toMatchObject({ value: row.value, broken: true });
      }
    }
  });

  it('takes a file or standard input, and tells near ids of one that is not there', async () => {
    const cwd = workspace({
      ...files,
      'filters/vowels.mjs': shout('0.1'),
      'p.yaml': pipeline({}),
      'page.txt': 'Brr grr!\u200b\r\n',
    });
    const file = await cli(['explain', 'p.yaml', 'page.txt'], cwd);
    expect(file.stdout).toMatch(/filter\.vowels {2}dropped few_vowels\n {2}✗ few_vowels +0 +min 0\.28/);
    expect(file.stdout).toMatch(/normalize {2}changed/);
    expect(file.stdout).toMatch(/filter\.gopher-quality {2}would be dropped gopher_short_doc/);
    const wrong = await cli(['explain', 'p.yaml', `${corpus[0].id}x`], cwd);
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toContain(`'${corpus[0].id}'`);
  });
});
