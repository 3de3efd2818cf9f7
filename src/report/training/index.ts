/** `report.html` of training runs. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import { renderTrainingReport } from './page.ts';
import { readTrainingRun } from './read-run.ts';

/** Writes the report of the run in `folder` into it and returns its path. Throws what `readTrainingRun` throws, OUTPUT_FAILED. */
export async function writeTrainingReport(folder: string): Promise<string> {
  return writeComparison([folder], join(folder, 'report.html'));
}

/** One page of several runs, by the paths that `readTrainingRun` takes. */
export async function writeComparison(paths: readonly string[], file: string): Promise<string> {
  await writeFileAtomic(file, renderTrainingReport(paths.map(readTrainingRun)));
  return file;
}
