/** The same part for each model: open for the leading one, which comes first, folded for the others. */
import type { ModelReport, QualityReport } from '../../../quality/evaluation/quality-report-schema.ts';
import { type Child, html, type Markup } from '../../html/markup.ts';
import { leadingModel } from '../figure-text.ts';
import { modelName } from './series.ts';

/** Models for which `render` gives nothing are left out; undefined where it gives nothing for any. */
export function perModel(
  report: QualityReport,
  render: (model: ModelReport, index: number) => Child,
): Markup | undefined {
  const leading = leadingModel(report);
  const parts = report.models
    .map((model, index) => ({ model, index, content: render(model, index) }))
    .filter(({ content }) => content !== undefined && content !== false)
    .sort((a, b) => Number(b.model === leading) - Number(a.model === leading));
  if (parts.length === 0) return undefined;
  if (report.models.length === 1) return html`${parts[0].content}`;
  return html`${parts.map(({ index, content }, place) =>
    place === 0
      ? html`<section class="group"><h3>${modelName(report, index)}</h3>${content}</section>`
      : html`<details class="fold data model"><summary>${modelName(report, index)}</summary>${content}</details>`,
  )}`;
}
