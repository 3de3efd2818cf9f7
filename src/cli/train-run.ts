/** What `train` and the stages of `align` share: flags, the run with its display, and what is printed before and after. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { CorpusmillError, EXIT } from '../core/errors.ts';
import type { LoadTrainOptions } from '../pipeline/config/load-train.ts';
import { BACKEND_CHOICES, type BackendChoice } from '../tensor/backend.ts';
import type { RunRecord } from '../training/log.ts';
import type { PreparedTraining, PrepareOptions } from '../training/run-training.ts';
import type { TrainOutcome } from '../training/trainer.ts';
import type { CliContext, ExitCode } from './context.ts';
import { collect, wholeNumber } from './flags.ts';
import { BACKEND_HELP } from './model-flags.ts';
import { colorsFor, columns, print, printJson, shellPath, widthOf } from './print.ts';

export interface RunFlags {
  set?: string[];
  output?: string;
  steps?: number;
  backend?: BackendChoice;
  threads?: number;
  fresh?: boolean;
  dryRun?: boolean;
  profile?: number | true;
  json?: boolean;
}

/** The argument and options of a run. */
export function runOptions(command: Command): Command {
  return command
    .argument('<config>', 'configuration of the run (YAML or JSON)')
    .option('--set <path=value>', 'override a value of the configuration (repeatable)', collect)
    .option('-o, --output <dir>', 'folder of the run, in place of the one in the configuration')
    .option('--steps <n>', 'stop after so many steps (as --set stop.steps)', wholeNumber(1))
    .addOption(new Option('--backend <name>', BACKEND_HELP).choices(BACKEND_CHOICES))
    .option('--threads <n>', 'threads that compute; 0: all', wholeNumber(0))
    .option('--fresh', 'begin anew: remove the checkpoints and the log of an earlier run in this folder')
    .option('--dry-run', 'say what would be trained and what it takes, and train nothing')
    .option(
      '--profile [n]',
      'time every operation of a step, n times over (default: 5), and train nothing',
      wholeNumber(1),
    )
    .option('--json', 'print one JSON object on standard output');
}

/** Overrides of a configuration as the flags give them. */
export function loadOptionsOf(flags: RunFlags, context: CliContext): LoadTrainOptions {
  const set = [...(flags.set ?? [])];
  if (flags.output !== undefined) set.push(`output=${JSON.stringify(resolve(context.cwd, flags.output))}`);
  if (flags.steps !== undefined) set.push(`stop.steps=${flags.steps}`);
  if (flags.backend !== undefined) set.push(`backend=${flags.backend}`);
  if (flags.threads !== undefined) set.push(`threads=${flags.threads}`);
  return { set, env: context.env, cwd: context.cwd };
}

export function prepareOptionsOf(flags: RunFlags): PrepareOptions {
  return { fresh: flags.fresh === true && flags.dryRun !== true && flags.profile === undefined };
}

/** What a kind of run says beside what all say at their end. */
export interface Afterwords {
  lines: string[];
  json: Record<string, unknown>;
  /** What the run counts. Default: tokens. */
  counted?: string;
}

/** Runs what was prepared, or says what it would be (--dry-run), and prints the outcome. Closes it. */
export async function runTraining(
  prepared: PreparedTraining,
  flags: RunFlags,
  context: CliContext,
  afterwords: () => Promise<Afterwords> = async () => ({ lines: [], json: {} }),
): Promise<ExitCode> {
  const { config } = prepared;
  try {
    const json = flags.json === true;
    if (flags.dryRun === true) {
      if (json) await printJson(context, { run: prepared.record, availableBytes: prepared.availableBytes });
      else await print(context.stdout, await describe(prepared, context));
      return EXIT.ok;
    }
    if (flags.profile !== undefined) {
      const { profileTable } = await import('./train-profile.ts');
      const profile = await prepared.profile(flags.profile === true ? 5 : flags.profile);
      if (json) await printJson(context, profile);
      else await print(context.stdout, profileTable(profile));
      return EXIT.ok;
    }
    context.stderr.write(await describe(prepared, context));
    const { writeTrainingReport } = await import('../report/training/index.ts');
    const outcome = await runInterruptibly(prepared, context).catch(async (error: unknown) => {
      // Of a run that failed too; its error is the one to be told.
      await writeTrainingReport(config.output).catch(() => {});
      throw error;
    });
    const page = await writeTrainingReport(config.output);
    if (outcome.reason === 'interrupted') {
      throw new CorpusmillError('INTERRUPTED', `training was stopped after step ${outcome.state.step}`, {
        hint: 'the same command goes on from the checkpoint',
      });
    }
    await report(prepared, outcome, { json, page, extra: await afterwords() }, context);
    return EXIT.ok;
  } finally {
    await prepared.close();
  }
}

/** First Ctrl-C (or SIGTERM): a checkpoint, then the end. Second: the end at once; older checkpoints are whole either way. */
async function runInterruptibly(prepared: PreparedTraining, context: CliContext): Promise<TrainOutcome> {
  const { createTrainDisplay } = await import('../report/train-progress.ts');
  const colors = colorsFor(context.stderr, context.env);
  const display = createTrainDisplay(context.stderr);
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      display.stop();
      context.exit(EXIT.interrupted);
      return;
    }
    context.stderr.write(`\n${colors.yellow('stopping:')} writing a checkpoint (again: stop at once)\n`);
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) context.signals.on(signal, onSignal);
  // A resumed run's log begins with what an earlier process wrote.
  if (prepared.resumed !== undefined) display.onRecord(prepared.record);
  try {
    return await prepared.run({ signal: controller.signal, onRecord: (record) => display.onRecord(record) });
  } finally {
    display.stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) context.signals.off(signal, onSignal);
  }
}

/** What is trained, on what, and what it takes. */
async function describe(prepared: PreparedTraining, context: CliContext): Promise<string> {
  const { formatBytes, totalOf } = await import('../training/memory.ts');
  const { record, memory, availableBytes, plan, resumed, config } = prepared;
  const { model, data } = record;
  const count = (n: number): string => n.toLocaleString('en-US');
  const part = (name: string, bytes: number): string => `${formatBytes(bytes)} ${name}`;
  const parts = [
    part('weights', memory.weights),
    part('gradients', memory.gradients),
    part('moments', memory.moments),
    part('activations', memory.arena),
  ];
  const active = model.activeParameters === model.parameters ? '' : ` (${count(model.activeParameters)} active)`;
  const micro = plan.accumulation === 1 ? '' : ` × ${plan.accumulation} micro-batches`;
  const rows = [
    [
      'run',
      `${config.name} in ${shellPath(config.output)}${resumed === undefined ? '' : `, going on after step ${count(resumed.trainer.step)}`}`,
    ],
    [
      'model',
      `${model.architecture}, ${count(model.parameters)} parameters${active}, ${model.startedFrom === null ? 'new' : `going on from ${shellPath(model.startedFrom)}`}`,
    ],
    [
      'data',
      `${data.kind}: ${data.tokens === null ? 'tokens unknown' : `${count(data.tokens)} tokens`}${data.validationTokens === null ? '' : `, ${count(data.validationTokens)} for validation`}`,
    ],
    ...recordsRows(record),
    [
      'step',
      `${count(plan.tokensPerStep)} tokens: ${plan.rows} rows of ${plan.sequenceLength}${micro}${plan.steps === null ? '' : `; ${count(plan.steps)} steps`}`,
    ],
    ['memory', `${formatBytes(totalOf(memory))} of ${formatBytes(availableBytes)} free: ${parts.join(', ')}`],
  ];
  return `${columns(rows, widthOf(context.stderr))}\n`;
}

/** Records of conversations or pairs: how many are used, and why others are not. */
function recordsRows({ data: { records, paddingPercent } }: RunRecord): string[][] {
  if (records === undefined) return [];
  const count = (n: number): string => n.toLocaleString('en-US');
  const cut = records.truncated === 0 ? '' : `, ${count(records.truncated)} cut to the row's length`;
  const padding = paddingPercent === undefined ? '' : `; ${paddingPercent.toFixed(1)} % of the places are padding`;
  const rows = [['records', `${count(records.used)} of ${count(records.records)}${cut}${padding}`]];
  for (const { reason, count: left, first } of records.skipped) {
    rows.push(['', `${count(left)} left out, ${reason}: ${first}`]);
  }
  return rows;
}

async function report(
  prepared: PreparedTraining,
  outcome: TrainOutcome,
  { json, page, extra }: { json: boolean; page: string; extra: Afterwords },
  context: CliContext,
): Promise<void> {
  const { state, reason } = outcome;
  const { config } = prepared;
  const folder = resolve(config.output, 'checkpoints', `step-${String(state.step).padStart(8, '0')}`);
  if (json) {
    await printJson(context, {
      name: config.name,
      output: config.output,
      reason,
      step: state.step,
      tokens: state.tokens,
      loss: state.loss,
      validationLoss: state.validationLoss,
      bestValidationLoss: state.bestValidationLoss,
      checkpoint: folder,
      report: page,
      seconds: state.seconds,
      ...extra.json,
    });
    return;
  }
  const { formatSeconds } = await import('../report/numbers.ts');
  const colors = colorsFor(context.stdout, context.env);
  const loss = state.loss === null ? '' : `, loss ${state.loss.toFixed(4)}`;
  const validation = state.validationLoss === null ? '' : `, validation loss ${state.validationLoss.toFixed(4)}`;
  const lines = [
    `${state.step.toLocaleString('en-US')} steps, ${state.tokens.toLocaleString('en-US')} ${extra.counted ?? 'tokens'} in ${formatSeconds(state.seconds)}${loss}${validation}`,
    `${colors.bold('Model')}   ${shellPath(folder)}`,
    `${colors.bold('Report')}  ${shellPath(page)}`,
    `${colors.bold('Log')}     ${shellPath(resolve(config.output, 'train-log.jsonl'))}`,
    ...extra.lines,
  ];
  await print(context.stdout, `${lines.join('\n')}\n`);
}
