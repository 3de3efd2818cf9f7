/** `corpusmill align`: the stages that make an assistant of a language model. */
import { Command } from 'commander';
import type { OfflineStage } from '../align/config/schema.ts';
import type { StoredRewardEvaluation } from '../align/reward-task.ts';
import { onlineCommands } from './align-online.ts';
import type { CliContext, ExitCode } from './context.ts';
import {
  type Afterwords,
  loadOptionsOf,
  prepareOptionsOf,
  type RunFlags,
  runOptions,
  runTraining,
} from './train-run.ts';

const STAGES: Readonly<Record<OfflineStage, { description: string; examples: string }>> = {
  sft: {
    description: 'fine-tune a model on conversations',
    examples: `
Examples:
  $ corpusmill align sft configs/align/sft.yaml
  $ corpusmill align sft chat.yaml --dry-run       what would be learnt, from how many records
  $ corpusmill align sft chat.yaml --set data.mask=qwen --set neftune=5`,
  },
  reward: {
    description: 'train a reward model on preference pairs',
    examples: `
Where pairs are held out, the end of the run says how good the model is on them, beside a baseline of words alone.

Examples:
  $ corpusmill align reward configs/align/reward.yaml
  $ corpusmill align reward tuned.yaml --set model=runs/pretrained`,
  },
  dpo: {
    description: 'train a policy on preference pairs (DPO, IPO, hinge, robust, KTO on pairs)',
    examples: `
Examples:
  $ corpusmill align dpo configs/align/dpo.yaml
  $ corpusmill align dpo pairs.yaml --set loss.kind=ipo --set loss.beta=0.05`,
  },
};

export function alignCommand(
  context: CliContext,
  setExitCode: (code: ExitCode) => void,
  configure: (command: Command) => void,
): Command {
  const align = new Command('align').description(
    'make an assistant of a model: from conversations, preferences, and its own samples',
  );
  for (const stage of Object.keys(STAGES) as OfflineStage[]) {
    const { description, examples } = STAGES[stage];
    const command = runOptions(new Command(stage))
      .description(description)
      .addHelpText('after', examples)
      .action(async (file: string, flags: RunFlags) => setExitCode(await run(stage, file, flags, context)));
    configure(command);
    align.addCommand(command);
  }
  for (const command of onlineCommands(context, setExitCode, configure)) align.addCommand(command);
  return align;
}

async function run(stage: OfflineStage, file: string, flags: RunFlags, context: CliContext): Promise<ExitCode> {
  const { loadStageConfig } = await import('../pipeline/config/load-align.ts');
  const { prepareStage } = await import('../align/prepare-stage.ts');
  const config = await loadStageConfig(stage, file, loadOptionsOf(flags, context));
  const prepared = await prepareStage(stage, config, prepareOptionsOf(flags));
  return runTraining(prepared, flags, context, () => afterwordsOf(stage, config.output));
}

/** What the run counted, and the figures about a reward model where it made some. */
async function afterwordsOf(stage: OfflineStage, output: string): Promise<Afterwords> {
  const { readRewardEvaluation } = await import('../align/reward-task.ts');
  const evaluation = stage === 'reward' ? await readRewardEvaluation(output) : undefined;
  const counted = stage === 'sft' ? 'tokens' : 'pairs';
  if (evaluation === undefined) return { lines: [], json: {}, counted };
  return { lines: linesOf(evaluation), json: { evaluation }, counted };
}

function linesOf({ accuracy, low, high, pairs, baselines, checkpoint, ...rest }: StoredRewardEvaluation): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const { whereChosenIsShorter: shorter, whereChosenIsLonger: longer, correlation } = rest.length;
  return [
    '',
    `${pairs} held-out pairs, ${checkpoint}: ${percent(accuracy)} in the right order (95 %: ${percent(low)} to ${percent(high)})`,
    `  words alone ${percent(baselines.bagOfWords.accuracy)}, the longer answer ${percent(baselines.longer.accuracy)}`,
    `  calibration error ${percent(rest.calibrationError)}; largest change when sides are swapped ${rest.swapDifference.toExponential(1)}`,
    `  length: correlation ${correlation.toFixed(2)}; right where the better one is shorter ${percent(shorter.accuracy)}, longer ${percent(longer.accuracy)}`,
  ];
}
