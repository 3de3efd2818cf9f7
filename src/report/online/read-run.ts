/** A run of an online stage as its report needs it: the records of its log, sorted by kind. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  ALIGN_LOG_NAME,
  isOnlineStep,
  type OnlineEndRecord,
  type OnlineLogRecord,
  type OnlineRunRecord,
  type OnlineSampleRecord,
  parseOnlineLog,
} from '../../align/online-log.ts';
import type { OnlineStepRecord } from '../../align/online-loop.ts';
import { CorpusmillError } from '../../core/errors.ts';
import { LOG_NAME } from '../../training/log.ts';

export interface OnlineRun {
  readonly run: OnlineRunRecord;
  readonly steps: readonly OnlineStepRecord[];
  readonly samples: readonly OnlineSampleRecord[];
  /** Undefined: it is under way, was interrupted or killed. */
  readonly end: OnlineEndRecord | undefined;
  readonly records: readonly OnlineLogRecord[];
}

/** Whether a folder has the log of an online stage, and none of a training. */
export function isOnlineRun(folder: string): boolean {
  return existsSync(join(folder, ALIGN_LOG_NAME)) && !existsSync(join(folder, LOG_NAME));
}

/** Reads the log in the folder of a run. Throws INPUT_NOT_FOUND where there is none, INPUT_CORRUPT where it is none of an online stage. */
export function readOnlineRun(folder: string): OnlineRun {
  const file = join(resolve(folder), ALIGN_LOG_NAME);
  if (!existsSync(file)) {
    throw new CorpusmillError(
      'INPUT_NOT_FOUND',
      `there is no run of an online stage in ${folder} (no ${ALIGN_LOG_NAME})`,
      {
        hint: 'give the output folder of `corpusmill align ppo`, grpo, rloo, rejection or online-dpo',
      },
    );
  }
  let broken: number | undefined;
  const records = parseOnlineLog(readFileSync(file, 'utf8'), (line) => {
    broken ??= line;
  });
  if (broken !== undefined) throw notLog(file, `line ${broken} is not JSON`);
  return sortOnlineRecords(records, file);
}

/** The same from records at hand; `file` is named in errors. */
export function sortOnlineRecords(records: readonly OnlineLogRecord[], file: string): OnlineRun {
  const run = records.find((record) => record.kind === 'run');
  if (run === undefined) throw notLog(file, 'its first line does not say what is aligned');
  return {
    run,
    steps: records.filter(isOnlineStep),
    samples: records.filter((record) => record.kind === 'sample'),
    end: records.findLast((record) => record.kind === 'end'),
    records,
  };
}

function notLog(file: string, what: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `${file} is no log of an online stage: ${what}`, {
    hint: 'give the folder that `corpusmill align` wrote',
  });
}
