/** Online merging (online-merging.ts) of a stage that learns from files: what its run needs beside its data and its loss. */
import { loadWeights } from '../models/checkpoint/load-weights.ts';
import { createWeights } from '../models/weights.ts';
import type { RunTask } from '../training/run-training.ts';
import { alignConfigError } from './chat-setup.ts';
import type { MergingBlock } from './config/merging-schema.ts';
import { onlineMerging } from './online-merging.ts';

/**
 * Members of the task; none without the block. What fine-tuning changed is what the run begins with, less the base. Running throws
 * CONFIG_INVALID for a model that begins with draws, and for a base of another shape.
 */
export function mergingTask(
  merging: MergingBlock | undefined,
  seed: number,
): { task: Pick<RunTask, 'around'>; settings: Readonly<Record<string, unknown>> } {
  if (merging === undefined) return { task: {}, settings: {} };
  const { kind, reserve, alpha, base: folder } = merging;
  return {
    // Not where the base lies: a folder may move.
    settings: { merging: { kind, reserve, alpha } },
    task: {
      async around({ backend, model, weights }) {
        if (model.startedFrom === null) {
          throw alignConfigError(
            'merging is given, but the model begins with weights drawn from the seed',
            'It merges with what fine-tuning changed: begin with a model that was fine-tuned from merging.base.',
          );
        }
        const start = createWeights(backend, model.config);
        const base = await loadWeights(backend, folder);
        try {
          await model.begin(start, seed);
          return await onlineMerging(weights, start, base, { kind, reserve, alpha, seed });
        } finally {
          start.dispose();
          base.dispose();
        }
      },
    },
  };
}
