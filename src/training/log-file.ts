/**
 * `train-log.jsonl` as a file that grows by a line a record. A run that goes on from a checkpoint first takes out what lies
 * behind it: those steps are made again, and their records with them.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { outputFailed, writeFileAtomic } from '../io/atomic.ts';
import { type LogRecord, parseLog } from './log.ts';

export interface LogFile {
  /** Throws OUTPUT_FAILED. */
  write(record: LogRecord): void;
  /** What was written survives a power cut. */
  sync(): void;
  close(): void;
}

/**
 * Opens the log, empty, or with the records up to `step` of an earlier one. Returns those too. Throws OUTPUT_FAILED.
 */
export async function openLog(path: string, step?: number): Promise<{ log: LogFile; kept: LogRecord[] }> {
  const before = step !== undefined && existsSync(path) ? parseLog(readFileSync(path, 'utf8')) : [];
  // The end is said anew, at a later step perhaps.
  const kept = before.filter((record) => record.kind === 'run' || (record.kind !== 'end' && record.step <= step!));
  const file = await open(path, kept);
  const attempt = (action: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      throw outputFailed(action, path, error);
    }
  };
  return {
    kept,
    log: {
      write: (record) => attempt('write', () => void writeSync(file, `${JSON.stringify(record)}\n`)),
      sync: () => attempt('write', () => fsyncSync(file)),
      close: () => closeSync(file),
    },
  };
}

async function open(path: string, kept: readonly LogRecord[]): Promise<number> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, kept.map((record) => `${JSON.stringify(record)}\n`).join(''));
    return openSync(path, 'a');
  } catch (error) {
    throw outputFailed('write', path, error);
  }
}
