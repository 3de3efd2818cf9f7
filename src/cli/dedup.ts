/**
 * `corpusmill dedup`: duplicates of files, without a pipeline file, for people at a prompt and for CI: a report in the
 * formats asked for, notes on the files, and an exit code that says whether a limit was kept.
 */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { RunResult } from '../pipeline/run.ts';
import type { DedupReports, ReportFile } from '../report/dedup-reports.ts';
import type { EarlierReport } from '../report/read-report.ts';
import type { CliContext, ExitCode } from './context.ts';
import { corpusOptions, corpusRunOptions, runCorpus } from './corpus-command.ts';
import {
  ANNOTATIONS,
  checkFlags,
  type DedupFlags,
  formats,
  fraction,
  keepRule,
  limit,
  REPORT_FORMATS,
  requestOf,
  verification,
} from './dedup-flags.ts';
import { annotate } from './dedup-notes.ts';
import { colorsFor, printJson } from './print.ts';

const EXAMPLES = `
Looks for exact copies and, in what is left, for near copies; --exact, --near and --lines name what alone is looked for.
INPUT is a file, folder or glob (JSONL, CSV, Parquet, Arrow, text, HTML, WARC; .gz and .zst), or - for standard input.
Each INPUT is a source of its own in the report. The same command again goes on where it stopped, or reuses what it has.

Exit codes:
  0 done, and within the limit   4 over the limit of --fail-over (the reports are written all the same)
  2 the command line is wrong    3 input or baseline is missing or broken   5 output cannot be written

Examples:
  $ corpusmill dedup data/*.jsonl
  $ corpusmill dedup crawl/ --exact --by url --write parquet     keeps one page of each address
  $ corpusmill dedup a.jsonl b.parquet --threshold 0.8 --keep best:quality.score
  $ corpusmill dedup data --fail-over 2% --format md,json,junit  for CI: exit code 4 above 2 % duplicates
  $ corpusmill dedup data --fail-over 0 --new-only --baseline main/report.json
                                                                 none that the main branch does not have
  $ zcat new.jsonl.gz | corpusmill dedup - --json | jq .totals.duplicateShare

In CI: docs/dedup-reports-and-ci.md has a GitHub Action and a job for GitLab.`;

export function dedupCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  const command = new Command('dedup')
    .description('find duplicates in files, report them, and fail when there are too many')
    .argument('<input...>', 'files, folders, globs, or - for standard input')
    .option('--exact', 'look for exact copies, and for what other flags name; for nothing else')
    .option('--near', 'look for near copies, and for what other flags name; for nothing else')
    .option('--lines', 'take out lines that repeat in several documents')
    .option('--by <field>', 'what exact copies share: text, id, or a path into the other fields (url)', 'text')
    .addOption(
      new Option('--normalize <form>', 'how it is compared: raw; loose (case, white space); url. Default: raw').choices(
        ['raw', 'loose', 'url'],
      ),
    )
    .option('--threshold <j>', 'Jaccard similarity from which documents are near copies (0.8)', fraction)
    .option('--verify <check>', "check of near copies: 'containment' (default) or a Jaccard similarity", verification)
    .option('--keep <rule>', 'which copy stays: first, longest, best:FIELD, newest:FIELD, sources:NAME,NAME', keepRule);
  corpusOptions(command)
    .option('--source-field <path>', 'field whose values the report tells apart as sources; default: the input')
    .option('--format <list>', `reports to write: ${REPORT_FORMATS.join(', ')}`, formats, ['md', 'json', 'html'])
    .option('-o, --output <dir>', 'run directory; the reports lie in it', 'runs/dedup')
    .option('--fail-over <limit>', 'exit with 4 above this: 2%, 0.02, or a number of documents', limit)
    .option('--new-only', 'count for --fail-over only what the baseline did not have')
    .option('--baseline <file>', 'report.json of an earlier run, to compare with')
    .addOption(
      new Option('--annotations <kind>', 'notes on files: github prints workflow commands')
        .choices([...ANNOTATIONS])
        .default('auto', 'github where GITHUB_ACTIONS is set'),
    )
    .addOption(
      new Option('--write <format>', 'write the documents that are kept')
        .choices(['jsonl', 'parquet', 'none'])
        .default('none'),
    );
  return corpusRunOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], flags: DedupFlags) => setExitCode(await dedup(inputs, flags, context)));
}

async function dedup(inputs: readonly string[], flags: DedupFlags, context: CliContext): Promise<ExitCode> {
  checkFlags(inputs, flags);
  const { cwd } = context;
  const { readReport } = await import('../report/read-report.ts');
  const baseline =
    flags.baseline === undefined ? undefined : await readReport(resolve(cwd, flags.baseline), flags.baseline);
  const { spoolInput } = await import('../pipeline/dedup/standard-input.ts');
  const spooled = inputs.includes('-') ? await spoolInput(process.stdin) : undefined;
  try {
    const paths = inputs.map((path) => (path === '-' ? spooled!.path : path));
    return await dedupFiles(paths, flags, baseline, context);
  } finally {
    await spooled?.remove();
  }
}

async function dedupFiles(
  paths: readonly string[],
  flags: DedupFlags,
  baseline: EarlierReport | undefined,
  context: CliContext,
): Promise<ExitCode> {
  const { dedupPipeline } = await import('../pipeline/dedup/request.ts');
  const pipeline = await dedupPipeline(requestOf(paths, flags, context));
  const reportCode = (): Promise<unknown> =>
    Promise.all([import('../report/dedup-reports.ts'), import('./dedup-result.ts')]);
  const result = await runCorpus(pipeline, flags, context, reportCode);
  const { describeReason } = await import('../pipeline/stage-loaders.ts');
  const { dedupReports } = await import('../report/dedup-reports.ts');
  const stages = new Map(pipeline.stages.map(({ definition }) => [definition.name, definition]));
  const reports = await dedupReports(result.summary, result.runDir, {
    formats: flags.format.filter((format) => format !== 'codequality'),
    baseline,
    limit: flags.failOver,
    newOnly: flags.newOnly === true,
    describeReason: (stage, reason) => describeReason(stages, stage, reason),
  });
  const notes = await annotate(pipeline, result, reports, baseline, flags, context);
  const files = [...reports.files, ...notes.files];
  if (flags.json === true) await printJson(context, asJson(reports, files, result));
  else {
    const { printDedup } = await import('./dedup-result.ts');
    await printDedup({ ...reports, files }, result, context);
  }
  if (reports.verdict?.over !== true) return EXIT.ok;
  const { verdictText } = await import('../report/limit.ts');
  context.stderr.write(
    `${colorsFor(context.stderr, context.env).red('corpusmill:')} ${verdictText(reports.verdict)}\n`,
  );
  return EXIT.check;
}

function asJson(
  { report, comparison, verdict }: DedupReports,
  files: readonly ReportFile[],
  { runDir, timing }: RunResult,
): unknown {
  const { pipeline, totals, inputs, duplicates, outputs, quarantine } = report;
  // Excerpts and fingerprints are in report.json.
  const stages = duplicates.map(({ largest: _, fingerprints: __, ...stage }) => stage);
  return {
    runDir,
    pipeline,
    totals,
    verdict,
    comparison,
    inputs,
    duplicates: stages,
    outputs,
    quarantine,
    reports: files,
    timing,
  };
}
