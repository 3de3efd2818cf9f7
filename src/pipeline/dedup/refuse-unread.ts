/** A check of files that could not read them must not pass: an input of which no record became a document is an error. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import type { BadRecord } from '../../io/input.ts';
import type { RunResult } from '../run.ts';

/** @throws CorpusmillError INPUT_UNREADABLE, with what was wrong with the first record */
export async function refuseUnread({ summary, runDir }: RunResult): Promise<void> {
  const unread = summary.inputs.find(({ documents, badRecords }) => documents === 0 && badRecords > 0);
  if (unread === undefined) return;
  const { path } = summary.quarantine;
  const bad = path === undefined ? [] : (await readFile(join(runDir, path), 'utf8')).trimEnd().split('\n');
  const records = bad.map((line) => JSON.parse(line) as BadRecord);
  const first = records.find(({ input }) => input === unread.name);
  const why = first === undefined ? '' : `; the first: ${first.reason}, ${first.detail} (${first.file})`;
  const hint =
    first?.reason === 'text field missing' || first?.reason === 'text is not a string'
      ? 'name the field that holds the text with --text-field'
      : 'quarantine.jsonl in the run directory says what was wrong with each';
  throw new CorpusmillError('INPUT_UNREADABLE', `input ${unread.name}: no record became a document${why}`, { hint });
}
