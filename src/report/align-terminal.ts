/** Alignment at the end of a pipeline's run, in a terminal: what each stage changed, and a prompt answered after each of them. */
import pc from 'picocolors';
import type { AlignedStage, AlignmentAnswers, AlignmentSummary } from '../core/run-summary.ts';
import { figureName, figureText } from './figure-names.ts';
import { formatCounted, formatShare } from './numbers.ts';
import { cutToWidth, padEndToWidth, printable, textWidth } from './text-width.ts';

const MAX_WIDTH = 100;
const PROMPTS_SHOWN = 2;

/** Text that ends with a line end. `width` in columns. */
export function renderAlignmentEnd(
  { stages, answers }: AlignmentSummary,
  options: { color: boolean; width: number },
): string {
  const colors = pc.createColors(options.color);
  const width = Math.min(options.width, MAX_WIDTH);
  const nameWidth = Math.max(...stages.map(({ name }) => textWidth(name))) + 2;
  const lines = [colors.bold('Alignment')];
  for (const stage of stages) {
    const [first, ...more] = wrap(partsOf(stage), width - nameWidth - 2);
    lines.push(`  ${colors.green(padEndToWidth(stage.name, nameWidth))}${first}`);
    lines.push(...more.map((line) => `  ${' '.repeat(nameWidth)}${line}`));
  }
  if (answers !== undefined) lines.push(...answerLines(answers, width, colors));
  return `${lines.join('\n')}\n`;
}

function partsOf({ from, steps, figures, evaluation }: AlignedStage): string[] {
  return [
    `from ${from}, ${formatCounted(steps, 'step')}`,
    ...figures.map(({ name, first, last }) => `${figureName(name)} ${figureText(first)} → ${figureText(last)}`),
    ...(evaluation === null
      ? []
      : [
          `${formatShare(evaluation.accuracy.share, 1)} of ${formatCounted(evaluation.pairs, 'held-out pair')} in order (words alone ${formatShare(evaluation.bagOfWords.share, 1)})`,
        ]),
  ];
}

function answerLines(
  { prompts, policies }: AlignmentAnswers,
  width: number,
  colors: ReturnType<typeof pc.createColors>,
): string[] {
  const named = policies.map(({ name, stage }) => (stage === null ? 'before' : name));
  const nameWidth = Math.max(...named.map(textWidth)) + 2;
  return prompts.slice(0, PROMPTS_SHOWN).flatMap((prompt, i) => [
    colors.bold(cutToWidth(oneLine(prompt), width)),
    ...policies.map(({ answers }, p) => {
      const answer = oneLine(answers[i]);
      const shown = answer === '' ? colors.dim('nothing') : cutToWidth(answer, width - nameWidth - 2);
      return `  ${colors.dim(padEndToWidth(named[p], nameWidth))}${shown}`;
    }),
  ]);
}

function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, ' ').trim());
}

function wrap(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(last) + 2 + textWidth(part) <= width)
      lines[lines.length - 1] = `${last}, ${part}`;
    else lines.push(part);
  }
  return lines;
}
