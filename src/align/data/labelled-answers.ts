/**
 * Answers that somebody found good or bad, without another one beside them: a conversation of any shape with `label` (or `kto_tag`), true or
 * false. The last answer is what was judged. Source: TRL's unpaired preference format, LLaMA-Factory's data/README.md (KTO).
 */
import type { Message } from '../../io/conversation.ts';
import { isEmpty, usable } from './examples.ts';
import type { Unusable } from './records.ts';

export interface LabelledAnswer {
  readonly prompt: readonly Message[];
  readonly answer: Message;
  readonly tools?: unknown[];
  readonly isGood: boolean;
}

/** The judgement of a record; undefined where it has none. */
export function labelOf(record: Record<string, unknown>): boolean | undefined {
  const label = record['label'] ?? record['kto_tag'];
  return typeof label === 'boolean' ? label : undefined;
}

/** The answer of a record that has a label, or why there is none. */
export function readLabelled(record: Record<string, unknown>): LabelledAnswer | Unusable {
  const conversation = usable(record);
  if ('reason' in conversation) return conversation;
  const { messages, tools } = conversation;
  const { weight: _, ...answer } = messages[messages.length - 1];
  if (isEmpty(answer)) return { reason: 'empty completion', detail: 'the assistant says nothing' };
  const prompt = messages.slice(0, -1);
  if (prompt.length === 0) return { reason: 'no prompt', detail: 'nothing is said before the answer' };
  return { prompt, answer, isGood: labelOf(record) === true, ...(tools !== undefined && { tools }) };
}
