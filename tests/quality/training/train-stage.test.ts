import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Document } from '../../../src/core/document.ts';
import { loadModel } from '../../../src/quality/model.ts';
import { qualityTrain } from '../../../src/quality/training/train-stage.ts';
import { runBarrier } from '../../dedup/context.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'corpusmill-train-'));
  folders.push(made);
  return made;
}

/** Two topics with words of their own; the topic is the label. */
const documents: Document[] = Array.from({ length: 300 }, (_, i) => {
  const topic = i % 3 === 0 ? 'sea' : 'land';
  const words = topic === 'sea' ? ['wave', 'harbour', 'sail'] : ['field', 'plough', 'barn'];
  const text = Array.from({ length: 12 }, (_, k) => words[(i * 7 + k * k) % 3]).join(' ');
  return { id: `d${i}`, text: `${text} number ${i}`, meta: { source: 'test', topic } };
});
const BY_TOPIC = {
  positives: [{ field: 'topic', equals: 'sea' }],
  negatives: [{ field: 'topic', equals: 'land' }],
};

interface Report {
  documents: number;
  folds: number | null;
  warnings: string[];
  labels: { label: string; documents: number }[];
  models: { name: string; figures: { auc: number } }[];
}

async function train(options: object, given: readonly Document[] = documents, settings: object = {}) {
  const outputDir = folder();
  const { result } = await runBarrier(qualityTrain, { model: 'naive-bayes', ...options }, given, {
    outputDir,
    partRows: [64],
    ...settings,
  });
  const path = join(outputDir, 'quality-report.json');
  const report = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Report) : undefined;
  return { outputDir, report, details: result.details as Record<string, unknown>, artifacts: result.artifacts! };
}

describe('quality.train', () => {
  it('learns from documents by their fields, and is judged by the share held out', async () => {
    const { outputDir, report, details, artifacts } = await train({ ...BY_TOPIC, holdOut: 0.2 });
    expect(details['examples']).toEqual({ negative: 200, positive: 100 });
    const learnt = details['learntFrom'] as Record<string, number>;
    expect(report!.documents).toBe(300 - learnt['negative'] - learnt['positive']);
    // A fifth by hash: 60 on average, ten is under two standard deviations of 6.9.
    expect(Math.abs(report!.documents - 60)).toBeLessThan(20);
    expect(report!.models.map(({ name }) => name)).toEqual(['naive-bayes', 'mean line length']);
    expect(report!.models[0].figures.auc).toBe(1);
    const model = loadModel(join(outputDir, artifacts['model']));
    if (model.kind !== 'classifier') throw new Error('a language model');
    const { labels } = model.classifier;
    const sea = model.classifier.probabilities('the wave and the sail')![labels.indexOf('positive')];
    const land = model.classifier.probabilities('the plough and the barn')![labels.indexOf('positive')];
    expect([sea > 0.9, land < 0.1]).toEqual([true, true]);
  });

  it('gives the same model and report however the documents lie in parts', async () => {
    const outcomes = await Promise.all(
      [[300], [7], [100, 50]].map(async (partRows) => {
        const { outputDir } = await train({ ...BY_TOPIC, model: 'logistic' }, documents, { partRows });
        return ['model.json', 'quality-report.json'].map((name) => readFileSync(join(outputDir, name), 'utf8'));
      }),
    );
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
  });

  it('judges every example once where there are folds, and learns from all', async () => {
    const { report, details } = await train({ ...BY_TOPIC, folds: 5 });
    expect(report).toMatchObject({ documents: 300, folds: 5 });
    expect(details['learntFrom']).toEqual({ negative: 200, positive: 100 });
  });

  it('takes at most maxPerLabel of a label, the same ones whatever stands around them', async () => {
    const { details } = await train({ ...BY_TOPIC, maxPerLabel: 80, holdOut: 0 });
    expect(details['learntFrom']).toEqual({ negative: 80, positive: 80 });
  });

  it('reads files beside the pipeline, with labels of their own, in the order of their lines', async () => {
    const outputDir = folder();
    const rows = documents.map(({ id, text, meta }) => JSON.stringify({ id, text, label: meta['topic'] }));
    writeFileSync(join(outputDir, 'labelled.jsonl'), rows.join('\n'));
    const { details } = (
      await runBarrier(
        qualityTrain,
        { model: 'naive-bayes', labelled: [{ path: 'labelled.jsonl', labelField: 'label' }] },
        [],
        { outputDir },
      )
    ).result;
    expect(details!['examples']).toEqual({ land: 200, sea: 100 });
  });

  it('does not learn from what earlier stages dropped', async () => {
    const { details } = await train({ ...BY_TOPIC, holdOut: 0 }, documents, { alive: (i: number) => i < 30 });
    expect(details['examples']).toEqual({ negative: 20, positive: 10 });
  });

  it('estimates a language model of the positives, and tells its perplexity on what was held out', async () => {
    const { artifacts, details, report } = await train({
      model: 'ngram-lm',
      positives: BY_TOPIC.positives,
      holdOut: 0.3,
      ngramLm: { order: 2 },
    });
    expect(artifacts['model']).toBe('model.ngrams');
    expect(report).toBeUndefined();
    // Three words in a fixed order of twelve, and a number: far below the size of the vocabulary.
    expect(details['heldOutPerplexity']).toBeGreaterThan(1);
    expect(details['heldOutPerplexity']).toBeLessThan(15);
  });

  it('warns who trains fastText by words of a script without spaces', async () => {
    const chinese = documents.map((document, i) => ({
      ...document,
      text: i % 2 === 0 ? '海浪拍打着港口' : document.text,
    }));
    const fasttext = { dim: 4, epoch: 1, bucket: 100 };
    const byWords = await train({ ...BY_TOPIC, model: 'fasttext', fasttext }, chinese);
    expect(byWords.report!.warnings).toEqual([
      expect.stringMatching(/^(4[4-9]|5[0-6]) % of the texts .* without spaces.*minn: 1, maxn: 2/),
    ]);
    const byCharacters = { ...fasttext, minn: 1, maxn: 2 };
    const quiet = [
      await train({ ...BY_TOPIC, model: 'fasttext', fasttext: byCharacters }, chinese),
      await train({ ...BY_TOPIC, model: 'fasttext', fasttext }),
      await train(BY_TOPIC, chinese),
    ];
    for (const { report } of quiet) expect(report!.warnings).toEqual([]);
  });

  it('says so where no document is an example, or all are of one label', async () => {
    const wrong = { positives: [{ field: 'topic', equals: 'sky' }], negatives: [{ field: 'topic', equals: 'sun' }] };
    await expect(train(wrong)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('found no examples'),
    });
    await expect(train({ ...BY_TOPIC, positives: wrong.positives })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it.each([
    [{ positives: [{ input: 'a' }] }, /at least two labels/],
    [{ model: 'ngram-lm', positives: [{ input: 'a' }], negatives: [{ input: 'b' }] }, /positives alone/],
    [{ ...BY_TOPIC, model: 'fasttext', gbdt: {} }, /model is fasttext/],
    [{ ...BY_TOPIC, folds: 1 }, /one fold/],
    [{ labels: { 'two words': [{ input: 'a' }], b: [{ input: 'b' }] } }, /one word/],
  ])('refuses %j', (options, message) => {
    expect(() => qualityTrain.options.parse(options)).toThrow(message);
  });

  it('knows the names of inputs', () => {
    const options = qualityTrain.options.parse({ positives: [{ input: 'wiki' }], negatives: [{ input: 'crawl' }] });
    expect(qualityTrain.checkInputs?.(options, ['crawl'])).toEqual([
      { path: ['positives', '0', 'input'], name: 'wiki', expected: 'the name of an input' },
    ]);
  });
});
