/** Duplicates in a job summary: what each dedup stage found, by source, between sources, and the largest clusters. */
import { formatBytes, formatCount, formatCounted, formatShare } from '../numbers.ts';
import type { ReportCluster, ReportDuplicates, ReportLines } from '../report-schema.ts';
import { codeText, escapeMarkdown, folded, table } from './text.ts';

const CLUSTERS_SHOWN = 5;
const SOURCES_SHOWN = 10;
const MATRIX_SHOWN = 8;
const LINES_SHOWN = 10;

export function renderDuplicates(entry: ReportDuplicates): string {
  const { name, duplicates, documents, clusters, saved } = entry;
  const parts = [
    `### Duplicates: ${escapeMarkdown(name)}`,
    `**${formatCount(duplicates)}** of ${formatCounted(documents, 'document')} (${formatShare(duplicates, documents)}) in ${formatCounted(clusters, 'cluster')}: ${formatBytes(saved.bytes)} and ${formatCounted(saved.tokens, 'token')} saved.`,
    bySource(entry),
    betweenSources(entry),
    largestClusters(entry),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function bySource({ sources: { rows } }: ReportDuplicates): string {
  const found = rows.filter((row) => row.duplicates > 0);
  if (rows.length < 2 || found.length === 0) return '';
  const shown = [...found].sort((a, b) => b.duplicates - a.duplicates).slice(0, SOURCES_SHOWN);
  const cells = shown.map((row) => [
    escapeMarkdown(row.name),
    formatCount(row.documents),
    formatCount(row.duplicates),
    formatShare(row.duplicates, row.documents),
    formatBytes(row.bytesSaved),
  ]);
  const more = found.length - shown.length;
  if (more > 0) cells.push([`${formatCounted(more, 'more source')} in report.json`, '', '', '', '']);
  return table(['Source', 'Documents:', 'Duplicates:', 'Share:', 'Text saved:'], cells);
}

function betweenSources({ sources: { rows, matrix } }: ReportDuplicates): string {
  const between = matrix.filter(([row, column]) => row !== column);
  if (between.length === 0) return '';
  const cells = [...between]
    .sort((a, b) => b[2] - a[2])
    .slice(0, MATRIX_SHOWN)
    .map(([row, column, documents]) => [
      escapeMarkdown(rows[row].name),
      escapeMarkdown(rows[column].name),
      formatCount(documents),
    ]);
  return folded('Copies between sources', table(['Dropped in', 'Kept in', 'Documents:'], cells));
}

function largestClusters({ largest }: ReportDuplicates): string {
  if (largest.length === 0) return '';
  // What is new is what a reader of a comparison looks for.
  const fresh = largest.filter(({ members }) => members.some((member) => member.isNew === true));
  const [title, clusters] = fresh.length > 0 ? ['Clusters with new duplicates', fresh] : ['Largest clusters', largest];
  const rows = clusters.slice(0, CLUSTERS_SHOWN).map(clusterRow);
  return folded(title, table(['Copies:', 'Kept', 'Dropped, among others', 'Text'], rows));
}

function clusterRow({ size, members }: ReportCluster): string[] {
  const kept = members.find((member) => member.kept);
  const others = members.filter((member) => !member.kept);
  const shown = [...others.filter((one) => one.isNew === true), ...others.filter((one) => one.isNew !== true)];
  return [
    formatCount(size),
    kept === undefined ? '' : codeText(kept.id, 80),
    shown
      .slice(0, 2)
      .map((member) => codeText(member.id, 80))
      .join(' '),
    kept === undefined ? '' : codeText(kept.excerpt, 100),
  ];
}

export function renderLines(entry: ReportLines): string {
  const { name, unit, removed, seen, bytesRemoved, edited, top } = entry;
  const lead = `### Repeated text: ${escapeMarkdown(name)}\n\n**${formatCount(removed)}** of ${formatCount(seen)} (${escapeMarkdown(unit)}, ${formatShare(removed, seen)}): ${formatBytes(bytesRemoved)} in ${formatCounted(edited, 'document')}.`;
  if (top.length === 0) return lead;
  const rows = top
    .slice(0, LINES_SHOWN)
    .map((line) => [codeText(line.text, 120), formatCount(line.documents), formatCount(line.occurrences)]);
  return `${lead}\n\n${folded('Most repeated', table(['Text', 'Documents:', 'Times:'], rows))}`;
}
