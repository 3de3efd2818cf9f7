/**
 * `corpusmill inspect`: rows of any file that corpusmill reads or writes. Documents are shown with their fields; token
 * shards are decoded back to text, with a line at every document border.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { CorpusmillError, EXIT, systemCode } from '../core/errors.ts';
import { INPUT_FORMATS, type InputFormat } from '../io/input.ts';
import type { FileSummary } from '../io/inspect.ts';
import { formatBytes, formatCounted } from '../report/numbers.ts';
import type { ShownRow, ShownRows } from '../shards/inspect.ts';
import { NO_LABEL } from '../shards/shard-rows.ts';
import { SPLIT_NAMES, type SplitName } from '../shards/split.ts';
import type { CliContext, ExitCode } from './context.ts';
import { wholeNumber } from './flags.ts';
import { type Colors, colorsFor, print, printJson, widthOf } from './print.ts';

const EXAMPLES = `
Reads JSONL, CSV and TSV (plain, .gz, .zst), WARC, WET and ARC, Parquet, Arrow, plain text, HTML, and shard folders or single shard files.

Examples:
  $ corpusmill inspect data/web.jsonl.gz --limit 3
  $ corpusmill inspect runs/web/output/shards             rows decoded to text, document borders shown
  $ corpusmill inspect runs/web/output/shards --offset 100 --limit 1 --chars 0
  $ corpusmill inspect clean.parquet --json | jq '.rows[].id'`;

interface Flags {
  limit: number;
  offset: number;
  chars: number;
  format: InputFormat | 'auto';
  json?: boolean;
}

export function inspectCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('inspect')
    .description('show rows of any file that corpusmill reads or writes')
    .argument('<path>', 'a file, or a folder of shards or documents')
    .option('-n, --limit <n>', 'rows to show', wholeNumber(1), 5)
    .option('--offset <n>', 'rows to skip', wholeNumber(0), 0)
    .option('--chars <n>', 'characters of a text to show; 0: all', wholeNumber(0), 600)
    .addOption(
      new Option('--format <name>', 'format, where the name does not say it')
        .choices(['auto', ...INPUT_FORMATS])
        .default('auto'),
    )
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, flags: Flags) => {
      await inspect(path, flags, context);
      setExitCode(EXIT.ok);
    });
}

async function inspect(given: string, flags: Flags, context: CliContext): Promise<void> {
  const side = await sideOfSplit(resolve(context.cwd, given));
  const path = side === undefined ? given : join(given, side);
  const absolute = resolve(context.cwd, path);
  const { limit, offset } = flags;
  if (await isShards(absolute, path)) {
    const { readShardRows } = await import('../shards/inspect.ts');
    const shown = await readShardRows(absolute, { limit, offset });
    if (flags.json === true) await printJson(context, shardsAsJson(path, shown, offset));
    else await showShards(path, shown, flags, context);
    return;
  }
  await showRows(path, absolute, flags, context);
}

/** A folder with a shard manifest, the manifest itself, or an Arrow file with a column of token ids. */
async function isShards(absolute: string, shown: string): Promise<boolean> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(absolute)).isDirectory();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new CorpusmillError('INPUT_NOT_FOUND', `there is no ${shown}`, {
      hint: 'give a file, or a folder that a run has written',
    });
  }
  if (isFolder) return isShardManifest(join(absolute, 'manifest.json'));
  if (absolute.endsWith('manifest.json')) return isShardManifest(absolute);
  if (!absolute.endsWith('.arrow')) return false;
  const { openShardFile } = await import('../shards/shard-file.ts');
  const shard = await openShardFile(absolute).catch(() => undefined);
  await shard?.close();
  return shard !== undefined;
}

/**
 * Of a folder that a split into training and validation has made the first side, which the heading names. By manifests
 * alone: what opens shards brings the Arrow library, and most of what is inspected are no shards.
 */
async function sideOfSplit(absolute: string): Promise<SplitName | undefined> {
  if (await isShardManifest(join(absolute, 'manifest.json'))) return undefined;
  for (const name of SPLIT_NAMES) if (await isShardManifest(join(absolute, name, 'manifest.json'))) return name;
  return undefined;
}

async function isShardManifest(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '{}');
  try {
    return (JSON.parse(text) as { contextLength?: unknown } | null)?.contextLength !== undefined;
  } catch {
    return false;
  }
}

// ---- documents -------------------------------------------------------------------------------------------------------

async function showRows(path: string, absolute: string, flags: Flags, context: CliContext): Promise<void> {
  const { filesWithRows, rowsOf } = await import('./rows.ts');
  const { inspectFile } = await import('../io/inspect.ts');
  const files = await filesWithRows(absolute);
  if (files.length === 0 || (await isRunDirectory(absolute))) throw await withoutRows(path, absolute);
  const { limit, offset, format } = flags;
  const summary = await inspectFile(files[0], format);
  if (flags.json === true) {
    const rows: unknown[] = [];
    for await (const { record } of rowsOf(files, { limit, offset, format })) rows.push(record);
    await printJson(context, { path, ...summary, files: files.length, offset, rows });
    return;
  }
  const colors = colorsFor(context.stdout, context.env);
  await print(context.stdout, colors.dim(`${headline(path, files.length, summary)}\n`));
  let shown = 0;
  for await (const { file, row, record } of rowsOf(files, { limit, offset, format })) {
    const title = files.length === 1 ? `row ${row}` : `${basename(file)} row ${row}`;
    await print(context.stdout, rule(title, context, colors));
    for (const [field, value] of Object.entries(record)) {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      await print(context.stdout, `${fieldLine(field, shorten(text ?? 'null', flags.chars), colors)}\n`);
    }
    shown++;
  }
  if (shown === 0) await print(context.stdout, colors.dim(`no rows at offset ${offset}\n`));
}

function headline(path: string, files: number, summary: FileSummary): string {
  const packed = summary.compression === 'none' ? '' : `, ${summary.compression}`;
  const size = formatBytes(summary.fileBytes);
  const rows = summary.rows === undefined ? '' : `, ${formatCounted(summary.rows, 'row')}`;
  const problem = summary.problem === undefined ? '' : `\nproblem: ${summary.problem}`;
  return files === 1
    ? `${path}: ${summary.format}${packed}, ${size}${rows}${problem}`
    : `${path}: ${files} ${summary.format} files${packed}; the first: ${size}${rows}${problem}`;
}

async function isRunDirectory(absolute: string): Promise<boolean> {
  const parts = await Promise.all(
    ['run.json', 'phases'].map((name) => stat(join(absolute, name)).catch(() => undefined)),
  );
  return parts.every((part) => part !== undefined);
}

/** A run directory has no rows of its own, but its outputs have. */
async function withoutRows(path: string, absolute: string): Promise<CorpusmillError> {
  const outputs = await readdir(join(absolute, 'output')).catch(() => []);
  const hint =
    outputs.length === 0
      ? 'give a file, or a folder that a write or shards stage has written'
      : `its outputs have: ${outputs.map((name) => join(path, 'output', name)).join(', ')}`;
  return new CorpusmillError('INPUT_NOT_FOUND', `the folder ${path} holds no rows`, { hint });
}

/** Short values beside their name, long ones below it. */
function fieldLine(field: string, text: string, colors: Colors): string {
  const value = printable(text);
  return value.includes('\n') || value.length > 100
    ? `${colors.cyan(printable(field))}:\n${value}`
    : `${colors.cyan(printable(field))}: ${value}`;
}

// ---- shards ----------------------------------------------------------------------------------------------------------

async function showShards(path: string, shown: ShownRows, flags: Flags, context: CliContext): Promise<void> {
  const colors = colorsFor(context.stdout, context.env);
  const width = `${shown.contextLength.toLocaleString('en-US')} tokens (${shown.dtype})`;
  await print(context.stdout, colors.dim(`${path}: ${formatCounted(shown.totalRows, 'row')} of ${width}\n`));
  for (const row of shown.rows) {
    const padding = row.padding === 0 ? 'no padding' : `${row.padding} padding`;
    const head = `${row.file} row ${row.row}: ${formatCounted(row.pieces.length, 'piece')}, ${padding}`;
    await print(context.stdout, rule(head, context, colors));
    await print(context.stdout, `${rowText(row, flags.chars, colors)}\n`);
  }
  if (shown.rows.length === 0) await print(context.stdout, colors.dim(`no rows at offset ${flags.offset}\n`));
}

function rowText(row: ShownRow, chars: number, colors: Colors): string {
  return row.pieces
    .map((piece) => {
      const end = piece.ended === undefined ? '' : piece.ended ? ', document ends' : ', document goes on';
      const trained = piece.labels?.reduce((count, label) => count + (label === NO_LABEL ? 0 : 1), 0);
      const labelled = trained === undefined ? '' : `, ${formatCounted(trained, 'label')}`;
      const name = printable(piece.documentId ?? 'document');
      const border = `▌ ${name}  ${formatCounted(piece.length, 'token')} at ${piece.start}${labelled}${end}`;
      const text = piece.text === undefined ? `ids ${[...piece.tokens].join(' ')}` : printable(piece.text);
      return `${colors.cyan(border)}\n${shorten(text, chars)}`;
    })
    .join('\n');
}

function shardsAsJson(path: string, shown: ShownRows, offset: number): unknown {
  const rows = shown.rows.map(({ pieces, ...row }) => ({
    ...row,
    pieces: pieces.map(({ tokens, labels, ...piece }) => ({
      ...piece,
      tokens: [...tokens],
      ...(labels && { labels: [...labels] }),
    })),
  }));
  const { contextLength, dtype, totalRows } = shown;
  return { path, format: 'shards', offset, totalRows, contextLength, dtype, rows };
}

// ---- both ------------------------------------------------------------------------------------------------------------

function rule(title: string, context: CliContext, colors: Colors): string {
  const line = '─'.repeat(Math.max(2, Math.min(100, widthOf(context.stdout)) - title.length - 4));
  return `${colors.dim(`── ${title} ${line}`)}\n`;
}

/** The first `chars` characters (code points), and how many more there are. */
function shorten(text: string, chars: number): string {
  if (chars === 0 || text.length <= chars) return text;
  let end = chars;
  // Do not cut a surrogate pair.
  if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
  return `${text.slice(0, end)}… (${(text.length - end).toLocaleString('en-US')} more)`;
}

/** Control characters as pictures: text from the web may hold sequences that a terminal would obey. */
function printable(text: string): string {
  return text.replaceAll(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '␡';
  });
}
