/** What pages get of the trainer needs nothing of Node: it is bundled for browsers and looked at. */
import { existsSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';
import { browserInput } from '../../../scripts/browser-input.mjs';
import { packageRoot } from '../../../src/core/package-root.ts';
import { pageText } from '../../docs/blocks.ts';

const BUNDLE = join(packageRoot(), 'dist', 'browser', 'training.js');

async function bundled(entry: string) {
  const bundle = await rolldown({ ...browserInput(packageRoot()), input: join(packageRoot(), 'src', entry) });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  expect(output).toHaveLength(1);
  return output[0];
}

describe('corpusmill/training/browser', () => {
  it('imports no module of Node, from wherever in src', async () => {
    const { code, imports, dynamicImports, modules } = await bundled('training/browser/index.ts');
    expect([...imports, ...dynamicImports]).toEqual([]);
    // What needs Node has stood aside for what does not.
    const files = Object.keys(modules).map((path) => path.split(sep).join('/'));
    expect(files).toContainEqual(expect.stringMatching(/\/src\/core\/browser\/sha256\.ts$/));
    expect(files.filter((path) => /\/src\/(core\/(native|sha256)|io\/local-folder)\.ts$/.test(path))).toEqual([]);
    expect(code).not.toMatch(/\bprocess\.(env|argv|memoryUsage|stderr)|\bBuffer\.|\brequire\(["'`]|__dirname/);
  });

  it('is compared with what would: the entry for Node cannot be bundled for browsers', async () => {
    await expect(bundled('training/index.ts')).rejects.toThrow(/imports node:\w+, which browsers do not have/);
  });

  it('is one file of the size that its page says', () => {
    if (!existsSync(BUNDLE)) throw new Error(`no ${BUNDLE}: this test looks at what is built, \`npm run build\` first`);
    const code = readFileSync(BUNDLE, 'utf8');
    const [, said, compressed] = /about (\d+) kB, (\d+) kB compressed/.exec(pageText('docs/browser.md'))!;
    expect(code.length / 1000 / Number(said)).toBeCloseTo(1, 0.5);
    expect(gzipSync(code).length / 1000 / Number(compressed)).toBeCloseTo(1, 0.5);
  });
});
