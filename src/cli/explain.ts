/**
 * `corpusmill explain`: one document's way through a pipeline, each measured value beside its limit, each change as a
 * word diff. Finds the document by its id in the inputs, or takes the text of a file or of standard input.
 */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import type { Document } from '../core/document.ts';
import { CorpusmillError, EXIT } from '../core/errors.ts';
import type { Measurement } from '../core/stage.ts';
import type { Explanation, StageExplanation } from '../pipeline/explain.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { formatBytes, formatMeasure } from '../report/numbers.ts';
import { diffTexts, type TextRun } from '../report/text-diff.ts';
import { printable } from '../report/text-width.ts';
import type { CliContext, ExitCode } from './context.ts';
import { collect, wholeNumber } from './flags.ts';
import { type Colors, colorsFor, columns, print, printJson, widthOf } from './print.ts';

const EXAMPLES = `
DOCUMENT is an id, a text file, or - for standard input. Stages behind the one that drops it are shown too, as what they
would say. A stage that needs the whole corpus (dedup, mix) is answered from the last run, where there is one.
Exit code 0 whatever becomes of the document, 3 when no input has it.

Examples:
  $ corpusmill explain web.yaml 'cc-2024/000123'
  $ corpusmill explain web.yaml 'cc-2024/000123' --set stages.filter.gopher-quality.minWords=30
  $ corpusmill explain web.yaml page.txt --chars 0        a text that is in no input; changes in full
  $ pbpaste | corpusmill explain web.yaml -
  $ corpusmill explain web.yaml doc-17 --json | jq '.stages[] | select(.outcome == "dropped")'`;

interface Flags {
  set?: string[];
  input?: string;
  id?: boolean;
  chars: number;
  json?: boolean;
}

export function explainCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('explain')
    .description('show how one document passes the stages: every value beside its limit, every change')
    .argument('<pipeline>', 'pipeline file (YAML)')
    .argument('<document>', 'an id in the inputs, a text file, or - for standard input')
    .option('--set <path=value>', 'override a value of the pipeline (repeatable)', collect)
    .option('--input <name>', 'look in this input alone; the source of a text that is given as a file')
    .option('--id', 'take DOCUMENT for an id, also where a file has that name')
    .option('--chars <n>', 'characters of a change to show; 0: all', wholeNumber(0), 1200)
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, document: string, flags: Flags) => {
      await explain(file, document, flags, context);
      setExitCode(EXIT.ok);
    });
}

async function explain(file: string, name: string, flags: Flags, context: CliContext): Promise<void> {
  const { loadPipeline } = await import('../pipeline/config/load.ts');
  const { explainDocument } = await import('../pipeline/explain.ts');
  const { env, cwd, registry } = context;
  const pipeline = await loadPipeline(file, { set: flags.set ?? [], env, cwd, ...(registry && { registry }) });
  const named = pipeline.inputs.map((input) => input.name);
  if (flags.input !== undefined && !named.includes(flags.input)) {
    throw new CorpusmillError('USAGE', `--input ${flags.input}: the pipeline has no such input`, {
      hint: `its inputs are ${named.join(', ')}`,
    });
  }
  const text = flags.id === true ? undefined : await givenText(name, context);
  const source = flags.input ?? named[0];
  let document: Document;
  let note = '';
  if (text === undefined) {
    const found = await find(pipeline, name, flags.input);
    document = found.document;
    note = ` in ${found.file}`;
    if (found.leftOut !== undefined) note += `; not read by a run: the input's ${found.leftOut} leaves it out`;
  } else {
    document = { id: name === '-' ? 'standard input' : basename(name), text, meta: { source } };
  }
  const explanation = await explainDocument(pipeline, document, text === undefined);
  if (flags.json === true) await printJson(context, asJson(explanation));
  else await show(explanation, note, flags, context);
}

/** The text of a file or of standard input; undefined where the name is no file's, and so an id. */
async function givenText(name: string, { cwd }: CliContext): Promise<string | undefined> {
  if (name === '-') {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  }
  const path = resolve(cwd, name);
  return existsSync(path) && statSync(path).isFile() ? readFile(path, 'utf8') : undefined;
}

async function find(pipeline: Pipeline, id: string, only: string | undefined) {
  const { expandInputs } = await import('../io/files.ts');
  const { inputsWithinMemory } = await import('../pipeline/plan.ts');
  const { findDocument } = await import('../pipeline/find-document.ts');
  const inputs = inputsWithinMemory(pipeline).filter((input) => only === undefined || input.name === only);
  const files = await expandInputs(inputs, { runDirectory: pipeline.output });
  const { found, near } = await findDocument(inputs, files, id, { chunkBytes: pipeline.run.chunkBytes });
  if (found !== undefined) return found;
  const where = only === undefined ? 'no input of the pipeline has' : `the input ${only} has no`;
  throw new CorpusmillError(
    'INPUT_NOT_FOUND',
    `${where}${only === undefined ? ' a' : ''} document with the id '${id}'`,
    {
      hint:
        near.length > 0
          ? `the nearest ids are ${near.map((other) => `'${other}'`).join(', ')}`
          : '`corpusmill inspect FILE` shows the ids of a file; a text file or - can be given too',
    },
  );
}

// ---- output ----------------------------------------------------------------------------------------------------------

function asJson(explanation: Explanation): unknown {
  const stages = explanation.stages.map(({ before, after, ...stage }) =>
    before === undefined || after === undefined
      ? stage
      : { ...stage, changes: diffTexts(before, after).filter(({ kind }) => kind !== 'same'), before, after },
  );
  return { ...explanation, stages };
}

async function show(explanation: Explanation, note: string, flags: Flags, context: CliContext): Promise<void> {
  const colors = colorsFor(context.stdout, context.env);
  const { document, stages, verdict } = explanation;
  const head = `${colors.bold(printable(document.id))} ${colors.dim(`${formatBytes(document.bytes)} of ${printable(document.source)}${printable(note)}`)}`;
  const parts = stages.map((stage) => stageLines(stage, flags.chars, widthOf(context.stdout), colors).join('\n'));
  const end =
    verdict.outcome === 'kept'
      ? colors.green('kept')
      : verdict.outcome === 'dropped'
        ? `${colors.red('dropped')} by ${verdict.stage}: ${verdict.reason}`
        : `${colors.yellow('not decided')}: ${verdict.stage} needs the whole corpus`;
  await print(context.stdout, `${head}\n\n${parts.join('\n')}\n\n${end}\n`);
}

function stageLines(stage: StageExplanation, chars: number, width: number, colors: Colors): string[] {
  const { outcome, reason, keptAs, hypothetical, measurements, note, pieces, meta } = stage;
  const paint = { kept: colors.green, changed: colors.cyan, dropped: colors.red, failed: colors.red };
  const would = hypothetical && outcome !== 'unknown' && outcome !== 'reached' ? 'would be ' : '';
  const reached = stage.kind === 'train' ? 'trained on' : 'written';
  const word =
    outcome === 'unknown' ? 'not known' : outcome === 'reached' ? (hypothetical ? 'not reached' : reached) : outcome;
  const because = [
    ...(reason === undefined ? [] : [reason]),
    ...(keptAs === undefined ? [] : [`of ${printable(keptAs)}`]),
    ...(pieces === undefined ? [] : [`into ${pieces.length}, shown on with the first`]),
  ].join(' ');
  const colored = (paint[outcome as keyof typeof paint] ?? colors.dim)(`${would}${word}`);
  const name = hypothetical ? colors.dim(stage.name) : stage.name;
  const lines = [
    `${name}  ${colored}${because === '' ? '' : ` ${because}`}${note === undefined ? '' : colors.dim(`  ${printable(note)}`)}`,
  ];
  if (measurements.length > 0) lines.push(measurementTable(measurements, width, colors));
  if (meta !== undefined)
    lines.push(colors.dim(`    meta ${printable(JSON.stringify(meta)).slice(0, Math.max(40, width - 10))}`));
  if (stage.before !== undefined && stage.after !== undefined) {
    const [before, after] = [stage.before, stage.after];
    const sizes = `${formatBytes(Buffer.byteLength(before))} → ${formatBytes(Buffer.byteLength(after))}`;
    lines.push(colors.dim(`    text ${sizes}`), ...changes(diffTexts(before, after), chars, colors));
  }
  return lines;
}

/** Rule, value, limit; broken rules stand out. */
function measurementTable(measurements: readonly Measurement[], width: number, colors: Colors): string {
  const rows = measurements.map(({ rule, value, min, max, broken }) => [
    `  ${broken ? '✗' : ' '} ${rule}`,
    typeof value === 'number' ? formatMeasure(value) : value,
    [min === undefined ? '' : `min ${formatMeasure(min)}`, max === undefined ? '' : `max ${formatMeasure(max)}`]
      .filter((limit) => limit !== '')
      .join(', '),
  ]);
  const lines = columns(rows, width).split('\n');
  return lines.map((line) => (line.startsWith('  ✗') ? colors.red(line) : line)).join('\n');
}

const CONTEXT_CHARS = 40;

/** Changed runs with a little of what is around them; where there is no colour, `[-removed-]` and `{+added+}`. */
function changes(runs: readonly TextRun[], chars: number, colors: Colors): string[] {
  const plainText = !colors.isColorSupported;
  let out = '';
  let used = 0;
  let changed = 0;
  for (const [i, { kind, text }] of runs.entries()) {
    if (chars > 0 && used > chars) {
      const more = runs.slice(i).filter((run) => run.kind !== 'same').length;
      if (more > 0) out += colors.dim(`\n… ${more} more changes (--chars 0 shows all)`);
      break;
    }
    if (kind === 'same') {
      const first = i === 0;
      const last = i === runs.length - 1;
      const short = text.length <= 2 * CONTEXT_CHARS + 10;
      if (short) out += shown(text);
      else {
        if (!first) out += `${shown(text.slice(0, CONTEXT_CHARS))}`;
        out += colors.dim(' … ');
        if (!last) out += `${shown(text.slice(-CONTEXT_CHARS))}`;
      }
      continue;
    }
    changed++;
    const cut = chars > 0 && text.length > chars ? `${text.slice(0, chars)}…` : text;
    used += cut.length + 2 * CONTEXT_CHARS;
    const visible = shown(cut).replaceAll('\n', '⏎\n');
    if (kind === 'removed') out += plainText ? `[-${visible}-]` : colors.red(colors.strikethrough(visible));
    else out += plainText ? `{+${visible}+}` : colors.green(visible);
  }
  return changed === 0 ? [] : out.split('\n').map((line) => `    ${line}`);
}

function shown(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
