/**
 * A square plot of lines over [0, 1] × [0, 1]: axes and their texts are HTML, so that they keep their size on a phone; the lines
 * are an SVG that stretches. Points that answer to the pointer carry their numbers as titles; the same numbers stand in tables
 * beside the plots, for those who do not see or do not point.
 */
import { html, type Markup } from '../../html/markup.ts';
import { seriesClass } from './series.ts';

export type Point = readonly [x: number, y: number];

export interface Line {
  /** Place of the model in the report: its colour. */
  series: number;
  points: readonly Point[];
  /** Points with a text for the pointer. */
  hints: readonly { at: Point; text: string }[];
  /** Where the threshold lies on the line. */
  mark?: { at: Point; text: string } | undefined;
  /** Whether the hints are drawn, where a line has few points. */
  dotted?: boolean;
}

export interface Plot {
  title: string;
  /** What the plot shows in words, for those who do not see it. */
  description: string;
  x: string;
  y: string;
  lines: readonly Line[];
  /** A thin line to compare with: chance, or a perfect calibration. */
  reference?: readonly [Point, Point];
  /** What stands at even distances along each axis, from its start to its end; default: quarters from 0 to 1. */
  ticks?: { x: readonly string[]; y: readonly string[] };
}

const QUARTERS = ['0', '0.25', '0.5', '0.75', '1'];

export function renderPlot({ title, description, x, y, lines, reference, ticks }: Plot): Markup {
  const { x: along, y: up } = ticks ?? { x: QUARTERS, y: QUARTERS };
  return html`<figure class="line-plot">
<figcaption><b>${title}</b><span>${y} ↑</span></figcaption>
<div class="plot" role="img" aria-label="${description}">
<div class="plot-y" aria-hidden="true">${up.toReversed().map((tick) => html`<span>${tick}</span>`)}</div>
<div class="plot-area"><svg class="lines" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
<path class="grid" d="${inner(up).map((at) => `M0 ${at}H100`)}${inner(along).map((at) => `M${at} 0V100`)}"/>
${reference && html`<path class="reference" d="M${place(reference[0])}L${place(reference[1])}"/>`}
${lines.map(({ series, points }) => html`<polyline class="${seriesClass(series)}" points="${points.map(place).join(' ')}"/>`)}
${lines.map(
  ({ series, hints, mark, dotted }) =>
    html`<g class="${seriesClass(series)}">${hints.map(
      ({ at, text }) =>
        html`<circle class="${dotted ? 'dot' : 'hint'}" ${center(at)} r="${dotted ? 1.1 : 1.6}"><title>${text}</title></circle>`,
    )}${mark && html`<circle class="mark" ${center(mark.at)} r="1.5"><title>${mark.text}</title></circle>`}</g>`,
)}
</svg></div>
<div class="ticks" aria-hidden="true">${along.map((tick, i) => html`<span style="left:${tickAt(i, along)}%">${tick}</span>`)}</div>
<div class="plot-title" aria-hidden="true">${x} →</div>
</div></figure>`;
}

/** Where tick `i` stands, in percent. */
function tickAt(i: number, ticks: readonly string[]): number {
  return rounded((100 * i) / (ticks.length - 1));
}

/** Where the ticks between the ends stand. */
function inner(ticks: readonly string[]): number[] {
  return ticks.map((_, i) => tickAt(i, ticks)).slice(1, -1);
}

/** Points for the pointer: at most `count` of them, evenly chosen by their place in the list. */
export function every<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))]);
}

function place([x, y]: Point): string {
  return `${rounded(100 * x)},${rounded(100 - 100 * y)}`;
}

function center([x, y]: Point): Markup {
  return html`cx="${rounded(100 * x)}" cy="${rounded(100 - 100 * y)}"`;
}

/** A hundredth of a percent of the plot's width. */
function rounded(value: number): number {
  return Number(value.toFixed(2));
}
