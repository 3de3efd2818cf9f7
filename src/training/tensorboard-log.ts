/**
 * A run's records as TensorBoard events, in `tensorboard/`: loss, learning rate, gradient norm and the objective's other
 * metrics by step, validation loss, and samples as texts. The clock is not among them, so that a run that was interrupted
 * leaves the file of one that was not.
 */
import type { SummaryValue } from '../io/tensorboard/event.ts';
import { openEventFile } from '../io/tensorboard/event-file.ts';
import type { LogRecord } from './log.ts';

export interface TensorboardLog {
  write(record: LogRecord): void;
  close(): void;
}

/** Opens the events, anew or kept through a step. Throws OUTPUT_FAILED, INPUT_CORRUPT. */
export function openTensorboardLog(folder: string, keepThrough?: number): TensorboardLog {
  const file = openEventFile(folder, keepThrough === undefined ? {} : { keepThrough });
  return {
    write(record) {
      const values = valuesOf(record);
      if (values.length > 0 && 'step' in record) file.write(record.step, values);
    },
    close: () => file.close(),
  };
}

/** What TensorBoard shows of a record; values that are not finite have no place on a chart. */
export function valuesOf(record: LogRecord): SummaryValue[] {
  const scalars = (entries: Readonly<Record<string, number | null | undefined>>): SummaryValue[] =>
    Object.entries(entries).flatMap(([tag, value]) =>
      value === null || value === undefined ? [] : [{ kind: 'scalar' as const, tag, value }],
    );
  switch (record.kind) {
    case 'step': {
      const metrics = Object.entries(record.metrics ?? {}).map(([name, value]) => [`train/${name}`, value] as const);
      return scalars({
        'train/loss': record.loss,
        'train/learning_rate': record.learningRate,
        'train/gradient_norm': record.gradientNorm,
        'train/loss_scale': record.lossScale,
        ...Object.fromEntries(metrics),
      });
    }
    case 'evaluation':
      return scalars({ 'validation/loss': record.loss, 'validation/perplexity': record.perplexity });
    case 'sample':
      return [{ kind: 'text', tag: `sample/${record.prompt.trim() || 'start'}`, text: record.prompt + record.text }];
    default:
      return [];
  }
}
