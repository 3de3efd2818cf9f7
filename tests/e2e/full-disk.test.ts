/** A disk that fills up in the middle: a clear message, and the same command goes on when there is room again. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, hasStackTrace, pipelineFile, productsOf, workspace } from './cli.ts';
import { jsonl, madeCorpus } from './corpus.ts';

/** Mounts a file system of `bytes` in memory; false where this user or container may not. */
function mountSmall(path: string, bytes: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'corpusmill-test', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a full disk', () => {
  it('ends the run with a clear message, and the run goes on when there is room', { timeout: 120_000 }, async ({
    skip,
  }) => {
    const cwd = workspace({
      'data/a.jsonl': jsonl(madeCorpus(3000)),
      'p.yaml': pipelineFile({
        inputs: [{ path: 'data/a.jsonl' }],
        stages: ['normalize', 'filter.gopher-quality', { stage: 'write', format: 'jsonl', compression: 'none' }],
        run: { chunkBytes: 64 * 1024 },
      }),
    });
    const disk = join(cwd, 'disk');
    mkdirSync(disk);
    if (!mountSmall(disk, 1 << 20)) skip('this user may not mount a file system');
    const output = ['--set', `output=${join(disk, 'run')}`];

    try {
      const full = await cli(['run', 'p.yaml', ...output], cwd);
      expect(full.code).toBe(5);
      expect(full.stderr).toMatch(/no space|ENOSPC|disk/i);
      expect(full.stderr).toMatch(/again|resume/);
      expect(hasStackTrace(full)).toBe(false);

      execFileSync('mount', ['-o', `remount,size=${64 << 20}`, disk]);
      const resumed = await cli(['run', 'p.yaml', ...output], cwd);
      expect(resumed.code, resumed.stderr).toBe(0);

      expect((await cli(['run', 'p.yaml', '--set', 'output=roomy'], cwd)).code).toBe(0);
      expect(productsOf(join(disk, 'run'))).toEqual(productsOf(join(cwd, 'roomy')));
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
