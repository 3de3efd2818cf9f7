/**
 * Curves over tokens or steps: lines in an SVG that stretches with the page while its strokes do not, everything with text or a shape
 * around it in HTML, so that both keep their size on a phone. Which line is which is said in words, and the values at a
 * place can be read by pointer and by arrow keys (chart-script.ts); without scripts the tables beside the charts have them.
 */
import { html, type Markup, percent, trusted } from '../html/markup.ts';
import { niceTicks, type Point } from './series.ts';

export interface ChartLine {
  name: string;
  /** Which of the colours, from 0. */
  color: number;
  points: readonly Point[];
  /** faint: what a smoothed line stands for. dots: few points, each of them shown. */
  kind?: 'line' | 'faint' | 'dashed' | 'dots';
}

export interface Chart {
  id: string;
  title: string;
  /** Of the curves' ends, for those who do not see them. */
  description: string;
  lines: readonly ChartLine[];
  /** How values are written. */
  format: (value: number) => string;
  /** Steps that are to stand out, by tokens. */
  marks?: { name: string; at: readonly number[] };
  /** What the axis counts; default: tokens. */
  unit?: 'tokens' | 'steps';
  /** Leave room down to this value. */
  from?: number;
  tall?: boolean;
}

/** Lines have so many colours before they begin anew. */
export const COLORS = 6;

export function renderChart(chart: Chart): Markup {
  const { id, title, lines, format, marks } = chart;
  const drawn = lines.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return html``;
  const x = extent(drawn.flatMap(({ points }) => points.map(([tokens]) => tokens)));
  x.low = Math.min(0, x.low);
  const y = yExtent(chart, drawn);
  const left = (tokens: number): number => ((tokens - x.low) / (x.high - x.low || 1)) * 100;
  const top = (value: number): number => Math.min(100, Math.max(0, ((y.high - value) / (y.high - y.low || 1)) * 100));
  const yTicks = niceTicks(y.low, y.high, chart.tall ? 5 : 3);
  const named = drawn.filter(({ kind }) => kind !== 'faint');
  return html`<figure class="chart${chart.tall ? ' chart-tall' : ''}">
<figcaption class="legend"><b id="${id}-title">${title}</b> ${named.length > 1 || lines.length !== named.length ? named.map((line) => html`<span class="key-chart color-${line.color % COLORS}${line.kind === 'dashed' || line.kind === 'dots' ? ' key-dashed' : ''}">${line.name}</span> `) : ''}${
    marks !== undefined && marks.at.length > 0 && html`<span class="key-mark">${marks.name}</span>`
  }</figcaption>
<div class="chart-plot" data-chart="${id}" tabindex="0" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-words ${id}-values">
<div class="chart-y" aria-hidden="true">${yTicks.map((tick) => html`<span style="top:${percent(top(tick), 100)}">${formatTick(tick, format)}</span>`)}</div>
<div class="chart-area"><svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
<path class="grid" d="${yTicks.map((tick) => `M0 ${fixed(top(tick))}H100`).join('')}" vector-effect="non-scaling-stroke"/>
${drawn.map(
  (line) =>
    html`<polyline class="curve-${line.kind ?? 'line'} color-${line.color % COLORS}" points="${line.points.map(([tokens, value]) => `${fixed(left(tokens))},${fixed(top(value))}`).join(' ')}" vector-effect="non-scaling-stroke"/>`,
)}</svg>${drawn
    .filter(({ kind, points }) => (kind === 'dots' && points.length <= MOST_DOTS) || points.length === 1)
    .flatMap((line) =>
      line.points.map(
        ([tokens, value]) =>
          html`<i class="dot color-${line.color % COLORS}" style="left:${percent(left(tokens), 100)};top:${percent(top(value), 100)}"></i>`,
      ),
    )}${marks?.at.map((tokens) => html`<i class="mark" style="left:${percent(left(tokens), 100)}"></i>`)}<i class="cursor" hidden></i></div>
<div class="chart-x" aria-hidden="true">${niceTicks(x.low, x.high, 4).map((tick) => html`<span${left(tick) > 93 && trusted(' class="chart-end"')} style="left:${percent(left(tick), 100)}">${formatTokens(tick)}</span>`)}</div>
</div>
<p class="chart-values" id="${id}-values" role="status"></p><p class="unseen" id="${id}-words">${chart.description}</p>
${dataBlock(id, { low: x.low, high: x.high, unit: chart.unit ?? 'tokens', lines: named.map(({ name, points }) => [name, points.map(([at, value]) => [Math.round(at), format(value)])]) })}</figure>`;
}

/** Round numbers need no zeros behind them. */
function formatTick(tick: number, format: (value: number) => string): string {
  return format(tick)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

/** More dots than this run into one another. */
const MOST_DOTS = 60;

/** `0`, `250 k`, `1.5 M`, `3 B`: tokens on an axis. */
export function formatTokens(tokens: number): string {
  const units: [number, string][] = [
    [1e12, ' T'],
    [1e9, ' B'],
    [1e6, ' M'],
    [1e3, ' k'],
  ];
  const [size, unit] = units.find(([least]) => Math.abs(tokens) >= least) ?? [1, ''];
  return `${Number((tokens / size).toPrecision(3))}${unit}`;
}

/** A single step's outlier does not set the scale: faint lines are cut where they leave it. */
function yExtent(chart: Chart, drawn: readonly ChartLine[]): { low: number; high: number } {
  const seen = drawn.filter(({ kind }) => kind !== 'faint');
  const range = extent((seen.length > 0 ? seen : drawn).flatMap(({ points }) => points.map(([, value]) => value)));
  if (chart.from !== undefined) range.low = Math.min(range.low, chart.from);
  const room = (range.high - range.low || Math.abs(range.high) || 1) * 0.05;
  return { low: chart.from !== undefined && range.low >= 0 ? range.low : range.low - room, high: range.high + room };
}

function extent(values: readonly number[]): { low: number; high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

function fixed(value: number): string {
  return String(Number(value.toFixed(2)));
}

/** A data block, which no browser runs; `<` is escaped, so that no name can end it. */
function dataBlock(id: string, value: unknown): Markup {
  return trusted(
    `<script type="application/json" id="${id}-data">${JSON.stringify(value).replaceAll('<', '\\u003c')}</script>`,
  );
}
