/** Documents to read: those nearest the decision, and the mistakes a model was surest of. Their texts are data: escaped. */
import type { ModelReport, QualityReport, ReportDocument } from '../../../quality/evaluation/quality-report-schema.ts';
import { cutText, excerptBlock, excerptLength } from '../../html/excerpt.ts';
import { html, type Markup } from '../../html/markup.ts';
import { formatBytes, formatCounted } from '../../numbers.ts';
import { formatThreshold } from '../figure-text.ts';
import { perModel } from './per-model.ts';

/** Undefined where no document is shown. */
export function renderNearest(report: QualityReport): Markup | undefined {
  const chars = charsEach(report);
  return perModel(report, ({ nearest, binary }) => {
    if (nearest.length === 0) return undefined;
    const where =
      binary === null
        ? 'between their two most likely labels'
        : `nearest the threshold ${formatThreshold(binary.threshold.value)}`;
    return html`<details class="fold data"><summary>${formatCounted(nearest.length, 'document')} ${where}</summary><div class="samples">${nearest.map((document) => card(document, chars))}</div></details>`;
  });
}

/** Undefined where no model makes a mistake. */
export function renderMistakes(report: QualityReport): Markup | undefined {
  const chars = charsEach(report);
  return perModel(report, ({ mistakes }) =>
    mistakes.length === 0 ? undefined : mistakes.map((kind) => mistakesOfKind(kind, chars)),
  );
}

function mistakesOfKind(
  { label, predicted, count, documents }: ModelReport['mistakes'][number],
  chars: number,
): Markup {
  const shown =
    documents.length < count
      ? `the ${documents.length} surest of ${formatCounted(count, 'document')}`
      : formatCounted(count, 'document');
  return html`<details class="fold data"><summary><b>${label}</b> taken for <b>${predicted}</b>: ${shown}</summary><div class="samples">${documents.map((document) => card(document, chars))}</div></details>`;
}

function card(document: ReportDocument, chars: number): Markup {
  const { id, label, predicted, score, lang, source, bytes, excerpt } = document;
  const text = excerpt === null ? '' : cutText(excerpt, chars);
  return html`<article class="sample">
<header><code class="id">${id}</code> <span class="chip">score <b>${formatThreshold(score)}</b></span> <span class="chip">is <b>${label}</b></span>${
    label !== predicted && html` <span class="chip bad">taken for <b>${predicted}</b></span>`
  }${lang !== null && html` <span class="chip">${lang}</span>`}${source !== null && html` <span class="chip">${source}</span>`}${
    bytes !== null && html` <span class="quiet">${formatBytes(bytes)}</span>`
  }</header>
${bytes !== null && excerptBlock(text, Buffer.byteLength(text), bytes)}</article>`;
}

/** All excerpts of the page share one budget. */
function charsEach({ models }: QualityReport): number {
  const documents = models.flatMap(({ nearest, mistakes }) => [
    ...nearest,
    ...mistakes.flatMap((kind) => kind.documents),
  ]);
  return excerptLength(documents.map(({ excerpt }) => excerpt ?? ''));
}
