/** The result of `corpusmill diff` in a terminal: a table of what became of the documents, and examples with the words that differ. */
import pc from 'picocolors';
import type { Change, ChangeExample, ComparisonDetails } from '../dedup/compare/comparison.ts';
import { formatBytes, formatCount, formatCounted } from './numbers.ts';
import { diffTexts, type TextRun } from './text-diff.ts';
import { cutToWidth, printable } from './text-width.ts';

type Colors = ReturnType<typeof pc.createColors>;

const MEANING: Record<Change, string> = {
  unchanged: 'same text',
  renamed: 'same text, other id',
  changed: 'same id, other text',
  near: 'near-copies of documents of the other corpus',
  removed: 'only in A',
  new: 'only in B',
};

/** Words of a difference shown on either side of it. */
const CONTEXT_CHARS = 40;
/** Characters of an example's differences. */
const MAX_SHOWN = 400;

export interface DiffView {
  color: boolean;
  width: number;
  /** Examples of each kind. */
  examples: number;
}

export function renderDiff(details: ComparisonDetails, { color, width, examples }: DiffView): string {
  const colors = pc.createColors(color);
  const blocks = [table(details, colors)];
  for (const change of ['changed', 'near', 'renamed', 'removed', 'new'] as const) {
    const shown = details.examples[change]?.slice(0, examples) ?? [];
    if (shown.length === 0) continue;
    const { a, b } = details.changes[change];
    const total = Math.max(a.documents, b.documents);
    const head = `${change}: ${MEANING[change]}${total > shown.length ? `, ${shown.length} of ${formatCount(total)}` : ''}`;
    blocks.push([colors.bold(head), ...shown.flatMap((example) => exampleLines(example, width, colors))]);
  }
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function table({ total, changes }: ComparisonDetails, colors: Colors): string[] {
  const cell = (documents: number, bytes: number): string =>
    `${formatCount(documents).padStart(12)}  ${formatBytes(bytes).padStart(9)}`;
  const lines = [colors.dim(`${' '.repeat(10)}${'A'.padStart(12)}${' '.repeat(11)}${'B'.padStart(12)}`)];
  for (const change of Object.keys(MEANING) as Change[]) {
    const { a, b } = changes[change];
    if (a.documents + b.documents === 0 && change !== 'unchanged') continue;
    const left = change === 'new' ? ' '.repeat(23) : cell(a.documents, a.bytes);
    const right = change === 'removed' ? ' '.repeat(23) : cell(b.documents, b.bytes);
    const paint = change === 'removed' ? colors.red : change === 'new' ? colors.green : (text: string) => text;
    lines.push(`${paint(change.padEnd(10))}${left}${right}  ${colors.dim(MEANING[change])}`);
  }
  lines.push(
    colors.bold(
      `${'total'.padEnd(10)}${cell(total.a.documents, total.a.bytes)}${cell(total.b.documents, total.b.bytes)}`,
    ),
  );
  return lines;
}

function exampleLines({ a, b, skipped }: ChangeExample, width: number, colors: Colors): string[] {
  const id =
    a !== undefined && b !== undefined && a.id !== b.id
      ? `${printable(a.id)} → ${printable(b.id)}`
      : printable((a ?? b)!.id);
  const sizes = [a, b].flatMap((document) => (document === undefined ? [] : [formatBytes(document.bytes)]));
  const head = `  ${id}  ${colors.dim([...new Set(sizes)].join(' → '))}`;
  if (a === undefined || b === undefined) {
    const excerpt = (a ?? b)!.excerpt.replace(/\s+/g, ' ').trim();
    return [head, colors.dim(cutToWidth(`    ${printable(excerpt)}`, Math.min(width, 110)))];
  }
  const difference = differences(diffTexts(a.excerpt, b.excerpt), skipped, colors);
  return difference === '' ? [head] : [head, ...difference.split('\n').map((line) => `    ${line}`)];
}

/** The changed words with a little of what is around them; without colours as `[-removed-]` and `{+added+}`. */
function differences(runs: readonly TextRun[], skipped: number, colors: Colors): string {
  let out = skipped > 0 ? colors.dim(`… after ${formatCounted(skipped, 'character')} … `) : '';
  let changed = false;
  for (const [i, { kind, text }] of runs.entries()) {
    if (out.length > MAX_SHOWN) return `${out}${colors.dim(' …')}`;
    const shown = printable(text.replace(/\s+/g, ' '));
    if (kind !== 'same') {
      changed = true;
      const cut = shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown;
      out +=
        kind === 'removed' ? mark(cut, '[-', '-]', colors.red, colors) : mark(cut, '{+', '+}', colors.green, colors);
    } else if (shown.length <= 2 * CONTEXT_CHARS + 5) out += shown;
    else {
      if (i > 0) out += shown.slice(0, CONTEXT_CHARS);
      out += colors.dim(' … ');
      if (i < runs.length - 1) out += shown.slice(-CONTEXT_CHARS);
    }
  }
  return changed ? out : '';
}

function mark(text: string, open: string, close: string, paint: (text: string) => string, colors: Colors): string {
  return colors.isColorSupported ? paint(text) : `${open}${text}${close}`;
}
