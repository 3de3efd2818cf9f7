/** How commands print: text with back-pressure, colours where the stream wants them, tables, JSON, paths, commands. */
import pc from 'picocolors';
import { formatCount } from '../report/numbers.ts';
import type { CliContext, CliStream } from './context.ts';

export type Colors = ReturnType<typeof pc.createColors>;

/** Writes and waits while the stream is full, so that `inspect --limit 1000000 | less` holds little in memory. */
export async function print(stream: CliStream, text: string): Promise<void> {
  if (!stream.write(text)) await new Promise<void>((resolve) => stream.once('drain', resolve));
}

/** The one JSON object that a command with `--json` leaves on standard output. */
export function printJson(context: CliContext, value: unknown): Promise<void> {
  return print(context.stdout, `${JSON.stringify(value, null, 2)}\n`);
}

/** Whether a stream gets colours: terminals do, unless NO_COLOR is set; FORCE_COLOR asks for them anywhere. */
export function wantsColor(stream: CliStream, env: NodeJS.ProcessEnv): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0') return true;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

export function colorsFor(stream: CliStream, env: NodeJS.ProcessEnv): Colors {
  return pc.createColors(wantsColor(stream, env));
}

/** Columns of the stream: its own, or 100 for files and pipes. */
export function widthOf(stream: CliStream): number {
  return Math.max(40, stream.columns ?? 100);
}

/**
 * Columns side by side, two spaces apart; the last one is wrapped to the width with its lines below each other.
 *
 * @param paint colours a padded cell; it must not change its width
 */
export function columns(
  rows: readonly (readonly string[])[],
  width: number,
  paint: (cell: string, column: number) => string = (cell) => cell,
): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count - 1 }, (_, c) => Math.max(0, ...rows.map((row) => (row[c] ?? '').length)));
  const indent = widths.reduce((sum, w) => sum + w + 2, 0);
  const lines: string[] = [];
  for (const row of rows) {
    const head = widths.map((w, c) => `${paint((row[c] ?? '').padEnd(w), c)}  `).join('');
    const [first, ...rest] = wrap(row[count - 1] ?? '', Math.max(24, width - indent));
    lines.push(`${head}${paint(first, count - 1)}`.trimEnd());
    for (const line of rest) lines.push(`${' '.repeat(indent)}${paint(line, count - 1)}`);
  }
  return lines.join('\n');
}

/** Breaks a text at spaces into lines of at most `width`; at least one line, long words stay whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** How the user calls this program: through npx when npm started it. */
export function programName(env: NodeJS.ProcessEnv): string {
  return env['npm_command'] === undefined ? 'corpusmill' : 'npx corpusmill';
}

/** A path as it is typed in a shell: quoted where it must be. */
export function shellPath(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** `1 file`, `12,345 files`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
