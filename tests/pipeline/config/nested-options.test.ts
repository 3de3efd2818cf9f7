/** Mistakes inside lists, mappings and alternatives of options, and files that are named there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkValue } from '../../../src/pipeline/config/check.ts';
import { ConfigError } from '../../../src/pipeline/config/issues.ts';
import { loadPipeline } from '../../../src/pipeline/config/load.ts';

describe('an unknown key', () => {
  const file = z.union([z.string(), z.strictObject({ path: z.string(), fields: z.array(z.string()).optional() })]);

  it('inside an alternative is named with the keys of the mapping that was meant', () => {
    const { mistakes } = checkValue(z.strictObject({ file }), { file: { path: 'a', field: ['b'] } });
    expect(mistakes).toEqual([
      {
        path: ['file', 'field'],
        at: 'key',
        found: "an unknown key 'field'",
        expected: 'one of path, fields',
        suggestion: 'fields',
      },
    ]);
  });

  it('inside a mapping of alternatives, with names of the writer, too', () => {
    const { mistakes } = checkValue(z.strictObject({ files: z.record(z.string(), file) }), {
      files: { gsm8k: { path: 'a', filds: [] } },
    });
    expect(mistakes.map(({ path, suggestion }) => [path.join('.'), suggestion])).toEqual([
      ['files.gsm8k.filds', 'fields'],
    ]);
  });
});

describe('files that options name inside lists and mappings', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'corpusmill-nested-'));
    writeFileSync(join(folder, 'in.jsonl'), '{"id":"a","text":"b"}\n');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are missed at their own line and column, once', async () => {
    const file = join(folder, 'p.yaml');
    writeFileSync(
      file,
      'inputs: [in.jsonl]\nstages:\n  - stage: filter.bad-words\n    lists: { en: nope.txt }\n  - stage: filter.url\n    domainLists:\n      - none.txt\n',
    );
    const error: unknown = await Promise.resolve()
      .then(() => loadPipeline(file))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(
      (error as ConfigError).issues.map(({ line, column, path, found }) => ({ line, column, path, found })),
    ).toEqual([
      { line: 4, column: 18, path: 'stages.0.lists.en', found: "'nope.txt', which does not exist" },
      { line: 7, column: 9, path: 'stages.1.domainLists.0', found: "'none.txt', which does not exist" },
    ]);
  });
});
