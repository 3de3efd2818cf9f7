/**
 * The chapter Alignment: the chain of stages, the same prompts answered after each of them side by side, and of every stage what
 * changed, its curves, and for a reward model how good it is on pairs that it has not seen.
 */
import { farFromReference } from '../alignment-distance.ts';
import { figureName, figureText } from '../figure-names.ts';
import { formatCount, formatCounted, formatShare, NO_FIGURE } from '../numbers.ts';
import type { ReportAlignedStage, ReportAlignment } from '../report-schema.ts';
import { type Chart, type ChartLine, renderChart } from '../training/chart.ts';
import { smooth } from '../training/series.ts';
import { html, type Markup, percent } from './markup.ts';

type Answers = NonNullable<ReportAlignment['answers']>;
type Evaluation = NonNullable<ReportAlignedStage['evaluation']>;

export function renderAlignment({ stages, answers }: ReportAlignment): Markup {
  return html`${renderChain(stages)}${answers !== null && renderAnswers(answers, stages)}${stages.map(renderStage)}`;
}

/** What came of it, in a line: how the reward rose, and how far from the reference: far away a learnt reward says little. */
export function alignmentVerdict({ stages }: ReportAlignment): Markup {
  const rewarded = stages.flatMap((stage) => {
    const figure = stage.figures.find(({ name }) => name === 'reward');
    return figure?.first == null || figure.last === null
      ? []
      : [
          {
            name: stage.name,
            first: figure.first,
            last: figure.last,
            kl: stage.figures.find(({ name }) => name === 'kl'),
          },
        ];
  });
  if (rewarded.length === 0) return html`Aligned in <strong>${formatCounted(stages.length, 'stage')}</strong>.`;
  const best = rewarded.reduce((a, b) => (b.last - b.first > a.last - a.first ? b : a));
  return html`Reward ${figureText(best.first)} → <strong>${figureText(best.last)}</strong> <span class="nowrap">by ${best.name}${best.kl?.last != null && `, at a KL of ${figureText(best.kl.last)}`}.</span>`;
}

/** A row for each branch: what it grows out of, and the stages that follow each other. */
function renderChain(stages: readonly ReportAlignedStage[]): Markup {
  const rows: { from: string; links: Markup[] }[] = [];
  for (const [i, { name, stage, from }] of stages.entries()) {
    const link = html`<a href="#stage-${String(i)}">${name}</a>${stage !== name && html` <small>${stage}</small>`}`;
    if (i > 0 && stages[i - 1].name === from) rows[rows.length - 1].links.push(link);
    else rows.push({ from, links: [link] });
  }
  return html`<ul class="chains">${rows.map(
    ({ from, links }) =>
      html`<li><span class="quiet">${from}</span>${links.map((link) => html` <span class="arrow" aria-label="to">→</span> ${link}`)}</li>`,
  )}</ul>`;
}

function renderAnswers({ prompts, policies, sampling }: Answers, stages: readonly ReportAlignedStage[]): Markup {
  const originOf = (name: string): string => `from ${stages.find((stage) => stage.name === name)?.from ?? NO_FIGURE}`;
  const { temperature, topP, tokens } = sampling;
  const how = temperature === 0 ? 'the likeliest answer' : `temperature ${temperature}, top-p ${topP}`;
  return html`<h3>The same prompts after each stage</h3>
<div class="table-frame" tabindex="0" role="region" aria-label="Answers"><table class="answers"><thead><tr><th scope="col">Prompt</th>${policies.map(
    ({ name, stage }) =>
      html`<th scope="col">${stage === null ? 'Before' : name}<small>${stage === null ? name : originOf(name)}</small></th>`,
  )}</tr></thead>
<tbody>${prompts.map(
    (prompt, row) =>
      html`<tr><th scope="row" dir="auto">${prompt}</th>${policies.map(({ answers, stage }) => {
        const text = answers[row].trim();
        return html`<td class="${stage === null ? 'first-answer' : ''}" dir="auto">${text === '' ? html`<span class="empty">nothing</span>` : text}</td>`;
      })}</tr>`,
  )}</tbody></table></div>
<p class="quiet">At most ${formatCounted(tokens, 'token')} each, ${how}, the same draws for every policy.</p>`;
}

function renderStage(stage: ReportAlignedStage, index: number): Markup {
  const { name, figures, charts, evaluation, reward, records, path, model } = stage;
  const distance = farFromReference(stage);
  const facts = [
    `from ${stage.from}`,
    `${formatCounted(stage.steps, 'step')}`,
    ...(reward === null ? [] : [`scored by ${reward}`]),
    `${formatCount(records.used)} of ${formatCounted(records.read, 'record')}`,
  ];
  return html`<section class="aligned" id="stage-${String(index)}" aria-label="${name}">
<h3>${name}${stage.stage !== name && html` <small>${stage.stage}</small>`} <span class="group-sum">${facts.join(', ')}</span></h3>
<dl class="facts changes">${figures.map(
    ({ name: figure, first, last }) =>
      html`<div><dt>${capital(figureName(figure))}</dt><dd>${figureText(first)} <span class="arrow" aria-label="to">→</span> <b>${figureText(last)}</b></dd></div>`,
  )}</dl>
${distance !== undefined && html`<p>${distance}</p>`}
${evaluation !== null && renderEvaluation(evaluation)}
<div class="charts">${charts.map((chart, i) => renderChart(chartOf(name, chart, `chart-align-${index}-${i}`)))}</div>
<p class="quiet">Model: <code class="id">${model}</code>; samples on the way and settings: <code class="id">${path}/report.html</code></p></section>`;
}

/** Curves of so many points are smoothed: the single steps, of few pairs or samples each, stand behind them. */
const LONG = 40;

/** The colours of a chart's lines; held-out data have the second one everywhere. */
export function chartOf(stage: string, { title, lines }: ReportAlignedStage['charts'][number], id: string): Chart {
  const ends = lines.map(({ name, points }) => `${name} ${figureText(points.at(-1)?.[1] ?? null)}`);
  return {
    id,
    title,
    description: `${title} of ${stage} over steps; at the end ${ends.join(', ')}.`,
    lines: lines.flatMap(({ name, kind, points }, i): ChartLine[] => {
      const color = kind === 'dots' ? 1 : i;
      if (kind === 'dots' || points.length < LONG) return [{ name, color, kind, points }];
      return [
        { name: 'single steps', color, kind: 'faint', points },
        { name, color, kind, points: smooth(points, Math.round(points.length / LONG)) },
      ];
    }),
    format: figureText,
    unit: 'steps',
  };
}

function renderEvaluation(found: Evaluation): Markup {
  const rows = [
    { name: 'Reward model', ...found.accuracy, color: 0 },
    { name: 'Words alone', ...found.bagOfWords, color: 1 },
    { name: 'The longer answer', ...found.longer, color: 2 },
  ];
  return html`<h4>In the right order, of ${formatCounted(found.pairs, 'held-out pair')}</h4>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Judge</th><th scope="col" class="num">Accuracy</th><th scope="col" class="num">95 % interval</th><th scope="col">0 to 100 %, chance dashed</th></tr></thead>
<tbody>${rows.map(
    ({ name, share, low, high, color }) =>
      html`<tr><th scope="row">${name}</th><td class="num">${formatShare(share, 1)}</td><td class="num">${formatShare(low, 1)} – ${formatShare(high, 1)}</td><td class="color-${String(color)}"><span class="interval" aria-hidden="true"><u></u><b style="left:${percent(low, 1)};width:${percent(high - low, 1)}"></b><i style="left:${percent(share, 1)}"></i></span></td></tr>`,
  )}</tbody></table></div>
<p class="quiet">Calibration error ${formatShare(found.calibrationError, 1)}; correlation of reward and length ${figureText(found.lengthCorrelation)}; largest change when the answers change places ${figureText(found.swapDifference)}.</p>`;
}

function capital(words: string): string {
  return words.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
}
