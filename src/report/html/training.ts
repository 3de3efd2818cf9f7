/** The model that a pipeline trained, in its report: loss, a sample, how to go on. The training run has a report of its own. */
import { formatCount } from '../numbers.ts';
import type { ReportTraining } from '../report-schema.ts';
import { renderChart } from '../training/chart.ts';
import { formatLoss } from '../training/curves.ts';
import { html, type Markup } from './markup.ts';

export function renderTraining(training: ReportTraining): Markup {
  const { model, curve, evaluations, samples, checkpoint, path, skippedSteps } = training;
  const facts: [string, string][] = [
    ['Model', `${model.architecture}, ${formatCount(model.parameters)} parameters`],
    ['Steps', `${formatCount(training.steps)}${skippedSteps > 0 ? `, ${formatCount(skippedSteps)} skipped` : ''}`],
    ['Tokens', formatCount(training.tokens)],
    ['Training loss', formatLoss(curve.at(-1)?.loss)],
    ['Validation loss', formatLoss(training.validationLoss)],
    ['Perplexity', training.perplexity === null ? '–' : training.perplexity.toFixed(1)],
  ];
  return html`${renderChart({
    id: 'chart-loss',
    title: 'Loss',
    description: `Training loss ${formatLoss(curve.at(-1)?.loss)}, validation loss ${formatLoss(training.validationLoss)} after ${formatCount(training.tokens)} tokens.`,
    lines: [
      { name: 'training', color: 0, points: curve.map(({ tokens, loss }) => [tokens, loss] as const) },
      {
        name: 'validation',
        color: 1,
        points: evaluations.flatMap(({ tokens, loss }) => (loss === null ? [] : [[tokens, loss] as const])),
        kind: 'dots',
      },
    ],
    format: formatLoss,
    tall: true,
  })}
<dl class="facts">${facts.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
${samples.map(
  ({ step, prompt, text }) =>
    html`<h4>Written after step ${formatCount(step)}</h4><p class="excerpt text-samples"><span class="prompt">${prompt}</span>${text}</p>`,
)}
<div class="recipe"><span class="recipe-tool">corpusmill</span><pre><code>${`corpusmill generate ${shellWord(checkpoint)} --prompt 'Once upon a time' --temperature 0.8 --top-k 50`}</code></pre><button type="button" class="copy" hidden>Copy</button></div>
<p class="quiet">Learning rate, gradients, speed, samples on the way and settings: <code class="id">${path}/report.html</code></p>`;
}

/** Made by us from names that are checked, but a name may have letters of any script. */
function shellWord(path: string): string {
  return /^[\p{L}\p{N}./_-]+$/u.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
