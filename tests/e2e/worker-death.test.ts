/**
 * Worker death: a worker that runs out of memory is replaced, its chunk is tried once more, alone, and then set aside with
 * file, offset and length. The run goes on, everything else arrives, and the same command gives the same result.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, hasStackTrace, pipelineFile, productsOf, summaryOf, workspace, writtenDocuments } from './cli.ts';
import { jsonl, madeCorpus } from './corpus.ts';

/** A line that is small as bytes and takes some twenty times as much of a worker's heap: many small arrays. */
const heavy = `{"id":"heavy","text":"x","list":[${'[[],[]],'.repeat(1_000_000)}0]}\n`;

// Without the duplicates and the empty ones of a made corpus: what arrives is then all of it.
const documents = [...new Map(madeCorpus(600).map((document) => [document.text, document])).values()];
const half = documents.length / 2;
const before = jsonl(documents.slice(0, half));
const after = jsonl(documents.slice(half));
// Files end chunks, so the heavy line is a chunk of its own.
const files = { 'data/1.jsonl': before, 'data/2.jsonl': heavy, 'data/3.jsonl': after };

function project(stages: (string | object)[], maxRecordBytes?: number): string {
  return workspace({
    ...files,
    'p.yaml': pipelineFile({
      inputs: [{ name: 'web', path: 'data/*.jsonl', ...(maxRecordBytes === undefined ? {} : { maxRecordBytes }) }],
      stages,
      run: { chunkBytes: 16 * 1024, workerMemoryMiB: 64 },
    }),
  });
}

const write = { stage: 'write', format: 'jsonl', compression: 'none' };

describe('a chunk that a worker dies of', () => {
  it.each([1, 2])(
    'is set aside with file, offset and length, and the run goes on with %i workers',
    {
      timeout: 120_000,
    },
    async (workers) => {
      const cwd = project(['normalize', write]);
      const run = ['run', 'p.yaml', '--workers', String(workers)];
      const result = await cli(run, cwd);
      expect(result.code, result.stderr).toBe(0);
      expect(hasStackTrace(result), result.stderr).toBe(false);
      expect(result.stderr).toMatch(/warning: .*2\.jsonl.*quarantined/);
      expect(result.stderr).toContain('workerMemoryMiB');

      const quarantine = join(cwd, 'run', 'quarantine.jsonl');
      const records = readFileSync(quarantine, 'utf8').trimEnd().split('\n');
      expect(records.map((line) => JSON.parse(line))).toMatchObject([
        { input: 'web', offset: 0, unit: 'byte', length: heavy.length, reason: 'worker died' },
      ]);
      expect(records[0]).toContain('2.jsonl');

      // Chunks that shared the worker with it are not lost, and stand in their order.
      const healthy = documents.map(({ id }) => id);
      expect(writtenDocuments(join(cwd, 'run')).map(({ id }) => id)).toEqual(healthy);
      const summary = summaryOf(join(cwd, 'run'));
      expect(summary.inputs).toMatchObject([{ documents: healthy.length, badRecords: 1 }]);
      expect(summary.quarantine.byReason).toEqual({ 'worker died': 1 });

      const products = productsOf(join(cwd, 'run'));
      rmSync(join(cwd, 'run', 'phases', '01-pass', 'phase.json'));
      rmSync(quarantine);
      const again = await cli(run, cwd);
      expect(again.code, again.stderr).toBe(0);
      expect(productsOf(join(cwd, 'run'))).toEqual(products);
    },
  );

  it('counts towards maxBadRecords', { timeout: 120_000 }, async () => {
    const cwd = project(['normalize', write]);
    const result = await cli(['run', 'p.yaml', '--set', 'run.maxBadRecords=0'], cwd);
    expect(result.code).toBe(3);
    expect(result.stderr).toContain('1 × worker died');
    expect(hasStackTrace(result)).toBe(false);
  });

  it('is set aside in a later pass too, which reads parts and not chunks', { timeout: 120_000 }, async () => {
    // A limit below an eighth of either memory: then the memory is no part of the first pass's key, which is reused, and
    // only the second pass meets it.
    const cwd = project(['dedup.exact', write], 8 * 2 ** 20);
    const roomy = await cli(['run', 'p.yaml', '--set', 'run.workerMemoryMiB=2048'], cwd);
    expect(roomy.code, roomy.stderr).toBe(0);
    expect(writtenDocuments(join(cwd, 'run'))).toHaveLength(documents.length + 1);
    const longer = ['--set', 'stages.1={stage: normalize}', '--set', `stages.2=${JSON.stringify(write)}`];
    const result = await cli(['run', 'p.yaml', ...longer], cwd);
    expect(result.code, result.stderr).toBe(0);
    expect(hasStackTrace(result), result.stderr).toBe(false);
    expect(writtenDocuments(join(cwd, 'run')).map(({ id }) => id)).toEqual(documents.map(({ id }) => id));
    const records = readFileSync(join(cwd, 'run', 'quarantine.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    expect(records.map((line) => JSON.parse(line))).toMatchObject([{ unit: 'row', length: 1, reason: 'worker died' }]);
  });
});

it('sets aside a line that no worker of the given memory can hold, before V8 ends the process over it', {
  timeout: 120_000,
}, async () => {
  const line = `${JSON.stringify({ id: 'long', text: `${'All work and no play. '.repeat(2_500_000)}中` })}\n`;
  const cwd = workspace({
    'data/1.jsonl': before,
    'data/2.jsonl': line,
    'data/3.jsonl': after,
    'p.yaml': pipelineFile({
      inputs: [{ name: 'web', path: 'data/*.jsonl' }],
      stages: ['normalize', write],
      run: { workerMemoryMiB: 64 },
    }),
  });
  const result = await cli(['run', 'p.yaml', '--workers', '1'], cwd);
  expect(result.code, result.stderr).toBe(0);
  expect(writtenDocuments(join(cwd, 'run')).map(({ id }) => id)).toEqual(documents.map(({ id }) => id));
  const [record] = readFileSync(join(cwd, 'run', 'quarantine.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  expect(JSON.parse(record)).toMatchObject({
    offset: 0,
    length: Buffer.byteLength(line) - 1,
    reason: 'record too long',
  });
  expect(record).toContain('workerMemoryMiB');
});
