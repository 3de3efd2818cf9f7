/** Habits that a reviewer should not have to look for: file sizes, no traces of a machine, a package that is whole. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { ALONE } from '../alone.ts';
import { importsOf } from './floors.ts';

const root = packageRoot();
const CODE = /\.(ts|mjs|js|cc|h|inl|py|sh)$/;
const TEXT = /(\.(ts|mjs|js|cc|h|inl|py|sh|ya?ml|md|json|html|txt|gyp|svg)|\/run)$/;

function files(folders: string[], pattern: RegExp): string[] {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => pattern.test(path) && !path.includes('node_modules') && !path.includes('__pycache__'));
}

describe('sources', () => {
  it('are chapters: no file of src, workers or native is longer than 450 lines', () => {
    const long = files(['src', 'workers', 'native'], CODE)
      .map((path) => ({ path, lines: readFileSync(join(root, path), 'utf8').split('\n').length }))
      .filter(({ lines }) => lines > 450);
    expect(long).toEqual([]);
  });

  it('have names: no utils, helpers, common or manager', () => {
    const nameless = files(['src', 'workers', 'native', 'bench'], CODE).filter((path) =>
      /(^|\/)(utils?|helpers?|common|managers?|misc)\.\w+$/.test(path),
    );
    expect(nameless).toEqual([]);
  });

  it('name no path of the machine they were written on', () => {
    // Absolute paths that exist only on somebody's machine; taken apart here so that this file does not match itself.
    const startingWith = (folders: string[]): RegExp => new RegExp(`(^|[\\s'"\`(=:])/(${folders.join('|')})/[\\w.-]`);
    const anywhere = startingWith(['work', 'root', 'home', 'Users']);
    // Tests may use the name of a folder that every Unix has as an example.
    const outsideTests = startingWith(['work', 'root', 'home', 'Users', 'tmp']);
    const everywhere = ['src', 'workers', 'native', 'bench', 'tests', 'scripts', 'docs', 'pipelines', 'configs', '.ci'];
    const atRoot = readdirSync(root).filter(
      (name) => TEXT.test(name) && !name.startsWith('.') && name !== 'package-lock.json',
    );
    const found = [...files(everywhere, TEXT), ...atRoot].flatMap((path) =>
      readFileSync(join(root, path), 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          (path.startsWith('tests/') ? anywhere : outsideTests).test(line)
            ? [`${path}:${index + 1}: ${line.trim().slice(0, 100)}`]
            : [],
        ),
    );
    expect(found).toEqual([]);
  });
});

describe('tests', () => {
  it('have no hooks at the top of what they import: where files share modules, one would be the first file’s alone', () => {
    const hooked = files(['tests'], /\.ts$/)
      .filter((path) => !path.endsWith('.test.ts') && path !== 'tests/setup.ts' && !ALONE.includes(path.split(sep)[1]))
      .filter((path) => /^(before|after)(All|Each)\(/m.test(readFileSync(join(root, path), 'utf8')));
    expect(hooked).toEqual([]);
  });
});

describe('package.json', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
    optionalDependencies: Record<string, string>;
    license: string;
  };

  it('pins every package to one version', () => {
    const versions = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    expect(Object.entries(versions).filter(([, version]) => !/^\d+\.\d+\.\d+/.test(version))).toEqual([]);
  });

  it('lists every package that the sources import as a dependency of users, not of development', () => {
    const imported = files(['src', 'workers'], /\.ts$/)
      .flatMap((path) => importsOf(readFileSync(join(root, path), 'utf8')))
      .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
      .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
    const users = { ...manifest.dependencies, ...manifest.optionalDependencies };
    expect([...new Set(imported)].filter((name) => !(name in users))).toEqual([]);
  });

  it('asks users for no package that nothing uses', () => {
    const places = [...files(['src', 'workers', 'native'], CODE), 'scripts/build-native.mjs', 'binding.gyp'];
    const text = places.map((path) => readFileSync(join(root, path), 'utf8')).join('\n');
    const unused = Object.keys(manifest.dependencies).filter((name) => !new RegExp(`['"]${name}['"/]`).test(text));
    expect(unused).toEqual([]);
  });

  it('carries the licence that it names', () => {
    expect(manifest.license).toBe('Apache-2.0');
    expect(readFileSync(join(root, 'LICENSE'), 'utf8')).toMatch(/Apache License\s+Version 2\.0, January 2004/);
  });
});
