/** The training of a pipeline at the end of its run, in a terminal: the curve of the loss, its figures, a text of the model. */
import pc from 'picocolors';
import type { TrainingSummary } from '../core/run-summary.ts';
import { lineChart } from './line-chart.ts';
import { formatCount } from './numbers.ts';
import { printable, textWidth } from './text-width.ts';

const CHART_ROWS = 10;
const MAX_WIDTH = 80;
const SAMPLE_LINES = 6;

/** Text that ends with a line end. `width` in columns. */
export function renderTrainingEnd(training: TrainingSummary, options: { color: boolean; width: number }): string {
  const colors = pc.createColors(options.color);
  const width = Math.min(options.width, MAX_WIDTH);
  const { model, steps, tokens, curve, validationLoss, perplexity, samples, skippedSteps } = training;
  const figures = [
    `${formatCount(steps)} steps`,
    `${formatCount(tokens)} tokens`,
    `training loss ${curve.at(-1)?.loss.toFixed(3) ?? 'not finite'}`,
    ...(validationLoss === null ? [] : [`validation loss ${validationLoss.toFixed(3)}`]),
    ...(perplexity === null ? [] : [`perplexity ${perplexity.toFixed(1)}`]),
    ...(skippedSteps === 0 ? [] : [colors.yellow(`${formatCount(skippedSteps)} steps skipped`)]),
  ];
  const chart = lineChart(
    curve.map(({ loss }) => loss),
    { width: width - 2, height: CHART_ROWS },
  );
  const lines = [
    `${colors.bold('Training loss')} of ${model.architecture}, ${formatCount(model.parameters)} parameters`,
    ...chart.map((line) => `  ${line}`),
    ...wrap(figures, width - 2).map((line) => `  ${line}`),
  ];
  for (const { prompt, text, step } of samples.slice(0, 1)) {
    const words = printable(`${prompt}${text}`.replaceAll(/\s+/g, ' ').trim()).split(' ');
    const all = wrap(words, width - 2, ' ');
    lines.push(colors.bold(`Written after step ${formatCount(step)}`));
    lines.push(
      ...all
        .slice(0, SAMPLE_LINES)
        .map((line, i) => `  ${line}${i === SAMPLE_LINES - 1 && all.length > SAMPLE_LINES ? ' …' : ''}`),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** As many parts on a line as fit; one that is longer stands alone. */
function wrap(parts: readonly string[], width: number, between = ', '): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(last) + textWidth(between) + textWidth(part) <= width) {
      lines[lines.length - 1] = `${last}${between}${part}`;
    } else lines.push(part);
  }
  return lines;
}
