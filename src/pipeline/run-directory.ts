/**
 * The run directory: what lies where, who may use it, and which phases in it are finished.
 *
 *   run.json                  whose run this is
 *   run.lock                  process id of the run in progress
 *   phases/NN-name/phase.json key and state; when done, the phase's results
 *   phases/NN-pass/parts/     NNNNN.arrow documents · NNNNN.rows row lengths and sources · NNNNN.json statistics
 *   phases/NN-barrier/        features/NNNNN.bin · decisions/NNNNN.bin
 *   phases/NN-sink/           steps/K/NNNNN.json finished tasks · work/ scratch
 *   output/NAME/              what barriers and sinks leave for people
 *   summary.json timing.json quarantine.jsonl report.*
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import { removeTemporaryFiles, writeFileAtomic } from '../io/atomic.ts';
import type { Pipeline } from './pipeline.ts';
import type { Phase } from './plan.ts';

export interface RunDirectory {
  root: string;
  phase(id: string): string;
  output(stageName: string): string;
  /** Releases the lock. */
  close(): void;
}

export type PhaseState = { key: string; state: 'running' } | { key: string; state: 'done'; result: unknown };

/** Makes or reopens the run directory, refusing one that another pipeline or a running process uses. */
export async function openRunDirectory(pipeline: Pipeline, force: boolean): Promise<RunDirectory> {
  const root = pipeline.output;
  const identity = { corpusmill: 'run', pipeline: pipeline.name };
  try {
    mkdirSync(root, { recursive: true });
  } catch (error) {
    throw outputError(`cannot make the run directory ${root}`, error);
  }
  const owner = readJson<{ corpusmill?: string; pipeline?: string }>(join(root, 'run.json'));
  if (owner === undefined) {
    const found = readdirSync(root).filter((name) => name !== 'run.lock');
    if (found.length > 0 && !force) {
      throw new CorpusmillError(
        'RUN_CONFLICT',
        `the output folder ${root} is not empty and holds no corpusmill run (found ${found.slice(0, 3).join(', ')})`,
        { hint: 'choose another `output`, or pass --force to put the run beside those files' },
      );
    }
  } else if (owner.pipeline !== pipeline.name) {
    if (!force) {
      throw new CorpusmillError(
        'RUN_CONFLICT',
        `the output folder ${root} holds a run of another pipeline, "${owner.pipeline}" (this one is "${pipeline.name}")`,
        { hint: 'choose another `output` or `name`, or pass --force to replace that run' },
      );
    }
  }
  const release = takeLock(root);
  try {
    if (owner !== undefined && owner.pipeline !== pipeline.name) emptyRun(root);
    if (owner !== undefined) removeTemporaryFiles(root);
    await writeFileAtomic(join(root, 'run.json'), `${JSON.stringify(identity, null, 2)}\n`);
  } catch (error) {
    release();
    throw error;
  }
  return {
    root,
    phase: (id) => join(root, 'phases', id),
    output: (name) => join(root, 'output', name),
    close: release,
  };
}

/** Removes what a run leaves, and nothing that it did not make. */
function emptyRun(root: string): void {
  const made = ['phases', 'output', 'summary.json', 'timing.json', 'quarantine.jsonl'];
  for (const name of [...made, 'report.json', 'report.md', 'report.html']) {
    rmSync(join(root, name), { recursive: true, force: true });
  }
}

function takeLock(root: string): () => void {
  const path = join(root, 'run.lock');
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw outputError(`cannot write in the run directory ${root}`, error);
      const holder = Number(readFileSync(path, 'utf8'));
      if (attempt > 0 || (holder !== process.pid && isAlive(holder))) {
        throw new CorpusmillError('RUN_CONFLICT', `another process (${holder}) is running in ${root}`, {
          hint: 'wait for it to end, or choose another `output`',
        });
      }
      // Left behind by a run that was killed.
      rmSync(path, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

export function outputError(doing: string, error: unknown): CorpusmillError {
  const reason = error instanceof Error ? error.message : String(error);
  return new CorpusmillError('OUTPUT_FAILED', `${doing}: ${reason}`, {
    hint: 'free some space or check the permissions, then give the same command again: finished parts are kept',
    cause: error,
  });
}

/** The phase's stored state, or undefined when it never began. */
export function readPhaseState(dir: string, file = 'phase.json'): PhaseState | undefined {
  return readJson<PhaseState>(join(dir, file));
}

/** Result of a finished phase whose key is still right; undefined when it must run. */
export function finishedResult<R>(dir: string, key: string, file = 'phase.json'): R | undefined {
  const state = readPhaseState(dir, file);
  return state?.state === 'done' && state.key === key ? (state.result as R) : undefined;
}

/** Keeps an interrupted phase with the same key; empties the folder of any other. */
export async function beginPhase(dir: string, key: string, file = 'phase.json'): Promise<void> {
  const state = readPhaseState(dir, file);
  if (state?.key === key && state.state === 'running') return;
  if (state === undefined || state.key !== key || state.state === 'done') {
    rmSync(dir, { recursive: true, force: true });
  }
  mkdirSync(dir, { recursive: true });
  await writeFileAtomic(join(dir, file), JSON.stringify({ key, state: 'running' }));
}

export async function finishPhase(dir: string, key: string, result: unknown, file = 'phase.json'): Promise<void> {
  await writeFileAtomic(join(dir, file), JSON.stringify({ key, state: 'done', result }));
}

/** Removes phase folders that the plan no longer has. */
export function sweepPhases(directory: RunDirectory, phases: readonly Phase[]): void {
  const folder = join(directory.root, 'phases');
  if (!existsSync(folder)) return;
  const known = new Set(phases.map((phase) => phase.id));
  for (const name of readdirSync(folder)) {
    if (!known.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
  const outputs = join(directory.root, 'output');
  if (!existsSync(outputs)) return;
  const stages = new Set(phases.flatMap((phase) => (phase.kind === 'pass' ? [] : [phase.stage.name])));
  for (const name of readdirSync(outputs)) {
    if (!stages.has(name)) rmSync(join(outputs, name), { recursive: true, force: true });
  }
}

export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
