import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MapDefinition } from '../../src/core/stage.ts';
import { ConfigError } from '../../src/pipeline/config/issues.ts';
import { loadPipeline } from '../../src/pipeline/config/load.ts';
import { planPhases } from '../../src/pipeline/plan.ts';
import { isModulePath, loadStageModule, StageModuleError } from '../../src/pipeline/stage-module.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'corpusmill-stage-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(path: string, text: string): string {
  const file = join(dir, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const body = (name: string, more = ''): string => `
  ({ defineMap, ruleStage, z }) => defineMap({
    kind: 'map', name: '${name}', summary: 's', source: 'ours', version: 1,
    options: z.strictObject({ maxChars: z.int().min(1).default(10).describe('Most characters.') }),
    reasons: { too_long: 'longer than maxChars' },
    create: ({ maxChars }) => ruleStage([{ reason: 'too_long', max: maxChars, measure: (view) => view.charCount }]),
    ${more}
  })`;
const mine = `export default ${body('filter.mine')};\n`;

describe('isModulePath', () => {
  it.each(['./a.mjs', '../x/a.js', '/abs/a.ts', 'a.mjs', 'filters/a.ts', './no-extension'])('%s is a file', (path) => {
    expect(isModulePath(path)).toBe(true);
  });
  it.each(['normalize', 'filter.c4', 'dedup.exact', 'tokenizer.train'])('%s is a name', (name) => {
    expect(isModulePath(name)).toBe(false);
  });
});

describe('loadStageModule', () => {
  it('takes a function that is given what a stage is made of', async () => {
    const { definition } = await loadStageModule(put('mine.mjs', mine));
    const stage = (definition as MapDefinition).create({ maxChars: 3 }, { name: 'm', seed: 0, baseDir: '' });
    expect(stage.process({ id: 'a', text: '汉字汉字', meta: {} })).toEqual({
      action: 'drop',
      reason: 'too_long',
      value: 4,
      threshold: 3,
    });
    expect(stage.explain!({ id: 'a', text: 'ab', meta: {} })).toEqual([
      { rule: 'too_long', value: 2, max: 3, broken: false },
    ]);
  });

  it('has another hash once the file, or one that it imports by relative path, has changed', async () => {
    const file = put(
      'mine.mjs',
      `import { name } from './name.mjs';\nexport default ${body('x').replace("'x'", 'name')};`,
    );
    put('name.mjs', "export const name = 'filter.one';");
    const before = await loadStageModule(file);
    expect((await loadStageModule(file)).module.hash).toBe(before.module.hash);
    put('name.mjs', "export const name = 'filter.one'; // changed");
    const after = await loadStageModule(file);
    expect(after.module.hash).not.toBe(before.module.hash);
    put('mine.mjs', mine);
    expect((await loadStageModule(file)).definition.name).toBe('filter.mine');
  });

  it.each([
    ['throws', 'export default (', /error when it was imported/],
    ['at-import', "throw new Error('no word list');", /imported \(Error: no word list\)/],
    [
      'in-function',
      "export default () => { throw new Error('no word list'); };",
      /default export \(Error: no word list\)/,
    ],
    ['empty', '', /no export/],
    ['named', 'export const filter = 1;', /no default export, but filter/],
    ['number', 'export default 7;', /default export that is number/],
    ['kind', "export default { kind: 'filter' };", /a wrong `kind`/],
    ['name', "export default { kind: 'map' };", /no `name`/],
    ['bad-name', "export default { kind: 'map', name: 'a b' };", /a wrong `name`/],
    [
      'options',
      "export default { kind: 'map', name: 'a', summary: '', source: '', version: 1 };",
      /no `options`.*zod 4/,
    ],
    ['create', `export default (api) => ({ ...(${body('a')})(api), create: 1 });`, /a wrong `create`.*a function/],
  ])('says what is wrong: %s', async (name, text, message) => {
    const error = await loadStageModule(put(`${name}.mjs`, text)).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(StageModuleError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain(`${name}.mjs`);
  });

  it.each([
    ['none.mjs', /no such file/],
    ['.', /a folder/],
    ['text.py', /the extension '.py'/],
  ])('says what is wrong: %s', async (name, message) => {
    put('text.py', 'x');
    await expect(loadStageModule(join(dir, name))).rejects.toThrow(message);
  });
});

describe('in a pipeline', () => {
  const pipeline = (stages: string): string => put('p.yaml', `inputs: [a.jsonl]\nstages:\n${stages}`);
  const load = (file: string, set: string[] = []) => loadPipeline(file, { cwd: dir, env: {}, set });
  const mistakesOf = async (file: string, set: string[] = []): Promise<string[]> => {
    const error = await load(file, set).catch((error: unknown) => error);
    if (!(error instanceof ConfigError)) throw new Error(`no mistakes: ${String(error)}`);
    return error.message.split('\n').slice(1);
  };

  it('is called by the name that it declares, and gets checked options', async () => {
    put('filters/mine.mjs', mine);
    const { stages } = await load(
      pipeline('  - ./filters/mine.mjs\n  - {stage: filters/mine.mjs, name: again, maxChars: 5}\n'),
    );
    expect(stages.map(({ name, options }) => [name, options])).toEqual([
      ['filter.mine', { maxChars: 10 }],
      ['again', { maxChars: 5 }],
    ]);
  });

  it('has its mistakes placed as those of other stages are', async () => {
    put('mine.mjs', mine);
    put('c4.mjs', `export default ${body('filter.c4')};`);
    put('same.mjs', mine);
    put(
      'factory.mjs',
      `export default ${body('filter.f', "create: () => { throw new Error('maxChars: too odd'); },")};`,
    );
    const file = pipeline(
      [
        '  - stage: ./mine.mjs',
        '    maxCars: 5',
        '  - stage: ./none.mjs',
        '  - stage: ./c4.mjs',
        '  - {stage: ./same.mjs, name: other}',
        '  - stage: ./factory.mjs',
        '    maxChars: 3',
      ].join('\n'),
    );
    expect(await mistakesOf(file)).toEqual([
      "p.yaml:4:5: stages.0.maxCars: found an unknown option 'maxCars', expected one of maxChars; did you mean 'maxChars'?",
      "p.yaml:5:12: stages.1.stage: found './none.mjs': no such file, expected a JavaScript module (.mjs, .js, or .ts)",
      "p.yaml:6:12: stages.2.stage: found the name of a stage of corpusmill, 'filter.c4', expected a 'name' of its own in the stage definition of the file",
      "p.yaml:7:13: stages.3.stage: found the name 'filter.mine', which another stage file has too, expected a 'name' of its own in the stage definition of the file",
      'p.yaml:9:15: stages.4.maxChars: found 3: too odd',
    ]);
  });

  it('re-runs when its file changes: the content is in the key', async () => {
    put('mine.mjs', mine);
    const file = pipeline('  - ./mine.mjs\n');
    const key = async (): Promise<string> => planPhases(await load(file), []).phases[0].key;
    const before = await key();
    expect(await key()).toBe(before);
    put('mine.mjs', `${mine}// another thought\n`);
    expect(await key()).not.toBe(before);
  });

  it('may be named by --set, relative to the current directory', async () => {
    put('mine.mjs', mine);
    const file = put('deep/p.yaml', 'inputs: [a.jsonl]\nstages: [normalize]\n');
    const { stages } = await load(file, ['stages.0.stage=./mine.mjs']);
    expect(stages[0].name).toBe('filter.mine');
  });
});
