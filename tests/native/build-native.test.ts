import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';

describe('scripts/build-native.mjs, as npm runs it at installation', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'corpusmill-build-'));
    for (const path of ['package.json', 'binding.gyp', 'native', 'scripts']) {
      cpSync(join(packageRoot(), path), join(dir, path), { recursive: true });
    }
    symlinkSync(join(packageRoot(), 'node_modules'), join(dir, 'node_modules'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const build = (env: Record<string, string>, ...args: string[]) => {
    const script = join(dir, 'scripts', 'build-native.mjs');
    const inherited = { ...process.env };
    delete inherited['CORPUSMILL_NATIVE'];
    return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env: { ...inherited, ...env } });
  };

  it('says in one line what a missing compiler means and how to get it, and does not fail the installation', () => {
    const { status, stdout, stderr } = build({ CXX: 'no-such-compiler', CC: 'no-such-compiler' });
    expect(status).toBe(0);
    expect(stdout).toBe('');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^corpusmill: the native add-on was not built: .*compiler/);
    expect(stderr).toContain('works without it');
    expect(stderr).toContain('apt install python3 make g++');
    expect(stderr).toContain('npm run build:native');
  });

  it.each(['notice', 'silent'])('says when Python is missing, also where npm was told to be %s', (loglevel) => {
    const python = { PATH: '', npm_config_python: '/nonexistent/python', PYTHON: '' };
    const { status, stderr } = build({ ...python, npm_config_loglevel: loglevel });
    expect(status).toBe(0);
    expect(stderr).toContain('Python 3 was not found');
  });

  it('fails when the user asked for the build with --force', () => {
    const { status, stderr } = build({ CXX: 'no-such-compiler' }, '--force');
    expect(status).toBe(1);
    expect(stderr).toContain('no-such-compiler');
  });

  it('does nothing under CORPUSMILL_NATIVE=0', () => {
    expect(build({ CORPUSMILL_NATIVE: '0', CXX: 'no-such-compiler' })).toMatchObject({ status: 0, stderr: '' });
  });
});
