/**
 * What a stage of alignment came to, from its log alone: the figures and curves that a pipeline's summary and its report hold. Which
 * figures a stage has is said once here, in `CHARTS`: the loss says little of a stage that learns from its own samples, the reward
 * much.
 */
import type { AlignedStage, AlignmentChart, HeldOutAccuracy } from '../core/run-summary.ts';
import type { EvaluationRecord, LogRecord, StepRecord } from '../training/log.ts';
import type { OnlineStage } from './config/online-schema.ts';
import type { OfflineStage } from './config/schema.ts';
import type { RewardEvaluation } from './evaluate-reward.ts';
import { isOnlineStep, type OnlineLogRecord } from './online-log.ts';
import type { OnlineStepRecord } from './online-loop.ts';

/** What of a stage its log says. */
export type StageFindings = Pick<AlignedStage, 'steps' | 'records' | 'figures' | 'charts'>;

const CURVE_POINTS = 200;

type Point = [step: number, value: number];

/** A line of a chart: a figure of the steps, or of the evaluations on held-out data. */
interface LineSpec {
  readonly name: string;
  readonly figure: string;
  readonly of?: 'evaluation';
}

interface ChartSpec {
  readonly title: string;
  readonly lines: readonly LineSpec[];
}

const both = (title: string, figure: string): ChartSpec => ({
  title,
  lines: [
    { name: 'training', figure },
    { name: 'held out', figure, of: 'evaluation' },
  ],
});
const one = (title: string, figure: string): ChartSpec => ({ title, lines: [{ name: title.toLowerCase(), figure }] });

const LENGTH = one('Response length (tokens)', 'responseLength');
const REWARD = one('Reward', 'reward');
const KL = one('KL to the reference (nats a text)', 'kl');
const ENTROPY = one('Entropy (nats a token)', 'entropy');
const CLIPPED = one('Clip fraction', 'clipFraction');
const PRETRAINING = one('Pretraining loss (nats a token)', 'pretrainingLoss');
const PAIR_REWARDS: ChartSpec = {
  title: 'Rewards of the pair',
  lines: [
    { name: 'chosen', figure: 'rewardChosen' },
    { name: 'rejected', figure: 'rewardRejected' },
  ],
};

const CHARTS: Readonly<Record<OfflineStage | OnlineStage, readonly ChartSpec[]>> = {
  sft: [both('Loss (nats a token)', 'loss')],
  reward: [both('Accuracy', 'accuracy'), both('Margin', 'margin'), both('Loss', 'loss')],
  dpo: [both('Accuracy', 'accuracy'), both('Margin', 'margin'), PAIR_REWARDS, both('Loss', 'loss')],
  ppo: [
    REWARD,
    KL,
    ENTROPY,
    CLIPPED,
    LENGTH,
    one('Explained variance of the critic', 'explainedVariance'),
    one('Value loss', 'valueLoss'),
    PRETRAINING,
  ],
  grpo: [REWARD, KL, ENTROPY, CLIPPED, LENGTH, PRETRAINING],
  rloo: [REWARD, KL, ENTROPY, CLIPPED, LENGTH, PRETRAINING],
  rejection: [
    {
      title: 'Reward',
      lines: [
        { name: 'of all samples', figure: 'reward' },
        { name: 'best of each prompt', figure: 'bestReward' },
      ],
    },
    one('Loss (nats a token)', 'loss'),
    LENGTH,
  ],
  'online-dpo': [REWARD, KL, one('Accuracy', 'accuracy'), one('Margin', 'margin'), one('Loss', 'loss'), LENGTH],
};

/** The figures that a line of a summary has, the one that counts first. */
const FIGURES: Readonly<Record<OfflineStage | OnlineStage, readonly string[]>> = {
  sft: ['loss'],
  reward: ['accuracy', 'margin'],
  dpo: ['margin', 'accuracy'],
  ppo: ['reward', 'kl', 'entropy', 'responseLength'],
  grpo: ['reward', 'kl', 'entropy', 'responseLength'],
  rloo: ['reward', 'kl', 'entropy', 'responseLength'],
  rejection: ['reward', 'loss', 'responseLength'],
  'online-dpo': ['reward', 'kl', 'margin', 'responseLength'],
};

/** A log of a stage on files (train-log.jsonl). Throws TypeError for one without its first line. */
export function summarizeOffline(stage: OfflineStage, records: readonly LogRecord[]): StageFindings {
  const run = records.find((record) => record.kind === 'run');
  if (run === undefined) throw new TypeError('a log of a stage begins with what is trained');
  const steps = records.filter((record) => record.kind === 'step');
  const evaluations = records.filter((record) => record.kind === 'evaluation');
  const read = run.data.records;
  const figureOf = (record: StepRecord | EvaluationRecord, figure: string): number | null | undefined =>
    figure === 'loss' ? record.loss : record.metrics?.[figure];
  const held = evaluations.length === 0 ? [] : heldOutFigures(stage, evaluations, figureOf);
  return {
    steps: steps.at(-1)?.step ?? 0,
    records: { read: read?.records ?? 0, used: read?.used ?? 0 },
    figures: [...FIGURES[stage].map((name) => change(name, steps, (step) => figureOf(step, name))), ...held],
    charts: charts(CHARTS[stage], ({ figure, of }) =>
      of === 'evaluation' ? points(evaluations, (e) => figureOf(e, figure)) : curve(steps, (s) => figureOf(s, figure)),
    ),
  };
}

/** A log of an online stage (align-log.jsonl). Throws TypeError for one without its first line. */
export function summarizeOnline(stage: OnlineStage, records: readonly OnlineLogRecord[]): StageFindings {
  const run = records.find((record) => record.kind === 'run');
  if (run === undefined) throw new TypeError('a log of an online stage begins with what is aligned');
  const steps = records.filter(isOnlineStep);
  const figureOf = (record: OnlineStepRecord, figure: string): number | null | undefined =>
    (record as unknown as Record<string, number | null | undefined>)[figure];
  return {
    steps: steps.at(-1)?.step ?? 0,
    records: { read: run.prompts.records, used: run.prompts.used },
    figures: FIGURES[stage].map((name) => change(name, steps, (step) => figureOf(step, name))),
    charts: charts(CHARTS[stage], ({ figure }) => curve(steps, (step) => figureOf(step, figure))),
  };
}

/** The evaluation of a reward model in the form of summaries. */
export function heldOutAccuracy(evaluation: RewardEvaluation): HeldOutAccuracy {
  const { pairs, baselines, calibrationError, swapDifference, length } = evaluation;
  const shareOf = ({ accuracy, low, high }: { accuracy: number; low: number; high: number }) => ({
    share: accuracy,
    low,
    high,
  });
  return {
    pairs,
    accuracy: shareOf(evaluation),
    bagOfWords: shareOf(baselines.bagOfWords),
    longer: shareOf(baselines.longer),
    calibrationError,
    swapDifference,
    lengthCorrelation: length.correlation,
  };
}

function heldOutFigures(
  stage: OfflineStage,
  evaluations: readonly EvaluationRecord[],
  figureOf: (record: EvaluationRecord, figure: string) => number | null | undefined,
): StageFindings['figures'] {
  const name = FIGURES[stage][0];
  const [first, last] = [evaluations[0], evaluations[evaluations.length - 1]];
  const value = (record: EvaluationRecord): number | null => finite(figureOf(record, name)) ?? null;
  return [{ name: `${name} (held out)`, first: value(first), last: value(last) }];
}

function charts(specs: readonly ChartSpec[], pointsOf: (line: LineSpec) => Point[]): AlignmentChart[] {
  return specs
    .map(({ title, lines }) => ({
      title,
      lines: lines
        .map((line) => ({
          name: line.name,
          kind: line.of === 'evaluation' ? ('dots' as const) : ('line' as const),
          points: pointsOf(line),
        }))
        .filter((line) => line.points.length > 0),
    }))
    .filter(({ lines }) => lines.length > 0);
}

function change<R extends { readonly step: number }>(
  name: string,
  records: readonly R[],
  figure: (record: R) => number | null | undefined,
): StageFindings['figures'][number] {
  const all = points(records, figure).map(([, value]) => value);
  const count = Math.max(1, Math.round(all.length / 20));
  const mean = (values: readonly number[]): number | null =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  return { name, first: mean(all.slice(0, count)), last: mean(all.slice(-count)) };
}

function points<R extends { readonly step: number }>(
  records: readonly R[],
  figure: (record: R) => number | null | undefined,
): Point[] {
  return records.flatMap((record): Point[] => {
    const value = finite(figure(record));
    return value === undefined ? [] : [[record.step, value]];
  });
}

/** Means of neighbouring steps, at the last of them. */
function curve<R extends { readonly step: number }>(
  records: readonly R[],
  figure: (record: R) => number | null | undefined,
): Point[] {
  const all = points(records, figure);
  const count = Math.min(CURVE_POINTS, all.length);
  return Array.from({ length: count }, (_, i): Point => {
    const group = all.slice(Math.floor((i * all.length) / count), Math.floor(((i + 1) * all.length) / count));
    return [group[group.length - 1][0], group.reduce((sum, [, value]) => sum + value, 0) / group.length];
  });
}

function finite(value: number | null | undefined): number | undefined {
  return value === null || value === undefined || !Number.isFinite(value) ? undefined : value;
}
