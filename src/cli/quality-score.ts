/** `corpusmill quality score`: files with a model's answer on each text. */
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { EXIT } from '../core/errors.ts';
import { formatCount, formatSeconds } from '../report/numbers.ts';
import type { CliContext, ExitCode } from './context.ts';
import {
  type CorpusFlags,
  type CorpusRunFlags,
  corpusOptions,
  corpusRunOptions,
  runCorpus,
  settingsOf,
} from './corpus-command.ts';
import { arpaOption, type TokenFlags, tokenOptions, wholeNumber } from './flags.ts';
import { colorsFor, print, printJson, shellPath } from './print.ts';

const EXAMPLES = `
MODEL is what \`corpusmill quality train\` wrote, a fastText model (.bin, .ftz), or a language model (.arpa, .arpa.gz).
Each document gets quality.NAME (--as): a probability, the likeliest label, a grade or a perplexity; null where the model
knows nothing of the text.

Examples:
  $ corpusmill quality score crawl.jsonl.gz --model quality.bin --write parquet
  $ corpusmill quality score pages/*.parquet --model lid.176.bin --as language
  $ corpusmill quality score crawl.jsonl --model edu.bin --expected --as edu`;

interface Flags extends CorpusFlags, CorpusRunFlags, TokenFlags {
  model: string;
  as: string;
  label?: string;
  expected?: boolean;
  all?: boolean;
  maxChars?: number;
  write: 'jsonl' | 'parquet';
}

export function qualityScoreCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  const command = new Command('score')
    .description("write files with a model's answer on each text")
    .argument('<input...>', 'files, folders or globs')
    .requiredOption('--model <file>', 'the model')
    .option('--as <name>', 'name of the answer: quality.NAME', 'score')
    .option('--label <label>', 'label whose probability is written; default: positive, or the likeliest')
    .option('--expected', 'write the mean of labels that are numbers')
    .option('--all', 'write the probabilities of all labels')
    .option('--max-chars <n>', 'read so many characters of a text', wholeNumber(100))
    .addOption(new Option('--write <format>', 'format of the files').choices(['jsonl', 'parquet']).default('jsonl'));
  corpusOptions(tokenOptions(command)).option('-o, --output <dir>', 'run directory', 'runs/quality-score');
  return corpusRunOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], flags: Flags) => setExitCode(await score(inputs, flags, context)));
}

async function score(inputs: readonly string[], flags: Flags, context: CliContext): Promise<ExitCode> {
  const { cwd, env } = context;
  const { scorePipeline, WRITE_STAGE } = await import('../pipeline/quality/requests.ts');
  const pipeline = await scorePipeline({
    paths: inputs,
    model: {
      path: resolve(cwd, flags.model),
      as: flags.as,
      label: flags.label,
      expected: flags.expected === true,
      all: flags.all === true,
      arpa: arpaOption(flags),
    },
    maxChars: flags.maxChars,
    write: flags.write,
    ...settingsOf(flags, context),
  });
  const result = await runCorpus(pipeline, flags, context);
  const written = result.summary.outputs.find(({ name }) => name === WRITE_STAGE)!;
  const folder = join(result.runDir, written.path);
  if (flags.json === true) {
    await printJson(context, {
      runDir: result.runDir,
      output: folder,
      details: written.details,
      timing: result.timing,
    });
    return EXIT.ok;
  }
  const colors = colorsFor(context.stdout, env);
  const documents = formatCount(Number(written.details['documents'] ?? 0));
  await print(
    context.stdout,
    `${documents} documents with quality.${flags.as} in ${shellPath(folder)}\n${colors.dim(`in ${formatSeconds(result.timing.seconds)}`)}\n`,
  );
  return EXIT.ok;
}
