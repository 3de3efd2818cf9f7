/** One YAML file, one command: raw text to clean text, a tokenizer, packed shards and a report. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ShardManifest } from '../../src/shards/manifest.ts';
import { writeTokenizerFiles } from '../../src/tokenizer/tokenizer-files.ts';
import { trainBpe } from '../../src/tokenizer/train-texts.ts';
import {
  cli,
  everyStage,
  filesUnder,
  hasStackTrace,
  pipelineFile,
  productsOf,
  summaryOf,
  timingOf,
  workspace,
  writtenDocuments,
} from './cli.ts';
import { jsonl, madeCorpus } from './corpus.ts';

const DOCUMENTS = 600;
const corpus = madeCorpus(DOCUMENTS);

/** Two files, so that order between files matters too. */
const files = {
  'data/a.jsonl': jsonl(corpus.slice(0, 350)),
  'data/b.jsonl': jsonl(corpus.slice(350)),
};

const pipeline = pipelineFile({
  inputs: [{ name: 'web', path: 'data/*.jsonl' }],
  stages: everyStage,
  run: { chunkBytes: 16 * 1024 },
});

describe('corpusmill run', () => {
  it('turns raw documents into clean text, a tokenizer, packed shards and a report', async () => {
    const cwd = workspace({ ...files, 'p.yaml': pipeline });
    const result = await cli(['run', 'p.yaml', '--workers', '2'], cwd);
    expect(result.stderr).not.toMatch(/error/i);
    expect(result.code).toBe(0);

    const run = join(cwd, 'run');
    const summary = summaryOf(run);
    expect(summary.inputs).toMatchObject([
      { name: 'web', format: 'jsonl', files: 2, documents: DOCUMENTS, badRecords: 0 },
    ]);

    // The funnel closes: what went in is what was dropped, stage by stage, plus what came out.
    let flowing = DOCUMENTS;
    for (const stage of summary.stages) {
      expect(stage.input.documents).toBe(flowing);
      const dropped = Object.values(stage.dropped).reduce((sum, volume) => sum + volume.documents, 0);
      expect(stage.output.documents).toBe(flowing - dropped);
      flowing = stage.output.documents;
    }
    expect(summary.lengthsAfter.count).toBe(flowing);

    // The corpus was made so that each kind's fate is known.
    const written = writtenDocuments(run);
    expect(written).toHaveLength(flowing);
    const kindOf = new Map(corpus.map((document) => [document.id, document.kind]));
    const kept = new Set(written.map((document) => kindOf.get(document.id)));
    expect(kept.has('scrap')).toBe(false);
    expect(kept.has('list')).toBe(false);
    expect(kept.has('exact copy')).toBe(false);
    // Of a text and its near copy, which has a sentence more, one is left: the longer.
    const countOf = (documents: readonly { id: string }[], ...kinds: string[]): number =>
      documents.filter(({ id }) => kinds.includes(kindOf.get(id)!)).length;
    const prose = countOf(corpus, 'prose');
    const left = countOf(written, 'prose', 'near copy');
    expect(left).toBeGreaterThan(0.95 * prose);
    expect(left).toBeLessThan(1.02 * prose);
    expect(countOf(written, 'near copy')).toBeGreaterThan(0.5 * countOf(corpus, 'near copy'));

    const products = filesUnder(run);
    for (const name of ['summary.json', 'timing.json', 'report.json', 'report.md', 'report.html']) {
      expect(products).toContain(name);
    }
    // The tokenizer is that of the documents that were kept, and of no other.
    const alone = await trainBpe(
      written.map(({ text }) => text),
      { vocabSize: 400, specialTokens: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] },
    );
    await writeTokenizerFiles(alone.tables, cwd);
    expect(readFileSync(join(run, 'output/tokenizer.train/tokenizer.json'), 'utf8')).toBe(
      readFileSync(join(cwd, 'tokenizer.json'), 'utf8'),
    );
    const manifestPath = products.find((path) => path.startsWith('output/shards/') && path.endsWith('manifest.json'));
    const manifest = JSON.parse(readFileSync(join(run, manifestPath!), 'utf8')) as ShardManifest;
    expect(manifest.documents + manifest.documentsEmpty).toBe(flowing);
    expect(manifest.tokens + manifest.padding.tokens).toBe(manifest.rows * 128);
    expect(manifest.shards.length).toBeGreaterThan(0);
  });

  it('writes the same bytes with 1, 2 and 4 workers', { timeout: 180_000 }, async () => {
    const cwd = workspace({ ...files, 'p.yaml': pipeline });
    const products: Record<string, string>[] = [];
    for (const workers of [1, 2, 4]) {
      const result = await cli(['run', 'p.yaml', '--workers', `${workers}`, '--set', `output=run-${workers}`], cwd);
      expect(result.code, result.stderr).toBe(0);
      expect(timingOf(join(cwd, `run-${workers}`)).workers).toBe(workers);
      products.push(productsOf(join(cwd, `run-${workers}`)));
    }
    expect(Object.keys(products[0]).length).toBeGreaterThan(6);
    expect(products[1]).toEqual(products[0]);
    expect(products[2]).toEqual(products[0]);
  });

  it('keeps the same documents whatever the size of its chunks', { timeout: 120_000 }, async () => {
    const cwd = workspace({ ...files, 'p.yaml': pipeline });
    const kept: string[] = [];
    for (const chunk of [4 * 1024, 1024 * 1024]) {
      const args = ['--workers', '2', '--set', `run.chunkBytes=${chunk}`, '--set', `output=run-${chunk}`];
      const result = await cli(['run', 'p.yaml', ...args], cwd);
      expect(result.code, result.stderr).toBe(0);
      kept.push(jsonl(writtenDocuments(join(cwd, `run-${chunk}`))));
    }
    expect(kept[1]).toBe(kept[0]);
  });

  it('with --dry-run says what would run and writes nothing', async () => {
    const cwd = workspace({ ...files, 'p.yaml': pipeline });
    const result = await cli(['run', 'p.yaml', '--dry-run'], cwd);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toContain('dedup.minhash');
    expect(filesUnder(join(cwd, 'run'))).toEqual([]);
  });

  it('with --json prints JSON on standard output and nothing else', async () => {
    const cwd = workspace({ ...files, 'p.yaml': pipeline });
    const result = await cli(['run', 'p.yaml', '--json', '--workers', '1'], cwd);
    expect(result.code, result.stderr).toBe(0);
    expect(() => JSON.parse(result.stdout)).not.toThrow();
  });
});

describe('what it leaves behind', () => {
  it('can be read back with inspect: the clean text and the shards as text', async () => {
    const cwd = workspace({ ...files, 'p.yaml': pipeline });
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const run = join(cwd, 'run');
    const paths = filesUnder(run).filter((path) => /^output\/(write|shards)\/.*\.(jsonl|arrow)$/.test(path));
    expect(paths.length).toBeGreaterThan(1);
    for (const path of paths.slice(0, 3)) {
      const shown = await cli(['inspect', join('run', path)], cwd);
      expect(shown.code, shown.stderr).toBe(0);
      // The first document of the corpus is prose, and prose is kept.
      expect(shown.stdout).toMatch(/ the \w+ \w+/);
    }
  });
});

describe('a mistake in the pipeline file', () => {
  it('is named with line, column and the nearest valid name, all mistakes at once, and nothing runs', async () => {
    const cwd = workspace({
      ...files,
      'p.yaml': [
        'name: e2e',
        'output: run',
        'inputs:',
        '  - path: data/*.jsonl',
        '    fromat: jsonl',
        'stages:',
        '  - stage: normalise',
        '  - stage: write',
        '    formt: jsonl',
        '',
      ].join('\n'),
    });
    for (const command of ['validate', 'run']) {
      const result = await cli([command, 'p.yaml'], cwd);
      expect(result.code).toBe(2);
      const said = result.stdout + result.stderr;
      expect(said).toMatch(/p\.yaml:5:5: .*'fromat'.*did you mean 'format'\?/);
      expect(said).toMatch(/p\.yaml:7:12: .*'normalise'.*did you mean 'normalize'\?/);
      expect(said).toMatch(/p\.yaml:9:5: .*'formt'.*did you mean 'format'\?/);
      expect(hasStackTrace(result)).toBe(false);
    }
    expect(filesUnder(join(cwd, 'run'))).toEqual([]);
  });

  it('says what there is when there is no such file', async () => {
    const result = await cli(['run', 'nothing.yaml'], workspace());
    expect(result.code).toBe(3);
    expect(result.stderr).toContain('nothing.yaml');
    expect(hasStackTrace(result)).toBe(false);
  });
});

describe('the other commands', () => {
  it.each([
    ['--help'],
    ['--version'],
    ['stages'],
    ['stages', 'dedup.minhash'],
    ['schema'],
    ['run', '--help'],
    ['inspect', '--help'],
  ])('corpusmill %s %s answers with exit code 0', async (...args) => {
    const result = await cli(args.filter(Boolean), workspace());
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout.length).toBeGreaterThan(3);
  });

  it('init writes a pipeline that validates and runs on the files it was given', async () => {
    const cwd = workspace(files);
    const made = await cli(['init', '--input', 'data/*.jsonl'], cwd);
    expect(made.code, made.stderr).toBe(0);
    const pipelines = filesUnder(cwd).filter((path) => path.endsWith('.yaml'));
    expect(pipelines).toHaveLength(1);
    expect((await cli(['validate', pipelines[0]], cwd)).code).toBe(0);
  });
});
