/** The end of a run: how long it took, where everything lies and what to do with it. */
import { join } from 'node:path';
import { shownPath } from '../pipeline/config/issues.ts';
import type { RunResult } from '../pipeline/run.ts';
import { formatBytes, formatCounted, formatSeconds } from '../report/numbers.ts';
import type { CliContext } from './context.ts';
import { type Colors, colorsFor, columns, programName, shellPath } from './print.ts';

/** Wide enough that no path is wrapped: wrapped paths cannot be copied. */
const NO_WRAP = 10_000;
const LONG_COMMAND = 72;

/** @param command the pipeline file and the flags that decide what is run, as typed in a shell */
export function afterword(command: string, result: RunResult, reports: { html: string }, context: CliContext): string {
  const colors = colorsFor(context.stdout, context.env);
  const { timing } = result;
  const reused = timing.phases.filter((phase) => phase.reused).length;
  const kept =
    reused === 0 ? '' : `; ${reused} of ${formatCounted(timing.phases.length, 'phase')} were finished already`;
  return [
    `${colors.green('done')} in ${formatSeconds(timing.seconds)} with ${formatCounted(timing.workers, 'worker')}${kept}`,
    '',
    colors.bold('Outputs'),
    columns(outputRows(result, reports, context), NO_WRAP),
    '',
    colors.bold('Next'),
    nextLines(nextRows(command, result, reports, context), colors),
  ].join('\n');
}

function outputRows({ summary, runDir }: RunResult, reports: { html: string }, context: CliContext): string[][] {
  const at = (path: string): string => shownPath(join(runDir, path), context.cwd);
  const rows = summary.outputs.map(({ name, path, files, bytes, details }) => {
    const tokens = typeof details['tokens'] === 'number' ? `, ${formatCounted(details['tokens'], 'token')}` : '';
    return [`  ${name}`, at(path), `${formatCounted(files, 'file')}, ${formatBytes(bytes)}${tokens}`];
  });
  for (const { artifacts } of summary.barriers) {
    for (const [role, path] of Object.entries(artifacts)) rows.push([`  ${role}`, at(path), '']);
  }
  const { training } = summary;
  if (training !== undefined) {
    rows.push([
      '  model',
      at(training.checkpoint),
      `${formatCounted(training.model.parameters, 'parameter')}, for transformers`,
    ]);
    rows.push(['  training', at(`${training.path}/report.html`), 'curves, samples, checkpoints; also train-log.jsonl']);
  }
  for (const { name, model, stage } of summary.alignment?.stages ?? []) {
    rows.push([`  ${name}`, at(model), stage === 'reward' ? 'a reward model' : 'a policy, for transformers']);
  }
  rows.push(['  report', shownPath(reports.html, context.cwd), 'also report.md and report.json']);
  const { dropped } = summary;
  if (dropped !== undefined && dropped.documents > 0) {
    const which = dropped.fraction === 1 ? 'all' : `a sample of ${formatCounted(dropped.documents, 'document')}`;
    rows.push(['  dropped', at(dropped.path), `${which}: rule, value, threshold, text`]);
  }
  const { records, path, byReason } = summary.quarantine;
  if (records > 0 && path !== undefined) {
    const reasons = Object.entries(byReason).map(([reason, count]) => `${count} ${reason}`);
    rows.push(['  bad records', at(path), reasons.join(', ')]);
  }
  return rows;
}

function nextRows(
  command: string,
  { summary, runDir }: RunResult,
  reports: { html: string },
  context: CliContext,
): string[][] {
  const program = programName(context.env);
  const at = (path: string): string => shellPath(shownPath(path, context.cwd));
  const rows: string[][] = [];
  if (summary.training !== undefined) {
    const model = at(join(runDir, summary.training.checkpoint));
    const prompt = shellPath(summary.training.samples.find((sample) => sample.prompt.trim() !== '')?.prompt ?? 'The');
    rows.push([
      `  ${program} generate ${model} --prompt ${prompt} --temperature 0.8 --top-k 50`,
      'what the model goes on to write',
    ]);
  }
  const policy = summary.alignment?.stages.findLast(({ stage }) => stage !== 'reward');
  if (policy !== undefined) {
    const prompt = shellPath(summary.alignment?.answers?.prompts[0] ?? 'Hello!');
    rows.push([
      `  ${program} generate ${at(join(runDir, policy.model))} --chat --prompt ${prompt}`,
      'what the policy answers',
    ]);
  }
  for (const { stage, path } of summary.outputs.slice(0, 2)) {
    const what = stage === 'shards' ? 'packed rows as text, document borders shown' : 'documents as they were written';
    rows.push([`  ${program} inspect ${at(join(runDir, path))} --limit 3`, what]);
  }
  rows.push([`  open ${at(reports.html)} in a browser`, opened(summary)]);
  rows.push([`  ${program} run ${command} --dry-run`, 'after a change: what would run again']);
  return rows;
}

function opened({ inputs, alignment }: RunResult['summary']): string {
  const documents = inputs.length === 0 ? [] : ['what was dropped and why, with examples'];
  return [...(alignment === undefined ? [] : ['curves and answers after each stage']), ...documents].join('; ');
}

/** Beside each other, or, where a command is so long that its words would stand far to the right, below it. */
function nextLines(rows: string[][], colors: Colors): string {
  if (rows.every(([command]) => command.length <= LONG_COMMAND)) return columns(rows, NO_WRAP, dimLast(colors));
  return rows.map(([command, what]) => `${command}\n      ${colors.dim(what)}`).join('\n');
}

function dimLast(colors: Colors): (cell: string, column: number) => string {
  return (cell, column) => (column === 1 ? colors.dim(cell) : cell);
}
