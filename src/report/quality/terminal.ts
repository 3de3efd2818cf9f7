/**
 * The end of `corpusmill quality evaluate` in a terminal: the models beside each other, then the leading one at its threshold
 * and by language and source. Columns that the terminal has no room for are left out, the last ones first; columns are
 * counted in terminal cells, so Chinese names line up.
 */
import pc from 'picocolors';
import type {
  ModelReport,
  QualityReport,
  ReportFigures,
  ReportGroup,
} from '../../quality/evaluation/quality-report-schema.ts';
import { formatCount, formatCounted, formatShare } from '../numbers.ts';
import { cutMiddleToWidth, padEndToWidth, printable, textWidth } from '../text-width.ts';
import {
  aucText,
  formatDifference,
  formatFigure,
  formatInterval,
  formatSpread,
  leadingModel,
  thresholdText,
} from './figure-text.ts';

const MIN_WIDTH = 60;
const MAX_WIDTH = 110;
const NAME_MAX = 34;
/** A name is cut to this before a column is left out. */
const NAME_MIN = 16;
const GROUPS_SHOWN = 10;
const MATRIX_SHOWN = 6;

type Colors = ReturnType<typeof pc.createColors>;
type FigureName = keyof ReportFigures;

/** Shorter than in the other reports, for the heads of columns. */
const TITLES: Record<FigureName, string> = {
  auc: 'ROC-AUC',
  averagePrecision: 'avg. precision',
  accuracy: 'accuracy',
  precision: 'precision',
  recall: 'recall',
  f1: 'F1',
  macroF1: 'macro F1',
  mcc: 'MCC',
  brier: 'Brier',
  logLoss: 'log loss',
};

/** Text that ends with a line end. `width` in terminal columns, taken for 60 below that and for 110 above. */
export function renderQualityTerminal(
  report: QualityReport,
  { color, width }: { color: boolean; width: number },
): string {
  const colors = pc.createColors(color);
  const columns = Math.min(Math.max(width, MIN_WIDTH), MAX_WIDTH);
  const leading = leadingModel(report);
  const blocks = [
    headline(report, colors),
    modelRows(report, leading, columns, colors),
    decisionRows(report, leading, columns, colors),
    ...leading.groups.map((groups) => groupRows(groups, report.positive, columns, colors)),
  ];
  return `${blocks.map((lines) => lines.map((line) => line.trimEnd()).join('\n')).join('\n\n')}\n`;
}

function headline({ title, documents, labels, protocol, leftOut, warnings }: QualityReport, colors: Colors): string[] {
  const shown = labels.slice(0, 4).map((row) => `${formatCount(row.documents)} of ${printable(row.label)}`);
  const more = labels.length > 4 ? ` and ${formatCounted(labels.length - 4, 'more label')}` : '';
  return [
    `${colors.bold(printable(title))}: ${formatCounted(documents, 'document')}, ${shown.join(', ')}${more}`,
    ...(protocol === null ? [] : [colors.dim(printable(protocol))]),
    ...leftOut.map((row) =>
      colors.yellow(`${formatCounted(row.documents, 'document')} left out: ${printable(row.reason)}`),
    ),
    ...warnings.map((warning) => colors.yellow(`warning: ${printable(warning)}`)),
  ];
}

function modelRows(report: QualityReport, leading: ModelReport, columns: number, colors: Colors): string[] {
  const { positive, baseline, folds } = report;
  const difference: Column<ModelReport> = {
    title: 'to baseline',
    cell: ({ name, binary }) =>
      name === baseline ? 'baseline' : binary?.difference ? formatDifference(binary.difference.value) : '',
  };
  const all: Column<ModelReport>[] = [
    { title: TITLES.auc, cell: aucText },
    ...(positive === null
      ? [figure('accuracy'), figure('macroF1')]
      : [
          {
            title: '95 % interval',
            cell: ({ aucInterval }: ModelReport) => (aucInterval === null ? '' : formatInterval(aucInterval)),
          },
          figure('f1'),
          figure('accuracy'),
        ]),
    ...(folds === null
      ? []
      : [{ title: `${folds} folds`, cell: ({ crossValidation }: ModelReport) => formatSpread(crossValidation!.auc) }]),
    ...(baseline === null || positive === null ? [] : [difference]),
    ...(positive === null ? [figure('mcc')] : [figure('averagePrecision'), figure('mcc')]),
  ];
  return tableRows(report.models, all, {
    title: 'model',
    name: ({ name }) => name,
    columns,
    colors,
    strong: (model) => model === leading && report.models.length > 1,
  });
}

function decisionRows(report: QualityReport, leading: ModelReport, columns: number, colors: Colors): string[] {
  const { name, binary, figures, confusion } = leading;
  const at = binary === null ? '' : `: ${printable(report.positive ?? '')} from ${thresholdText(binary.threshold)}`;
  const names: FigureName[] = binary === null ? ['accuracy', 'macroF1', 'mcc'] : ['precision', 'recall', 'f1', 'mcc'];
  const line = names.map((one) => `${TITLES[one]} ${formatFigure(figures[one])}`).join(', ');
  const title = `${colors.bold(printable(name))}${at}`;
  if (report.labels.length > MATRIX_SHOWN) return [title, `  ${line}`];
  const rows = report.labels.map(({ label }, truth) => ({ label, truth }));
  const counts = rows.map(
    ({ label, truth: predicted }): Column<(typeof rows)[number]> => ({
      title: `as ${printable(label)}`,
      cell: ({ truth }) => formatCount(confusion[truth][predicted]),
      paint: ({ truth }) => (truth === predicted ? colors.green : colors.red),
    }),
  );
  return [
    title,
    ...tableRows(rows, counts, { title: '', name: ({ label }) => `is ${label}`, columns, colors }),
    `  ${line}`,
  ];
}

function groupRows(
  { by, rows, more }: ModelReport['groups'][number],
  positive: string | null,
  columns: number,
  colors: Colors,
): string[] {
  const shown = rows.slice(0, GROUPS_SHOWN);
  const all: Column<ReportGroup>[] = [
    { title: 'documents', cell: ({ documents }) => formatCount(documents) },
    ...(positive === null
      ? []
      : [{ title: printable(positive), cell: (row: ReportGroup) => formatShare(row.positives ?? 0, row.documents) }]),
    { title: TITLES.auc, cell: aucText },
    ...(positive === null ? [figure('accuracy')] : [figure('precision'), figure('recall'), figure('f1')]),
  ];
  const left = rows.length - shown.length + more;
  return [
    ...tableRows(shown, all, { title: by, name: ({ name }) => name ?? '(none)', columns, colors }),
    ...(left > 0 ? [colors.dim(`  and ${formatCounted(left, `more ${by}`)}, in the report`)] : []),
  ];
}

interface Column<Row> {
  title: string;
  cell(row: Row): string;
  paint?(row: Row): (text: string) => string;
}

function figure(name: FigureName): Column<{ figures: ReportFigures }> {
  return { title: TITLES[name], cell: ({ figures }) => formatFigure(figures[name]) };
}

/** A head and a line for each row: the name to the left, figures to the right, as many columns as there is room for. */
function tableRows<Row>(
  rows: readonly Row[],
  all: readonly Column<Row>[],
  options: {
    title: string;
    name(row: Row): string;
    columns: number;
    colors: Colors;
    strong?(row: Row): boolean;
  },
): string[] {
  const { title, name, columns, colors, strong = () => false } = options;
  const widthOf = (column: Column<Row>) =>
    Math.max(textWidth(column.title), ...rows.map((row) => textWidth(printable(column.cell(row)))));
  const longest = Math.max(textWidth(title), ...rows.map((row) => textWidth(printable(name(row)))));
  const shown: { column: Column<Row>; width: number }[] = [];
  let room = columns - 2 - Math.min(longest, NAME_MIN);
  for (const column of all) {
    const width = widthOf(column);
    room -= width + 2;
    if (room < 0 && shown.length > 0) break;
    shown.push({ column, width });
  }
  const taken = shown.reduce((sum, { width }) => sum + width + 2, 2);
  const nameWidth = Math.max(Math.min(longest, NAME_MAX, columns - taken), 1);
  const right = (text: string, width: number) => ' '.repeat(Math.max(width - textWidth(text), 0)) + text;
  const head = `  ${padEndToWidth(title, nameWidth)}${shown.map(({ column, width }) => `  ${right(column.title, width)}`).join('')}`;
  return [
    colors.dim(head),
    ...rows.map((row) => {
      const label = padEndToWidth(cutMiddleToWidth(printable(name(row)), nameWidth), nameWidth);
      const figures = shown.map(({ column, width }) => {
        const text = right(printable(column.cell(row)), width);
        return `  ${column.paint === undefined ? text : column.paint(row)(text)}`;
      });
      return `  ${strong(row) ? colors.bold(label) : label}${figures.join('')}`;
    }),
  ];
}
