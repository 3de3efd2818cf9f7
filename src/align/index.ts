/** Online alignment for other programs: `import … from 'corpusmill/align'`. */
export { latestOnline, restoreOnline, saveOnline } from './online-checkpoint.ts';
export { createOnlineDpoTrainer, type OnlineDpoSettings } from './online-dpo.ts';
export { onlineMerging } from './online-merging.ts';
export {
  alignmentOptimizer,
  grpoSettings,
  type OnlineSettings,
  PPO_ADVANTAGE,
  ppoSettings,
  rlooSettings,
} from './online-settings.ts';
export { createOnlineTrainer, type OnlineRecord, type OnlineTrainer } from './online-trainer.ts';
export { createRejectionTrainer, type RejectionSettings } from './rejection.ts';
export { programReward, type Reward, type RewardedResponse, registerReward, rewardOf } from './rewards.ts';
export { runOnline } from './run-online.ts';
export type { OnlinePrompt } from './scored-rollout.ts';
export { withValueHead } from './value-head.ts';
