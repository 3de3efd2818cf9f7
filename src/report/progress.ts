/**
 * The live display of a run. On a terminal: a finished phase leaves one line, and below it one line is redrawn at most
 * ten times a second (phase, bar, percentage, documents, MB/s, time left). Elsewhere (CI logs, files): one line when a
 * phase starts and ends, and between them at most one every ten seconds. After `stop()` nothing is written.
 *
 * Speed and time left come from the last 20 seconds, so they follow a phase that slows down, and a resumed phase that
 * starts at 60 % is not taken for a fast one.
 */
import pc from 'picocolors';
import type { ProgressEvent } from '../core/run-summary.ts';
import { formatCount, formatCounted, formatRate, formatSeconds, formatWholeSeconds } from './numbers.ts';
import { cutToWidth, printable, textWidth } from './text-width.ts';

export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

export interface ProgressDisplay {
  onEvent(event: ProgressEvent): void;
  /** Leaves the screen to another display until the phase ends. */
  suspend(): void;
  /** Clears the live line and gives the cursor back. Safe to call twice. */
  stop(): void;
}

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;
const WINDOW_MS = 20_000;
/** Before this much of a window has passed, speed and time left would be guesses. */
const MIN_WINDOW_MS = 1_000;
/** The longest bar with which the line fits is taken. */
const BAR_CELLS = [20, 10, 0];

/** A title is not cut shorter than this. */
const MIN_TITLE_CELLS = 16;

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_LINE = '\r\u001b[2K';

interface RunningPhase {
  phase: string;
  title: string;
  index: number;
  phases: number;
  startedMs: number;
  fraction: number;
  documents: number;
  bytes: number;
  note: string | undefined;
  /** Recent observations, oldest first. */
  window: { ms: number; fraction: number; bytes: number }[];
}

/**
 * `now` is a millisecond clock (for tests); colour is on for a terminal unless NO_COLOR forbids.
 * `index` of a `phase-start` counts from 0.
 */
export function createProgressDisplay(
  stream: ProgressStream,
  options: { now?: () => number; color?: boolean } = {},
): ProgressDisplay {
  const now = options.now ?? (() => performance.now());
  const isTty = stream.isTTY === true;
  const colors = pc.createColors(options.color ?? (isTty && pc.isColorSupported));
  let running: RunningPhase | undefined;
  let stopped = false;
  let suspended = false;
  let lineShown = false;
  let cursorHidden = false;
  let lastDrawMs = Number.NEGATIVE_INFINITY;
  let ticker: ReturnType<typeof setInterval> | undefined;

  const clear = (): string => {
    const text = lineShown ? CLEAR_LINE : '';
    lineShown = false;
    return text;
  };

  const draw = (): void => {
    if (running === undefined || suspended) return;
    lastDrawMs = now();
    const line = liveLine(running, lastDrawMs, (stream.columns ?? 80) - 1);
    const hide = cursorHidden ? '' : HIDE_CURSOR;
    cursorHidden = true;
    stream.write(`${hide}${CLEAR_LINE}${line}`);
    lineShown = true;
  };

  /** A line that stays, above the live one. */
  const print = (line: string): void => {
    stream.write(`${clear()}${line}\n`);
  };

  const restore = (): void => {
    if (ticker !== undefined) clearInterval(ticker);
    ticker = undefined;
    const text = clear() + (cursorHidden ? SHOW_CURSOR : '');
    cursorHidden = false;
    if (text !== '') stream.write(text);
    process.off('exit', restore);
  };
  if (isTty) process.on('exit', restore);

  const start = (event: Extract<ProgressEvent, { type: 'phase-start' }>): void => {
    const { phase, title, index, phases } = event;
    const startedMs = now();
    running = {
      phase,
      title: printable(title),
      index,
      phases,
      startedMs,
      fraction: 0,
      documents: 0,
      bytes: 0,
      note: undefined,
      window: [],
    };
    if (!isTty) {
      print(`${position(running)} ${running.title}`);
      lastDrawMs = startedMs;
      return;
    }
    draw();
    // A phase that says nothing for a while must still look alive.
    ticker ??= setInterval(() => {
      if (running !== undefined && now() - lastDrawMs >= 1000) draw();
    }, 1000);
    ticker.unref();
  };

  const advance = (event: Extract<ProgressEvent, { type: 'phase-progress' }>): void => {
    if (running === undefined || running.phase !== event.phase) return;
    running.fraction = Math.min(Math.max(event.fraction, 0), 1);
    running.documents = event.documents;
    running.bytes = event.bytes;
    running.note = event.note === undefined ? undefined : printable(event.note);
    if (suspended) return;
    const ms = now();
    running.window.push({ ms, fraction: running.fraction, bytes: running.bytes });
    while (running.window.length > 2 && ms - running.window[1].ms >= WINDOW_MS) running.window.shift();
    if (isTty) {
      if (ms - lastDrawMs >= REDRAW_MS) draw();
    } else if (ms - lastDrawMs >= PLAIN_LINE_MS) {
      lastDrawMs = ms;
      print(`${position(running)} ${running.title}: ${progressFigures(running, ms).join(', ')}`);
    }
  };

  const end = (event: Extract<ProgressEvent, { type: 'phase-end' }>): void => {
    suspended = false;
    const finished = running?.phase === event.phase ? running : undefined;
    running = undefined;
    const name = finished === undefined ? printable(event.phase) : `${position(finished)} ${finished.title}`;
    const figures = event.reused ? ['already finished'] : [formatSeconds(event.seconds)];
    // An end that brings no totals stands by what the phase last reported.
    const documents = event.documents || (finished?.documents ?? 0);
    const bytes = event.bytes || (finished?.bytes ?? 0);
    if (documents > 0) figures.push(formatCounted(documents, 'document'));
    if (!event.reused && bytes > 0 && event.seconds > 0) figures.push(formatRate(bytes / event.seconds));
    const mark = event.reused ? colors.dim('=') : colors.green('✓');
    print(
      isTty
        ? `${mark} ${name}  ${colors.dim(figures.join(', '))}`
        : `${name}: ${event.reused ? '' : 'done in '}${figures.join(', ')}`,
    );
  };

  return {
    onEvent(event) {
      if (stopped) return;
      if (event.type === 'phase-start') start(event);
      else if (event.type === 'phase-progress') advance(event);
      else if (event.type === 'phase-end') end(event);
      else {
        print(`${colors.yellow('warning:')} ${printable(event.message)}`);
        if (isTty) draw();
      }
    },
    suspend() {
      if (stopped || suspended) return;
      stream.write(clear());
      suspended = true;
    },
    stop() {
      if (stopped) return;
      stopped = true;
      restore();
    },
  };
}

function liveLine(running: RunningPhase, ms: number, width: number): string {
  const figures = progressFigures(running, ms).join('  ');
  const line = (title: string, cells: number): string =>
    `${position(running)} ${title}  ${bar(running.fraction, cells)}${figures}`;
  const whole = BAR_CELLS.map((cells) => line(running.title, cells)).find((text) => textWidth(text) <= width);
  if (whole !== undefined) return whole;
  // A long title gives way to the figures; only a very narrow terminal cuts those too.
  const room = Math.max(MIN_TITLE_CELLS, width - textWidth(line('', 10)));
  return cutToWidth(line(cutToWidth(running.title, room), 10), width);
}

function bar(fraction: number, cells: number): string {
  const full = Math.round(fraction * cells);
  return cells === 0 ? '' : `${'█'.repeat(full)}${'░'.repeat(cells - full)} `;
}

function progressFigures(running: RunningPhase, ms: number): string[] {
  const figures = [`${Math.floor(running.fraction * 100)} %`];
  if (running.documents > 0) figures.push(formatCounted(running.documents, 'document'));
  const { bytesPerSecond, secondsLeft } = pace(running);
  if (bytesPerSecond !== undefined && bytesPerSecond > 0) figures.push(formatRate(bytesPerSecond));
  if (secondsLeft !== undefined) figures.push(`${formatWholeSeconds(secondsLeft)} left`);
  else figures.push(formatSeconds((ms - running.startedMs) / 1000));
  if (running.note !== undefined && running.note !== '') figures.push(running.note);
  return figures;
}

/** Speed and time left over the window, where it is long enough and something moved. */
function pace({ window, fraction }: RunningPhase): { bytesPerSecond?: number; secondsLeft?: number } {
  if (window.length < 2) return {};
  const [first, last] = [window[0], window[window.length - 1]];
  const seconds = (last.ms - first.ms) / 1000;
  if (seconds * 1000 < MIN_WINDOW_MS) return {};
  const perSecond = (last.fraction - first.fraction) / seconds;
  return {
    bytesPerSecond: (last.bytes - first.bytes) / seconds,
    ...(perSecond > 0 && fraction < 1 && { secondsLeft: (1 - fraction) / perSecond }),
  };
}

function position({ index, phases }: RunningPhase): string {
  return `[${formatCount(index + 1)}/${formatCount(phases)}]`;
}
