/**
 * A training run while it runs. On a terminal: evaluations, samples, checkpoints and what the guard did leave a line each, and
 * below them the curve of the loss and a line of figures are redrawn a few times a second. Elsewhere (CI logs, files): the
 * same lines, and of steps one every ten seconds. After `stop()` nothing is written.
 */
import pc from 'picocolors';
import type { LogRecord, RunRecord, StepRecord } from '../training/log.ts';
import { lineChart } from './line-chart.ts';
import { formatCount, formatWholeSeconds } from './numbers.ts';
import type { ProgressStream } from './progress.ts';
import { cutToWidth, printable } from './text-width.ts';

export interface TrainDisplay {
  onRecord(record: LogRecord): void;
  /** Clears what is redrawn. Safe to call twice. */
  stop(): void;
}

const REDRAW_MS = 250;
const PLAIN_LINE_MS = 10_000;
const CHART_ROWS = 8;
/** Steps whose speed is shown. */
const SPEED_STEPS = 20;

export function createTrainDisplay(
  stream: ProgressStream,
  options: { now?: () => number; color?: boolean } = {},
): TrainDisplay {
  const now = options.now ?? (() => performance.now());
  const isTty = stream.isTTY === true;
  const colors = pc.createColors(options.color ?? (isTty && pc.isColorSupported));
  let run: RunRecord | undefined;
  const losses: number[] = [];
  const recent: StepRecord[] = [];
  let validation: number | null = null;
  let rowsShown = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  let stopped = false;

  const clear = (): string => {
    const text = rowsShown === 0 ? '' : `\r\u001b[${rowsShown}A\u001b[J`;
    rowsShown = 0;
    return text;
  };
  const print = (line: string): void => {
    stream.write(`${clear()}${line}\n`);
  };
  const draw = (): void => {
    lastMs = now();
    const width = (stream.columns ?? 80) - 1;
    const chart = losses.length < 2 ? [] : lineChart(losses, { width: Math.min(width, 100), height: CHART_ROWS });
    const lines = [...chart, figures(run, recent, validation)].map((line) => cutToWidth(line, width));
    stream.write(`${clear()}${lines.join('\n')}\n`);
    rowsShown = lines.length;
  };

  const onStep = (record: StepRecord): void => {
    losses.push(record.loss ?? Number.NaN);
    recent.push(record);
    if (recent.length > SPEED_STEPS) recent.shift();
    const waited = now() - lastMs;
    if (isTty ? waited >= REDRAW_MS : waited >= PLAIN_LINE_MS || record.step === run?.steps) {
      if (isTty) draw();
      else {
        lastMs = now();
        print(figures(run, recent, validation));
      }
    }
  };

  return {
    onRecord(record) {
      if (stopped) return;
      switch (record.kind) {
        case 'run':
          run = record;
          return;
        case 'step':
          onStep(record);
          return;
        case 'evaluation': {
          validation = record.loss;
          const best = record.best ? colors.green(' (best so far)') : '';
          print(`step ${formatCount(record.step)}: validation loss ${shown(record.loss)}${best}`);
          return;
        }
        case 'sample':
          print(
            `${colors.dim(`sample at step ${formatCount(record.step)}:`)} ${printableText(record.prompt + record.text)}`,
          );
          return;
        case 'checkpoint':
          print(colors.dim(`checkpoint ${record.folder} (${record.reason})`));
          return;
        case 'guard': {
          const [first] = record.tensors;
          const what =
            first === undefined ? `gradient norm ${shown(record.gradientNorm)}` : `${first.name} is not finite`;
          print(`${colors.yellow(`${record.event}:`)} step ${formatCount(record.step)} ${record.action}: ${what}`);
          return;
        }
        case 'session':
          if (record.event === 'resumed') print(`going on after step ${formatCount(record.step)}`);
          return;
        case 'end':
      }
    },
    stop() {
      if (stopped) return;
      if (isTty && recent.length > 0) draw();
      stopped = true;
    },
  };
}

/** The line of figures: step, loss, norm, learning rate, speed, time left. */
function figures(run: RunRecord | undefined, recent: readonly StepRecord[], validation: number | null): string {
  const last = recent.at(-1);
  if (last === undefined) return '';
  const { steps = null } = run ?? {};
  const of = steps === null ? '' : `/${formatCount(steps)}`;
  const parts = [`step ${formatCount(last.step)}${of}`, `loss ${shown(last.loss)}`];
  if (validation !== null) parts.push(`validation ${shown(validation)}`);
  parts.push(`norm ${last.gradientNorm === null ? 'not finite' : last.gradientNorm.toPrecision(3)}`);
  parts.push(`lr ${last.learningRate.toExponential(2)}`);
  const seconds = median(recent.map(({ time }) => time.stepSeconds));
  const speeds = median(recent.map(({ time }) => time.tokensPerSecond));
  parts.push(`${formatCount(Math.round(speeds))} tokens/s`);
  const { shareOfPeak } = last.time;
  if (shareOfPeak !== null) {
    parts.push(`${Math.round(100 * median(recent.map(({ time }) => time.shareOfPeak ?? 0)))} % of peak`);
  }
  if (steps !== null && last.step < steps) parts.push(`${formatWholeSeconds((steps - last.step) * seconds)} left`);
  return parts.join('  ');
}

function shown(loss: number | null): string {
  return loss === null ? 'not finite' : loss.toFixed(4);
}

/** A text on one line, its line ends shown. */
function printableText(text: string): string {
  return printable(text.replaceAll('\n', '⏎'));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
