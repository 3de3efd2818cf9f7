/** Every stage that looks for duplicates, in one pipeline: the same bytes however it is run, memory and `kill -9` included. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../../src/core/run-summary.ts';
import { cli, pipelineFile, productsOf, startCli, workspace } from './cli.ts';
import { jsonl, madeCorpus } from './corpus.ts';

const FOOTER = 'This page was printed from the archive of the town library on a quiet morning.';
const PASSAGE =
  'the keeper of the old lighthouse counted the ships that passed before sunrise and wrote each name into a book ' +
  'that nobody but his daughter ever opened until the winter when the last of the fishing boats did not return';

/** The made corpus with a footer under every third document and a passage within every fifth. */
function project(): string {
  const documents = madeCorpus(900).map((document, i) => {
    const passage = i % 5 === 0 ? `${document.text} So ${PASSAGE}, as was told.` : document.text;
    return { ...document, text: i % 3 === 0 ? `${passage}\n${FOOTER}` : passage };
  });
  return workspace({
    'data/a.jsonl': jsonl(documents),
    'p.yaml': pipelineFile({
      inputs: [{ name: 'web', path: 'data/*.jsonl' }],
      stages: [
        { stage: 'dedup.exact', writeIndex: true },
        { stage: 'dedup.lines', minDocuments: 3 },
        { stage: 'dedup.minhash', writeIndex: true },
        'dedup.simhash',
        'dedup.paragraphs',
        'dedup.sentences',
        { stage: 'dedup.substring', minLength: 30 },
        { stage: 'write', format: 'jsonl', compression: 'none' },
      ],
      run: { chunkBytes: 48 * 1024 },
    }),
  });
}

const summaryOf = (folder: string): RunSummary => JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));

describe('a pipeline of every dedup stage', () => {
  it('writes the same bytes for any number of workers, any memory and any interruption', {
    timeout: 300_000,
  }, async () => {
    const cwd = project();
    const started = performance.now();
    expect((await cli(['run', 'p.yaml', '--workers', '2', '--set', 'output=whole'], cwd)).code).toBe(0);
    const seconds = performance.now() - started;
    const whole = productsOf(join(cwd, 'whole'));

    const narrow = ['run', 'p.yaml', '--workers', '1', '--set', 'run.decideMemoryMiB=16', '--set', 'output=narrow'];
    expect((await cli(narrow, cwd)).code).toBe(0);
    expect(productsOf(join(cwd, 'narrow'))).toEqual(whole);

    let kills = 0;
    for (const share of [0.3, 0.4, 0.5, 0.6]) {
      const run = startCli(['run', 'p.yaml', '--workers', '2'], cwd);
      const timer = setTimeout(() => run.child.kill('SIGKILL'), share * seconds);
      if ((await run.done).signal === 'SIGKILL') kills++;
      clearTimeout(timer);
    }
    expect(kills).toBeGreaterThan(0);
    expect((await cli(['run', 'p.yaml'], cwd)).code).toBe(0);
    expect(productsOf(join(cwd, 'run'))).toEqual(whole);

    // What each stage passes on is what the next one is given, edits and all, and the last is what was written.
    const { stages, lengthsAfter } = summaryOf(join(cwd, 'whole'));
    for (const [i, stage] of stages.entries()) {
      if (i > 0) expect(stage.input, stage.name).toEqual(stages[i - 1].output);
    }
    const written = readFileSync(join(cwd, 'whole', 'output', 'write', 'documents-00000-of-00001.jsonl'), 'utf8');
    const texts = written
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { text: string }).text);
    expect(texts.length).toBe(lengthsAfter.count);
    expect(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)).toBe(lengthsAfter.sum);
    expect(stages.at(-1)!.output).toEqual({ documents: texts.length, bytes: lengthsAfter.sum });
    // The footer and the passage are left once each.
    expect(texts.filter((text) => text.includes(FOOTER))).toHaveLength(1);
    expect(texts.filter((text) => text.includes(PASSAGE))).toHaveLength(1);
  });
});
