/** The pipelines that are shipped are right: each passes the check that `corpusmill validate` makes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { loadPipeline } from '../../src/pipeline/config/load.ts';

const folder = join(packageRoot(), 'pipelines');
const shipped = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

describe('pipelines/', () => {
  it('holds the quickstart', () => {
    expect(shipped).toContain('quickstart.yaml');
  });

  it.each(shipped)('%s has no mistake and names its schema for editors', async (name) => {
    const path = join(folder, name);
    await expect(loadPipeline(path)).resolves.toMatchObject({ name: name.replace('.yaml', '') });
    expect(readFileSync(path, 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/configs\/pipeline\.schema\.json\n/,
    );
  });
});

describe('the README', () => {
  it('shows a pipeline that has no mistake', async () => {
    const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
    const yaml = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1];
    const { parsePipeline } = await import('../../src/pipeline/config/load.ts');
    const { stageDefinitions } = await import('../../src/pipeline/registry.ts');
    const registry = stageDefinitions();
    expect(parsePipeline(yaml!, join(packageRoot(), 'web.yaml'), { registry })).toMatchObject({ name: 'web' });
  });

  it('names every stage that there is, and no other', async () => {
    const { stageDefinitions } = await import('../../src/pipeline/registry.ts');
    const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
    const rows = [...readme.matchAll(/^\| `([\w.-]+)` +\| (map|barrier|sink) +\|/gm)].map(
      ([, name, kind]) => `${name} ${kind}`,
    );
    const stages = [...stageDefinitions().values()].map(({ name, kind }) => `${name} ${kind}`);
    expect(rows.sort()).toEqual(stages.sort());
  });

  it('names every exit code', async () => {
    const { EXIT } = await import('../../src/core/errors.ts');
    const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
    const rows = [...readme.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(rows).toEqual(Object.values(EXIT));
  });
});
