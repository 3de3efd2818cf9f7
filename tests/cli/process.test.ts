/** What only a real process shows. Needs the built program, as `npm test` makes it. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { corpusmillVersion } from '../../src/core/version.ts';

const main = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');

describe.skipIf(!existsSync(main))('the built program', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'corpusmill-process-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('starts through a symbolic link, as npm installs it', async () => {
    const link = join(dir, 'corpusmill');
    await symlink(main, link);
    const { status, stdout } = spawnSync(process.execPath, [link, '--version'], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, `${corpusmillVersion()}\n`]);
  });

  it('is quiet when its reader has seen enough (inspect … | head)', async () => {
    const file = join(dir, 'many.jsonl');
    await writeFile(file, `${JSON.stringify({ text: 'x'.repeat(1000) })}\n`.repeat(20_000));
    const child = spawn(process.execPath, [main, 'inspect', file, '--limit', '20000', '--chars', '0']);
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, stderr]).toEqual([0, '']);
  });

  it('runs to its end when the reader of its progress has gone away', async () => {
    await writeFile(join(dir, 'some.jsonl'), `${JSON.stringify({ text: 'some text' })}\n`.repeat(100));
    const pipeline = { name: 'p', output: 'run', inputs: [{ path: 'some.jsonl' }], stages: ['normalize', 'write'] };
    await writeFile(join(dir, 'p.yaml'), JSON.stringify(pipeline));
    const child = spawn(process.execPath, [main, 'run', 'p.yaml'], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.once('data', () => child.stderr.destroy());
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(0);
    expect(existsSync(join(dir, 'run', 'report.json'))).toBe(true);
  });

  it('says so when it stops with its work undone', () => {
    // A standard output that asks to be waited for and never drains.
    const preload = `data:text/javascript,${encodeURIComponent('process.stdout.write = () => false')}`;
    const { status, stderr } = spawnSync(process.execPath, ['--import', preload, main, 'schema'], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, 'corpusmill: unforeseen failure: the command stopped before it was done\n']);
  });

  it.skipIf(!existsSync('/dev/full'))('says that its standard output cannot be written, and exits with 5', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [main, 'schema'], {
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    expect(status).toBe(5);
    expect(stderr).toMatch(/^corpusmill: cannot write to standard output: ENOSPC.*\n$/);
  });

  it('says a mistake without a stack trace and exits with its code', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'run', 'none.yaml'], {
      encoding: 'utf8',
      cwd: dir,
      env: { ...process.env, NO_COLOR: '1', CORPUSMILL_NATIVE: '0' },
    });
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toBe(
      'corpusmill: there is no pipeline file none.yaml\nhint: `corpusmill init` writes one for your files\n',
    );
  });
});
