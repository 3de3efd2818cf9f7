/**
 * `report.md`: GitHub-flavoured Markdown for a CI job summary. Document text, ids and names are data: every character
 * that Markdown or HTML could read as its own is written as an entity, and document text stands in `<code>`, where
 * GitHub makes no mentions, references or links of it.
 */
import { detailRows } from './detail-rows.ts';
import { renderAlignment } from './markdown/alignment.ts';
import { renderComparison, renderVerdict } from './markdown/comparison.ts';
import { renderDuplicates, renderLines } from './markdown/duplicates.ts';
import { codeText, escapeMarkdown, folded, table } from './markdown/text.ts';
import { formatBytes, formatCount, formatCounted, formatMeasure, formatShare } from './numbers.ts';
import type { Report, ReportSample } from './report-schema.ts';

const SAMPLES_PER_REASON = 2;
const COUNTS_PER_STAGE = 20;
const SKIPS_SHOWN = 20;
const BAR_CELLS = 20;

export function renderMarkdown(report: Report): string {
  // A pipeline without inputs has no documents to tell of.
  const hasDocuments = report.inputs.length > 0 || report.alignment === null;
  const parts = [
    `## corpusmill: ${escapeMarkdown(report.pipeline.name)}`,
    renderVerdict(report),
    renderComparison(report),
    ...(hasDocuments ? [headline(report), funnel(report), dropReasons(report)] : []),
    ...report.counts.map(counts),
    sampledDrops(report),
    ...report.duplicates.map(renderDuplicates),
    ...report.lines.map(renderLines),
    ...report.mixes.map(mix),
    ...report.scores.map(score),
    sources(report),
    training(report),
    renderAlignment(report),
    outputs(report),
    skipped(report),
    quarantine(report),
    `<sub>corpusmill ${escapeMarkdown(report.corpusmillVersion)} · ${escapeMarkdown(report.pipeline.file)} · hash ${escapeMarkdown(report.pipeline.hash)} · seed ${report.pipeline.seed}</sub>`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function headline(report: Report): string {
  const { read, kept, dropped, duplicates: copies, badRecords, tokens } = report.totals;
  if (read.documents === 0) return '**No documents were read.**';
  const figures = [
    [
      'Documents kept',
      `**${formatCount(kept.documents)}** of ${formatCount(read.documents)}`,
      formatShare(kept.documents, read.documents),
    ],
    ['Text kept', `**${formatBytes(kept.bytes)}** of ${formatBytes(read.bytes)}`, formatShare(kept.bytes, read.bytes)],
    [
      'Dropped by filters',
      formatCount(dropped.documents - copies),
      formatShare(dropped.documents - copies, read.documents),
    ],
    ['Duplicates', formatCount(copies), formatShare(copies, read.documents)],
    ...(tokens === null ? [] : [['Tokens packed', formatCount(tokens), '']]),
    ['Bad records', formatCount(badRecords), ''],
  ];
  return table(['', 'Figure:', 'Share:'], figures);
}

function funnel(report: Report): string {
  const { read, kept } = report.totals;
  const most = Math.max(read.documents, ...report.funnel.map((row) => row.output.documents));
  const rows = [
    ['**Read**', formatCount(read.documents), '', formatBytes(read.bytes), bar(read.documents, most)],
    ...report.funnel.map((row) => [
      `${escapeMarkdown(row.name)}${row.stage === row.name ? '' : ` <sub>${escapeMarkdown(row.stage)}</sub>`}`,
      formatCount(row.output.documents),
      [
        row.dropped.documents > 0 ? `−${formatCount(row.dropped.documents)}` : '',
        row.added > 0 ? `+${formatCount(row.added)} by splitting` : '',
        row.changed > 0 ? `${formatCount(row.changed)} edited${editedBytes(row)}` : '',
      ]
        .filter((note) => note !== '')
        .join(', '),
      formatBytes(row.output.bytes),
      bar(row.output.documents, most),
    ]),
    ['**Kept**', `**${formatCount(kept.documents)}**`, '', `**${formatBytes(kept.bytes)}**`, bar(kept.documents, most)],
  ];
  return `### Funnel\n\n${table(['Stage', 'Documents:', 'Dropped:', 'Text:', ''], rows)}`;
}

/** ` (−1.2 MB, +3 kB)`: what edits took away and put in. */
function editedBytes({ bytesRemoved, bytesAdded }: Report['funnel'][number]): string {
  const removed = bytesRemoved > 0 ? [`−${formatBytes(bytesRemoved)}`] : [];
  const added = bytesAdded > 0 ? [`+${formatBytes(bytesAdded)}`] : [];
  return removed.length + added.length === 0 ? '' : ` (${[...removed, ...added].join(', ')})`;
}

function dropReasons(report: Report): string {
  if (report.drops.length === 0) return '### Why dropped\n\nNo stage dropped a document.';
  const rows = report.drops.map((drop) => [
    escapeMarkdown(drop.name),
    escapeMarkdown(drop.reason),
    formatCount(drop.documents),
    formatShare(drop.documents, report.totals.read.documents),
    formatBytes(drop.bytes),
  ]);
  return `### Why dropped\n\n${table(['Stage', 'Reason', 'Documents:', 'Share:', 'Text:'], rows)}${whereDropped(report)}`;
}

function whereDropped({ audit }: Report): string {
  if (audit === null || audit.documents === 0) return '';
  const which = audit.fraction === 1 ? 'All of them' : `${formatCounted(audit.documents, 'document')} of them`;
  return `\n\n${which}, with rule, value and threshold: <code>${escapeMarkdown(audit.path)}/</code>`;
}

function mix(entry: Report['mixes'][number]): string {
  const amount = (size: number): string => (entry.unit === 'bytes' ? formatBytes(size) : formatCount(size));
  const rows = entry.sources.map((source) => [
    escapeMarkdown(source.name),
    amount(source.available),
    amount(source.kept),
    formatCount(source.documents),
    source.share === null ? '' : formatShare(source.share, 1),
    source.target === null ? '' : formatShare(source.target, 1),
  ]);
  const heads = ['Source', `Available (${entry.unit}):`, 'Kept:', 'Documents:', 'Share:', 'Asked:'];
  return `### Mix: ${escapeMarkdown(entry.name)}\n\n${table(heads, rows)}`;
}

function score(entry: Report['scores'][number]): string {
  const limit = (value: number | null): string => (value === null ? '' : formatMeasure(value));
  const rows = entry.groups.map((group) => [
    escapeMarkdown(group.name),
    formatCount(group.documents),
    formatCount(group.kept),
    formatShare(group.kept, group.documents),
    limit(group.min),
    limit(group.max),
  ]);
  const heads = [escapeMarkdown(entry.groupBy ?? 'Documents'), 'Number:', 'Kept:', 'Share:', 'Kept from:', 'to:'];
  return `### Kept by score: ${escapeMarkdown(entry.name)}, ${escapeMarkdown(entry.field)}\n\n${table(heads, rows)}`;
}

function counts({ name, entries }: Report['counts'][number]): string {
  const rows = entries
    .slice(0, COUNTS_PER_STAGE)
    .map((entry) => [escapeMarkdown(entry.what), formatCount(entry.documents)]);
  const more = entries.length - rows.length;
  if (more > 0) rows.push([`${formatCount(more)} more in report.json`, '']);
  const title = `${escapeMarkdown(name)}: ${formatCounted(entries.length, 'item')} found`;
  return folded(title, table(['Item', 'Documents:'], rows));
}

function sampledDrops(report: Report): string {
  // Copies are shown with what they are copies of, in their clusters.
  const dedupStages = new Set(report.duplicates.map((entry) => entry.name));
  const rows = report.drops.flatMap((drop) =>
    (dedupStages.has(drop.name) ? [] : drop.samples)
      .slice(0, SAMPLES_PER_REASON)
      .map((sample) => [
        `${escapeMarkdown(drop.name)}: ${escapeMarkdown(drop.reason)}`,
        codeText(sample.id, 80),
        measurement(sample),
        codeText(sample.excerpt),
      ]),
  );
  if (rows.length === 0) return '';
  return folded('Sampled documents that were dropped', table(['Reason', 'Document', 'Measured / limit', 'Text'], rows));
}

function measurement({ value, threshold }: ReportSample): string {
  if (value === null) return '';
  return threshold === null ? formatMeasure(value) : `${formatMeasure(value)} / ${formatMeasure(threshold)}`;
}

function training({ training }: Report): string {
  if (training === null) return '';
  const { model, steps, tokens, curve, validationLoss, perplexity, skippedSteps, checkpoint, path } = training;
  const loss = (value: number | null | undefined): string => value?.toFixed(3) ?? '–';
  const rows = [
    ['Model', `${escapeMarkdown(model.architecture)}, ${formatCount(model.parameters)} parameters`],
    ['Steps', `${formatCount(steps)}${skippedSteps > 0 ? `, ${formatCount(skippedSteps)} skipped` : ''}`],
    ['Tokens', formatCount(tokens)],
    ['Training loss', loss(curve.at(-1)?.loss)],
    ['Validation loss', loss(validationLoss)],
    ['Perplexity', perplexity?.toFixed(1) ?? '–'],
    ['Checkpoint', codeText(checkpoint)],
    ['Report', codeText(`${path}/report.html`)],
  ];
  return `### Training\n\n${table(['', 'Figure'], rows)}`;
}

function sources(report: Report): string {
  if (report.inputs.length === 0) return '';
  const rows = report.inputs.map((input) => [
    escapeMarkdown(input.name),
    formatCounted(input.files, `${input.format} file`),
    formatCount(input.read.documents),
    formatCount(input.kept.documents),
    formatShare(input.kept.documents, input.read.documents),
    formatBytes(input.kept.bytes),
  ]);
  return `### Sources\n\n${table(['Source', 'Files', 'Read:', 'Kept:', 'Share:', 'Text kept:'], rows)}`;
}

function outputs(report: Report): string {
  const rows = [
    ...report.outputs.map((output) => [
      escapeMarkdown(output.name),
      `<code>${escapeMarkdown(output.path)}</code>`,
      `${formatCounted(output.files, 'file')}, ${formatBytes(output.fileBytes)}`,
      facts(output.details),
    ]),
    ...report.artifacts.flatMap((artifact) =>
      artifact.files.map((file) => [
        `${escapeMarkdown(artifact.name)} (${escapeMarkdown(file.role)})`,
        `<code>${escapeMarkdown(file.path)}</code>`,
        '',
        facts(artifact.details),
      ]),
    ),
  ];
  return rows.length === 0 ? '' : `### Outputs\n\n${table(['Output', 'Path', 'Size', 'Holds'], rows)}`;
}

function facts(details: Record<string, unknown>): string {
  return detailRows(details)
    .slice(0, 5)
    .map(({ label, value }) => `${escapeMarkdown(label.toLowerCase())} ${escapeMarkdown(value)}`)
    .join(', ');
}

function skipped({ skipped: { records, reasons } }: Report): string {
  if (records === 0) return '';
  const rows = reasons.slice(0, SKIPS_SHOWN).map((row) => [escapeMarkdown(row.reason), formatCount(row.records)]);
  if (reasons.length > SKIPS_SHOWN) rows.push([`${formatCount(reasons.length - SKIPS_SHOWN)} more in report.json`, '']);
  const title = `${formatCounted(records, 'archive record')} left out by the input's <code>warc</code> options`;
  return folded(title, table(['Why', 'Records:'], rows));
}

function quarantine(report: Report): string {
  const { records, path, reasons } = report.quarantine;
  if (records === 0) return '';
  const where = path === null ? '' : ` in <code>${escapeMarkdown(path)}</code>`;
  const rows = reasons.map((row) => [escapeMarkdown(row.reason), formatCount(row.records)]);
  return `### Quarantine\n\n${formatCounted(records, 'record')} could not be read, set aside${where}.\n\n${table(['Reason', 'Records:'], rows)}`;
}

/** `█████░░░░░`, of 20 cells; never empty for something, never full for less than all. */
function bar(part: number, whole: number): string {
  if (whole <= 0) return '';
  let cells = Math.round((part / whole) * BAR_CELLS);
  if (part > 0) cells = Math.max(cells, 1);
  if (part < whole) cells = Math.min(cells, BAR_CELLS - 1);
  return '█'.repeat(cells) + '░'.repeat(BAR_CELLS - cells);
}
