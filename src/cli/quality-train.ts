/** `corpusmill quality train`: a model from files of texts, and what it is worth on texts that it has not seen. */
import { copyFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../core/errors.ts';
import { MODEL_KINDS, type ModelKind } from '../quality/training/option-names.ts';
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
import { collect, wholeNumber } from './flags.ts';
import { colorsFor, print, printJson, shellPath } from './print.ts';
import { showQualityReport } from './quality-report.ts';

const EXAMPLES = `
Texts of --positive and --negative files are of these labels; records of --labelled files name theirs in --label-field.
A share held out, or folds, judge the model: the run directory holds the report as JSON, Markdown and HTML.
Models: fasttext (words and n-grams, for thousands of texts), naive-bayes, logistic, gbdt and forest (statistics of the
text, for hundreds), ngram-lm (a language model, of the positives alone; its scores are perplexities).

Examples:
  $ corpusmill quality train --positive wiki.jsonl --negative crawl.jsonl --save quality.bin
  $ corpusmill quality train --labelled reviewed.csv --model gbdt --folds 10
  $ corpusmill quality train --labelled tweets.csv --text-field tweet --label-field class --option dim=50 --option epoch=15
  $ corpusmill quality train --positive wiki/*.txt --model ngram-lm --option order=4 --save wiki.arpa`;

interface Flags extends CorpusFlags, CorpusRunFlags {
  positive: string[];
  negative: string[];
  labelled: string[];
  labelField: string;
  model: ModelKind;
  option: string[];
  holdOut?: number;
  folds?: number;
  maxPerLabel?: number;
  maxChars?: number;
  seed: number;
  save?: string;
}

export function qualityTrainCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  const command = new Command('train')
    .description('train a quality model on labelled texts, and judge it')
    .option('--positive <path>', 'texts of the label positive: file, folder or glob; may be given again', collect, [])
    .option('--negative <path>', 'texts of the label negative', collect, [])
    .option('--labelled <path>', 'texts whose records name their label', collect, [])
    .option('--label-field <name>', 'field of --labelled records with the label', 'label')
    .addOption(new Option('--model <kind>', 'kind of model').choices(MODEL_KINDS).default('fasttext'))
    .option(
      '--option <name=value>',
      'an option of the model, as `corpusmill stages quality.train` lists them',
      collect,
      [],
    )
    .option('--hold-out <share>', 'share of the texts that judges instead of teaching (0.1)', share)
    .option('--folds <n>', 'judge by cross-validation in so many folds instead', wholeNumber(2))
    .option('--max-per-label <n>', 'texts of a label at most (200000)', wholeNumber(1))
    .option('--max-chars <n>', 'learn from so many characters of a text', wholeNumber(100))
    .option('--seed <n>', 'of every random draw', wholeNumber(0), 0)
    .option('--save <file>', 'copy the model there: .bin, .ftz, .json, or .arpa of a language model');
  corpusOptions(command).option('-o, --output <dir>', 'run directory', 'runs/quality-train');
  return corpusRunOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => setExitCode(await train(flags, context)));
}

async function train(flags: Flags, context: CliContext): Promise<ExitCode> {
  const { cwd, env } = context;
  const { trainPipeline, TRAIN_STAGE } = await import('../pipeline/quality/requests.ts');
  const pipeline = await trainPipeline({
    model: flags.model,
    positives: flags.positive,
    negatives: flags.negative,
    labelled: flags.labelled,
    labelField: flags.labelField,
    modelOptions: await modelOptions(flags.option),
    holdOut: flags.holdOut,
    folds: flags.folds,
    maxPerLabel: flags.maxPerLabel,
    maxChars: flags.maxChars,
    seed: flags.seed,
    ...settingsOf(flags, context),
  });
  const result = await runCorpus(pipeline, flags, context);
  const folder = join(result.runDir, 'output', TRAIN_STAGE);
  const { details } = result.summary.barriers.find(({ name }) => name === TRAIN_STAGE)!;
  const made = join(folder, String(details['file']));
  // Of a language model there are two files: our own, and the one that other programs read.
  const wanted = flags.save?.endsWith('.arpa') ? join(folder, 'model.arpa') : made;
  if (flags.save !== undefined) await copyFile(wanted, resolve(cwd, flags.save));
  const model = flags.save === undefined ? made : resolve(cwd, flags.save);
  const shown = await showQualityReport(folder, flags.json === true, context);
  if (flags.json === true) {
    await printJson(context, { runDir: result.runDir, model, details, ...shown, timing: result.timing });
    return EXIT.ok;
  }
  const colors = colorsFor(context.stdout, env);
  const lines = [
    ...(shown === undefined ? describeWithoutReport(details) : []),
    `${colors.bold('Model')}   ${shellPath(model)}`,
    ...(shown === undefined ? [] : [`${colors.bold('Report')}  ${shellPath(shown.files.html)}`]),
    colors.dim(`in ${formatSeconds(result.timing.seconds)}; run directory ${shellPath(result.runDir)}`),
  ];
  await print(context.stdout, `${lines.join('\n')}\n`);
  return EXIT.ok;
}

/** A language model has no labels to be judged by; a classifier without held-out texts of two labels is not judged. */
function describeWithoutReport({
  model,
  learntFrom,
  heldOutTexts,
  heldOutPerplexity,
}: Record<string, unknown>): string[] {
  if (model !== 'ngram-lm') return ['Not judged: no texts of two labels were held out.'];
  const learnt = `A language model of ${String(learntFrom)} texts`;
  if (typeof heldOutPerplexity !== 'number') return [`${learnt}.`];
  return [`${learnt}; perplexity ${heldOutPerplexity.toFixed(1)} on ${String(heldOutTexts)} held-out texts.`];
}

/** `dim=50` and so on; values as YAML has them. */
async function modelOptions(given: readonly string[]): Promise<Record<string, unknown>> {
  const { parse } = await import('yaml');
  const options: Record<string, unknown> = {};
  for (const each of given) {
    const at = each.indexOf('=');
    if (at <= 0) throw new InvalidArgumentError(`--option ${each}: expected NAME=VALUE`);
    const path = each.slice(0, at).split('.');
    let holder = options;
    for (const name of path.slice(0, -1)) holder = (holder[name] ??= {}) as Record<string, unknown>;
    holder[path.at(-1)!] = parse(each.slice(at + 1));
  }
  return options;
}

function share(value: string): number {
  const number = /^\d*\.?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 0 && number <= 0.9) return number;
  throw new InvalidArgumentError('expected a share from 0 to 0.9');
}
