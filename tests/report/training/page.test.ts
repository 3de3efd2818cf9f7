import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { DARK, LIGHT } from '../../../src/report/html/theme.ts';
import { renderTrainingReport } from '../../../src/report/training/page.ts';
import { sortRecords } from '../../../src/report/training/read-run.ts';
import { CURVES_DARK, CURVES_LIGHT } from '../../../src/report/training/style.ts';
import { HOSTILE } from '../fixture.ts';
import { contrast } from '../html/contrast.ts';
import { kindsOfElements } from '../html/kinds-of-elements.ts';
import { runPage } from '../html/run-page.ts';
import { type MadeRun, madeLog } from './made-run.ts';

const page = (...runs: MadeRun[]) =>
  renderTrainingReport(runs.map((run, i) => sortRecords(madeLog(run), `/runs/${i}`)));
const parse = (...runs: MadeRun[]) => parseHTML(page(...runs)).document;
const textOf = (element: { textContent: string | null } | null | undefined) =>
  element?.textContent?.replaceAll(/\s+/g, ' ').trim();

describe('the report of a training run', () => {
  it('leads with the validation loss and how the run ended', () => {
    const document = parse({});
    expect(document.querySelector('title')?.textContent).toBe('made – corpusmill training');
    // 8 / 100 + .1
    expect(textOf(document.querySelector('.verdict'))).toBe('0.180 validation loss, finished after 100 steps.');
    expect([...document.querySelectorAll('.figures dd')].map(textOf)).toEqual([
      '1,234,567qwen3',
      '100,000in 1 min 40 s',
      // Mean of 8 / 99 and 8 / 100.
      '0.080last fiftieth of the steps',
      '0.180perplexity 1.2, lowest 0.180',
      '1,00050 % of the machine’s peak',
    ]);
  });

  it('says that a run was interrupted', () => {
    expect(textOf(parse({ ended: false }).querySelector('.verdict'))).toContain('interrupted after step 100');
  });

  it('draws the smoothed loss, single steps and the evaluations', () => {
    const document = parse({});
    const lines = [...document.querySelectorAll('[data-chart=chart-loss] polyline')];
    expect(lines.map((line) => line.getAttribute('class'))).toEqual([
      'curve-faint color-0',
      'curve-line color-0',
      'curve-dots color-1',
    ]);
    const points = (line: { getAttribute(name: string): string | null }) =>
      line
        .getAttribute('points')!
        .split(' ')
        .map((point) => point.split(',').map(Number));
    expect(points(lines[1])).toHaveLength(100);
    // The last point is at the right, and lower than the first (smaller y is higher).
    const [first, last] = [points(lines[1])[0], points(lines[1]).at(-1)!];
    expect(last[0]).toBe(100);
    expect(last[1]).toBeGreaterThan(first[1]);
    expect(document.querySelectorAll('[data-chart=chart-loss] .dot')).toHaveLength(4);
  });

  it('marks skipped steps and tells what the guard met', () => {
    const document = parse({ skipped: [40, 41] });
    const marks = [...document.querySelectorAll('[data-chart=chart-norm] .mark')];
    expect(marks.map((mark) => mark.getAttribute('style'))).toEqual(['left:40%', 'left:41%']);
    expect([...document.querySelectorAll('#guard tbody tr')].map(textOf)).toHaveLength(2);
    expect(parse({}).querySelector('#guard')).toBeNull();
  });

  it('has a chart for every metric of the objective', () => {
    expect(textOf(parse({ metrics: { balance: 4 } }).querySelector('#chart-metric-0-title'))).toContain('Load balance');
  });

  it('lists samples and checkpoints, the last first', () => {
    const document = parse({});
    expect(textOf(document.querySelector('#samples li'))).toBe('Step 100, 100,000 tokensOnce upon a time');
    expect(textOf(document.querySelector('#checkpoints tbody tr'))).toContain('checkpoints/step-00000100');
  });

  it('shows a log whose first step is not trained yet', () => {
    expect(textOf(parse({ steps: 0 }).querySelector('.verdict'))).toBe('No step was trained yet.');
  });
});

describe('several runs', () => {
  const two = [
    { name: 'all' },
    { name: 'filtered', loss: 6, settings: { optimizer: { learningRate: 0.002 }, seed: 1 } },
  ];

  it('are told apart, and the best is named first', () => {
    const document = parse(...two);
    expect(textOf(document.querySelector('.verdict'))).toBe('filtered has the lowest validation loss, 0.160.');
    const rows = [...document.querySelectorAll('#loss tbody tr')].map(textOf);
    expect(rows).toHaveLength(2);
    // 6 / 100 − 8 / 100
    expect(rows[1]).toContain('−0.020');
  });

  it('lie over each other in colours of their own', () => {
    const lines = [...parse(...two).querySelectorAll('[data-chart=chart-loss] polyline')];
    expect(lines.map((line) => line.getAttribute('class'))).toEqual([
      'curve-line color-0',
      'curve-dots color-0',
      'curve-line color-1',
      'curve-dots color-1',
    ]);
  });

  it('say in which settings they differ', () => {
    expect([...parse(...two).querySelectorAll('#differences tbody tr')].map(textOf)).toEqual([
      'optimizer.learningRate 0.001 0.002'.replaceAll(' ', ''),
    ]);
  });

  it('of one name are told apart by their folders', () => {
    const names = [...parse({}, {}).querySelectorAll('#loss .run-name')].map(textOf);
    expect(names[0]).toMatch(/^0 /);
    expect(names[1]).toMatch(/^1 /);
  });
});

describe('the page', () => {
  it('makes no markup of names, prompts, texts and settings', () => {
    const run = { skipped: [3], metrics: { balance: 1 } };
    const plain = page(run, { ...run, settings: { more: 2 } });
    const hostile = page(
      { ...run, name: HOSTILE, text: HOSTILE, settings: { [HOSTILE]: HOSTILE } },
      { ...run, name: `${HOSTILE}2`, text: HOSTILE, settings: { [HOSTILE]: 2 } },
    );
    expect([...kindsOfElements(hostile)].filter((kind) => !kindsOfElements(plain).has(kind))).toEqual([]);
    expect(hostile).not.toContain('<img');
  });

  it('loads nothing from anywhere', () => {
    expect(page({})).not.toMatch(/(src|href)="(?!#)/);
    expect(page({})).toContain("default-src 'none'");
  });

  it('gives values by arrow keys to those who cannot point', () => {
    const { document } = runPage(page({}));
    const plot = document.querySelector('[data-chart=chart-loss]')!;
    expect(plot.getAttribute('tabindex')).toBe('0');
    const press = (key: string) => {
      const event = new (document.defaultView as unknown as { Event: typeof Event }).Event('keydown');
      Object.assign(event, { key });
      plot.dispatchEvent(event);
      return textOf(document.querySelector('#chart-loss-values'));
    };
    expect(press('End')).toMatch(/^100,000 tokens: training, smoothed 0\.080, validation 0\.180$/);
    expect(press('ArrowLeft')).toMatch(/^99,000 tokens: training, smoothed 0\.081/);
    expect(press('Escape')).toBe('');
  });

  it('has curves that are seen on their page: 4.5 to 1', () => {
    for (const color of CURVES_LIGHT) expect(contrast(color, LIGHT.page)).toBeGreaterThan(4.5);
    for (const color of CURVES_DARK) expect(contrast(color, DARK.page)).toBeGreaterThan(4.5);
  });
});
