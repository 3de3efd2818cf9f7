/**
 * The log of a training run, `train-log.jsonl`: one object a line, told apart by `kind`. Reports, charts and tests read it;
 * these types are the contract.
 *
 * What the clock says lies in `time` alone, and what happened only because of the clock or a signal has a `kind` or `reason` of
 * its own, so that two runs of one configuration have equal logs without it, also when one of them was interrupted and
 * resumed (`comparable`). Numbers that are not finite are null: JSON has no other word for them.
 */

/** First line of the file: what is trained, on what, how. */
export interface RunRecord {
  kind: 'run';
  version: 1;
  name: string;
  model: {
    architecture: string;
    parameters: number;
    activeParameters: number;
    layers: number;
    hiddenSize: number;
    vocabSize: number;
    /** Folder of the weights it began with; null: drawn from the seed. */
    startedFrom: string | null;
  };
  data: {
    kind: 'shards' | 'text' | 'tokens' | 'other';
    /** As the configuration gives them. */
    paths: readonly string[];
    /** Tokens of one epoch; null where that is not known. */
    tokens: number | null;
    validationTokens: number | null;
    /** Of conversations and pairs: records read, left out by reason, and examples cut to the row's length. */
    records?: {
      readonly records: number;
      readonly used: number;
      readonly truncated: number;
      readonly skipped: readonly { readonly reason: string; readonly count: number; readonly first: string }[];
    };
    /** Places without a token, in percent. */
    paddingPercent?: number;
  };
  objective: string;
  rows: number;
  sequenceLength: number;
  /** Micro-batches of a step. */
  accumulation: number;
  /** Places for tokens in a step. */
  tokensPerStep: number;
  /** Planned steps; null where tokens, minutes or the data end the run. */
  steps: number | null;
  flopsPerToken: number;
  /** Bytes, as planned before the first step. */
  memory: { weights: number; gradients: number; moments: number; arena: number; scratch: number };
  /** The configuration with every default filled in. */
  settings: Readonly<Record<string, unknown>>;
}

/** A process began or ended. `startedAt` is ISO 8601. */
export interface SessionRecord {
  kind: 'session';
  event: 'started' | 'resumed' | 'interrupted';
  /** Steps done. */
  step: number;
  time: {
    startedAt: string;
    backend: string;
    /** The GPU, where one computes. */
    adapter?: string;
    threads: number | null;
    peakFlops: number | null;
  };
}

export interface StepRecord {
  kind: 'step';
  /** 1 for the first. */
  step: number;
  /** Tokens trained on since the first step, this one's included. */
  tokens: number;
  /** Mean over the trained tokens of the step. */
  loss: number | null;
  learningRate: number;
  /** Of all gradients, before clipping. */
  gradientNorm: number | null;
  /** False: the guard has skipped the update. */
  updated: boolean;
  /** Of float16 alone. */
  lossScale?: number;
  /** Other metrics of the objective, such as `balance`, summed over the micro-batches. */
  metrics?: Readonly<Record<string, number | null>>;
  time: StepTime;
}

export interface StepTime {
  /** Trained so far, all sessions together, pauses not counted. */
  seconds: number;
  stepSeconds: number;
  tokensPerSecond: number;
  /** Arithmetic of the step over what the machine could have done; null where its peak is not known. */
  shareOfPeak: number | null;
}

export interface EvaluationRecord {
  kind: 'evaluation';
  step: number;
  tokens: number;
  /** Mean over the evaluated tokens. */
  loss: number | null;
  /** Null too where the loss is no mean over tokens. */
  perplexity: number | null;
  evaluatedTokens: number;
  /** The lowest loss of the run so far. */
  best: boolean;
  /** Means of the objective's other metrics, such as `accuracy`. */
  metrics?: Readonly<Record<string, number | null>>;
  time: { seconds: number; evaluationSeconds: number };
}

export interface SampleRecord {
  kind: 'sample';
  step: number;
  tokens: number;
  prompt: string;
  /** What the model wrote, without the prompt. */
  text: string;
  time: { seconds: number };
}

export type CheckpointReason = 'steps' | 'minutes' | 'best' | 'interrupted' | 'end';

export interface CheckpointRecord {
  kind: 'checkpoint';
  step: number;
  tokens: number;
  reason: CheckpointReason;
  /** Relative to the run's folder. */
  folder: string;
  /** Null: nothing was evaluated yet. */
  validationLoss: number | null;
  time: { seconds: number };
}

export interface GuardRecord {
  kind: 'guard';
  step: number;
  /** `overflow`: a gradient beyond float16, which the loss scale takes care of. */
  event: 'non-finite' | 'spike' | 'overflow';
  /** Those that are not finite, the first to look at first. */
  tensors: readonly { name: string; count: number }[];
  gradientNorm: number | null;
  /** Running median of the norm, of spikes. */
  medianNorm: number | null;
  action: 'skipped' | 'stopped';
  time: { seconds: number };
}

export type EndReason = 'steps' | 'tokens' | 'minutes' | 'data';

/** Last line of a run that came to its end. */
export interface EndRecord {
  kind: 'end';
  step: number;
  tokens: number;
  reason: EndReason;
  loss: number | null;
  validationLoss: number | null;
  time: { seconds: number };
}

export type LogRecord =
  | RunRecord
  | SessionRecord
  | StepRecord
  | EvaluationRecord
  | SampleRecord
  | CheckpointRecord
  | GuardRecord
  | EndRecord;

export const LOG_NAME = 'train-log.jsonl';

/** The number, or null for what JSON cannot say. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/**
 * The records of a log's text. A last line without an end, which a killed process leaves, is no record; other lines that are
 * none give null to `onBroken` with their number.
 */
export function parseLog<R = LogRecord>(text: string, onBroken: (line: number) => void = () => {}): R[] {
  const lines = text.split('\n');
  lines.pop();
  return lines.flatMap((line, index) => {
    if (line === '') return [];
    try {
      return [JSON.parse(line) as R];
    } catch {
      onBroken(index + 1);
      return [];
    }
  });
}

/** What two runs of one configuration have in common, to the bit: records without `time`, sessions and timely checkpoints. */
export function comparable(records: readonly LogRecord[]): Record<string, unknown>[] {
  return records.flatMap((record) => {
    if (record.kind === 'session') return [];
    if (record.kind === 'checkpoint' && (record.reason === 'minutes' || record.reason === 'interrupted')) return [];
    const { time, ...rest } = record as LogRecord & { time?: unknown };
    return [rest];
  });
}
