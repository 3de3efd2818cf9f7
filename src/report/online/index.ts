/** `report.html` of a run of an online stage. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import { renderOnlineReport } from './page.ts';
import { readOnlineRun } from './read-run.ts';

/** Writes the report of the run in `folder`, into it or into `path`, and returns its path. Throws what `readOnlineRun` throws, OUTPUT_FAILED. */
export async function writeOnlineReport(folder: string, path?: string): Promise<string> {
  const file = path ?? join(folder, 'report.html');
  await writeFileAtomic(file, renderOnlineReport(readOnlineRun(folder)));
  return file;
}
