/** The quality report on one page, for people: `renderQualityHtml`. */
import type { ModelReport, QualityReport } from '../../../quality/evaluation/quality-report-schema.ts';
import { type Child, html, type Markup } from '../../html/markup.ts';
import { type Chapter, chapter, MASTHEAD_BAR, renderShell } from '../../html/shell.ts';
import { formatCount, formatCounted, formatShare } from '../../numbers.ts';
import { FIGURE_NAMES, formatFigure, formatInterval, leadingModel, thresholdText } from '../figure-text.ts';
import { renderCurves } from './curves.ts';
import { renderDecisions } from './decisions.ts';
import { renderMistakes, renderNearest } from './documents.ts';
import { renderFeatures } from './features.ts';
import { renderFolds } from './folds.ts';
import { renderGroups } from './groups.ts';
import { renderOverview } from './overview.ts';
import { renderScores } from './scores.ts';
import { QUALITY_STYLE } from './style.ts';

/** One self-contained file; equal reports give equal bytes. */
export function renderQualityHtml(report: QualityReport): string {
  return renderShell({
    title: `${report.title} – corpusmill quality report`,
    skip: { to: 'models', text: 'Skip to the models' },
    masthead: masthead(report),
    chapters: chapters(report),
    footer: footer(report),
    style: QUALITY_STYLE,
  });
}

function chapters(report: QualityReport): Chapter[] {
  const optional: [id: string, title: string, lead: string, content: Markup | undefined, foldable?: boolean][] = [
    ['models', 'Models', 'What each reaches on the same documents.', renderOverview(report)],
    ['curves', 'Curves', 'How well scores rank documents, at every threshold.', renderCurves(report)],
    [
      'scores',
      'Scores',
      'Whether scores can be read as probabilities, and how they part the labels.',
      renderScores(report),
    ],
    [
      'decisions',
      'Decisions',
      'What is decided at the threshold, and what another would cost.',
      renderDecisions(report),
    ],
    ['groups', 'Languages and sources', 'Where a model is better and where worse.', renderGroups(report)],
    ['folds', 'Folds', 'Each fold was scored by a model that had not seen it.', renderFolds(report)],
    ['features', 'Features', 'What speaks most for a label.', renderFeatures(report)],
    ['nearest', 'Nearest', 'The documents that the threshold decides about.', renderNearest(report), true],
    [
      'mistakes',
      'Mistakes',
      'Those that a model was surest of: errors of the model, or of the labels.',
      renderMistakes(report),
      true,
    ],
  ];
  return optional.flatMap(([id, title, lead, content, foldable]) =>
    content === undefined ? [] : [chapter(id, title, lead, content, foldable)],
  );
}

function masthead(report: QualityReport): Markup {
  const leading = leadingModel(report);
  return html`<header class="masthead">
${MASTHEAD_BAR}
<h1>${report.title}${report.protocol !== null && html` <span class="quiet">· ${report.protocol}</span>`}</h1>
<p class="verdict">${verdict(leading)}</p>
${report.warnings.map((warning) => html`<p><strong>Warning</strong>: ${warning}.</p>`)}
<dl class="figures">${figuresOf(report, leading).map(
    ([label, value, note]) => html`<div><dt>${label}</dt><dd>${value}<small>${note}</small></dd></div>`,
  )}</dl>
</header>`;
}

function verdict({ name, figures, undefinedBecause }: ModelReport): Markup {
  if (undefinedBecause !== null) return html`No ROC-AUC: ${undefinedBecause}.`;
  return html`ROC-AUC <strong>${formatFigure(figures.auc)}</strong> by ${name}.`;
}

function figuresOf(report: QualityReport, leading: ModelReport): [label: string, value: string, note: Child][] {
  const { figures, aucInterval, crossValidation, binary } = leading;
  const documents = report.labels.map((row) => `${formatCount(row.documents)} of ${row.label}`);
  const listed = documents.length > 4 ? `of ${documents.length} labels` : documents.join(', ');
  const found: [string, string, Child][] = [['Documents', formatCount(report.documents), listed]];
  if (aucInterval !== null) found.push(['95 % interval', formatInterval(aucInterval), 'of the AUC (DeLong)']);
  if (crossValidation !== null) {
    const { mean, deviation } = crossValidation.auc;
    const note = deviation !== null && `± ${formatFigure(deviation)} (standard deviation)`;
    found.push([`Mean of ${formatCounted(report.folds ?? 0, 'fold')}`, formatFigure(mean), note]);
  }
  if (binary === null) {
    found.push([FIGURE_NAMES.accuracy, formatFigure(figures.accuracy), 'by the most likely label']);
    found.push([FIGURE_NAMES.macroF1, formatFigure(figures.macroF1), 'each label counting the same']);
    return found;
  }
  found.push([FIGURE_NAMES.f1, formatFigure(figures.f1), `from ${thresholdText(binary.threshold)}`]);
  found.push([FIGURE_NAMES.averagePrecision, formatFigure(figures.averagePrecision), positiveShare(report)]);
  return found;
}

/** What average precision is without any skill. */
function positiveShare({ labels, positive, documents }: QualityReport): string {
  const positives = labels.find(({ label }) => label === positive)?.documents ?? 0;
  return `chance: ${formatShare(positives, documents)} ${positive}`;
}

function footer(report: QualityReport): Markup {
  const { leftOut, corpusmillVersion } = report;
  return html`<footer>
<dl class="facts"><div><dt>Labels</dt><dd>${report.labels.map(({ label, documents }, i) => `${i > 0 ? ', ' : ''}${label} (${formatCount(documents)})`)}</dd></div>
<div><dt>corpusmill</dt><dd>${corpusmillVersion}</dd></div></dl>
${leftOut.map(({ reason, documents }) => html`<p class="quiet">${formatCounted(documents, 'document')} left out: ${reason}.</p>`)}
<p class="quiet">The same numbers for programs are in the report’s JSON, for a job summary in its Markdown.</p>
</footer>`;
}
