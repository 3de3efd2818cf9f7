/**
 * An event file that TensorBoard shows: values by tag and step, appended while a run goes on. It can be continued: what
 * lies behind a step, or was half written when the run died, is cut off first, so that an interrupted and resumed run leaves
 * the file of one that was not.
 *
 * Events have a time, which TensorBoard shows as an axis. It is the caller's to give; without one it is the step, so that the same
 * run writes the same bytes.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import { outputFailed } from '../atomic.ts';
import { type SummaryValue, stepOf, summaryEvent, versionEvent } from './event.ts';
import { frameRecord, wholeRecords } from './record.ts';

export interface EventFile {
  readonly path: string;
  /** Appends values of a step. `wallTime` in seconds since 1970; default: the step. Throws OUTPUT_FAILED. */
  write(step: number, values: readonly SummaryValue[], wallTime?: number): void;
  close(): void;
}

/** TensorBoard takes a file for one of events by `tfevents` in its name. */
export const EVENT_FILE = 'events.out.tfevents.0000000000.corpusmill';

/**
 * Opens the event file of a folder, which is made if it is missing.
 *
 * @param keepThrough events up to this step stay; default: none, the file begins anew
 * @throws OUTPUT_FAILED; INPUT_CORRUPT where the file to be continued is none of events
 */
export function openEventFile(folder: string, { keepThrough }: { keepThrough?: number } = {}): EventFile {
  const path = join(folder, EVENT_FILE);
  let file: number;
  try {
    mkdirSync(folder, { recursive: true });
    file = openSync(path, keepThrough === undefined ? 'w' : 'a+');
  } catch (error) {
    throw outputFailed('create', path, error);
  }
  const append = (event: Uint8Array): void => {
    try {
      const record = frameRecord(event);
      for (let at = 0; at < record.length; ) at += writeSync(file, record, at);
    } catch (error) {
      throw outputFailed('write', path, error);
    }
  };
  try {
    const kept = keepThrough === undefined ? 0 : cutBehind(file, path, keepThrough);
    if (kept === 0) append(versionEvent(0));
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return {
    path,
    write: (step, values, wallTime = step) => append(summaryEvent(step, wallTime, values)),
    close: () => closeSync(file),
  };
}

/** Cuts off what follows the last whole event of a step up to `step`; returns the bytes that are left. */
function cutBehind(file: number, path: string, step: number): number {
  const content = readFileSync(path);
  let end = 0;
  for (const record of wholeRecords(content)) {
    if (stepOf(record.data) > step) break;
    end = record.end;
  }
  if (end === 0 && content.length > 0 && !content.subarray(12).includes('brain.Event')) {
    throw new CorpusmillError('INPUT_CORRUPT', `continuing the event file ${path}: it holds no events`, {
      hint: 'Move it away, or choose another folder.',
    });
  }
  ftruncateSync(file, end);
  return end;
}
