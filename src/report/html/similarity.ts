/**
 * How near copies were told: the checked pairs by similarity, those taken for copies and the others, and the S-curve that
 * was in force, the chance that a pair of a given Jaccard similarity is looked at at all. Both have the same axis where
 * the check is by Jaccard similarity; beside a check by containment the curve has a plot of its own.
 */
import { formatCount, formatCounted, formatShare } from '../numbers.ts';
import type { ReportDuplicates } from '../report-schema.ts';
import { html, type Markup, percent } from './markup.ts';

type Curve = NonNullable<ReportDuplicates['curve']>;
type Checked = NonNullable<ReportDuplicates['checked']>;

export function renderSimilarity({ curve, checked }: ReportDuplicates): Markup {
  const total = checked === null ? 0 : sumOf(checked.accepted) + sumOf(checked.rejected);
  if (curve === null && total === 0) return html``;
  const together = curve !== null && checked?.measure === 'jaccard';
  return html`<h4>How near copies were told</h4>
<div class="similarity">${checked !== null && total > 0 && histogram(checked, total, together ? curve : null)}${
    curve !== null && (!together || total === 0) && curvePlot(curve)
  }</div>
${checked !== null && total > 0 && numbers(checked, curve)}`;
}

function histogram(checked: Checked, total: number, curve: Curve | null): Markup {
  const { accepted, rejected, measure } = checked;
  const bins = accepted.map((copies, i) => ({ copies, others: rejected[i] }));
  const most = Math.max(...bins.map((bin) => bin.copies + bin.others));
  const taken = sumOf(accepted);
  const what = measure === 'jaccard' ? 'Jaccard similarity' : 'containment';
  return html`<figure>
<figcaption class="legend"><b>${formatCounted(total, 'candidate pair')} checked</b> <span class="key key-lost">copies</span> <span class="key key-before">no copies</span>${
    curve !== null && html` <span class="key key-line">chance to become a candidate</span>`
  }</figcaption>
<div class="plot plot-small" role="img" aria-label="Histogram of checked pairs by ${what}: ${formatCount(taken)} of ${formatCount(total)} are copies. The numbers are in the table below.">
<div class="plot-y" aria-hidden="true"><span>${formatCount(most)}</span><span>0</span></div>
<div class="plot-bars">${bins.map(
    (bin) =>
      html`<div class="plot-stack"><u style="height:${percent(bin.others, most)}"></u><s style="height:${percent(bin.copies, most)}"></s></div>`,
  )}${curve !== null && curveLine(curve)}</div>
${axis(what)}</div></figure>`;
}

function curvePlot(curve: Curve): Markup {
  const half = ((1 - 0.5 ** (1 / curve.bands)) ** (1 / curve.rows)).toFixed(2);
  return html`<figure>
<figcaption class="legend"><b>${formatCounted(curve.bands, 'band')} of ${formatCounted(curve.rows, 'row')}</b> <span class="key key-line">chance to become a candidate</span></figcaption>
<div class="plot plot-small" role="img" aria-label="S-curve: half of the pairs with a Jaccard similarity of ${half} become candidates.">
<div class="plot-y" aria-hidden="true"><span>1</span><span>0</span></div>
<div class="plot-bars">${curveLine(curve)}</div>
${axis('Jaccard similarity')}</div></figure>`;
}

/** The curve over the whole plot, which stretches; its line does not. */
function curveLine({ bands, rows }: Curve): Markup {
  const points = Array.from({ length: 51 }, (_, i) => {
    const chance = 1 - (1 - (i / 50) ** rows) ** bands;
    return `${2 * i},${Number((100 - 100 * chance).toFixed(2))}`;
  });
  return html`<svg class="curve" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true"><polyline points="${points.join(' ')}" vector-effect="non-scaling-stroke"/></svg>`;
}

function axis(what: string): Markup {
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return html`<div class="plot-ticks" aria-hidden="true">${ticks.map((tick) => html`<span>${tick}</span>`)}</div>
<div class="plot-title" aria-hidden="true">${what}</div>`;
}

function numbers({ accepted, rejected, measure }: Checked, curve: Curve | null): Markup {
  const width = 1 / accepted.length;
  const rows = accepted.map((copies, i) => ({ from: i * width, to: (i + 1) * width, copies, others: rejected[i] }));
  const chance = ({ from, to }: (typeof rows)[number], { bands, rows: perBand }: Curve): string =>
    formatShare(1 - (1 - ((from + to) / 2) ** perBand) ** bands, 1);
  const withChance = measure === 'jaccard' ? curve : null;
  return html`<details class="fold data"><summary>The numbers</summary><div class="table-frame"><table class="plain"><thead><tr><th scope="col">${measure === 'jaccard' ? 'Jaccard similarity' : 'Containment'}</th><th scope="col" class="num">Copies</th><th scope="col" class="num">No copies</th>${withChance && html`<th scope="col" class="num">Chance in the middle</th>`}</tr></thead>
<tbody>${rows
    .filter((row) => row.copies + row.others > 0)
    .map(
      (row) =>
        html`<tr><th scope="row">${row.from.toFixed(2)}–${row.to.toFixed(2)}</th><td class="num">${formatCount(row.copies)}</td><td class="num">${formatCount(row.others)}</td>${withChance && html`<td class="num">${chance(row, withChance)}</td>`}</tr>`,
    )}</tbody></table></div></details>`;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
