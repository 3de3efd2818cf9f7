/**
 * The lines of models in one plot: a colour and a dash for each of six, so that lines are told apart without colours too.
 * Colours hold to a contrast of 3 to 1 on the page in both themes (a test measures them).
 */
import type { QualityReport } from '../../../quality/evaluation/quality-report-schema.ts';
import { html, type Markup } from '../../html/markup.ts';
import { DARK, LIGHT } from '../../html/theme.ts';

/** Further models are in the tables only: seven lines are no longer told apart. */
export const SERIES_SHOWN = 6;

export const SERIES_COLOURS: Record<'light' | 'dark', readonly string[]> = {
  light: [LIGHT.kept, LIGHT.lost, '#2a5bd0', '#8a3ba8', '#806200', '#b3246b'],
  dark: [DARK.kept, DARK.lost, '#8ab4f8', '#d6a2ea', '#d8b648', '#f58fb6'],
};

/** In pixels of line and gap. */
const DASHES = ['none', '7 3', '2 3', '9 3 2 3', '14 4', '4 4'];

function properties(colours: readonly string[]): string {
  return colours.map((colour, i) => `--series-${i + 1}:${colour}`).join(';');
}

export const SERIES_STYLE: string = `
:root{${properties(SERIES_COLOURS.light)}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${properties(SERIES_COLOURS.dark)}}}
:root[data-theme=dark]{${properties(SERIES_COLOURS.dark)}}
${DASHES.map((dash, i) => `.series-${i + 1}{--series:var(--series-${i + 1});--dash:${dash}}`).join('\n')}
.swatch{width:1.75em;height:.7em;margin-right:.45em;vertical-align:-.02em;overflow:visible}
.swatch line{stroke:var(--series);stroke-width:2.5;stroke-dasharray:var(--dash)}
`;

/** The class of a model's line, by its place in the report. */
export function seriesClass(index: number): string {
  return `series-${index + 1}`;
}

/** A piece of a line; nothing where there are more lines than a plot shows. */
function swatch(index: number): Markup | false {
  return (
    index < SERIES_SHOWN &&
    html`<svg class="swatch ${seriesClass(index)}" viewBox="0 0 28 10" aria-hidden="true"><line x1="0" y1="5" x2="28" y2="5"/></svg>`
  );
}

/** A model's name with the line it has in the plots; of more than two labels the lines are those of labels. */
export function modelName({ positive, models }: QualityReport, index: number): Markup {
  return html`${positive !== null && swatch(index)}${models[index].name}`;
}

/** The lines of a plot, by the place of their models in the report; those that have no line are counted. */
export function legend(lines: readonly { name: string; series: number }[]): Markup {
  const shown = lines.filter(({ series }) => series < SERIES_SHOWN);
  const more = lines.length - shown.length;
  return html`<p class="legend">${shown.map(({ name, series }) => html`<span class="series-name">${swatch(series)}${name}</span> `)}${
    more > 0 && html`<span>${more} more in the tables</span>`
  }</p>`;
}
