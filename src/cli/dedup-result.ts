/** What `corpusmill dedup` prints: rates by source, the largest clusters, where the reports lie, what to do next. */
import { join } from 'node:path';
import { shownPath } from '../pipeline/config/issues.ts';
import type { RunResult } from '../pipeline/run.ts';
import type { DedupReports } from '../report/dedup-reports.ts';
import { renderDedup } from '../report/dedup-terminal.ts';
import { verdictText } from '../report/limit.ts';
import { formatCounted, formatSeconds } from '../report/numbers.ts';
import type { CliContext } from './context.ts';
import { colorsFor, columns, print, programName, shellPath, wantsColor, widthOf } from './print.ts';

/** Wide enough that no path is wrapped: wrapped paths cannot be copied. */
const NO_WRAP = 10_000;

export async function printDedup(reports: DedupReports, result: RunResult, context: CliContext): Promise<void> {
  const { env, stdout, cwd } = context;
  const colors = colorsFor(stdout, env);
  const { report, verdict, files } = reports;
  const { timing, runDir } = result;
  const at = (path: string): string => shownPath(path, cwd);
  const lines = [
    '',
    renderDedup(reports, { color: wantsColor(stdout, env), width: widthOf(stdout) }).trimEnd(),
    '',
    `${colors.green('done')} in ${formatSeconds(timing.seconds)} with ${formatCounted(timing.workers, 'worker')}`,
  ];
  // Over the limit is an error, and said on standard error.
  if (verdict !== undefined && !verdict.over) lines.push(colors.green(verdictText(verdict)));
  const rows = files.map(({ format, path }) => [`  ${format}`, at(path)]);
  for (const { name, path } of report.outputs) rows.push([`  ${name}`, at(join(runDir, path))]);
  const { audit, quarantine } = report;
  if (audit !== null && audit.documents > 0) rows.push(['  dropped', at(join(runDir, audit.path))]);
  if (quarantine.records > 0 && quarantine.path !== null) {
    rows.push(['  bad records', at(join(runDir, quarantine.path))]);
  }
  lines.push('', colors.bold('Reports'), columns(rows, NO_WRAP));
  lines.push(
    '',
    colors.bold('Next'),
    columns(nextRows(reports, result, context), NO_WRAP, (cell, column) => (column === 1 ? colors.dim(cell) : cell)),
  );
  await print(stdout, `${lines.join('\n')}\n`);
}

function nextRows({ report, files }: DedupReports, { runDir }: RunResult, context: CliContext): string[][] {
  const program = programName(context.env);
  const at = (path: string): string => shellPath(shownPath(path, context.cwd));
  const rows: string[][] = [];
  const html = files.find(({ format }) => format === 'html');
  if (html !== undefined)
    rows.push([`  open ${at(html.path)} in a browser`, 'clusters side by side, differences marked']);
  if (report.audit !== null && report.audit.documents > 0) {
    rows.push([
      `  ${program} inspect ${at(join(runDir, report.audit.path))} --limit 3`,
      'every copy, and what it is a copy of',
    ]);
  }
  rows.push([
    `  add --baseline ${at(join(runDir, 'report.json'))}`,
    'to compare the next run with this one (keep a copy of it)',
  ]);
  if (report.outputs.length === 0) rows.push(['  add --write parquet', 'to get the documents without their copies']);
  return rows;
}
