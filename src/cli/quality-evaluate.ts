/** `corpusmill quality evaluate`: models, and scores that files carry, judged by the labels of the files. */
import { basename, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { CorpusmillError, EXIT } from '../core/errors.ts';
import type { EvaluateRequest } from '../pipeline/quality/requests.ts';
import { formatSeconds } from '../report/numbers.ts';
import type { CliContext, ExitCode } from './context.ts';
import {
  type CorpusFlags,
  type CorpusRunFlags,
  corpusOptions,
  corpusRunOptions,
  runCorpus,
  settingsOf,
} from './corpus-command.ts';
import { arpaOption, collect, type TokenFlags, tokenOptions } from './flags.ts';
import { colorsFor, print, printJson, shellPath } from './print.ts';
import { showQualityReport } from './quality-report.ts';

const EXAMPLES = `
Each document needs a label in --label-field. --positive names the labels that a high score should go with; without it there
are two labels, of which the second is positive, or several, which the model must know by the same names.
Models are judged side by side, on the documents that all of them can judge; --field judges scores that are there already.

Exit codes: 0 done; 4 where the first model's AUC is under --fail-under; 2, 3 and 5 as everywhere.

Examples:
  $ corpusmill quality evaluate labelled.jsonl --model quality.bin --positive keep
  $ corpusmill quality evaluate test.csv --model a.bin --model b.json --label-field class --positive 1
  $ corpusmill quality evaluate scored.parquet --field quality.score --positive keep --fail-under 0.9`;

interface Flags extends CorpusFlags, CorpusRunFlags, TokenFlags {
  model: string[];
  field: string[];
  label?: string;
  labelField: string;
  positive: string[];
  failUnder?: number;
}

export function qualityEvaluateCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  const command = new Command('evaluate')
    .description('judge models and scores by labelled texts: ROC, calibration, limits, languages, mistakes')
    .argument('<input...>', 'files, folders or globs of labelled texts')
    .option('--model <file>', 'a model; may be given again, to compare', collect, [])
    .option('--field <path>', 'a score that the documents carry; may be given again', collect, [])
    .option('--label-field <path>', 'field with the label', 'label')
    .option('--positive <label>', 'label that a high score should go with; may be given again', collect, [])
    .option('--label <label>', "the models' label whose probability is the score; default: the positive one")
    .option('--fail-under <auc>', 'exit with 4 where the AUC of the first is lower', auc);
  corpusOptions(tokenOptions(command)).option('-o, --output <dir>', 'run directory', 'runs/quality-evaluate');
  return corpusRunOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], flags: Flags) => setExitCode(await evaluate(inputs, flags, context)));
}

async function evaluate(inputs: readonly string[], flags: Flags, context: CliContext): Promise<ExitCode> {
  if (flags.model.length + flags.field.length === 0) {
    throw new CorpusmillError('USAGE', 'there is nothing to judge', { hint: 'give --model FILE or --field PATH' });
  }
  const { cwd, env } = context;
  const { evaluatePipeline, EVALUATE_STAGE } = await import('../pipeline/quality/requests.ts');
  const pipeline = await evaluatePipeline({
    paths: inputs,
    models: await modelRequests(flags, cwd),
    fields: flags.field,
    labelField: flags.labelField,
    positive: flags.positive.length > 0 ? flags.positive : undefined,
    baseline: undefined,
    title: `${[...flags.model, ...flags.field].map((path) => basename(path)).join(', ')} on ${inputs.map((path) => basename(path)).join(', ')}`,
    ...settingsOf(flags, context),
  });
  const result = await runCorpus(pipeline, flags, context);
  const folder = join(result.runDir, 'output', EVALUATE_STAGE);
  const shown = await showQualityReport(folder, flags.json === true, context);
  const { report, files } = shown!;
  const first = report.models[0];
  if (flags.json === true) await printJson(context, { runDir: result.runDir, report, files, timing: result.timing });
  else {
    const colors = colorsFor(context.stdout, env);
    await print(
      context.stdout,
      `${colors.bold('Report')}  ${shellPath(files.html)}\n${colors.dim(`in ${formatSeconds(result.timing.seconds)}`)}\n`,
    );
  }
  const found = first.figures.auc;
  if (flags.failUnder === undefined || (found !== null && found >= flags.failUnder)) return EXIT.ok;
  const value = found === null ? 'undefined' : found.toFixed(4);
  context.stderr.write(
    `${colorsFor(context.stderr, env).red('corpusmill:')} the AUC of ${first.name} is ${value}, under ${flags.failUnder}\n`,
  );
  return EXIT.check;
}

/** What is asked of each model: the probability of the positive label, of all labels, or a perplexity. */
async function modelRequests(flags: Flags, cwd: string): Promise<EvaluateRequest['models']> {
  const { loadModel } = await import('../quality/model.ts');
  const isBinary = flags.positive.length > 0 || flags.label !== undefined;
  return flags.model.map((given, i) => {
    const path = resolve(cwd, given);
    const request = {
      arpa: arpaOption(flags),
      path,
      as: `m${i}`,
      name: flags.model.indexOf(given) === i ? basename(given) : `${basename(given)} ${i + 1}`,
    };
    const model = loadModel(path);
    if (model.kind === 'ngram-lm') return { ...request, label: undefined, lower: true, probability: false };
    const { labels } = model.classifier;
    if (!isBinary && labels.length > 2)
      return { ...request, label: undefined, all: true, lower: false, probability: true };
    const candidates = flags.label === undefined ? [...flags.positive, 'positive'] : [flags.label];
    const label = candidates.find((name) => labels.includes(name)) ?? (isBinary ? undefined : labels[1]);
    if (label !== undefined) return { ...request, label, lower: false, probability: true };
    throw new CorpusmillError(
      'USAGE',
      `${given} knows no label ${candidates.map((name) => JSON.stringify(name)).join(' or ')}`,
      {
        hint: `it knows ${labels.join(' ')}; --label names the one whose probability is the score`,
      },
    );
  });
}

function auc(value: string): number {
  const number = /^\d*\.?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 0 && number <= 1) return number;
  throw new InvalidArgumentError('expected a number from 0 to 1');
}
