/**
 * The reward model as a run. Preference-model pretraining and fine-tuning are two runs of it: the second begins from the first
 * one's checkpoint, head included. When it ends, `reward-evaluation.json` says how good it is on the held-out pairs: the checkpoint
 * of the lowest loss on them where that is kept, for it is the one that later stages take.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import { restoreWeights } from '../training/checkpoint-store.ts';
import { bestCheckpoint, modelFolder } from '../training/run-folder.ts';
import type { RunTask } from '../training/run-training.ts';
import { alignConfigError } from './chat-setup.ts';
import type { RewardConfig } from './config/schema.ts';
import { evaluateReward, type RewardEvaluation } from './evaluate-reward.ts';
import { openPairs, type ResolvedPairConfig } from './pair-setup.ts';
import { rewardObjective } from './reward-model.ts';

export const REWARD_EVALUATION = 'reward-evaluation.json';

/** With the name of the checkpoint that it is of. */
export interface StoredRewardEvaluation extends RewardEvaluation {
  readonly checkpoint: string;
}

/** Reads the pairs and puts the task together. Throws CONFIG_INVALID and what reading throws. */
export async function rewardTask(config: ResolvedPairConfig<RewardConfig>): Promise<RunTask> {
  const pairs = await openPairs(config, { head: 'score', endAtLabel: true });
  const { train, validation: held, shape } = pairs;
  const margins = config.margin === 'data';
  if (margins && train.every(({ margin }) => margin === undefined)) {
    throw alignConfigError(
      'margin is data, but no pair has one',
      'Records carry it as `margin`, or as score_chosen and score_rejected; or set margin: none.',
    );
  }
  return {
    ...pairs.task,
    head: 'score',
    settings: {
      stage: 'reward',
      margin: config.margin,
      centering: config.centering,
      pairs: shape.pairs,
      data: { tooLong: config.data.tooLong, epochs: config.data.epochs, order: config.data.order },
    },
    objective: ({ rows, sequenceLength }) =>
      rewardObjective({ rows, time: sequenceLength, pairs: shape.pairs, margins, centering: config.centering }),
    async end({ backend, weights, output, signal }) {
      if (held.length === 0) return;
      const root = join(output, 'checkpoints');
      const kept = config.checkpoints.best ? bestCheckpoint(root) : undefined;
      // Nothing is trained any more: the weights may be those of an earlier step.
      if (kept !== undefined) await restoreWeights(kept, weights);
      const checkpoint = basename(kept ?? modelFolder(root, 'reward model'));
      const evaluation = await evaluateReward(backend, weights, { train, held }, shape, signal);
      const found: StoredRewardEvaluation = { checkpoint, ...evaluation };
      await writeFileAtomic(join(output, REWARD_EVALUATION), `${JSON.stringify(found, null, 2)}\n`);
    },
  };
}

/** What a run has written of its reward model; undefined: nothing was held out. */
export async function readRewardEvaluation(output: string): Promise<StoredRewardEvaluation | undefined> {
  const path = join(output, REWARD_EVALUATION);
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as StoredRewardEvaluation) : undefined;
}
