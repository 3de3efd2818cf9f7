/**
 * How scores lie: whether they can be taken for probabilities (the calibration plot), and how well they part the classes (a
 * histogram for each model, positives upwards and the others downwards, each by the share of their class, so that few
 * positives are seen beside many others).
 */
import type { BinaryReport, ModelReport, QualityReport } from '../../../quality/evaluation/quality-report-schema.ts';
import { html, type Markup, percent } from '../../html/markup.ts';
import { formatCount, formatCounted, formatMeasure, formatShare } from '../../numbers.ts';
import { formatFigure, formatThreshold } from '../figure-text.ts';
import { type Line, renderPlot } from './plot.ts';
import { legend, modelName, SERIES_SHOWN } from './series.ts';

type Calibration = NonNullable<BinaryReport['calibration']>;
type Bin = BinaryReport['histogram'][number];

/** Undefined of more than two labels. */
export function renderScores(report: QualityReport): Markup | undefined {
  const { positive } = report;
  if (positive === null) return undefined;
  const other = report.labels.find(({ label }) => label !== positive)!.label;
  const histograms = report.models.map(
    (model, index) =>
      model.binary !== null &&
      histogram(model.binary, { name: model.name, title: modelName(report, index), positive, other }),
  );
  return html`${calibrations(report, positive)}
<h4>Scores of either label</h4>
<p class="legend"><span class="key key-kept">${positive}</span> <span class="key key-lost">${other}</span> <span class="key key-line-upright">threshold</span> <span>height: share of the label’s documents</span></p>
<div class="histograms">${histograms}</div>`;
}

function calibrations(report: QualityReport, positive: string): Markup | undefined {
  const calibrated = report.models
    .map((model, series) => ({ model, series, calibration: model.binary?.calibration }))
    .filter((one): one is typeof one & { calibration: Calibration } => Boolean(one.calibration));
  if (calibrated.length === 0) {
    return html`<p class="quiet note">No model gives probabilities, so there is no calibration.</p>`;
  }
  const lines = calibrated.filter(({ series }) => series < SERIES_SHOWN);
  const errors = calibrated.map(
    ({ model, calibration }) => `${model.name}: expected calibration error ${formatFigure(calibration.expectedError)}.`,
  );
  return html`${report.models.length > 1 && legend(calibrated.map(({ model, series }) => ({ name: model.name, series })))}
<div class="plots">${renderPlot({
    title: 'Calibration',
    description: `Calibration. ${errors.join(' ')} The bins are in the table below.`,
    x: 'mean score',
    y: `share of ${positive}`,
    lines: lines.map(({ model, series, calibration }) => calibrationLine(model, series, calibration, positive)),
    reference: [
      [0, 0],
      [1, 1],
    ],
  })}
<div><div class="table-frame"><table class="plain"><thead><tr><th scope="col">Model</th><th scope="col" class="num">Calibration error</th><th scope="col" class="num">Brier score</th></tr></thead>
<tbody>${calibrated.map(
    ({ model, series, calibration }) =>
      html`<tr><th scope="row">${modelName(report, series)}</th><td class="num">${formatFigure(calibration.expectedError)}</td><td class="num">${formatFigure(model.figures.brier)}</td></tr>`,
  )}</tbody></table></div>
<p class="quiet note">Calibration error: how far the dots lie from the thin line, weighted by their documents. Below the line a model is too sure of ${positive}, above it too unsure.</p></div></div>
${calibrated.map(({ model, calibration }) => binTable(model, calibration, positive))}`;
}

function calibrationLine({ name }: ModelReport, series: number, { bins }: Calibration, positive: string): Line {
  return {
    series,
    points: bins.map(({ meanScore, positiveShare }) => [meanScore, positiveShare]),
    hints: bins.map((bin) => ({
      at: [bin.meanScore, bin.positiveShare],
      text: `${name}, scores ${formatMeasure(bin.from)} to ${formatMeasure(bin.to)}: ${formatCounted(bin.documents, 'document')}, mean score ${formatFigure(bin.meanScore)}, ${formatShare(bin.positiveShare, 1)} ${positive}`,
    })),
    dotted: true,
  };
}

function binTable({ name }: ModelReport, { bins, binning }: Calibration, positive: string): Markup {
  const kind = binning === 'equal-width' ? 'bins of equal width' : 'bins of equal count';
  return html`<details class="fold data"><summary>The numbers of ${name}, ${kind}</summary><div class="table-frame"><table class="plain"><thead><tr><th scope="col">Scores</th><th scope="col" class="num">Documents</th><th scope="col" class="num">Mean score</th><th scope="col" class="num">Share of ${positive}</th></tr></thead>
<tbody>${bins.map(
    (bin) =>
      html`<tr><th scope="row">${formatMeasure(bin.from)}–${formatMeasure(bin.to)}</th><td class="num">${formatCount(bin.documents)}</td><td class="num">${formatFigure(bin.meanScore)}</td><td class="num">${formatFigure(bin.positiveShare)}</td></tr>`,
  )}</tbody></table></div></details>`;
}

function histogram(
  { histogram: bins, threshold }: BinaryReport,
  { name, title, positive, other }: { name: string; title: Markup; positive: string; other: string },
): Markup {
  const positives = bins.reduce((sum, bin) => sum + bin.positives, 0);
  const others = bins.reduce((sum, bin) => sum + bin.negatives, 0);
  const share = (count: number, all: number) => (all === 0 ? 0 : count / all);
  const tallest = Math.max(...bins.flatMap((bin) => [share(bin.positives, positives), share(bin.negatives, others)]));
  const text = (bin: Bin) =>
    `${rangeText(bin)}: ${formatCount(bin.positives)} ${positive}, ${formatCount(bin.negatives)} ${other}`;
  const ends = [bins[0].below, bins[bins.length - 1].from];
  return html`<figure class="histogram">
<figcaption><b>${title}</b></figcaption>
<div class="mirror" role="img" aria-label="Histogram of the scores of ${name}: ${formatCounted(positives, 'document')} of ${positive}, ${formatCount(others)} of ${other}. The numbers are in the table below.">
<div class="mirror-bars">${bins.map(
    (bin) =>
      html`<div title="${text(bin)}"><span><b style="height:${percent(share(bin.positives, positives), tallest)}"></b></span><span><s style="height:${percent(share(bin.negatives, others), tallest)}"></s></span></div>`,
  )}<i class="cut-line" style="left:${percent(positionOf(threshold.value, bins), 1)}" title="threshold ${formatThreshold(threshold.value)}"></i></div>
<div class="mirror-x" aria-hidden="true">${ends.map((end, i) => html`<span>${end !== null && `${i === 0 ? '<' : '≥'} ${formatMeasure(end)}`}</span>`)}</div>
</div>
<details class="fold data"><summary>The numbers</summary><div class="table-frame"><table class="plain"><thead><tr><th scope="col">Scores</th><th scope="col" class="num">${positive}</th><th scope="col" class="num">${other}</th></tr></thead>
<tbody>${bins
    .filter((bin) => bin.positives + bin.negatives > 0)
    .map(
      (bin) =>
        html`<tr><th scope="row">${rangeText(bin)}</th><td class="num">${formatCount(bin.positives)}</td><td class="num">${formatCount(bin.negatives)}</td></tr>`,
    )}</tbody></table></div></details></figure>`;
}

function rangeText({ from, below }: Bin): string {
  if (from === null) return below === null ? 'all' : `below ${formatMeasure(below)}`;
  return below === null ? `from ${formatMeasure(from)}` : `${formatMeasure(from)} to ${formatMeasure(below)}`;
}

/** Where a score lies along the bins, in [0, 1]: within its bin by its share of the width; the open end bins are as wide as the others. */
function positionOf(score: number, bins: readonly Bin[]): number {
  const { from, below } = bins[Math.min(1, bins.length - 1)];
  if (from === null || below === null) return 0.5;
  const place = (score - from) / (below - from) + 1;
  return Math.min(Math.max(place / bins.length, 0), 1);
}
