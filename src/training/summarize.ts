/** What a training run came to, from its log alone: the figures that a pipeline's summary holds. */
import type { TrainingSummary } from '../core/run-summary.ts';
import type { LogRecord, StepRecord } from './log.ts';

const CURVE_POINTS = 200;

/** Paths are left to who knows where the run lies. Throws TypeError for a log without its first line. */
export function summarizeTraining(records: readonly LogRecord[]): Omit<TrainingSummary, 'path' | 'checkpoint'> {
  const run = records.find((record) => record.kind === 'run');
  if (run === undefined) throw new TypeError('a log of a training run begins with what is trained');
  const steps = records.filter((record) => record.kind === 'step');
  const evaluations = records.filter((record) => record.kind === 'evaluation');
  const samples = records.filter((record) => record.kind === 'sample');
  const [last, validation] = [steps.at(-1), evaluations.at(-1)];
  const { architecture, parameters, layers, hiddenSize, vocabSize, startedFrom } = run.model;
  return {
    name: run.name,
    model: { architecture, parameters, layers, hiddenSize, vocabSize, startedFrom },
    steps: last?.step ?? 0,
    tokens: last?.tokens ?? 0,
    sequenceLength: run.sequenceLength,
    tokensPerStep: run.tokensPerStep,
    skippedSteps: steps.filter(({ updated }) => !updated).length,
    loss: last?.loss ?? null,
    validationLoss: validation?.loss ?? null,
    perplexity: validation?.perplexity ?? null,
    curve: lossCurve(steps, CURVE_POINTS),
    evaluations: evaluations.map(({ step, tokens, loss }) => ({ step, tokens, loss })),
    samples: samples
      .filter(({ step }) => step === samples.at(-1)?.step)
      .map(({ step, prompt, text }) => ({ step, prompt, text })),
  };
}

/** At most `points` of the loss over tokens, each the mean of neighbouring steps; steps without a finite loss count as none. */
export function lossCurve(steps: readonly StepRecord[], points: number): { tokens: number; loss: number }[] {
  const count = Math.min(points, steps.length);
  return Array.from({ length: count }, (_, i) => {
    const group = steps.slice(Math.floor((i * steps.length) / count), Math.floor(((i + 1) * steps.length) / count));
    const losses = group.flatMap(({ loss }) => loss ?? []);
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    return { tokens: group[group.length - 1].tokens, loss: mean };
  }).filter(({ loss }) => Number.isFinite(loss));
}
