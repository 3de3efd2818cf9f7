/** `corpusmill align ppo|grpo|rloo|rejection|online-dpo`: the stages that learn from the policy's own samples. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { OnlineStage } from '../align/config/online-schema.ts';
import type { OnlineLogRecord } from '../align/online-log.ts';
import type { OnlineOutcome } from '../align/run-online.ts';
import { CorpusmillError, EXIT } from '../core/errors.ts';
import type { CliContext, ExitCode } from './context.ts';
import { colorsFor, columns, print, printJson, shellPath, widthOf } from './print.ts';
import { loadOptionsOf, type RunFlags, runOptions } from './train-run.ts';

const STAGES: Readonly<Record<OnlineStage, { description: string; examples: string }>> = {
  ppo: {
    description: 'reinforcement learning with a critic, against a reward model or a program',
    examples: `
After Ctrl-C or a crash the same command goes on from the last checkpoint, to the bit.

Examples:
  $ corpusmill align ppo ppo.yaml
  $ corpusmill align ppo ppo.yaml --set kl.coefficient=0 -o runs/hacked    what a reward is worth without KL
  $ corpusmill align ppo ppo.yaml --set reward.model=runs/reward`,
  },
  grpo: {
    description: 'reinforcement learning by groups of responses, without a critic',
    examples: `
Examples:
  $ corpusmill align grpo grpo.yaml
  $ corpusmill align grpo grpo.yaml --set clipHigh=0.28 --set mean=tokens      as DAPO
  $ corpusmill align grpo grpo.yaml --set mean=texts --set kl.coefficient=0.04  as it was published`,
  },
  rloo: {
    description: 'reinforcement learning by leaving one response out, without a critic',
    examples: `
Examples:
  $ corpusmill align rloo rloo.yaml`,
  },
  rejection: {
    description: 'sample several responses, keep the best, learn from them (Llama 2)',
    examples: `
Examples:
  $ corpusmill align rejection rejection.yaml
  $ corpusmill align rejection rejection.yaml --set batch.responses=16 --set sampling.temperature=1.2`,
  },
  'online-dpo': {
    description: 'sample, score, and learn from the best against the worst (DPO)',
    examples: `
Examples:
  $ corpusmill align online-dpo online.yaml --set loss.beta=0.3`,
  },
};

/** The commands, to be put under \`align\`. */
export function onlineCommands(
  context: CliContext,
  setExitCode: (code: ExitCode) => void,
  configure: (command: Command) => void,
): Command[] {
  return (Object.keys(STAGES) as OnlineStage[]).map((stage) => {
    const { description, examples } = STAGES[stage];
    const command = runOptions(new Command(stage))
      .description(description)
      .addHelpText('after', examples)
      .action(async (file: string, flags: RunFlags) => setExitCode(await run(stage, file, flags, context)));
    configure(command);
    return command;
  });
}

async function run(stage: OnlineStage, file: string, flags: RunFlags, context: CliContext): Promise<ExitCode> {
  const { loadOnlineConfig } = await import('../pipeline/config/load-online.ts');
  const { runOnline } = await import('../align/run-online.ts');
  const { ALIGN_LOG_NAME } = await import('../align/online-log.ts');
  const { writeOnlineReport } = await import('../report/online/index.ts');
  const config = await loadOnlineConfig(stage, file, loadOptionsOf(flags, context));
  if (flags.dryRun === true) {
    if (flags.json === true) await printJson(context, { stage, config });
    else await print(context.stdout, `${JSON.stringify(config, null, 2)}\n`);
    return EXIT.ok;
  }
  const colors = colorsFor(context.stderr, context.env);
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      context.exit(EXIT.interrupted);
      return;
    }
    context.stderr.write(`\n${colors.yellow('stopping:')} writing a checkpoint (again: stop at once)\n`);
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) context.signals.on(signal, onSignal);
  let outcome: OnlineOutcome;
  try {
    outcome = await runOnline(stage, config, {
      signal: controller.signal,
      fresh: flags.fresh === true,
      onRecord: (record) => context.stderr.write(lineOf(record)),
    });
  } catch (error) {
    // Of a run that failed too, where it came to a log; its error is the one to be told.
    await writeOnlineReport(config.output).catch(() => {});
    throw error;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) context.signals.off(signal, onSignal);
  }
  const page = await writeOnlineReport(config.output);
  if (outcome.reason === 'interrupted') {
    throw new CorpusmillError('INTERRUPTED', `alignment was stopped after step ${outcome.step}`, {
      hint: 'the same command goes on from the checkpoint',
    });
  }
  const { step, last, policy } = outcome;
  const log = resolve(config.output, ALIGN_LOG_NAME);
  if (flags.json === true) {
    const { samples: _, ...figures } = last ?? {};
    await printJson(context, {
      name: config.name,
      output: config.output,
      stage,
      step,
      policy,
      log,
      report: page,
      last: figures,
    });
    return EXIT.ok;
  }
  const rows = [
    ['Steps', `${step}${last === undefined ? '' : `, reward ${last.reward.toFixed(4)}`}`],
    ['Model', policy === undefined ? 'none' : shellPath(policy)],
    ['Report', shellPath(page)],
    ['Log', shellPath(log)],
  ];
  await print(context.stdout, `${columns(rows, widthOf(context.stdout))}\n`);
  return EXIT.ok;
}

/** A record as a line; samples of a step below it, with their scores. */
function lineOf(record: OnlineLogRecord): string {
  if (record.kind === 'run') {
    const { used, records } = record.prompts;
    return `${record.stage} of ${record.name}: ${used} of ${records} prompts, reward ${record.reward}\n`;
  }
  if (record.kind === 'end') return '';
  if (record.kind === 'sample') {
    return `  ${JSON.stringify(record.prompt.slice(-60))} → ${JSON.stringify(record.text.slice(0, 200))}\n`;
  }
  const figures: [string, number | null | undefined][] = [
    ['reward', record.reward],
    ['kl', 'kl' in record ? record.kl : undefined],
    ['entropy', 'entropy' in record ? record.entropy : undefined],
    ['clipped', 'clipFraction' in record ? record.clipFraction : undefined],
    ['explained', 'explainedVariance' in record ? record.explainedVariance : undefined],
    ['loss', 'loss' in record ? record.loss : undefined],
    ['pretraining', 'pretrainingLoss' in record ? record.pretrainingLoss : undefined],
    ['length', record.responseLength],
  ];
  const shown = figures
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name} ${(value as number).toFixed(3)}`);
  const samples = record.samples.map(
    ({ prompt, response, score }) =>
      `    ${JSON.stringify(prompt.slice(-60))} → ${JSON.stringify(response.slice(0, 80))} (${score.toFixed(3)})\n`,
  );
  return `step ${record.step}  ${shown.join('  ')}\n${samples.join('')}`;
}
