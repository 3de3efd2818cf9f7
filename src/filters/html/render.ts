/** Runs to readable text: paragraphs and headings between blank lines, list items with a dash, table rows with bars. */
import { CELL, CODE, HEADING, ITEM, type Run } from './runs.ts';

/** The text of runs. `keepTables` false leaves table cells out. */
export function renderRuns(runs: readonly Run[], keepTables: boolean): string {
  let out = '';
  let previous: Run | undefined;
  for (const run of runs) {
    if (run.kind === CELL && !keepTables) continue;
    if (previous !== undefined) out += separator(previous, run);
    out +=
      run.kind === ITEM
        ? `${'  '.repeat(Math.max(0, run.level - 1))}- ${run.text}`
        : run.kind === CELL
          ? run.text.replaceAll('\n', ' ')
          : run.text;
    previous = run;
  }
  return out;
}

function separator(before: Run, run: Run): string {
  if (before.kind === CELL && run.kind === CELL) return run.level > before.level ? ' | ' : '\n';
  if (before.kind === ITEM && run.kind === ITEM) return '\n';
  if (before.kind === CODE && run.kind === CODE) return '\n';
  return before.kind === HEADING || run.kind === HEADING ? '\n\n' : '\n\n';
}
