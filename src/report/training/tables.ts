/** What a report of training runs says in words and figures: results beside each other, samples, checkpoints, settings. */

import { differences } from '../../training/config/settings.ts';
import { formatBytes as formatMemory, totalOf } from '../../training/memory.ts';
import { html, type Markup } from '../html/markup.ts';
import { formatCount, formatSeconds, formatShare, NO_FIGURE } from '../numbers.ts';
import { COLORS } from './chart.ts';
import { formatLoss } from './curves.ts';
import type { TrainingRun } from './read-run.ts';
import { median } from './series.ts';

/** Losses of all runs, and by how much they differ from the first. */
export function renderResults(runs: readonly TrainingRun[]): Markup {
  const [first] = runs;
  const lossOf = (run: TrainingRun): number | null => lowest(run) ?? run.steps.at(-1)?.loss ?? null;
  const base = lossOf(first);
  const cell = (label: string, value: string): Markup => html`<td class="num" data-label="${label}">${value}</td>`;
  return html`<table class="stacking"><thead><tr><th scope="col">Run</th><th scope="col" class="num">Parameters</th><th scope="col" class="num">Tokens</th><th scope="col" class="num">Training loss</th><th scope="col" class="num">Validation</th><th scope="col" class="num">Lowest</th>${runs.length > 1 && html`<th scope="col" class="num">To the first</th>`}<th scope="col" class="num">Tokens/s</th></tr></thead>
<tbody>${runs.map((run, i) => {
    const last = run.steps.at(-1);
    const loss = lossOf(run);
    const apart = loss === null || base === null || i === 0 ? NO_FIGURE : signed(loss - base);
    return html`<tr><th scope="row" class="run-name"><span class="run-swatch color-${i % COLORS}"></span>${run.name} <small>${statusOf(run)}</small></th>
${cell('Parameters', formatCount(run.run.model.parameters))}${cell('Tokens', formatCount(last?.tokens ?? 0))}${cell('Training loss', formatLoss(smoothedLoss(run)))}${cell('Validation', formatLoss(run.evaluations.at(-1)?.loss))}${cell('Lowest', formatLoss(lowest(run)))}${runs.length > 1 && cell('To the first', apart)}${cell('Tokens/s', speedOf(run))}</tr>`;
  })}</tbody></table>
<p class="quiet">In nats a token. Training loss is the mean of the last fiftieth of the steps${runs.length > 1 ? '; losses of runs compare where they have the same tokenizer and validation data' : ''}.</p>`;
}

/** Which settings differ from the first run's. */
export function renderDifferences(runs: readonly TrainingRun[]): Markup {
  const [first, ...others] = runs;
  return html`${others.map((run) => {
    const differing = differences(first.run.settings, run.run.settings);
    const data = differences(first.run.data, run.run.data).map((one) => ({ ...one, path: `data: ${one.path}` }));
    const rows = [...differing, ...data];
    return html`<div class="group"><h3>${run.name} <span class="group-sum">beside ${first.name}</span></h3>${
      rows.length === 0
        ? html`<p class="quiet">The same settings.</p>`
        : html`<table class="stacking"><thead><tr><th scope="col">Setting</th><th scope="col">${first.name}</th><th scope="col">${run.name}</th></tr></thead>
<tbody>${rows.map((row) => html`<tr><th scope="row">${row.path}</th><td data-label="${first.name}"><code class="id">${row.before}</code></td><td data-label="${run.name}"><code class="id">${row.now}</code></td></tr>`)}</tbody></table>`
    }</div>`;
  })}`;
}

const SAMPLES_SHOWN = 4;

/** Texts by step: the last ones open, those before folded. */
export function renderSamples(runs: readonly TrainingRun[]): Markup {
  const groups = runs.map((run) => {
    const item = ({ step, tokens, prompt, text }: TrainingRun['samples'][number]): Markup =>
      html`<li><h3><small>Step ${formatCount(step)}, ${formatCount(tokens)} tokens</small></h3><p class="excerpt"><span class="prompt">${prompt}</span>${text}</p></li>`;
    const latest = [...run.samples].reverse();
    const more = latest.slice(SAMPLES_SHOWN);
    if (latest.length === 0)
      return html`<p class="quiet">${runs.length > 1 && `${run.name}: `}No samples were asked for.</p>`;
    return html`<div class="group">${runs.length > 1 && html`<h3>${run.name}</h3>`}<ol class="text-samples">${latest.slice(0, SAMPLES_SHOWN).map(item)}</ol>${
      more.length > 0 &&
      html`<details class="fold data"><summary>${formatCount(more.length)} earlier</summary><ol class="text-samples">${more.map(item)}</ol></details>`
    }</div>`;
  });
  return html`${groups}`;
}

export function renderCheckpoints(runs: readonly TrainingRun[]): Markup {
  const shown = runs.map((run) => {
    // One that was written again after going on counts once.
    const rows = [...new Map(run.checkpoints.map((one) => [one.folder, one])).values()].reverse();
    const best = lowest(run);
    return html`<div class="group">${runs.length > 1 && html`<h3>${run.name}</h3>`}${
      rows.length === 0
        ? html`<p class="quiet">None was written yet.</p>`
        : html`<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Checkpoint</th><th scope="col">Why</th><th scope="col" class="num">Tokens</th><th scope="col" class="num">Validation loss</th></tr></thead>
<tbody>${rows.map((row) => html`<tr><th scope="row"><code class="id">${row.folder}</code></th><td>${REASONS[row.reason]}</td><td class="num">${formatCount(row.tokens)}</td><td class="num">${formatLoss(row.validationLoss)}${row.validationLoss !== null && row.validationLoss === best && ' (lowest)'}</td></tr>`)}</tbody></table></div>`
    }</div>`;
  });
  return html`${shown}<p class="quiet">Paths are from the folder of the run; older ones are removed (<code>checkpoints.keep</code>). Each is a folder for transformers and for <code>corpusmill generate</code>.</p>`;
}

const REASONS: Record<TrainingRun['checkpoints'][number]['reason'], string> = {
  steps: 'every so many steps',
  minutes: 'every so many minutes',
  best: 'lowest validation loss',
  interrupted: 'interrupted',
  end: 'end of the run',
};

/** What the guard met; undefined where it met nothing. */
export function renderGuard(runs: readonly TrainingRun[]): Markup | undefined {
  const rows = runs.flatMap((run) => run.guards.map((guard) => ({ run, guard })));
  if (rows.length === 0) return undefined;
  const shown = rows.slice(0, 100);
  return html`<div class="table-frame"><table class="plain"><thead><tr>${runs.length > 1 && html`<th scope="col">Run</th>`}<th scope="col" class="num">Step</th><th scope="col">What</th><th scope="col">Then</th><th scope="col">First tensor</th><th scope="col" class="num">Norm</th></tr></thead>
<tbody>${shown.map(
    ({ run, guard }) =>
      html`<tr>${runs.length > 1 && html`<td>${run.name}</td>`}<td class="num">${formatCount(guard.step)}</td><td>${guard.event}</td><td>${guard.action}</td><td><code class="id">${guard.tensors[0]?.name ?? NO_FIGURE}</code></td><td class="num">${guard.gradientNorm === null ? 'not finite' : formatLoss(guard.gradientNorm)}</td></tr>`,
  )}</tbody></table></div>${rows.length > shown.length && html`<p class="quiet">${formatCount(rows.length - shown.length)} more in train-log.jsonl.</p>`}`;
}

/** Model, memory, data, sessions and all settings of each run. */
export function renderSetup(runs: readonly TrainingRun[]): Markup {
  return html`${runs.map((run) => {
    const { model, data, memory, flopsPerToken, settings, rows, sequenceLength, accumulation, tokensPerStep } = run.run;
    const active = model.activeParameters === model.parameters ? '' : `, ${formatCount(model.activeParameters)} active`;
    const facts: [string, string][] = [
      ['Model', `${model.architecture}, ${formatCount(model.layers)} layers of ${formatCount(model.hiddenSize)}`],
      ['Parameters', `${formatCount(model.parameters)}${active}`],
      ['Vocabulary', `${formatCount(model.vocabSize)} tokens`],
      ['Began with', model.startedFrom ?? 'weights drawn from the seed'],
      ['FLOPs per token', formatFlops(flopsPerToken)],
      ['Objective', run.run.objective],
      [
        'Step',
        `${formatCount(tokensPerStep)} tokens: ${rows} rows of ${formatCount(sequenceLength)}${accumulation > 1 ? ` × ${accumulation}` : ''}`,
      ],
      ['Data', `${data.kind}: ${data.tokens === null ? 'size unknown' : `${formatCount(data.tokens)} tokens`}`],
      ['Validation', data.validationTokens === null ? 'none' : `${formatCount(data.validationTokens)} tokens`],
      ['Epochs', data.tokens === null ? NO_FIGURE : ((run.steps.at(-1)?.tokens ?? 0) / data.tokens).toFixed(2)],
      ['Paths', data.paths.join(', ')],
      ['Backend', backendOf(run.sessions.at(-1))],
    ];
    const parts = Object.entries(memory).filter(([, bytes]) => bytes > 0);
    return html`<div class="group">${runs.length > 1 && html`<h3>${run.name}</h3>`}<dl class="facts">${facts.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
<h4>Memory, as planned: ${formatMemory(totalOf(memory))}</h4>
<div class="table-frame"><table class="plain"><tbody>${parts.map(([name, bytes]) => html`<tr><th scope="row">${MEMORY[name] ?? name}</th><td class="num">${formatMemory(bytes)}</td><td class="num">${formatShare(bytes, totalOf(memory))}</td></tr>`)}</tbody></table></div>
<h4>Sessions</h4>
<div class="table-frame"><table class="plain"><tbody>${run.sessions.map(({ event, step, time }) => html`<tr><th scope="row">${event}</th><td>${event === 'started' ? 'before the first step' : `after step ${formatCount(step)}`}</td><td>${time.startedAt}</td></tr>`)}</tbody></table></div>
<details class="fold data"><summary>All settings</summary><pre class="settings-text"><code>${JSON.stringify(settings, null, 2)}</code></pre></details></div>`;
  })}`;
}

const MEMORY: Readonly<Record<string, string>> = {
  weights: 'Weights',
  gradients: 'Gradients',
  moments: 'Moments of AdamW',
  arena: 'Activations',
  scratch: 'Scratch of kernels',
};

/** `finished after 2,000 steps`, `interrupted after step 512`. */
export function statusOf(run: TrainingRun): string {
  const step = formatCount(run.steps.at(-1)?.step ?? 0);
  if (run.end !== undefined) return `finished after ${step} steps`;
  const last = run.sessions.at(-1);
  return last?.event === 'interrupted' ? `interrupted after step ${step}` : `not finished: ${step} steps so far`;
}

/** The lowest validation loss; null without one. */
export function lowest({ evaluations }: TrainingRun): number | null {
  const losses = evaluations.flatMap(({ loss }) => loss ?? []);
  return losses.length === 0 ? null : Math.min(...losses);
}

/** Mean training loss of the last fiftieth of the steps: a single step's loss says more of its documents than of the model. */
export function smoothedLoss({ steps }: TrainingRun): number | null {
  const last = steps.slice(-Math.max(1, Math.round(steps.length / 50))).flatMap(({ loss }) => loss ?? []);
  return last.length === 0 ? null : last.reduce((sum, loss) => sum + loss, 0) / last.length;
}

export function speedOf({ steps }: TrainingRun): string {
  return formatCount(median(steps.map(({ time }) => time.tokensPerSecond)));
}

export function timeOf({ steps }: TrainingRun): string {
  return formatSeconds(steps.at(-1)?.time.seconds ?? 0);
}

/** `native`, or `webgpu on NVIDIA H100`. */
function backendOf(session: TrainingRun['sessions'][number] | undefined): string {
  if (session === undefined) return NO_FIGURE;
  const { backend, adapter } = session.time;
  return adapter === undefined ? backend : `${backend} on ${adapter}`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}

/** `7.2 MFLOP`, `2.1 GFLOP`. */
function formatFlops(flops: number): string {
  const [size, unit] = flops >= 1e12 ? [1e12, 'T'] : flops >= 1e9 ? [1e9, 'G'] : [1e6, 'M'];
  return `${Number((flops / size).toPrecision(3))} ${unit}FLOP, forward and backward`;
}
