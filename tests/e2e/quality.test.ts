/** Quality models by the command line: trained in a pipeline, asked behind it, used by a threshold, judged on files. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decompress } from 'fzstd';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import {
  cli,
  hasStackTrace,
  pipelineFile,
  productsOf,
  summaryOf,
  timingOf,
  workspace,
  writtenDocuments,
} from './cli.ts';
import { jsonl, madeCorpus } from './corpus.ts';

/** Prose, and what a shop says, mixed: who tells them apart has learnt something. */
const prose = madeCorpus(400, 3)
  .filter(({ kind }) => kind === 'prose')
  .map(({ text }, i) => ({ id: `prose-${i}`, text, label: 'keep' }));
const random = createRandom(9);
const SHOP =
  'buy cheap order now free shipping discount price sale click cart checkout offer best deal online store'.split(' ');
const shop = Array.from({ length: 240 }, (_, i) => ({
  id: `shop-${i}`,
  text: Array.from({ length: 60 }, () => SHOP[random.below(SHOP.length)]).join(' '),
  label: 'drop',
}));
const crawl = [...prose.slice(120), ...shop.slice(120)];
const data = {
  'good.jsonl': jsonl(prose.slice(0, 120)),
  'bad.jsonl': jsonl(shop.slice(0, 120)),
  'crawl.jsonl': jsonl(crawl),
};

function pipeline(train: object, options: object = {}): string {
  return pipelineFile({
    output: 'run',
    seed: 5,
    inputs: [{ name: 'crawl', path: 'crawl.jsonl' }],
    stages: [
      { stage: 'quality.train', ...train },
      'quality.score',
      { stage: 'filter.threshold', min: 0.5 },
      { stage: 'write', format: 'jsonl', compression: 'none' },
    ],
    run: { chunkBytes: 16 * 1024, audit: 'full', ...options },
  });
}

interface Scored {
  id: string;
  quality: { score: number };
}

/** What `corpusmill quality score` wrote. */
function scoredDocuments(run: string): Scored[] {
  const folder = join(run, 'output', 'write');
  const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl.zst'));
  const lines = names.flatMap((name) =>
    Buffer.from(decompress(readFileSync(join(folder, name))))
      .toString('utf8')
      .trimEnd()
      .split('\n'),
  );
  return lines.map((line) => JSON.parse(line) as Scored);
}

const FILES = { positives: [{ path: 'good.jsonl' }], negatives: [{ path: 'bad.jsonl' }] };

describe('a pipeline that trains a model and acts on it', () => {
  it.each([
    ['fasttext', { fasttext: { dim: 16, epoch: 10, lr: 0.5, bucket: 1000 } }],
    ['naive-bayes', {}],
    ['logistic', {}],
    ['gbdt', {}],
    ['forest', {}],
  ])('keeps what is like the positives, by %s', async (model, options) => {
    const cwd = workspace({ ...data, 'p.yaml': pipeline({ model, ...FILES, ...options }) });
    const result = await cli(['run', 'p.yaml'], cwd);
    expect(result.code, result.stderr).toBe(0);
    const kept = writtenDocuments(join(cwd, 'run')).map(({ id }) => String(id).split('-')[0]);
    expect(kept.filter((kind) => kind === 'prose')).toHaveLength(prose.length - 120);
    expect(kept.filter((kind) => kind === 'shop')).toHaveLength(0);
    const report = JSON.parse(readFileSync(join(cwd, 'run', 'output', 'quality.train', 'quality-report.json'), 'utf8'));
    expect(report.models[0]).toMatchObject({ name: model, figures: { auc: 1 } });
    expect(report.models[1].name).toBe('mean line length');
  });

  it('gives the same bytes for any number of workers, and runs again from what changed alone', async () => {
    const train = { model: 'fasttext', fasttext: { dim: 16, bucket: 1000 }, ...FILES };
    const products = [];
    for (const workers of [1, 3]) {
      const cwd = workspace({ ...data, 'p.yaml': pipeline(train, { workers }) });
      expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
      products.push(productsOf(join(cwd, 'run')));
      if (workers === 1) continue;
      const again = await cli(['run', 'p.yaml', '--set', 'stages.filter.threshold.min=0.6'], cwd);
      expect(again.code, again.stderr).toBe(0);
      const reused = timingOf(join(cwd, 'run')).phases.map(({ title, reused: was }) => [title, was]);
      expect(reused.filter(([title]) => title === 'quality.train')).toEqual([['quality.train', true]]);
      // Another model: what it was asked must be asked again.
      writeFileSync(join(cwd, 'good.jsonl'), jsonl(prose.slice(0, 100)));
      const retrained = await cli(['run', 'p.yaml'], cwd);
      expect(retrained.code, retrained.stderr).toBe(0);
      expect(
        timingOf(join(cwd, 'run'))
          .phases.slice(1)
          .every(({ reused: was }) => !was),
      ).toBe(true);
    }
    expect(products[0]).toEqual(products[1]);
  });

  it('learns from documents of the pipeline by input and by field, and leaves them as they are', async () => {
    const cwd = workspace({
      ...data,
      'p.yaml': pipelineFile({
        output: 'run',
        inputs: [
          { name: 'good', path: 'good.jsonl' },
          { name: 'crawl', path: 'crawl.jsonl' },
        ],
        stages: [
          {
            stage: 'quality.train',
            model: 'naive-bayes',
            positives: [{ input: 'good' }],
            negatives: [{ field: 'label', equals: 'drop' }],
          },
          { stage: 'quality.score', as: 'shop', label: 'negative' },
          { stage: 'write', format: 'jsonl', compression: 'none' },
        ],
      }),
    });
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    const written = writtenDocuments(join(cwd, 'run')) as unknown as { id: string; quality: { shop: number } }[];
    expect(written).toHaveLength(120 + crawl.length);
    for (const { id, quality } of written) expect(quality.shop > 0.5, id).toBe(id.startsWith('shop'));
    const train = summaryOf(join(cwd, 'run')).barriers[0].details;
    expect(train['examples']).toEqual({ negative: 120, positive: 120 });
  });

  it('scores by a language model of the positives: what a shop says has the higher perplexity', async () => {
    const cwd = workspace({
      ...data,
      'p.yaml': pipelineFile({
        output: 'run',
        inputs: [{ name: 'crawl', path: 'crawl.jsonl' }],
        stages: [
          { stage: 'quality.train', model: 'ngram-lm', positives: [{ path: 'good.jsonl' }], ngramLm: { order: 3 } },
          'quality.score',
          { stage: 'filter.threshold', bottom: 0.5 },
          { stage: 'write', format: 'jsonl', compression: 'none' },
        ],
      }),
    });
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(writtenDocuments(join(cwd, 'run')).every(({ id }) => String(id).startsWith('prose'))).toBe(true);
    const folder = join(cwd, 'run', 'output', 'quality.train');
    // The ARPA file, asked in place of our own, says the same.
    const own = await cli(
      ['quality', 'score', 'crawl.jsonl', '--model', join(folder, 'model.ngrams'), '-o', 'own'],
      cwd,
    );
    const arpa = await cli(
      ['quality', 'score', 'crawl.jsonl', '--model', join(folder, 'model.arpa'), '-o', 'arpa'],
      cwd,
    );
    expect([own.code, arpa.code], own.stderr + arpa.stderr).toEqual([0, 0]);
    const scoresOf = (run: string) => scoredDocuments(join(cwd, run)).map(({ quality }) => quality.score);
    const [first, second] = [scoresOf('own'), scoresOf('arpa')];
    expect(first).toHaveLength(crawl.length);
    for (let i = 0; i < first.length; i++) expect(Math.abs(first[i] / second[i] - 1)).toBeLessThan(1e-5);
  });
});

describe('corpusmill quality', () => {
  it('trains, scores and evaluates on files; the exit code says whether the AUC is high enough', async () => {
    const cwd = workspace({ ...data, 'test.jsonl': jsonl(crawl) });
    const options = ['--option', 'dim=16', '--option', 'bucket=1000', '--option', 'lr=0.5'];
    const train = await cli(
      ['quality', 'train', '--positive', 'good.jsonl', '--negative', 'bad.jsonl', ...options, '--save', 'm.bin'],
      cwd,
    );
    expect(train.code, train.stderr).toBe(0);
    expect(train.stdout).toMatch(/fasttext +1\.0/);
    expect(existsSync(join(cwd, 'm.bin'))).toBe(true);
    expect(readFileSync(join(cwd, 'runs/quality-train/output/quality.train/quality-report.html'), 'utf8')).toContain(
      '<svg',
    );

    const score = await cli(['quality', 'score', 'test.jsonl', '--model', 'm.bin', '--json'], cwd);
    expect(score.code, score.stderr).toBe(0);
    const scored = scoredDocuments(join(cwd, 'runs/quality-score'));
    expect(scored).toHaveLength(crawl.length);

    const judge = [
      'quality',
      'evaluate',
      'test.jsonl',
      '--model',
      'm.bin',
      '--positive',
      'keep',
      '--fail-under',
      '0.9',
    ];
    const evaluate = await cli([...judge, '--json'], cwd);
    expect(evaluate.code, evaluate.stderr).toBe(0);
    const { report } = JSON.parse(evaluate.stdout);
    // By all pairs, from what `score` wrote.
    const of = (kind: string) => scored.filter(({ id }) => id.startsWith(kind)).map(({ quality }) => quality.score);
    const won = of('prose').flatMap((p) => of('shop').map((s) => (p > s ? 1 : p === s ? 0.5 : 0)));
    expect(report.models[0].figures.auc).toBeCloseTo(won.reduce((a: number, b) => a + b, 0) / won.length, 12);

    // The other way round it is as bad as can be.
    const wrong = await cli(
      [...judge.slice(0, -4), '--positive', 'drop', '--label', 'positive', '--fail-under', '0.5'],
      cwd,
    );
    expect(wrong.code).toBe(4);
    expect(wrong.stderr).toMatch(/AUC of m\.bin is 0\.\d+, under 0\.5/);
  });

  it.each([
    [['train', '--positive', 'good.jsonl'], 2, /at least two labels/],
    [['train', '--positive', 'good.jsonl', '--negative', 'missing.jsonl'], 3, /missing\.jsonl/],
    [['train', '--labelled', 'good.jsonl'], 2, /only the label "keep"|one label/],
    [['train', '--positive', 'good.jsonl', '--negative', 'bad.jsonl', '--option', 'dimm=5'], 2, /dimm/],
    [['score', 'crawl.jsonl', '--model', 'good.jsonl'], 2, /^corpusmill: [^:]*good\.jsonl/],
    [['score', 'crawl.jsonl', '--model', 'none.bin'], 2, /none\.bin/],
    [['evaluate', 'crawl.jsonl'], 2, /nothing to judge/],
    [['evaluate', 'crawl.jsonl', '--field', 'quality.score'], 2, /no document has a label in label and a score/],
  ])('says what is wrong with %j', async (args, code, message) => {
    const cwd = workspace(data);
    const result = await cli(['quality', ...args], cwd);
    expect(result.stderr).toMatch(message);
    expect(result.code, result.stderr).toBe(code);
    expect(hasStackTrace(result)).toBe(false);
  });
});
