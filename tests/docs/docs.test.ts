/** The documentation is tried as it stands: commands run, files are valid, programs compile and run, links lead somewhere. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/core/errors.ts';
import { packageRoot } from '../../src/core/package-root.ts';
import { parsePipeline } from '../../src/pipeline/config/load.ts';
import * as training from '../../src/pipeline/config/training-part.ts';
import { stageDefinitions } from '../../src/pipeline/registry.ts';
import { writeByteTokenizer } from '../shards/context.ts';
import { type Block, blocksOf, fileBlocks, marked, PAGES, pageText } from './blocks.ts';
import { makeProject } from './project.ts';

const root = packageRoot();
const MAIN = join(root, 'dist', 'src', 'cli', 'main.js');
const PYTHON = join(
  process.env['CORPUSMILL_PEERS'] ?? join(homedir(), '.cache', 'corpusmill', 'peers'),
  'bin',
  'python',
);

let project: string;
beforeAll(async () => {
  if (!existsSync(MAIN)) throw new Error(`no ${MAIN}: these tests run the built program, \`npm run build\` first`);
  project = await makeProject();
  await writeByteTokenizer(project);
  for (const { argument, text } of fileBlocks()) {
    mkdirSync(dirname(join(project, argument!)), { recursive: true });
    writeFileSync(join(project, argument!), text);
  }
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

const byPlace = (blocks: Block[]): [string, Block][] => blocks.map((block) => [block.place, block]);

/** A line of a shell block, with `corpusmill` as the built program; returns exit code and everything printed. */
function shell(line: string): { code: number | null; printed: string } {
  const script = `corpusmill() { "${process.execPath}" "${MAIN}" "$@"; }\n${line}`;
  const env = { ...process.env, NO_COLOR: '1', CORPUSMILL_WORKERS: '2' };
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: project, env, encoding: 'utf8' });
  return { code: status, printed: `${stdout}${stderr}` };
}

describe('commands', () => {
  it.each(byPlace(marked('sh', 'run')))('%s', (_, { text }) => {
    for (const line of text.split('\n').filter((line) => line.trim() !== '')) {
      const expected = Number(/# exit (\d+)$/.exec(line)?.[1] ?? 0);
      const { code, printed } = shell(line);
      expect(code, `${line}\n${printed}`).toBe(expected);
    }
  });
});

describe('pipeline files', () => {
  it.each(byPlace(marked('yaml', 'pipeline')))('%s is valid', (_, { text }) => {
    expect(() =>
      parsePipeline(text, join(project, 'p.yaml'), { env: {}, cwd: project, registry: stageDefinitions(), training }),
    ).not.toThrow();
  });

  it.each(byPlace(marked('yaml', 'stages')))('%s is valid', (_, { text }) => {
    // The reader's tokenizer is one of the project here.
    const entries = text.replace(/tokenizer: \S+\.json/, 'tokenizer: tokenizer.json');
    const file = `inputs: [data/*.jsonl.zst]\nstages:\n${entries.replace(/^/gm, '  ')}`;
    expect(() =>
      parsePipeline(file, join(project, 'p.yaml'), { env: {}, cwd: project, registry: stageDefinitions(), training }),
    ).not.toThrow();
  });

  it.each(byPlace(marked('yaml', 'mistakes')))(
    '%s has the mistakes that the page shows',
    (place, { argument, text }) => {
      writeFileSync(join(project, argument!), text);
      const page = place.replace(/:\d+$/, '');
      const shown = blocksOf(page).find(({ language, mark }) => language === 'text' && mark === 'mistakes')!;
      const { code, printed } = shell(`corpusmill validate ${argument}`);
      expect(printed).toBe(shown.text);
      expect(code).toBe(EXIT.usage);
    },
  );
});

describe('programs', () => {
  const programs = [...marked('ts', 'run')];
  const stages = marked('ts', 'stage');

  beforeAll(() => {
    programs.forEach(({ text }, i) => {
      writeFileSync(join(project, `program-${i}.ts`), text);
    });
    // Imports of a file in a folder of src/, from where the block now lies.
    stages.forEach(({ text }, i) => {
      const moved = text
        .replace(/'\.\.\/(?=\w)/g, `'${join(root, 'src')}/`)
        .replace(/'\.\/(?=convention|rules)/g, `'${join(root, 'src', 'filters')}/`);
      writeFileSync(join(project, `stage-${i}.ts`), moved);
    });
    const compilerOptions = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).compilerOptions;
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['program-*.ts', 'stage-*.ts'] }),
    );
    // The programs again, as JavaScript to run.
    const emitted = {
      ...compilerOptions,
      noEmit: false,
      allowImportingTsExtensions: false,
      outDir: 'js',
      rootDir: '.',
    };
    writeFileSync(
      join(project, 'tsconfig.emit.json'),
      JSON.stringify({ compilerOptions: emitted, include: ['program-*.ts'] }),
    );
  });

  it('compile under the strict settings of this repository', () => {
    for (const config of ['tsconfig.json', 'tsconfig.emit.json']) {
      const { status, stdout } = spawnSync(
        process.execPath,
        [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', config],
        { cwd: project, encoding: 'utf8' },
      );
      expect(stdout).toBe('');
      expect(status).toBe(0);
    }
  });

  it.each(programs.map(({ place }, i) => [place, i] as const))('%s runs', (_, i) => {
    const { status, stderr } = spawnSync(process.execPath, [join(project, 'js', `program-${i}.js`)], {
      cwd: project,
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
  });

  it.each(stages.map(({ place }, i) => [place, i] as const))('%s declares a stage under 80 lines', async (_, i) => {
    const declared = Object.values(await import(join(project, `stage-${i}.ts`)));
    expect(declared).toContainEqual(expect.objectContaining({ name: expect.any(String), version: 1 }));
    expect(stages[i].text.split('\n').length).toBeLessThan(80);
  });
});

describe('stage files', () => {
  const filters = fileBlocks().filter(({ argument }) => /^filters\/(?!.*\.test\.)/.test(argument!));

  it.each(byPlace(filters))('%s is a filter of under 80 lines that loads', async (_, { argument, text }) => {
    expect(text.split('\n').length).toBeLessThan(80);
    const { loadStageModule } = await import('../../src/pipeline/stage-module.ts');
    const { definition } = await loadStageModule(join(project, argument!));
    expect(definition).toMatchObject({ kind: 'map', version: 1 });
  });
});

describe.skipIf(!existsSync(PYTHON))('other programs, in Python', () => {
  // One interpreter for all: the imports cost more than what is tried.
  it('open what the pages say they open', { timeout: 180_000 }, () => {
    shell('corpusmill run web.yaml');
    const blocks = marked('python', 'run');
    writeFileSync(join(project, 'blocks.json'), JSON.stringify(blocks));
    const script = `
import json, traceback
failed = []
for block in json.load(open("blocks.json")):
    try:
        exec(compile(block["text"], block["place"], "exec"), {"__name__": "docs"})
    except ModuleNotFoundError as error:
        if error.name not in ("transformers", "tiktoken", "torch"):
            raise
        print("not tried:", block["place"], error)
    except Exception:
        failed.append(block["place"] + "\\n" + traceback.format_exc())
print("\\n".join(failed) or "all opened")
`;
    const env = {
      ...process.env,
      HF_HOME: join(project, 'hf'),
      HF_HUB_OFFLINE: '1',
      HF_DATASETS_DISABLE_PROGRESS_BARS: '1',
    };
    const printed = execFileSync(PYTHON, ['-c', script], { cwd: project, env, encoding: 'utf8' });
    expect(printed).toMatch(/all opened\n$/);
  });
});

describe('links', () => {
  it.each(PAGES)('of %s lead to files and headings that exist', (page) => {
    const text = pageText(page).replace(/^```[\s\S]*?^```$/gm, '');
    const broken: string[] = [];
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path, anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(resolve(root, target))) broken.push(link);
      else if (anchor !== undefined && !anchorsOf(target).includes(anchor)) broken.push(link);
    }
    expect(broken).toEqual([]);
  });
});

/** GitHub's: lower case, marks dropped, spaces as hyphens. */
function anchorsOf(page: string): string[] {
  const headings = pageText(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('facts', () => {
  const dropping = [...stageDefinitions().values()].filter(({ reasons }) => Object.keys(reasons ?? {}).length > 0);
  it.each(dropping.map(({ name }) => name))('a page of docs/ explains %s with all its drop reasons', (name) => {
    const reasons = Object.keys(stageDefinitions().get(name)!.reasons ?? {});
    const missing = PAGES.filter((page) => page.startsWith('docs/') && pageText(page).includes(`\`${name}\``)).map(
      (page) => reasons.filter((reason) => !pageText(page).includes(`\`${reason}\``)),
    );
    const [fewest] = missing.toSorted((a, b) => a.length - b.length);
    expect(fewest ?? reasons).toEqual([]);
  });

  it('cleaning.md names every map stage', () => {
    const text = pageText('docs/cleaning.md');
    const stages = [...stageDefinitions().values()].filter(({ kind }) => kind === 'map').map(({ name }) => name);
    expect(stages.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  it('there is a link to every recipe', () => {
    const text = ['cleaning', 'alignment', 'alignment-online'].map((name) => pageText(`docs/${name}.md`)).join('');
    const recipes = readdirSync(join(root, 'pipelines')).filter((name) => name.endsWith('.yaml'));
    expect(recipes.filter((recipe) => !text.includes(`](../pipelines/${recipe})`))).toEqual([]);
  });

  it('pipeline-files.md names every key, with its default', async () => {
    const { inputSchema, runSchema } = await import('../../src/pipeline/config/schema.ts');
    const text = pageText('docs/pipeline-files.md');
    const keys = [inputSchema, runSchema].flatMap((schema) => Object.keys(schema.shape));
    expect(keys.filter((key) => !new RegExp(`^\\| \`${key}\` +\\|`, 'm').test(text))).toEqual([]);
    const whole = blocksOf('docs/pipeline-files.md').find(({ mark }) => mark === 'pipeline')!.text;
    for (const key of Object.keys(training.pipelineSchema.shape)) expect(whole).toMatch(new RegExp(`^${key}:`, 'm'));
    const defaults = { ...inputSchema.parse({ path: 'x' }), ...runSchema.parse({}) };
    const size = (bytes: number): string =>
      bytes % 2 ** 20 === 0 && bytes > 0 ? `${bytes / 2 ** 20} MiB` : String(bytes);
    for (const [key, value] of Object.entries(defaults)) {
      if (key === 'path') continue;
      const cell = new RegExp(`^\\| \`${key}\` +\\| (.*?) +\\|`, 'm').exec(text)?.[1].replaceAll('`', '');
      expect(cell, key).toBe(typeof value === 'number' ? size(value) : String(value));
    }
  });

  it('running.md names every exit code', () => {
    const rows = [...pageText('docs/running.md').matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(rows).toEqual(Object.values(EXIT));
  });

  it("deduplication.md has the probabilities of the bands' curve", async () => {
    const { catchProbability } = await import('../../src/dedup/lsh.ts');
    // Seven similarities; the table of measurements has other columns.
    const rows = [...pageText('docs/deduplication.md').matchAll(/^\| (\d+) × (\d+)[^|]*\|((?:[^|]*\|){6}[^|]*)\|$/gm)];
    expect(rows.length).toBeGreaterThan(2);
    for (const [row, bands, perBand, cells] of rows) {
      const shown = cells.split('|').map((cell) => Number(cell));
      const shape = { bands: Number(bands), rows: Number(perBand) };
      const exact = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((j) => Number(catchProbability(j, shape).toFixed(2)));
      expect(shown, row).toEqual(exact);
    }
  });

  it('tokenizer-and-shards.md names every member of the manifest', async () => {
    const { shardManifestSchema } = await import('../../src/shards/manifest.ts');
    const text = pageText('docs/tokenizer-and-shards.md');
    const names = Object.keys(shardManifestSchema.shape);
    expect(names.filter((name) => !new RegExp(`\`${name}[.\`\\[]`).test(text))).toEqual([]);
  });
});
