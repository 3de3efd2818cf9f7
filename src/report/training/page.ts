/** The report of training runs on one page: one run in full, or several with their curves laid over each other. */
import { corpusmillVersion } from '../../core/version.ts';
import { type Child, html, type Markup } from '../html/markup.ts';
import { chapter, MASTHEAD_BAR, renderShell } from '../html/shell.ts';
import { formatCount } from '../numbers.ts';
import { formatLoss, renderCurves, renderLoss } from './curves.ts';
import { type TrainingRun, tellApart } from './read-run.ts';
import { median } from './series.ts';
import { CHART_STYLE } from './style.ts';
import {
  lowest,
  renderCheckpoints,
  renderDifferences,
  renderGuard,
  renderResults,
  renderSamples,
  renderSetup,
  smoothedLoss,
  speedOf,
  statusOf,
  timeOf,
} from './tables.ts';

/** A page without network, as all reports are. At least one run. */
export function renderTrainingReport(given: readonly TrainingRun[]): string {
  const runs = tellApart(given);
  const guard = renderGuard(runs);
  const chapters = [
    chapter(
      'loss',
      'Loss',
      'Over the tokens trained on. Point at a curve, or focus it and use the arrow keys, to read values.',
      html`${renderLoss(runs)}${renderResults(runs)}`,
    ),
    ...(runs.length > 1
      ? [
          chapter(
            'differences',
            'Differences',
            'Settings and data that are not those of the first run.',
            renderDifferences(runs),
          ),
        ]
      : []),
    chapter('curves', 'Curves', 'How the training went.', renderCurves(runs)),
    ...(guard === undefined
      ? []
      : [chapter('guard', 'Guard', 'Steps whose gradients could not be trusted, and what became of them.', guard)]),
    chapter(
      'samples',
      'Samples',
      'What the model wrote on the way, the last first; prompts in colour.',
      renderSamples(runs),
    ),
    chapter('checkpoints', 'Checkpoints', 'Folders with weights, the last first.', renderCheckpoints(runs)),
    chapter('setup', 'Setup', 'Model, memory, data, sessions and settings.', renderSetup(runs)),
  ];
  const title = runs.map(({ name }) => name).join(', ');
  return renderShell({
    title: `${title} – corpusmill training`,
    skip: { to: 'loss', text: 'Skip to the loss' },
    masthead: runs.length === 1 ? mastheadOfOne(runs[0]) : mastheadOfMany(runs),
    chapters,
    footer: html`<footer><p class="quiet">corpusmill ${corpusmillVersion()}. Every figure is in <code>train-log.jsonl</code>.</p></footer>`,
    style: CHART_STYLE,
  });
}

function mastheadOfOne(run: TrainingRun): Markup {
  const validation = run.evaluations.at(-1);
  const last = run.steps.at(-1);
  const share = median(run.steps.flatMap(({ time }) => time.shareOfPeak ?? []));
  const figures: [string, string, Child][] = [
    ['Parameters', formatCount(run.run.model.parameters), run.run.model.architecture],
    ['Tokens', formatCount(last?.tokens ?? 0), `in ${timeOf(run)}`],
    ['Training loss', formatLoss(smoothedLoss(run)), 'last fiftieth of the steps'],
    ['Tokens per second', speedOf(run), Number.isFinite(share) && `${Math.round(100 * share)} % of the machine’s peak`],
  ];
  if (validation !== undefined) {
    const perplexity = validation.perplexity === null ? '' : `perplexity ${validation.perplexity.toFixed(1)}, `;
    figures.splice(3, 0, [
      'Validation loss',
      formatLoss(validation.loss),
      `${perplexity}lowest ${formatLoss(lowest(run))}`,
    ]);
  }
  const loss = validation?.loss ?? last?.loss;
  return html`<header class="masthead">
${MASTHEAD_BAR}
<h1>${run.name}</h1>
<p class="verdict">${
    last === undefined
      ? 'No step was trained yet.'
      : html`<strong>${formatLoss(loss)}</strong> ${validation === undefined ? 'training' : 'validation'} loss, <span class="nowrap">${statusOf(run)}.</span>`
  }</p>
<dl class="figures">${figures.map(([label, value, note]) => html`<div><dt>${label}</dt><dd>${value}<small>${note}</small></dd></div>`)}</dl>
</header>`;
}

function mastheadOfMany(runs: readonly TrainingRun[]): Markup {
  const ranked = runs
    .map((run) => ({ run, loss: lowest(run) }))
    .filter((one): one is { run: TrainingRun; loss: number } => one.loss !== null)
    .sort((a, b) => a.loss - b.loss);
  const [best, next] = ranked;
  return html`<header class="masthead">
${MASTHEAD_BAR}
<h1>${formatCount(runs.length)} training runs</h1>
<p class="verdict">${
    next === undefined
      ? 'Too few validation losses to compare.'
      : best.loss === next.loss
        ? html`Equal validation losses of <strong>${formatLoss(best.loss)}</strong>.`
        : html`<strong>${best.run.name}</strong> has the lowest validation loss, <span class="nowrap">${formatLoss(best.loss)}.</span>`
  }</p>
</header>`;
}
