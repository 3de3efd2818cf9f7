/**
 * Help for a barrier's decision: its stage asks for a part of the work to be done in other workers. Workers cannot reach each
 * other, so the request goes to the main thread, which gives it to the pool as a task, and the result goes back.
 */
import type { MessagePort } from 'node:worker_threads';
import { isCorpusmillError } from '../core/errors.ts';
import type { HelpContext } from '../core/stage.ts';
import { type PartRef, readTextsByOrdinal, rowsOf, withTextsOfPart } from './parts.ts';
import type { WorkerPool } from './pool.ts';
import { definitionOf, type StageRef, stageContext } from './stage-ref.ts';

/** What a helper needs of the task that it helps. */
export interface HelpedTask {
  stage: StageRef;
  seed: number;
  baseDir: string;
  /** Parts with the decisions of earlier barriers. */
  refs: PartRef[];
  workDir: string;
}

export interface HelpTask extends HelpedTask {
  kind: 'help';
  message: unknown;
}

/** From the deciding worker. */
export interface HelpRequest {
  help: number;
  task: HelpTask;
}

/** To it. */
export type HelpReply = { help: number } & ({ value: unknown } | { error: string });

/** In the deciding worker: asks through `port`; `stop` ends the listening, which keeps the thread from resting. */
export function createHelp(
  port: MessagePort,
  task: HelpedTask,
): { help(message: unknown): Promise<unknown>; stop(): void } {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const listen = (reply: HelpReply): void => {
    const request = waiting.get(reply.help);
    waiting.delete(reply.help);
    if ('error' in reply) request?.reject(new Error(reply.error));
    else request?.resolve(reply.value);
  };
  let asked = 0;
  return {
    help(message) {
      if (asked === 0) port.on('message', listen);
      const help = asked++;
      const { stage, seed, baseDir, refs, workDir } = task;
      const request: HelpRequest = { help, task: { kind: 'help', stage, seed, baseDir, refs, workDir, message } };
      return new Promise((resolve, reject) => {
        waiting.set(help, { resolve, reject });
        port.postMessage(request);
      });
    },
    stop() {
      port.off('message', listen);
      port.unref();
    },
  };
}

/** In the main thread: has a request done. A helper that fails has no second try: what it shares may be half done. */
export async function answerHelp(
  pool: WorkerPool,
  port: MessagePort,
  { help, task }: HelpRequest,
  abort: AbortSignal,
): Promise<void> {
  let reply: HelpReply;
  try {
    reply = { help, value: await pool.run(task, { abort, tries: 1 }) };
  } catch (error) {
    reply = { help, error: `a helper failed: ${(error as Error).message}` };
    if (isCorpusmillError(error) && error.hint !== undefined) reply.error += ` (${error.hint})`;
  }
  port.postMessage(reply);
}

/** In the helping worker. */
export async function runHelpTask(task: HelpTask): Promise<unknown> {
  const definition = await definitionOf(task.stage, 'barrier');
  if (definition.help === undefined) throw new Error(`${task.stage.stage} has no help`);
  const context: HelpContext = {
    ...stageContext(task.stage, task.seed, task.baseDir),
    parts: task.refs,
    rows: rowsOf(task.refs),
    workDir: task.workDir,
    readTexts: (ordinals) => readTextsByOrdinal(task.refs, ordinals),
    withTexts: (part, use) => withTextsOfPart(task.refs, part, use),
    // The whole thread is ended when the run is aborted.
    signal: new AbortController().signal,
  };
  return definition.help(task.message, context);
}
