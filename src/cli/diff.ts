/** `corpusmill diff`: two corpora compared, document by document. */
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../core/errors.ts';
import { CHANGES, type Change, type ComparisonDetails } from '../dedup/compare/comparison.ts';
import { shownPath } from '../pipeline/config/issues.ts';
import type { RunResult } from '../pipeline/run.ts';
import { formatCount, formatSeconds } from '../report/numbers.ts';
import { diffTexts } from '../report/text-diff.ts';
import type { CliContext, ExitCode } from './context.ts';
import {
  type CorpusFlags,
  type CorpusRunFlags,
  corpusOptions,
  corpusRunOptions,
  runCorpus,
  settingsOf,
} from './corpus-command.ts';
import { fraction } from './dedup-flags.ts';
import { wholeNumber } from './flags.ts';
import { colorsFor, columns, print, printJson, programName, shellPath, wantsColor, widthOf } from './print.ts';

const EXAMPLES = `
Every document of A and B is unchanged, renamed (same text, other id), changed (same id, other text), near (a near-copy
of a document of the other corpus), removed (only in A) or new (only in B). A and B are files, folders or globs, as for
\`corpusmill dedup\`. Where documents have no id the text alone counts; text files are known by their path.
The run directory holds changes.jsonl, one line for each document that is not unchanged.

Exit codes: 0, also where the corpora differ; 4 where documents are what --fail-on names; 2, 3 and 5 as everywhere.

Examples:
  $ corpusmill diff crawl-2024.jsonl crawl-2025.jsonl
  $ corpusmill diff runs/old/output/write runs/new/output/write --examples 10
  $ corpusmill diff old/ new/ --fail-on any --no-near             exit code 4 where anything differs
  $ corpusmill diff v1.parquet v2.parquet --fail-on removed,changed
  $ corpusmill diff a.jsonl b.jsonl --json | jq .changes.new.b`;

const DIFFERENT = CHANGES.filter((change) => change !== 'unchanged');

interface Flags extends CorpusFlags, CorpusRunFlags {
  normalize: 'raw' | 'loose';
  threshold?: number;
  near: boolean;
  examples: number;
  failOn?: Change[];
}

export function diffCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  const command = new Command('diff')
    .description('compare two corpora: new, removed and changed documents, near-copies')
    .argument('<a>', 'a file, folder or glob')
    .argument('<b>', 'another')
    .addOption(
      new Option('--normalize <form>', 'when texts are the same: raw, or loose (but for case and white space)')
        .choices(['raw', 'loose'])
        .default('raw'),
    )
    .option('--threshold <j>', 'Jaccard similarity from which documents are near-copies', fraction)
    .option('--no-near', 'look for no near-copies')
    .option('-n, --examples <n>', 'documents of each kind to show', wholeNumber(0), 3)
    .option('--fail-on <list>', `exit with 4 where documents are: any, or ${DIFFERENT.join(', ')}`, changes);
  corpusOptions(command).option('-o, --output <dir>', 'run directory', 'runs/diff');
  return corpusRunOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (a: string, b: string, flags: Flags) => setExitCode(await diff(a, b, flags, context)));
}

async function diff(a: string, b: string, flags: Flags, context: CliContext): Promise<ExitCode> {
  const { diffPipeline, comparisonOf } = await import('../pipeline/dedup/diff.ts');
  const { env } = context;
  const pipeline = await diffPipeline({
    a,
    b,
    normalize: flags.normalize,
    threshold: flags.threshold,
    near: flags.near,
    examples: Math.max(flags.examples, EXAMPLES_KEPT),
    ...settingsOf(flags, context),
  });
  const result = await runCorpus(pipeline, flags, context);
  const details = comparisonOf(result);
  const failing = (flags.failOn ?? []).filter((change) => countOf(details, change) > 0);
  if (flags.json === true) await printJson(context, asJson(details, flags.examples, result));
  else await show(details, flags, result, context);
  if (failing.length === 0) return EXIT.ok;
  const found = failing.map((change) => `${formatCount(countOf(details, change))} ${change}`).join(', ');
  context.stderr.write(`${colorsFor(context.stderr, env).red('corpusmill:')} the corpora differ: ${found}\n`);
  return EXIT.check;
}

/** The stage keeps as many at least, so that another number to show does not compare again. */
const EXAMPLES_KEPT = 20;

/** Documents of a change: pairs are counted once, near-copies on either side. */
function countOf({ changes }: ComparisonDetails, change: Change): number {
  const { a, b } = changes[change];
  return change === 'near' ? a.documents + b.documents : Math.max(a.documents, b.documents);
}

function asJson(
  { total, changes, examples, settings }: ComparisonDetails,
  most: number,
  { runDir, summary, timing }: RunResult,
): unknown {
  const shown = Object.entries(examples).map(([change, list = []]) => [
    change,
    list.slice(0, most).map((example) => ({
      ...example,
      ...(example.a && example.b && { difference: diffTexts(example.a.excerpt, example.b.excerpt) }),
    })),
  ]);
  const list = summary.barriers.find(({ stage }) => stage === 'compare')?.artifacts['changes'];
  return {
    runDir,
    total,
    changes,
    examples: Object.fromEntries(shown),
    settings,
    ...(list !== undefined && { list: join(runDir, list) }),
    quarantine: summary.quarantine,
    timing,
  };
}

async function show(
  details: ComparisonDetails,
  flags: Flags,
  { runDir, summary, timing }: RunResult,
  context: CliContext,
): Promise<void> {
  const { renderDiff } = await import('../report/diff-terminal.ts');
  const { stdout, env, cwd } = context;
  const view = { color: wantsColor(stdout, env), width: widthOf(stdout), examples: flags.examples };
  const lines = ['', renderDiff(details, view).trimEnd(), '', `done in ${formatSeconds(timing.seconds)}`];
  const list = summary.barriers.find(({ stage }) => stage === 'compare')?.artifacts['changes'];
  const rows: string[][] = [];
  if (list !== undefined) rows.push(['  changes', shownPath(join(runDir, list), cwd)]);
  const { records, path } = summary.quarantine;
  if (records > 0 && path !== undefined) rows.push(['  bad records', shownPath(join(runDir, path), cwd)]);
  if (rows.length > 0) lines.push(columns(rows, 10_000));
  if (list !== undefined) {
    lines.push('', `  ${programName(env)} inspect ${shellPath(shownPath(join(runDir, list), cwd))} --limit 10`);
  }
  await print(stdout, `${lines.join('\n')}\n`);
}

function changes(value: string): Change[] {
  const names = value.split(',').map((name) => name.trim());
  if (names.includes('any')) return DIFFERENT;
  const isKnown = (name: string): name is Change => (DIFFERENT as readonly string[]).includes(name);
  const unknown = names.find((name) => !isKnown(name));
  if (unknown === undefined) return [...new Set(names.filter(isKnown))];
  throw new InvalidArgumentError(`'${unknown}' is no change; expected any, or a list of ${DIFFERENT.join(', ')}`);
}
