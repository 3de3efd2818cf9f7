/** States of online runs as files have them: checked when they are read. */
import type { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';

/** `value` as the schema has it. Throws INPUT_CORRUPT naming the member that is wrong. */
export function parseState<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const member = issue.path.join('.') || 'the whole';
  throw new CorpusmillError('INPUT_CORRUPT', `the state of ${what}: ${member}: ${issue.message}`, {
    hint: 'Remove this checkpoint, so that alignment goes on from the one before it.',
  });
}
