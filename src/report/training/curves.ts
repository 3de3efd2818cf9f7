/** The charts of a report: what is drawn of each run, in which colour. */
import { html, type Markup } from '../html/markup.ts';
import { formatCount, formatMeasure } from '../numbers.ts';
import { type Chart, type ChartLine, renderChart } from './chart.ts';
import type { TrainingRun } from './read-run.ts';
import { type Point, pointsOf, smooth, thin } from './series.ts';

/** Training loss, smoothed, over the single steps of a run that is alone; validation loss with its places. */
export function renderLoss(runs: readonly TrainingRun[]): Markup {
  const isAlone = runs.length === 1;
  const lines = runs.flatMap((run, color): ChartLine[] => {
    const steps = pointsOf(run.steps, ({ loss }) => loss);
    const of = isAlone ? '' : `${run.name}, `;
    const points = thin(smooth(steps));
    return [
      ...(isAlone ? [{ name: 'single steps', color, points: thin(steps), kind: 'faint' as const }] : []),
      { name: isAlone ? 'training, smoothed' : `${of}training`, color, points },
      { name: `${of}validation`, color: isAlone ? 1 : color, points: validationPoints(run), kind: 'dots' as const },
    ];
  });
  const words = runs.map((run) => {
    const [last, validation] = [run.steps.at(-1), run.evaluations.at(-1)];
    return `${run.name}: training loss ${formatLoss(last?.loss)} and validation loss ${formatLoss(validation?.loss)} after ${formatCount(last?.tokens ?? 0)} tokens.`;
  });
  return renderChart({
    id: 'chart-loss',
    title: 'Loss',
    description: words.join(' '),
    lines,
    format: formatLoss,
    tall: true,
  });
}

/** All other figures over tokens, a chart each; those that no run has are left out. */
export function renderCurves(runs: readonly TrainingRun[]): Markup {
  const over = (figure: (run: TrainingRun) => readonly Point[], kind: ChartLine['kind'] = 'line'): ChartLine[] =>
    runs.map((run, color) => ({ name: run.name, color, points: figure(run), kind }));
  const skipped = runs.flatMap((run) => run.steps.filter(({ updated }) => !updated).map(({ tokens }) => tokens));
  const metrics = [...new Set(runs.flatMap(({ steps }) => steps.flatMap(({ metrics }) => Object.keys(metrics ?? {}))))];
  const charts: Chart[] = [
    {
      id: 'chart-rate',
      title: 'Learning rate',
      description: 'The learning rate over tokens.',
      lines: over(({ steps }) => thin(pointsOf(steps, ({ learningRate }) => learningRate))),
      format: formatSmall,
      from: 0,
    },
    {
      id: 'chart-norm',
      title: 'Gradient norm',
      description: `The norm of all gradients before clipping. ${formatCount(skipped.length)} steps were skipped.`,
      lines: over(({ steps }) => thin(smooth(pointsOf(steps, ({ gradientNorm }) => gradientNorm)))),
      format: formatSmall,
      from: 0,
      marks: { name: 'skipped steps', at: skipped },
    },
    {
      id: 'chart-perplexity',
      title: 'Validation perplexity',
      description: 'e to the validation loss: among how many tokens the model wavers.',
      lines: over(perplexityPoints, 'dots'),
      format: formatMeasure,
    },
    {
      id: 'chart-speed',
      title: 'Tokens per second',
      description: 'How many tokens a second of training took in.',
      lines: over(({ steps }) => thin(smooth(pointsOf(steps, ({ time }) => time.tokensPerSecond)))),
      format: (value) => formatCount(value),
      from: 0,
    },
    {
      id: 'chart-scale',
      title: 'Loss scale',
      description: 'What the loss is multiplied by so that small gradients survive in float16.',
      lines: over(({ steps }) => thin(pointsOf(steps, ({ lossScale }) => lossScale))),
      format: (value) => formatCount(value),
    },
    ...metrics.map((metric, i) => ({
      id: `chart-metric-${i}`,
      title: METRICS[metric] ?? metric,
      description: `${METRICS[metric] ?? metric} over tokens.`,
      lines: over(({ steps }) => thin(smooth(pointsOf(steps, ({ metrics }) => metrics?.[metric])))),
      format: formatMeasure,
    })),
  ];
  return html`<div class="charts">${charts.map(renderChart)}</div>`;
}

const METRICS: Readonly<Record<string, string>> = { balance: 'Load balance (even: experts per token)' };

/** `2.3456`; a dash where there is none. */
export function formatLoss(loss: number | null | undefined): string {
  return loss === null || loss === undefined || !Number.isFinite(loss) ? '–' : loss.toFixed(loss < 10 ? 3 : 1);
}

function formatSmall(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(1).replace('-', '−') : formatMeasure(value);
}

function validationPoints({ evaluations }: TrainingRun): Point[] {
  return evaluations.flatMap(({ tokens, loss }) => (loss === null ? [] : [[tokens, loss] as const]));
}

/** From the loss: a log may hold none where it overflowed. The first ones, near the size of the vocabulary, say nothing. */
function perplexityPoints({ evaluations }: TrainingRun): Point[] {
  const finite = evaluations.flatMap(({ tokens, perplexity }) =>
    perplexity === null ? [] : [[tokens, perplexity] as const],
  );
  return finite.length > 4 ? finite.slice(1) : finite;
}
