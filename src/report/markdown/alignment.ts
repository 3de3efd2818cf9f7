/** Alignment in a job summary: a row for each stage, and the same prompts answered after each of them. */
import { farFromReference } from '../alignment-distance.ts';
import { figureName, figureText } from '../figure-names.ts';
import { formatCount, formatShare } from '../numbers.ts';
import type { Report } from '../report-schema.ts';
import { codeText, escapeMarkdown, folded, table } from './text.ts';

export function renderAlignment({ alignment }: Report): string {
  if (alignment === null) return '';
  const { stages, answers } = alignment;
  const rows = stages.map(({ name, stage, from, steps, figures, evaluation, model }) => [
    `${escapeMarkdown(name)}${stage === name ? '' : ` <sub>${escapeMarkdown(stage)}</sub>`}`,
    escapeMarkdown(from),
    formatCount(steps),
    [
      ...figures.map((figure) => `${figureName(figure.name)} ${figureText(figure.first)} → ${figureText(figure.last)}`),
      ...[farFromReference({ figures })].filter((sentence) => sentence !== undefined),
      ...(evaluation === null
        ? []
        : [
            `${formatShare(evaluation.accuracy.share, 1)} of ${formatCount(evaluation.pairs)} held-out pairs in order, words alone ${formatShare(evaluation.bagOfWords.share, 1)}`,
          ]),
    ]
      .map(escapeMarkdown)
      .join('<br>'),
    `<code>${escapeMarkdown(model)}</code>`,
  ]);
  const shown = table(['Stage', 'From', 'Steps:', 'What changed', 'Model'], rows);
  if (answers === null) return `### Alignment\n\n${shown}`;
  const heads = [
    'Prompt',
    ...answers.policies.map(({ name, stage }) => (stage === null ? 'Before' : escapeMarkdown(name))),
  ];
  const asked = answers.prompts.map((prompt, i) => [
    codeText(prompt),
    ...answers.policies.map((policy) => codeText(policy.answers[i])),
  ]);
  return `### Alignment\n\n${shown}\n\n${folded('The same prompts after each stage', table(heads, asked))}`;
}
