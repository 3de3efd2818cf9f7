/** A run with its progress on standard error, which Ctrl-C stops so that it can be resumed. */
import { EXIT } from '../core/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { RunResult } from '../pipeline/run.ts';
import type { CliContext, Engine } from './context.ts';
import { colorsFor } from './print.ts';

/**
 * First Ctrl-C (or SIGTERM): stop at the next part border. Second: exit at once; nothing finished is lost either way.
 * `meanwhile` is called when the last phase begins, to load what the end needs while workers are busy.
 */
export async function runInterruptibly(
  pipeline: Pipeline,
  engine: Engine,
  options: { from?: string; force?: boolean; meanwhile?: () => Promise<unknown> },
  context: CliContext,
): Promise<RunResult> {
  const { createProgressDisplay } = await import('../report/progress.ts');
  const colors = colorsFor(context.stderr, context.env);
  const display = createProgressDisplay(context.stderr);
  const { createTrainDisplay } = await import('../report/train-progress.ts');
  let training: ReturnType<typeof createTrainDisplay> | undefined;
  const endTraining = (): void => {
    training?.stop();
    training = undefined;
  };
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      endTraining();
      display.stop();
      context.exit(EXIT.interrupted);
      return;
    }
    context.stderr.write(
      `\n${colors.yellow('stopping:')} finished parts are kept and the same command resumes (again: exit at once)\n`,
    );
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) context.signals.on(signal, onSignal);
  try {
    return await engine.runPipeline(pipeline, {
      onProgress: (event) => {
        if (event.type === 'phase-end') endTraining();
        // What fails here fails again where it is needed.
        if (event.type === 'phase-start' && event.index === event.phases - 1) options.meanwhile?.().catch(() => {});
        display.onEvent(event);
      },
      onTraining: (record) => {
        if (training === undefined) {
          display.suspend();
          training = createTrainDisplay(context.stderr);
        }
        training.onRecord(record);
      },
      signal: controller.signal,
      ...(options.from !== undefined && { from: options.from }),
      force: options.force === true,
    });
  } finally {
    endTraining();
    display.stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) context.signals.off(signal, onSignal);
  }
}
