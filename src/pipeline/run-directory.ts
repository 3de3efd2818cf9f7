/**
 * The run directory: what lies where, who may use it, and which phases in it are finished.
 *
 *   run.json                  whose run this is
 *   run.lock                  process id of the run in progress
 *   phases/NN-name/phase.json key and state; when done, the phase's results
 *   phases/NN-pass/parts/     NNNNN.arrow documents · NNNNN.rows row lengths and sources · NNNNN.json statistics
 *   phases/NN-barrier/        features/NNNNN.bin · decisions/NNNNN.bin
 *   phases/NN-sink/           steps/K/NNNNN.json finished tasks · work/ scratch
 *   phases/NN-train/          data.json what it is trained on; the training run itself is in output/train/
 *   phases/NN-sft/            the same of a stage of alignment, whose run is in output/align/NAME/
 *   phases/NN-answers/        what the same prompts were answered after each of them
 *   output/NAME/              what barriers and sinks leave for people
 *   dropped/                  documents that phases dropped, as Parquet
 *   summary.json timing.json quarantine.jsonl report.*
 */
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import { removeTemporaryFiles, writeFileAtomic } from '../io/atomic.ts';
import { type PassPhase, type Phase, phaseName } from './phase.ts';
import type { Pipeline } from './pipeline.ts';

export interface RunDirectory {
  root: string;
  phase(id: string): string;
  output(stageName: string): string;
  /** Releases the lock. */
  close(): void;
}

export type PhaseState = { key: string; state: 'running' } | { key: string; state: 'done'; result: unknown };

/** What a run leaves in its directory. */
const LEFT_BY_A_RUN = [
  ...['phases', 'output', 'dropped', 'summary.json', 'timing.json', 'quarantine.jsonl'],
  ...['report.json', 'report.md', 'report.html'],
];

/** Makes or reopens the run directory, refusing one that another pipeline or a running process uses. */
export async function openRunDirectory(pipeline: Pipeline, force: boolean): Promise<RunDirectory> {
  const root = pipeline.output;
  const identity = { corpusmill: 'run', pipeline: pipeline.name };
  let owner: { corpusmill?: unknown; pipeline?: unknown } | null | undefined;
  let found: string[];
  try {
    mkdirSync(root, { recursive: true });
    owner = readJson(join(root, 'run.json'));
    found = readdirSync(root);
  } catch (error) {
    throw outputError(`cannot make the run directory ${root}`, error);
  }
  // A file of that name that another program wrote is one of the strangers.
  const known = owner?.corpusmill === 'run';
  if (!known) refuseStrangers(root, found, force);
  else if (owner?.pipeline !== pipeline.name && !force) {
    throw new CorpusmillError(
      'RUN_CONFLICT',
      `the output folder ${root} holds a run of another pipeline, "${owner?.pipeline}" (this one is "${pipeline.name}")`,
      { hint: 'choose another `output` or `name`, or pass --force to replace that run' },
    );
  }
  const release = takeLock(root);
  try {
    if (known && owner?.pipeline !== pipeline.name) {
      for (const name of LEFT_BY_A_RUN) rmSync(join(root, name), { recursive: true, force: true });
    }
    if (known) removeTemporaryFiles(root);
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

/** A folder with other files in it needs --force; one with files that a run would take for its own is never used. */
function refuseStrangers(root: string, found: readonly string[], force: boolean): void {
  // What a run leaves that was killed before it could say whose it is.
  const strangers = found.filter((name) => !/^run\.lock|^\.run\.json\.\d+-\d+\.tmp$/.test(name));
  const taken = strangers.filter((name) => name === 'run.json' || LEFT_BY_A_RUN.includes(name));
  if (strangers.length === 0 || (force && taken.length === 0)) return;
  const names = (taken.length > 0 ? taken : strangers).slice(0, 3).join(', ');
  throw new CorpusmillError(
    'RUN_CONFLICT',
    `the output folder ${root} is not empty and holds no corpusmill run (found ${names})`,
    {
      hint:
        taken.length > 0
          ? `choose another \`output\`: a run here would overwrite ${names}`
          : 'choose another `output`, or pass --force to put the run beside those files',
    },
  );
}

/**
 * Takes the lock, or says who holds it. The file appears with its content (a hard link), so that nobody finds it empty; a
 * dead process's lock is moved away rather than removed, so that of two who find it one alone gets it.
 */
function takeLock(root: string): () => void {
  const path = join(root, 'run.lock');
  const own = `${path}.${process.pid}`;
  try {
    for (let attempt = 0; ; attempt++) {
      if (place(own, path)) return () => rmSync(path, { force: true });
      const holder = Number(readText(path) ?? 0);
      if (attempt > 2 || (holder !== process.pid && isAlive(holder))) throw locked(root, holder);
      moveDeadLock(path, own, holder);
    }
  } catch (error) {
    throw systemCode(error) === undefined || error instanceof CorpusmillError
      ? error
      : outputError(`cannot write in the run directory ${root}`, error);
  }
}

/** False when there is a file at `path` already. */
function place(own: string, path: string): boolean {
  try {
    writeFileSync(own, String(process.pid));
    linkSync(own, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    // File systems without hard links.
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(systemCode(error) ?? '')) throw error;
    return placeWithoutLink(path);
  } finally {
    rmSync(own, { force: true });
  }
}

function placeWithoutLink(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function moveDeadLock(path: string, own: string, holder: number): void {
  try {
    renameSync(path, own);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  // Somebody else was quicker, and it is their new lock that was moved: it goes back.
  if (Number(readText(own) ?? 0) !== holder) renameSync(own, path);
  else rmSync(own, { force: true });
}

function locked(root: string, holder: number): CorpusmillError {
  return new CorpusmillError('RUN_CONFLICT', `another process (${holder}) is running in ${root}`, {
    hint: 'wait for it to end, or choose another `output`',
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
  return !isZombie(pid);
}

/** Whether a process has ended and nobody has asked how: in a container whose first process does not, it stays so for ever. */
function isZombie(pid: number): boolean {
  try {
    // Linux: pid (command) state …, and a command may have brackets of its own.
    return /\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

export function outputError(doing: string, error: unknown): CorpusmillError {
  const reason = error instanceof Error ? error.message : String(error);
  const isFile = ['EEXIST', 'ENOTDIR'].includes(systemCode(error) ?? '');
  const hint = isFile
    ? 'a file stands where a folder should: choose another `output`'
    : 'free some space or check the permissions, then give the same command again: finished parts are kept';
  return new CorpusmillError('OUTPUT_FAILED', `${doing}: ${reason}`, { hint, cause: error });
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
  const folders = new Set(phases.map((phase) => (phase.kind === 'pass' ? undefined : outputOf(phase))));
  for (const name of readdirSync(outputs)) {
    if (name !== 'align' && !folders.has(name)) rmSync(join(outputs, name), { recursive: true, force: true });
  }
  const aligned = join(outputs, 'align');
  if (!existsSync(aligned)) return;
  for (const name of readdirSync(aligned)) {
    if (!folders.has(`align/${name}`)) rmSync(join(aligned, name), { recursive: true, force: true });
  }
  if (readdirSync(aligned).length === 0 && !folders.has('align')) rmSync(aligned, { recursive: true });
}

/** The folder below `output/` that a phase writes into. */
function outputOf(phase: Exclude<Phase, PassPhase>): string {
  return phase.kind === 'align' ? `align/${phase.aligned.name}` : phaseName(phase);
}

export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
