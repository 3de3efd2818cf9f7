import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrainingRun } from '../../../src/report/training/read-run.ts';
import { madeLog } from './made-run.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corpusmill-read-run-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const log = madeLog({ steps: 2 })
  .map((record) => `${JSON.stringify(record)}\n`)
  .join('');

describe('readTrainingRun', () => {
  it('takes the folder of a run, its log, and the run directory of a pipeline', () => {
    const file = put('one/train-log.jsonl', log);
    put('pipeline/output/train/train-log.jsonl', log);
    for (const path of [file, join(folder, 'one'), join(folder, 'pipeline')]) {
      expect(readTrainingRun(path)).toMatchObject({ name: 'made', steps: [{ step: 1 }, { step: 2 }] });
    }
  });

  it('reads a log whose last line is being written', () => {
    put('now/train-log.jsonl', `${log}{"kind":"st`);
    expect(readTrainingRun(join(folder, 'now')).steps).toHaveLength(2);
  });

  it('says where there is no run, and which line is none', () => {
    mkdirSync(join(folder, 'empty'));
    expect(() => readTrainingRun(join(folder, 'empty'))).toThrow(/there is no training run in .*empty/);
    put('broken/train-log.jsonl', `${log}nonsense\n`);
    expect(() => readTrainingRun(join(folder, 'broken'))).toThrow(/is no log of a training run: line \d+ is not JSON/);
    put('other/train-log.jsonl', '{"kind":"step"}\n');
    expect(() => readTrainingRun(join(folder, 'other'))).toThrow(/its first line does not say what is trained/);
  });
});
