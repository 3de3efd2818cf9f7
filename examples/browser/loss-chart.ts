/**
 * The loss as it falls: every step thin, their running mean thick, evaluations as points. Drawn as SVG at most once a frame, in
 * the width that there is; of long runs a few hundred steps are drawn, the same share of each stretch.
 */
const SVG = 'http://www.w3.org/2000/svg';
const MARGIN = { top: 14, right: 14, bottom: 30, left: 44 };
/** Points of a line: more than pixels it is wide would not be seen. */
const MOST_POINTS = 500;
/** The running mean is over about this share of the steps so far, and over at least so many. */
const MEAN_SHARE = 1 / 20;
const LEAST_MEAN = 4;

export interface LossChart {
  addStep(step: number, loss: number): void;
  addEvaluation(step: number, loss: number): void;
  clear(): void;
}

interface Point {
  readonly step: number;
  readonly loss: number;
}

export function createLossChart(holder: HTMLElement): LossChart {
  const svg = make('svg', { role: 'img', 'aria-label': 'Loss by step' });
  holder.append(svg);
  let steps: Point[] = [];
  let means: Point[] = [];
  let evaluations: Point[] = [];
  let isDue = false;

  const draw = (): void => {
    isDue = false;
    const width = Math.max(240, holder.clientWidth);
    const height = Math.round(Math.min(320, Math.max(200, width * 0.45)));
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.replaceChildren(...picture({ width, height }, steps, means, evaluations));
  };
  const drawSoon = (): void => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(draw);
  };
  new ResizeObserver(drawSoon).observe(holder);
  return {
    addStep(step, loss) {
      steps.push({ step, loss });
      const before = means.at(-1)?.loss ?? loss;
      const share = 1 / Math.min(steps.length, Math.max(LEAST_MEAN, steps.length * MEAN_SHARE));
      means.push({ step, loss: before + share * (loss - before) });
      drawSoon();
    },
    addEvaluation(step, loss) {
      evaluations.push({ step, loss });
      drawSoon();
    },
    clear() {
      steps = [];
      means = [];
      evaluations = [];
      drawSoon();
    },
  };
}

function picture(
  { width, height }: { width: number; height: number },
  steps: readonly Point[],
  means: readonly Point[],
  evaluations: readonly Point[],
): SVGElement[] {
  const losses = [...steps, ...evaluations].map(({ loss }) => loss);
  const lastStep = Math.max(10, steps.at(-1)?.step ?? 0);
  const most = losses.length === 0 ? 5 : losses.reduce((a, b) => Math.max(a, b));
  const least = losses.length === 0 ? 0 : losses.reduce((a, b) => Math.min(a, b));
  const yTicks = ticks(least, Math.max(most, least + 0.1), 5);
  const [low, high] = [yTicks[0], yTicks[yTicks.length - 1]];
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const x = (step: number): number => MARGIN.left + (step / lastStep) * (right - MARGIN.left);
  const y = (loss: number): number => bottom - ((loss - low) / (high - low)) * (bottom - MARGIN.top);
  const digits = Math.max(0, -Math.floor(Math.log10(yTicks[1] - yTicks[0]) + 1e-9));
  return [
    ...yTicks.flatMap((value) => [
      make('line', { class: 'grid', x1: MARGIN.left, x2: right, y1: y(value), y2: y(value) }),
      label(value.toFixed(digits), { x: MARGIN.left - 8, y: y(value) + 4, 'text-anchor': 'end' }),
    ]),
    ...ticks(0, lastStep, width / 110)
      .filter((value) => value <= lastStep && Number.isInteger(value))
      .map((value) => label(value.toLocaleString('en'), { x: x(value), y: bottom + 20, 'text-anchor': 'middle' })),
    make('line', { class: 'axis', x1: MARGIN.left, x2: right, y1: bottom, y2: bottom }),
    line('steps', steps, x, y),
    line('mean', means, x, y),
    ...evaluations.map(({ step, loss }) => make('circle', { class: 'evaluation', cx: x(step), cy: y(loss), r: 4 })),
  ];
}

function line(
  name: string,
  points: readonly Point[],
  x: (step: number) => number,
  y: (loss: number) => number,
): SVGElement {
  const every = Math.max(1, Math.ceil(points.length / MOST_POINTS));
  const drawn = points.filter((_, i) => i % every === 0 || i === points.length - 1);
  return make('polyline', {
    class: name,
    points: drawn.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(' '),
  });
}

/** Round values that enclose [from, to], about `count` of them. */
function ticks(from: number, to: number, count: number): number[] {
  const rough = (to - from) / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const size = unit * ([1, 2, 5, 10].find((factor) => factor * unit >= rough) ?? 10);
  const first = Math.floor(from / size + 1e-9);
  const last = Math.ceil(to / size - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * size);
}

function label(text: string, attributes: Record<string, string | number>): SVGElement {
  const made = make('text', attributes);
  made.textContent = text;
  return made;
}

function make(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
