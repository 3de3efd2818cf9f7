/** A training run as its report needs it: the records of its log, sorted by kind. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import {
  type CheckpointRecord,
  type EndRecord,
  type EvaluationRecord,
  type GuardRecord,
  LOG_NAME,
  type LogRecord,
  parseLog,
  type RunRecord,
  type SampleRecord,
  type SessionRecord,
  type StepRecord,
} from '../../training/log.ts';

export interface TrainingRun {
  /** Unique among the runs of a report. */
  name: string;
  /** Absolute. */
  folder: string;
  run: RunRecord;
  steps: readonly StepRecord[];
  evaluations: readonly EvaluationRecord[];
  samples: readonly SampleRecord[];
  checkpoints: readonly CheckpointRecord[];
  guards: readonly GuardRecord[];
  sessions: readonly SessionRecord[];
  /** Undefined: it is under way, was interrupted or killed. */
  end: EndRecord | undefined;
}

/**
 * Reads the log of a run. `path` is the run's folder, its log, or the run directory of a pipeline that trains.
 *
 * @throws CorpusmillError INPUT_NOT_FOUND where there is no log, INPUT_CORRUPT where it is none of a training run
 */
export function readTrainingRun(path: string): TrainingRun {
  const file = logOf(path);
  let broken: number | undefined;
  const records = parseLog(readFileSync(file, 'utf8'), (line) => {
    broken ??= line;
  });
  if (broken !== undefined) throw notLog(file, `line ${broken} is not JSON`);
  return sortRecords(records, dirname(file), file);
}

/** The same from records at hand; `file` is named in errors. */
export function sortRecords(records: readonly LogRecord[], folder: string, file = folder): TrainingRun {
  const of = <K extends LogRecord['kind']>(kind: K) =>
    records.filter((record): record is Extract<LogRecord, { kind: K }> => record.kind === kind);
  const [run] = of('run');
  if (run === undefined) throw notLog(file, 'its first line does not say what is trained');
  return {
    name: run.name,
    folder,
    run,
    steps: of('step'),
    evaluations: of('evaluation'),
    samples: of('sample'),
    checkpoints: of('checkpoint'),
    guards: of('guard'),
    sessions: of('session'),
    end: of('end').at(-1),
  };
}

/** Runs of one name get the names of their folders, and where those are equal too, numbers. */
export function tellApart(runs: readonly TrainingRun[]): TrainingRun[] {
  const isTaken = (name: string): boolean => runs.filter((run) => run.name === name).length > 1;
  const named = runs.map((run) => ({ ...run, name: isTaken(run.name) ? basename(run.folder) : run.name }));
  return named.map((run, index) => {
    const earlier = named.slice(0, index).filter(({ name }) => name === run.name).length;
    return earlier === 0 ? run : { ...run, name: `${run.name} (${earlier + 1})` };
  });
}

function logOf(path: string): string {
  const at = resolve(path);
  if (existsSync(at) && statSync(at).isFile()) return at;
  const places = [join(at, LOG_NAME), join(at, 'output', 'train', LOG_NAME)];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new CorpusmillError('INPUT_NOT_FOUND', `there is no training run in ${path} (no ${LOG_NAME})`, {
    hint: 'give the output folder of `corpusmill train` or `align`, or the run directory of a pipeline with a `train` block',
  });
}

function notLog(file: string, what: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `${file} is no log of a training run: ${what}`, {
    hint: 'give the folder that `corpusmill train` wrote',
  });
}
