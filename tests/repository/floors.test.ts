/** The house's floors hold, and the check that says so can fail. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { floorProblems, importsOf } from './floors.ts';

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true });
});

function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'corpusmill-floors-'));
  made.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe('this repository', () => {
  it('imports only downward, never sideways, never in a cycle', () => {
    expect(floorProblems(packageRoot())).toEqual([]);
  });
});

describe('the check itself', () => {
  it('accepts a house that stands', () => {
    const root = tree({
      'src/core/a.ts': 'export const a = 1;',
      'src/io/b.ts': "import { a } from '../core/a.ts';\nimport fs from 'node:fs';\nexport const b = a;",
      'src/pipeline/c.ts': "import { b } from '../io/b.ts';\nimport type { D } from './d.ts';\nexport const c = b;",
      'src/pipeline/d.ts': 'export interface D {}',
      'workers/map.ts': "export { c } from '../src/pipeline/c.ts';",
      'src/index.ts': "export * from './pipeline/c.ts';",
    });
    expect(floorProblems(root)).toEqual([]);
  });

  it('names an import that goes up a floor, also when it is only a type', () => {
    const root = tree({
      'src/core/a.ts': "import type { B } from '../io/b.ts';",
      'src/io/b.ts': 'export interface B {}',
    });
    expect(floorProblems(root)).toEqual(['src/core/a.ts (floor 0) imports upward: src/io/b.ts (floor 1)']);
  });

  it.each([
    ['src/filters', 'src/dedup'],
    ['src/pipeline', 'src/report'],
    ['src/report', 'src/pipeline'],
    ['src/io', 'src/text'],
    ['src/cli', 'workers'],
  ])('names an import that goes sideways from %s into %s', (from, to) => {
    const specifier = `${'../'.repeat(from.split('/').length)}${to}/b.ts`;
    const root = tree({ [`${from}/a.ts`]: `import '${specifier}';`, [`${to}/b.ts`]: '' });
    expect(floorProblems(root)).toEqual([expect.stringContaining(`imports sideways: ${to}/b.ts`)]);
  });

  it('names a cycle of three files once, through a type-only import and a dynamic one', () => {
    const root = tree({
      'src/io/a.ts': "import type { B } from './b.ts';",
      'src/io/b.ts': "export const b = () => import('./c.ts');",
      'src/io/c.ts': "export { a } from './a.ts';",
    });
    expect(floorProblems(root)).toEqual(['import cycle: src/io/a.ts → src/io/b.ts → src/io/c.ts → src/io/a.ts']);
  });

  it('wants a floor for a new folder', () => {
    const root = tree({ 'src/misc/a.ts': '' });
    expect(floorProblems(root)).toEqual([expect.stringContaining('folder src/misc has no floor')]);
  });

  it('names imports that leave the house or lead nowhere', () => {
    const root = tree({
      'src/core/a.ts': "import '../../tests/shared.ts';\nimport './gone.ts';",
      'tests/shared.ts': '',
    });
    expect(floorProblems(root)).toEqual([
      'src/core/a.ts imports ../../tests/shared.ts, which lies on no floor',
      'src/core/a.ts imports ./gone.ts, but there is no src/core/gone.ts',
    ]);
  });

  it('reads every form of import, over several lines, and none out of comments', () => {
    const source = [
      "import {\n  one,\n  two,\n} from './many.ts';",
      "import './effect.ts';",
      "export * from './star.ts';",
      "const later = await import('./later.ts');",
      "new Worker(new URL('../workers/map.ts', import.meta.url));",
      "/** import { no } from './comment.ts' */",
      "// import './line.ts';",
    ].join('\n');
    expect(importsOf(source).sort()).toEqual([
      '../workers/map.ts',
      './effect.ts',
      './later.ts',
      './many.ts',
      './star.ts',
    ]);
  });
});
