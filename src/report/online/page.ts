/**
 * The report of one online stage on one page: what the reward did and at what distance from the reference, the same prompts answered
 * on the way side by side, responses of the steps with their scores, all curves and settings.
 */
import { type StageFindings, summarizeOnline } from '../../align/summarize-stage.ts';
import { corpusmillVersion } from '../../core/version.ts';
import { figureName, figureText } from '../figure-names.ts';
import { chartOf } from '../html/alignment.ts';
import { ALIGNMENT_STYLE } from '../html/alignment-style.ts';
import { type Child, html, type Markup } from '../html/markup.ts';
import { chapter, MASTHEAD_BAR, renderShell } from '../html/shell.ts';
import { formatCount, formatCounted } from '../numbers.ts';
import { renderChart } from '../training/chart.ts';
import { CHART_STYLE } from '../training/style.ts';
import type { OnlineRun } from './read-run.ts';

/** A page without network, as all reports are. */
export function renderOnlineReport(run: OnlineRun): string {
  const { name, stage } = run.run;
  const findings = summarizeOnline(stage, run.records);
  const [reward, ...others] = findings.charts.map((chart, i) => chartOf(name, chart, `chart-online-${i}`));
  return renderShell({
    title: `${name} – corpusmill ${stage}`,
    skip: { to: 'reward', text: 'Skip to the reward' },
    masthead: masthead(run, findings),
    chapters: [
      chapter(
        'reward',
        'Reward',
        'Mean score of the responses of a step, as the reward gave it; above, means of the first and of the last twentieth of the steps. Point at the curve, or focus it and use the arrow keys, to read values.',
        reward === undefined
          ? html`<p class="quiet">No step was made yet.</p>`
          : renderChart({ ...reward, tall: true }),
      ),
      chapter(
        'answers',
        'Answers',
        'The same prompts on the way, with the same draws: what differs is the policy alone.',
        renderAnswers(run),
      ),
      chapter(
        'responses',
        'Responses',
        'What was sampled to learn from, with its scores, the last first.',
        renderResponses(run),
      ),
      chapter('curves', 'Curves', 'How the stage went.', html`<div class="charts">${others.map(renderChart)}</div>`),
      chapter('setup', 'Setup', 'Prompts, reward and settings.', renderSetup(run)),
    ],
    footer: html`<footer><p class="quiet">corpusmill ${corpusmillVersion()}. Every figure is in <code>align-log.jsonl</code>.</p></footer>`,
    style: CHART_STYLE + ALIGNMENT_STYLE,
  });
}

function masthead({ run, steps, end }: OnlineRun, { figures }: StageFindings): Markup {
  const count = steps.at(-1)?.step ?? 0;
  const status =
    end === undefined
      ? `not finished: ${formatCounted(count, 'step')} so far`
      : `finished after ${formatCounted(count, 'step')}`;
  const [reward] = figures;
  const kl = figures.find(({ name }) => name === 'kl')?.last ?? null;
  const shown = figures.map(({ name, first, last }): [string, string, Child] => [
    capital(figureName(name)),
    figureText(last),
    `from ${figureText(first)}`,
  ]);
  return html`<header class="masthead">
${MASTHEAD_BAR}
<h1>${run.name}</h1>
<p class="verdict">${
    steps.length === 0
      ? 'No step was made yet.'
      : html`Reward ${figureText(reward.first)} → <strong>${figureText(reward.last)}</strong>${kl !== null && `, at a KL of ${figureText(kl)}`}, <span class="nowrap">${status}.</span>`
  }</p>
<dl class="figures">${shown.map(([label, value, note]) => html`<div><dt>${label}</dt><dd>${value}<small>${note}</small></dd></div>`)}</dl>
</header>`;
}

/** Columns of the table of answers. */
const COLUMNS = 4;

function renderAnswers({ samples }: OnlineRun): Markup {
  if (samples.length === 0) return html`<p class="quiet">No samples were asked for.</p>`;
  const steps = [...new Set(samples.map(({ step }) => step))];
  const prompts = [...new Set(samples.map(({ prompt }) => prompt))];
  const shown = spread(steps, COLUMNS);
  return html`${table(shown)}${
    steps.length > shown.length &&
    html`<details class="fold data"><summary>All ${formatCount(steps.length)} times</summary>${table(steps)}</details>`
  }`;

  function table(of: readonly number[]): Markup {
    return html`<div class="table-frame" tabindex="0" role="region" aria-label="Answers"><table class="answers"><thead><tr><th scope="col">Prompt</th>${of.map(
      (step) => html`<th scope="col">${step === 0 ? 'Before' : `Step ${formatCount(step)}`}</th>`,
    )}</tr></thead>
<tbody>${prompts.map(
      (prompt) =>
        html`<tr><th scope="row" dir="auto">${prompt}</th>${of.map((step) => {
          const text = samples.find((one) => one.step === step && one.prompt === prompt)?.text.trim() ?? '';
          return html`<td class="${step === 0 ? 'first-answer' : ''}" dir="auto">${text === '' ? html`<span class="empty">nothing</span>` : text}</td>`;
        })}</tr>`,
    )}</tbody></table></div>`;
  }
}

/** At most `most` of the values, the first and the last among them, about evenly apart. */
function spread(values: readonly number[], most: number): number[] {
  if (values.length <= most) return [...values];
  return Array.from({ length: most }, (_, i) => values[Math.round((i * (values.length - 1)) / (most - 1))]);
}

const QUOTED = 6;

function renderResponses({ steps }: OnlineRun): Markup {
  const quotes = steps.flatMap(({ step, samples }) => samples.map((sample) => ({ step, ...sample }))).reverse();
  if (quotes.length === 0) return html`<p class="quiet">No samples were asked for.</p>`;
  const rows = (of: typeof quotes): Markup =>
    html`<div class="table-frame"><table class="plain"><thead><tr><th scope="col" class="num">Step</th><th scope="col">Prompt</th><th scope="col">Response</th><th scope="col" class="num">Score</th></tr></thead>
<tbody>${of.map(
      ({ step, prompt, response, score }) =>
        html`<tr><td class="num">${formatCount(step)}</td><td dir="auto">${prompt}</td><td dir="auto">${response === '' ? html`<span class="empty">nothing</span>` : response}</td><td class="num">${figureText(score)}</td></tr>`,
    )}</tbody></table></div>`;
  const more = quotes.slice(QUOTED, MOST_QUOTES);
  return html`${rows(quotes.slice(0, QUOTED))}${
    more.length > 0 &&
    html`<details class="fold data"><summary>${formatCount(more.length)} earlier</summary>${rows(more)}</details>`
  }`;
}

/** More are in the log. */
const MOST_QUOTES = 200;

function renderSetup({ run, end }: OnlineRun): Markup {
  const { prompts, reward, settings, stage } = run;
  const model = settings['model'];
  const facts: [string, string][] = [
    ['Stage', stage],
    ['Scored by', reward],
    ['Began with', typeof model === 'string' ? model : String((model as { from?: unknown } | undefined)?.from ?? '')],
    ['Prompts', `${formatCount(prompts.used)} of ${formatCounted(prompts.records, 'record')}`],
    ...prompts.skipped.map(({ reason, count, first }): [string, string] => [
      'Left out',
      `${formatCount(count)}, ${reason}: ${first}`,
    ]),
    ...(end === undefined ? [] : [['Model', end.policy] as [string, string]]),
  ];
  return html`<dl class="facts">${facts.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
<details class="fold data"><summary>All settings</summary><pre class="settings-text"><code>${JSON.stringify(settings, null, 2)}</code></pre></details>`;
}

function capital(words: string): string {
  return words.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
}
