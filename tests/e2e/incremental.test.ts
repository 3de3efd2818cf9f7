/** Deduplication in batches by the command line: the second run knows the first by its index alone. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
import { jsonl, type MadeDocument, madeCorpus } from './corpus.ts';

// Of each ten documents six are new, one is an exact and one a near copy of an earlier one, two are of lists and scraps.
const corpus = madeCorpus(300);
const batches = [corpus.slice(0, 120), corpus.slice(120, 200), corpus.slice(200)];
const data = Object.fromEntries(batches.map((batch, i) => [`data/${i}.jsonl`, jsonl(batch)]));

const EXACT = 'output/dedup.exact/index';
const NEAR = 'output/dedup.minhash/index';

function pipeline(paths: string, output: string, earlier: readonly string[], options: object = {}): string {
  const index = (folder: string): object =>
    earlier.length === 0 ? {} : { index: earlier.map((run) => `${run}/${folder}`) };
  return pipelineFile({
    output,
    inputs: [{ name: 'web', path: paths }],
    stages: [
      { stage: 'dedup.exact', writeIndex: true, ...index(EXACT), ...options },
      { stage: 'dedup.minhash', keep: 'first', writeIndex: true, ...index(NEAR), ...options },
      { stage: 'write', format: 'jsonl', compression: 'none' },
    ],
    run: { chunkBytes: 16 * 1024, audit: 'full' },
  });
}

interface Row {
  id: string;
  stage: string;
  reason: string;
  keptAs: string | null;
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

/** The folder of three pipelines, the last two with the indexes of the runs before them. */
function threeBatches(): string {
  return workspace({
    ...data,
    '0.yaml': pipeline('data/0.jsonl', 'run-0', []),
    '1.yaml': pipeline('data/1.jsonl', 'run-1', ['run-0']),
    '2.yaml': pipeline('data/2.jsonl', 'run-2', ['run-0', 'run-1']),
    'all.yaml': pipeline('data/*.jsonl', 'run-all', []),
  });
}

async function run(cwd: string, name: string, ...flags: string[]): Promise<void> {
  const result = await cli(['run', `${name}.yaml`, ...flags], cwd);
  expect(result.code, result.stderr).toBe(0);
}

const idsOf = (documents: readonly { id: string }[]): string[] => documents.map(({ id }) => id);

describe('runs in batches', () => {
  it('keep what one run keeps, never read the earlier texts, and give the same bytes for any number of workers', async () => {
    const products: Record<string, string>[][] = [];
    for (const workers of ['1', '3']) {
      const cwd = threeBatches();
      await run(cwd, 'all', '--workers', workers);
      const kept: string[] = [];
      const left: Record<string, string>[] = [];
      for (const name of ['0', '1', '2']) {
        await run(cwd, name, '--workers', workers);
        kept.push(...idsOf(writtenDocuments(join(cwd, `run-${name}`))));
        left.push(productsOf(join(cwd, `run-${name}`)));
        // What later runs need lies in the index.
        rmSync(join(cwd, `data/${name}.jsonl`));
        rmSync(join(cwd, `run-${name}`, 'phases'), { recursive: true });
      }
      products.push(left);
      expect(kept).toEqual(idsOf(writtenDocuments(join(cwd, 'run-all'))));
    }
    expect(products[1]).toEqual(products[0]);
  }, 120_000);

  it('name in the audit and in explain the indexed document that stands for a dropped one', async () => {
    const cwd = threeBatches();
    for (const name of ['0', '1']) await run(cwd, name);
    const byId = new Map<string, MadeDocument>(corpus.map((document) => [document.id, document]));
    const inIndex = (await droppedOf(join(cwd, 'run-1'))).filter(({ reason }) => reason === 'in_index');
    const earlier = new Set(idsOf(writtenDocuments(join(cwd, 'run-0'))));
    expect(new Set(inIndex.map(({ stage }) => stage))).toEqual(new Set(['dedup.exact', 'dedup.minhash']));
    for (const { id, stage, keptAs } of inIndex) {
      expect(earlier).toContain(keptAs);
      const [copy, original] = [byId.get(id)!.text, byId.get(keptAs!)!.text];
      if (stage === 'dedup.exact') expect(copy).toBe(original);
      // A near copy of the corpus is its original and a sentence.
      else if (byId.get(id)!.kind === 'near copy') expect(copy.startsWith(original.slice(0, 100))).toBe(true);
    }
    const summary = summaryOf(join(cwd, 'run-1'));
    const counted = summary.stages.reduce((sum, stage) => sum + (stage.dropped['in_index']?.documents ?? 0), 0);
    expect(counted).toBe(inIndex.length);
    expect(summary.barriers.map(({ artifacts }) => artifacts['dedup-index'])).toEqual([EXACT, NEAR]);
    const explained = await cli(['explain', '1.yaml', inIndex[0].id, '--json'], cwd);
    expect(JSON.parse(explained.stdout).verdict).toMatchObject({ outcome: 'dropped', reason: 'in_index' });
  });

  it('decide again when an index has changed, and only then', async () => {
    const cwd = threeBatches();
    for (const name of ['0', '1', '1']) await run(cwd, name);
    expect(timingOf(join(cwd, 'run-1')).phases.every(({ reused }) => reused)).toBe(true);
    writeFileSync(join(cwd, 'data/0.jsonl'), jsonl(batches[0].slice(0, 100)));
    for (const name of ['0', '1']) await run(cwd, name);
    const again = timingOf(join(cwd, 'run-1')).phases.filter(({ reused }) => !reused);
    expect(again.map(({ title }) => title)).toEqual(expect.arrayContaining(['dedup.exact', 'dedup.minhash']));
  });
});

describe('an index that cannot be used', () => {
  it.each([
    {
      what: 'is damaged',
      prepare(cwd: string): void {
        const path = join(cwd, 'run-0', NEAR, 'keys.bin');
        const bytes = readFileSync(path);
        bytes[100] ^= 1;
        writeFileSync(path, bytes);
      },
      code: 3,
      message: /index .*run-0\/output\/dedup\.minhash\/index is damaged: bytes 0–\d+ of .*keys\.bin/,
    },
    {
      what: 'was made with other options',
      prepare(cwd: string): void {
        writeFileSync(
          join(cwd, '1.yaml'),
          pipeline('data/1.jsonl', 'run-1', ['run-0']).replace('"keep"', '"numBands": 20, "keep"'),
        );
      },
      code: 2,
      message: /was made with numBands = 40, this pipeline has 20/,
    },
    {
      what: 'is not there',
      prepare(cwd: string): void {
        rmSync(join(cwd, 'run-0'), { recursive: true });
      },
      code: 2,
      message: /1\.yaml:\d+:\d+: stages\.0\.index\.0: found 'run-0\/output\/dedup\.exact\/index', which does not exist/,
    },
  ])('because it $what is refused with a reason', async ({ prepare, code, message }) => {
    const cwd = threeBatches();
    await run(cwd, '0');
    prepare(cwd);
    const result = await cli(['run', '1.yaml'], cwd);
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(code);
    expect(hasStackTrace(result)).toBe(false);
  });
});
