/** Runs one map stage on one text, as a worker would. */
import type { Document } from '../../src/core/document.ts';
import type { MapDefinition, OptionSchema, Verdict } from '../../src/core/stage.ts';

export interface Outcome {
  /** `keep`, `split`, or the drop reason. */
  verdict: string;
  value: number | undefined;
  threshold: number | undefined;
  text: string;
  document: Document;
}

/** A function from texts to outcomes for a stage with the given options. */
export function stageOf<S extends OptionSchema>(
  definition: MapDefinition<S>,
  options: Record<string, unknown> = {},
): (text: string, rest?: Partial<Document>) => Outcome {
  const parsed = definition.options.parse(options);
  const stage = definition.create(parsed, { name: definition.name, seed: 0, baseDir: '' });
  return (text, rest = {}) => {
    const document: Document = { id: 'one', text, meta: {}, ...rest };
    const verdict: Verdict = stage.process(document);
    const isDrop = verdict.action === 'drop';
    return {
      verdict: isDrop ? verdict.reason : verdict.action,
      value: isDrop ? verdict.value : undefined,
      threshold: isDrop ? verdict.threshold : undefined,
      text: document.text,
      document,
    };
  };
}
