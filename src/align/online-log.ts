/**
 * The log of an online stage, `align-log.jsonl`: one object a line, told apart by `kind`. Nothing in it comes from the clock, so that a
 * run that was interrupted leaves the file of one that was not. The same figures and samples are TensorBoard's events, in `tensorboard/`,
 * under the tags that training gives them (training/tensorboard-log.ts).
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { outputFailed, writeFileAtomic } from '../io/atomic.ts';
import type { SummaryValue } from '../io/tensorboard/event.ts';
import { openEventFile } from '../io/tensorboard/event-file.ts';
import { parseLog } from '../training/log.ts';
import type { OnlineStage } from './config/online-schema.ts';
import type { SkipReport } from './data/skips.ts';
import type { OnlineStepRecord } from './online-loop.ts';

export const ALIGN_LOG_NAME = 'align-log.jsonl';

/** First line of the log. */
export interface OnlineRunRecord {
  readonly kind: 'run';
  readonly version: 1;
  readonly name: string;
  readonly stage: OnlineStage;
  readonly prompts: SkipReport;
  readonly reward: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** An answer of the policy as it was after a step; 0: before the first. */
export interface OnlineSampleRecord {
  readonly kind: 'sample';
  readonly step: number;
  readonly prompt: string;
  readonly text: string;
}

/** Last line of a run that came to its end. */
export interface OnlineEndRecord {
  readonly kind: 'end';
  readonly step: number;
  readonly reason: 'steps';
  /** Folder of the policy, from the run's. */
  readonly policy: string;
}

export type OnlineLogRecord = OnlineRunRecord | OnlineStepRecord | OnlineSampleRecord | OnlineEndRecord;

/** Whether a record is of a step. */
export function isOnlineStep(record: OnlineLogRecord): record is OnlineStepRecord {
  return record.kind === 'online' || record.kind === 'rejection' || record.kind === 'online-dpo';
}

/** The records of a log's text, as `parseLog` reads them. */
export function parseOnlineLog(text: string, onBroken?: (line: number) => void): OnlineLogRecord[] {
  return parseLog<OnlineLogRecord>(text, onBroken);
}

export interface OnlineLog {
  /** What was there of an earlier run, up to the step that it goes on from. */
  readonly kept: readonly OnlineLogRecord[];
  /** Throws OUTPUT_FAILED. */
  write(record: OnlineLogRecord): void;
  /** What was written survives a power cut. */
  sync(): void;
  close(): void;
}

/** Opens log and events, empty, or with the records up to `step` of an earlier run. `events`: TensorBoard's folder. Throws OUTPUT_FAILED. */
export async function openOnlineLog(
  path: string,
  { step, events: folder }: { step?: number | undefined; events?: string | undefined },
): Promise<OnlineLog> {
  const before = step !== undefined && existsSync(path) ? parseOnlineLog(readFileSync(path, 'utf8')) : [];
  // The end is said anew, at a later step perhaps.
  const kept = before.filter((record) => record.kind === 'run' || (record.kind !== 'end' && record.step <= step!));
  await writeFileAtomic(path, kept.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const events =
    folder === undefined ? undefined : openEventFile(folder, step === undefined ? {} : { keepThrough: step });
  const attempt = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw outputFailed('write', path, error);
    }
  };
  const file = attempt(() => openSync(path, 'a'));
  return {
    kept,
    write(record) {
      attempt(() => void writeSync(file, `${JSON.stringify(record)}\n`));
      const values = onlineValues(record);
      if (values.length > 0 && 'step' in record) events?.write(record.step, values);
    },
    sync: () => attempt(() => fsyncSync(file)),
    close() {
      closeSync(file);
      events?.close();
    },
  };
}

/** What TensorBoard shows of a record: `train/gradient_norm` for `gradientNorm`; what is no finite number has no place on a chart. */
export function onlineValues(record: OnlineLogRecord): SummaryValue[] {
  if (record.kind === 'sample') {
    return [{ kind: 'text', tag: `sample/${record.prompt.trim() || 'start'}`, text: record.prompt + record.text }];
  }
  if (!isOnlineStep(record)) return [];
  return Object.entries(record).flatMap(([name, value]) =>
    name === 'step' || typeof value !== 'number' || !Number.isFinite(value)
      ? []
      : [{ kind: 'scalar', tag: `train/${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`, value }],
  );
}
