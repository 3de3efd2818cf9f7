/** What speaks most for a label, by models that can tell. */
import type { ModelReport, QualityReport } from '../../../quality/evaluation/quality-report-schema.ts';
import { html, type Markup, percent } from '../../html/markup.ts';
import { formatMeasure } from '../../numbers.ts';
import { perModel } from './per-model.ts';

/** The report's JSON has all that the model gave. */
const FEATURES_SHOWN = 20;

/** Undefined where no model can tell. */
export function renderFeatures(report: QualityReport): Markup | undefined {
  return perModel(report, ({ telling }) =>
    telling.length === 0 ? undefined : html`<div class="tables">${telling.map(featureTable)}</div>`,
  );
}

function featureTable({ label, features }: ModelReport['telling'][number]): Markup {
  const shown = features.slice(0, FEATURES_SHOWN);
  const largest = Math.max(...shown.map(({ weight }) => Math.abs(weight)));
  return html`<table class="plain features"><caption>For <b>${label}</b></caption><thead><tr><th scope="col">Feature</th><th scope="col" class="num">Weight</th><td></td></tr></thead>
<tbody>${shown.map(
    ({ feature, weight }) =>
      html`<tr><th scope="row"><code class="id">${feature}</code></th><td class="num">${formatMeasure(weight)}</td><td class="weight-bar" aria-hidden="true"><b style="width:${percent(Math.abs(weight), largest)}"></b></td></tr>`,
  )}</tbody></table>`;
}
