import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { xxh64Hex } from '../../src/core/hash.ts';
import type { SinkContext, SinkTaskContext } from '../../src/core/stage.ts';
import { writeStage } from '../../src/io/write-stage.ts';
import { documentColumns } from '../document-columns.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { inputSpec, readInput } from './fixture.ts';

/** Parts of the given numbers of 100-byte documents; part numbers are those of the corpus, so they may have gaps. */
function corpus(sizes: number[]): { parts: SinkContext['parts']; documents(part: number): Document[] } {
  const documents = (part: number): Document[] =>
    Array.from({ length: sizes[part] }, (_, i) => ({
      id: `${part}/${i}`,
      text: `${part}/${i}`.padEnd(100),
      meta: { source: 's' },
    }));
  return {
    parts: sizes.map((size, part) => ({ part, documents: size, bytes: size * 100 })),
    documents,
  };
}

async function runStage(options: object, sizes: number[], outputDir = temporaryFolder()) {
  const { parts, documents } = corpus(sizes);
  const shared = {
    name: 'write',
    seed: 0,
    baseDir: '',
    outputDir,
    workDir: '',
    artifact: () => undefined,
    pipelineHash: 'h',
  };
  const parsed = writeStage.options.parse(options);
  const [step] = writeStage.steps;
  const tasks = await step.plan(parsed, { ...shared, parts }, []);
  const taskContext: SinkTaskContext = {
    ...shared,
    readPart: async (part) => documents(part),
    withColumns: (part, use) => use(documentColumns(documents(part))),
  };
  const results: unknown[] = [];
  // In reverse, as workers might: order of running must not matter.
  for (const task of [...tasks].reverse()) results.unshift(await step.run(parsed, task as never, taskContext));
  const result = await step.merge(parsed, results as never[], { ...shared, parts }, []);
  return { outputDir, tasks, result, manifest: JSON.parse(readFileSync(join(outputDir, 'manifest.json'), 'utf8')) };
}

describe('the write stage', () => {
  it('writes contiguous runs of parts up to the target size and a manifest of them', async () => {
    const { outputDir, tasks, result, manifest } = await runStage(
      { format: 'jsonl', compression: 'none', targetFileBytes: 1000 },
      [4, 5, 0, 3, 12, 1],
    );
    expect(tasks).toEqual([
      { name: 'documents-00000-of-00004.jsonl', parts: [0, 1] },
      { name: 'documents-00001-of-00004.jsonl', parts: [3] },
      { name: 'documents-00002-of-00004.jsonl', parts: [4] },
      { name: 'documents-00003-of-00004.jsonl', parts: [5] },
    ]);
    expect(manifest).toMatchObject({ schemaVersion: 1, documents: 25, textBytes: 2500, pipelineHash: 'h' });
    expect(result).toMatchObject({ files: 4, documents: 25, textBytes: 2500, bytes: manifest.bytes });
    for (const file of manifest.files) {
      const bytes = readFileSync(join(outputDir, file.name));
      expect([bytes.length, xxh64Hex(bytes)]).toEqual([file.bytes, file.xxh64]);
    }
    const { documents } = await readInput(inputSpec(join(outputDir, '*.jsonl')));
    expect(documents.map((d) => d.id)).toEqual(
      [4, 5, 0, 3, 12, 1].flatMap((size, part) => Array.from({ length: size }, (_, i) => `${part}/${i}`)),
    );
  });

  it.each([
    ['one file of a small corpus', [1, 2], 1],
    ['halves of one that has 2 MiB for each', [1, 3], 2],
    ['quarters where eighths would be too small', [2, 2, 2, 2, 2, 2, 2, 1], 4],
    ['eighths of 2 MiB', [2, 2, 2, 2, 2, 2, 2, 2], 8],
    ['a file for each of a few large parts', [40, 1, 40], 3],
    ['an eighth each of a larger one', Array.from({ length: 64 }, () => 10), 8],
    ['files of 256 MiB of a large one', Array.from({ length: 100 }, () => 64), 25],
  ])('plans %s, unless a size is asked for', async (_, partMib, files) => {
    const parts = partMib.map((mib, part) => ({ part, documents: 1, bytes: mib * 2 ** 20 }));
    const plan = (options: object): Promise<unknown[]> =>
      writeStage.steps[0].plan(writeStage.options.parse(options), { parts } as unknown as SinkContext, []);
    expect(await plan({})).toHaveLength(files);
    expect(await plan({ targetFileBytes: 2 ** 40 })).toHaveLength(1);
  });

  it('writes Parquet with zstd by default', async () => {
    const { outputDir } = await runStage({}, [3]);
    expect(readdirSync(outputDir).sort()).toEqual(['documents-00000-of-00001.parquet', 'manifest.json']);
  });

  it('removes files of an earlier run with other files, and no others', async () => {
    const outputDir = temporaryFolder();
    for (const name of ['documents-00007-of-00009.parquet', 'notes.txt']) writeFileSync(join(outputDir, name), '');
    await runStage({ format: 'jsonl' }, [3], outputDir);
    expect(readdirSync(outputDir).sort()).toEqual(['documents-00000-of-00001.jsonl.zst', 'manifest.json', 'notes.txt']);
  });

  it('writes a manifest of no files where no document is left', async () => {
    const { manifest, result } = await runStage({}, [0, 0]);
    expect(manifest.files).toEqual([]);
    expect(result).toMatchObject({ files: 0, documents: 0 });
  });

  it('gives the same bytes each time', async () => {
    const [a, b] = [await runStage({}, [50, 60]), await runStage({}, [50, 60])];
    expect(a.manifest).toEqual(b.manifest);
  });

  it('describes every option', () => {
    for (const [name, schema] of Object.entries(writeStage.options.shape)) {
      expect((schema as { description?: string }).description, name).toBeTruthy();
    }
  });
});
