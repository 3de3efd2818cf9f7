/** The result of `corpusmill dedup` in a terminal: how many duplicates, in which sources, and the largest clusters. */
import pc from 'picocolors';
import type { DedupReports } from './dedup-reports.ts';
import { formatBytes, formatCount, formatCounted, formatShare } from './numbers.ts';
import type { Report } from './report-schema.ts';
import { cutToWidth, padEndToWidth, printable, textWidth } from './text-width.ts';

/** Sources and clusters shown; the reports have more. */
const SOURCES_SHOWN = 10;
const CLUSTERS_SHOWN = 3;
const NAME_MAX = 34;

type Colors = ReturnType<typeof pc.createColors>;

export function renderDedup({ report }: DedupReports, { color, width }: { color: boolean; width: number }): string {
  const colors = pc.createColors(color);
  const blocks = [
    [...headline(report, colors), ...comparisonRows(report, colors)],
    sourceRows(report, colors),
    clusterRows(report, width, colors),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function headline({ totals, duplicates }: Report, colors: Colors): string[] {
  const { read, kept } = totals;
  if (read.documents === 0) return ['no documents were read'];
  const found = colors.bold(formatCounted(totals.duplicates, 'duplicate'));
  const saved = read.bytes - kept.bytes;
  const lines = [
    `${found} among ${formatCounted(read.documents, 'document')} (${formatShare(totals.duplicates, read.documents)})` +
      `; ${formatBytes(saved)} of ${formatBytes(read.bytes)} of text less without them`,
  ];
  if (duplicates.length > 1) {
    const parts = duplicates.map((stage) => `${formatCount(stage.duplicates)} by ${printable(stage.name)}`);
    lines.push(colors.dim(parts.join(', ')));
  }
  return lines;
}

/** Beside a baseline: what it had, and what is new since. */
function comparisonRows({ comparison }: Report, colors: Colors): string[] {
  if (comparison === null) return [];
  const { before, now, trend, newDuplicates, goneDuplicates } = comparison.totals;
  const paint = trend === 'worse' ? colors.red : trend === 'better' ? colors.green : colors.dim;
  const was = `the baseline had ${formatCount(before.duplicates)} (${formatShare(before.duplicates, before.documents)})`;
  const changes =
    newDuplicates === null || goneDuplicates === null
      ? ''
      : `: ${formatCount(newDuplicates)} new since, ${formatCount(goneDuplicates)} gone`;
  const lines = [paint(`${was}${changes}`)];
  for (const { name, untold, now } of comparison.stages) {
    if (untold !== null && now !== null) {
      lines.push(colors.yellow(`what is new by ${printable(name)} cannot be told: ${printable(untold)}`));
    }
  }
  return now.documents === 0 ? [] : lines;
}

interface SourceRow {
  name: string;
  documents: number;
  duplicates: number;
}

/** By input, or by the field that the stages were told; each stage sees what the one before it has left. */
function sourcesOf({ inputs, duplicates }: Report): SourceRow[] {
  if (duplicates.length === 0 || duplicates[0].sources.by === 'source') {
    return inputs.map(({ name, read, kept }) => ({
      name: printable(name),
      documents: read.documents,
      duplicates: read.documents - kept.documents,
    }));
  }
  const [first, ...later] = duplicates.map(({ sources }) => sources.rows);
  return first.map(({ name, documents, duplicates }) => ({
    name: printable(name),
    documents,
    duplicates: later.reduce((sum, rows) => sum + (rows.find((row) => row.name === name)?.duplicates ?? 0), duplicates),
  }));
}

/** Documents and duplicates of each source, the most duplicates first. */
function sourceRows(report: Report, colors: Colors): string[] {
  const all = sourcesOf(report);
  const sources = all.filter(({ documents }) => documents > 0).sort((a, b) => b.duplicates - a.duplicates);
  if (sources.length < 2) return [];
  const shown = sources.slice(0, SOURCES_SHOWN);
  const nameWidth = Math.min(NAME_MAX, Math.max(6, ...shown.map(({ name }) => textWidth(name))));
  const row = (name: string, ...figures: string[]): string =>
    `  ${padEndToWidth(cutToWidth(name, nameWidth), nameWidth)}${figures.map((figure) => `  ${figure.padStart(10)}`).join('')}`;
  const lines = [colors.dim(row('source', 'documents', 'duplicates', 'share'))];
  for (const { name, documents, duplicates } of shown) {
    lines.push(row(name, formatCount(documents), formatCount(duplicates), formatShare(duplicates, documents)));
  }
  const others = sources.length - shown.length;
  if (others > 0) lines.push(colors.dim(`  and ${formatCounted(others, 'more source')}, in the report`));
  return lines;
}

function clusterRows({ duplicates }: Report, width: number, colors: Colors): string[] {
  const clusters = duplicates.flatMap(({ largest }) => largest).sort((a, b) => b.size - a.size);
  if (clusters.length === 0) return [];
  const lines = [colors.dim('largest clusters')];
  for (const { size, members } of clusters.slice(0, CLUSTERS_SHOWN)) {
    const ids = members.slice(0, 3).map(({ id }) => printable(id));
    const more = size > ids.length ? ' …' : '';
    lines.push(cutToWidth(`  ${formatCounted(size, 'copy', 'copies')}: ${ids.join(', ')}${more}`, width));
    const excerpt = (members[0]?.excerpt ?? '').replace(/\s+/g, ' ').trim();
    lines.push(colors.dim(cutToWidth(`    ${printable(excerpt)}`, Math.min(width, 110))));
  }
  return lines;
}
