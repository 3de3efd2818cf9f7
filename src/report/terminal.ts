/**
 * The end of a run in a terminal: what was read, a row with a bar for each stage and a row for each reason it gave,
 * what is kept, and where it lies. Clear at 80 columns; columns are counted in terminal cells, so Chinese names line up.
 */
import pc from 'picocolors';
import type { RunSummary } from '../core/run-summary.ts';
import { formatBytes, formatCount, formatCounted, formatShare } from './numbers.ts';
import { buildReport } from './report-data.ts';
import type { Report } from './report-schema.ts';
import { cutMiddleToWidth, cutToWidth, padEndToWidth, printable, textWidth } from './text-width.ts';

export interface FunnelOptions {
  color: boolean;
  /** Terminal columns; below 60 it is taken as 60. */
  width: number;
  /** Whether lines for inputs, quarantine and outputs follow the funnel; true unless given. */
  surroundings?: boolean;
}

const MIN_WIDTH = 60;
const MAX_WIDTH = 110;
/** Reasons shown under a stage; the others are summed in one row. */
const REASONS_PER_STAGE = 6;
const NAME_MAX = 34;

type Colors = ReturnType<typeof pc.createColors>;

/** Text that ends with a line end. */
export function renderFunnel(summary: RunSummary, { color, width, surroundings = true }: FunnelOptions): string {
  const report = buildReport(summary);
  const colors = pc.createColors(color);
  const columns = Math.min(Math.max(width, MIN_WIDTH), MAX_WIDTH);
  const blocks = [headline(report, colors), funnelRows(report, columns, colors)];
  if (surroundings) blocks.push(surroundingRows(report, columns, colors));
  return `${blocks
    .flat()
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

function headline(report: Report, colors: Colors): string[] {
  const { read, kept } = report.totals;
  const title = colors.bold(printable(report.pipeline.name));
  if (read.documents === 0) return [`${title}: no documents were read`, ''];
  return [
    `${title}: ${colors.green(formatCount(kept.documents))} of ${formatCounted(read.documents, 'document')} kept (${formatShare(kept.documents, read.documents)}), ${colors.green(formatBytes(kept.bytes))} of ${formatBytes(read.bytes)}`,
    '',
  ];
}

interface Row {
  name: string;
  /** Under a stage: a reason. */
  inner: boolean;
  end: boolean;
  documents: string;
  text: string;
  kept: number;
  lost: number;
  /** A figure that is no loss. */
  quiet?: boolean;
}

function funnelRows(report: Report, columns: number, colors: Colors): string[] {
  const { read, kept } = report.totals;
  const rows: Row[] = [endRow('read', read), ...skippedRows(report)];
  for (const stage of report.funnel) {
    rows.push({
      name: printable(stage.name),
      inner: false,
      end: false,
      documents: formatCount(stage.output.documents),
      text: formatBytes(stage.output.bytes),
      kept: stage.output.documents,
      lost: Math.max(stage.input.documents - stage.output.documents, 0),
    });
    if (stage.changed > 0) rows.push(editRow(stage));
    const drops = report.drops.filter((drop) => drop.name === stage.name);
    for (const drop of drops.slice(0, REASONS_PER_STAGE)) rows.push(dropRow(printable(drop.reason), drop));
    const others = drops.slice(REASONS_PER_STAGE);
    for (const source of report.mixes.find((mix) => mix.name === stage.name)?.sources ?? []) rows.push(mixRow(source));
    if (others.length > 0) {
      const sum = { documents: 0, bytes: 0 };
      for (const drop of others) {
        sum.documents += drop.documents;
        sum.bytes += drop.bytes;
      }
      rows.push(dropRow(formatCounted(others.length, 'other reason'), sum));
    }
  }
  rows.push(endRow('kept', kept));

  const nameWidth = Math.min(NAME_MAX, Math.max(...rows.map((row) => textWidth(row.name) + (row.inner ? 4 : 2)))) + 2;
  const documentsWidth = Math.max('documents'.length, ...rows.map((row) => row.documents.length));
  const textColumn = Math.max('text'.length, ...rows.map((row) => row.text.length));
  const barWidth = columns - nameWidth - documentsWidth - textColumn - 4;
  const most = Math.max(read.documents, ...report.funnel.map((stage) => stage.output.documents));
  const head = `${' '.repeat(nameWidth)}${'documents'.padStart(documentsWidth)}  ${'text'.padStart(textColumn)}`;
  return [
    colors.dim(head),
    ...rows.map((row) => {
      const name = padEndToWidth(
        cutMiddleToWidth(`${row.inner ? '    ' : '  '}${row.name}`, nameWidth - 1),
        nameWidth - 1,
      );
      const figures = `${row.documents.padStart(documentsWidth)}  ${row.text.padStart(textColumn)}`;
      if (row.inner) return `${colors.dim(name)} ${row.quiet ? colors.dim(figures) : colors.red(figures)}`;
      return `${row.end ? colors.bold(name) : name} ${row.end ? colors.bold(figures) : figures}  ${bar(row, most, barWidth, colors)}`;
    }),
  ];
}

function endRow(name: string, volume: { documents: number; bytes: number }): Row {
  return {
    name,
    inner: false,
    end: true,
    documents: formatCount(volume.documents),
    text: formatBytes(volume.bytes),
    kept: volume.documents,
    lost: 0,
  };
}

/** Records of web archives that never became documents because the input's options leave them out. */
function skippedRows({ skipped: { reasons } }: Report): Row[] {
  const row = (name: string, records: number): Row => ({
    name,
    inner: true,
    end: false,
    documents: formatCount(records),
    text: '',
    kept: 0,
    lost: 0,
    quiet: true,
  });
  const others = reasons.slice(REASONS_PER_STAGE);
  const rest = others.reduce((sum, { records }) => sum + records, 0);
  return [
    ...reasons
      .slice(0, REASONS_PER_STAGE)
      .map(({ reason, records }) => row(`left out, ${printable(reason.replace(/^content type: /, ''))}`, records)),
    ...(others.length > 0 ? [row(`left out, ${formatCounted(others.length, 'other reason')}`, rest)] : []),
  ];
}

/** Documents that a stage changed and kept, and what that did to their text. */
function editRow({ changed, editedBytes }: Report['funnel'][number]): Row {
  const text = `${editedBytes > 0 ? '+' : editedBytes < 0 ? '−' : ''}${formatBytes(Math.abs(editedBytes))}`;
  return {
    name: 'edited',
    inner: true,
    end: false,
    documents: formatCount(changed),
    text,
    kept: 0,
    lost: 0,
    quiet: true,
  };
}

/** The share that a source has after mixing, and the one asked for. */
function mixRow({ name, documents, share, target }: Report['mixes'][number]['sources'][number]): Row {
  const asked = target === null ? '' : ` (asked ${formatShare(target, 1)})`;
  const title = `${printable(name)}${asked}`;
  const text = share === null ? '' : formatShare(share, 1);
  return {
    name: title,
    inner: true,
    end: false,
    documents: formatCount(documents),
    text,
    kept: 0,
    lost: 0,
    quiet: true,
  };
}

function dropRow(name: string, volume: { documents: number; bytes: number }): Row {
  return {
    name,
    inner: true,
    end: false,
    documents: `−${formatCount(volume.documents)}`,
    text: `−${formatBytes(volume.bytes)}`,
    kept: 0,
    lost: 0,
  };
}

/** What goes on in full blocks, what this stage dropped in light ones. */
function bar({ kept, lost }: Row, most: number, width: number, colors: Colors): string {
  if (most <= 0) return '';
  const cells = (documents: number) => Math.max(documents > 0 ? 1 : 0, Math.round((documents / most) * width));
  const keptCells = cells(kept);
  const lostCells = Math.min(
    Math.max(lost > 0 ? 1 : 0, cells(kept + lost) - keptCells),
    Math.max(width - keptCells, 0),
  );
  return colors.green('█'.repeat(keptCells)) + colors.red('░'.repeat(lostCells));
}

function surroundingRows(report: Report, columns: number, colors: Colors): string[] {
  const lines: string[] = [];
  const block = (title: string, entries: readonly (readonly [string, string])[]): void => {
    if (entries.length === 0) return;
    const nameWidth = Math.min(NAME_MAX, Math.max(...entries.map(([name]) => textWidth(name)))) + 2;
    lines.push('', colors.bold(title));
    for (const [name, note] of entries) {
      lines.push(`  ${padEndToWidth(name, nameWidth)}${cutToWidth(note, columns - nameWidth - 2)}`);
    }
  };
  block(
    'Inputs',
    report.inputs.map((input) => [
      printable(input.name),
      `${formatCounted(input.files, `${input.format} file`)}, ${formatBytes(input.fileBytes)}: ${formatCounted(input.read.documents, 'document')}, ${formatCount(input.kept.documents)} kept`,
    ]),
  );
  const { records, path, reasons } = report.quarantine;
  if (records > 0) {
    block('Quarantine', [
      [printable(path ?? ''), formatCounted(records, 'record')],
      ...reasons.map((row) => ['', `${formatCount(row.records)} ${printable(row.reason)}`] as const),
    ]);
  }
  block('Outputs', [
    ...report.outputs.map((output) => {
      const tokens = output.details['tokens'];
      const note = typeof tokens === 'number' ? `, ${formatCounted(tokens, 'token')}` : '';
      return [
        printable(output.name),
        `${output.path === output.name ? '' : `${printable(output.path)}  `}${formatCounted(output.files, 'file')}, ${formatBytes(output.fileBytes)}${note}`,
      ] as const;
    }),
    ...report.artifacts.flatMap((artifact) =>
      artifact.files.map((file) => [printable(file.role), printable(file.path)] as const),
    ),
  ]);
  return lines;
}
