/**
 * Preference records: the shapes that pairs of completions come in, all read into a prompt and two ways to go on from it.
 *
 *   transcripts   {chosen, rejected} as hh-rlhf has them: "\n\nHuman: …\n\nAssistant: …"
 *   dialogues     {chosen, rejected} (or chosen_messages, rejected_messages) as lists of turns, what is said before included
 *   with prompt   {prompt | conversations | instruction, chosen, rejected}: text, a turn or a list of turns
 *   comparisons   {prompt | instruction, output_1, output_2, preferred: 1 | 2} (AlpacaEval)
 *
 * What the two have in common at their beginning is the prompt; the rest of each is what is compared. A margin is taken from
 * `margin`, or from `score_chosen` and `score_rejected`.
 */
import { type Conversation, type Message, readConversation } from '../../io/conversation.ts';
import { isEmpty } from './examples.ts';
import type { Unusable } from './records.ts';

export interface PreferencePair {
  readonly prompt: readonly Message[];
  /** What the assistant says, where it ends; the last turn is the assistant's. */
  readonly chosen: readonly Message[];
  readonly rejected: readonly Message[];
  readonly tools?: unknown[];
  /** How much better the chosen one was rated. */
  readonly margin: number | undefined;
}

/** The pair of a record, or why there is none. */
export function readPreference(record: Record<string, unknown>): PreferencePair | Unusable {
  const sides = sidesOf(record);
  if ('reason' in sides) return sides;
  const [chosen, rejected] = sides;
  let shared = 0;
  const most = Math.min(chosen.messages.length, rejected.messages.length);
  while (shared < most && sameTurn(chosen.messages[shared], rejected.messages[shared])) shared++;
  if (shared === chosen.messages.length && shared === rejected.messages.length) {
    return { reason: 'chosen equals rejected', detail: 'both say the same' };
  }
  // Where one goes on after the other has ended, the last turn that both have is compared as well.
  const prompt = Math.min(shared, most - 1);
  for (const { messages } of sides) {
    const last = messages[messages.length - 1];
    if (last.role !== 'assistant') return { reason: 'no answer', detail: `the last turn is of the ${last.role}` };
    if (isEmpty(last)) return { reason: 'empty completion', detail: 'the assistant says nothing' };
  }
  if (prompt === 0) return { reason: 'no prompt', detail: 'the two have no turn in common' };
  return {
    prompt: chosen.messages.slice(0, prompt),
    chosen: chosen.messages.slice(prompt),
    rejected: rejected.messages.slice(prompt),
    ...(chosen.tools !== undefined && { tools: chosen.tools }),
    margin: marginOf(record),
  };
}

function sidesOf(record: Record<string, unknown>): readonly [Conversation, Conversation] | Unusable {
  const compared = comparison(record);
  const fields = compared ?? record;
  const chosen = fields['chosen'] ?? fields['chosen_messages'];
  const rejected = fields['rejected'] ?? fields['rejected_messages'];
  if (chosen === undefined || rejected === undefined || chosen === null || rejected === null) {
    const names = Object.keys(record).slice(0, 20).join(', ');
    return { reason: 'not a pair', detail: `no chosen and rejected; the record has: ${names}` };
  }
  const read = (side: unknown): Conversation | Unusable => {
    if (typeof side === 'string' && /^\s*Human:/.test(side)) return transcript(side);
    if (isDialogue(side)) return readConversation({ ...fields, messages: side, conversations: undefined });
    return readConversation({ ...fields, chosen: side });
  };
  const [first, second] = [read(chosen), read(rejected)];
  if ('reason' in first) return first;
  if ('reason' in second) return second;
  return [first, second];
}

/** A list of turns that begins before the assistant's answer holds the whole dialogue. */
function isDialogue(side: unknown): boolean {
  if (!Array.isArray(side) || side.length === 0) return false;
  const { role, from } = side[0] as { role?: unknown; from?: unknown };
  return role === 'user' || role === 'system' || from === 'human' || from === 'system';
}

const SPEAKER = /(?:^|\n\n)(Human|Assistant):[ ]?/;

/** "\n\nHuman: …\n\nAssistant: …" as turns. Source: anthropics/hh-rlhf, README. */
export function transcript(text: string): Conversation | Unusable {
  const parts = text.trimStart().split(SPEAKER);
  if (parts[0].trim() !== '') return { reason: 'bad conversation', detail: 'the transcript begins with no speaker' };
  const messages: Message[] = [];
  for (let i = 1; i < parts.length; i += 2) {
    const role = parts[i] === 'Human' ? 'user' : 'assistant';
    messages.push({ role, content: parts[i + 1].trim() });
  }
  return messages.length === 0 ? { reason: 'bad conversation', detail: 'the transcript has no turns' } : { messages };
}

/** AlpacaEval's form as the plain one. */
function comparison(record: Record<string, unknown>): Record<string, unknown> | undefined {
  const { output_1: first, output_2: second } = record;
  const preferred = Number(record['preferred'] ?? record['preference']);
  if (typeof first !== 'string' || typeof second !== 'string' || (preferred !== 1 && preferred !== 2)) return undefined;
  const { output: _, ...rest } = record;
  return { ...rest, chosen: preferred === 1 ? first : second, rejected: preferred === 1 ? second : first };
}

function marginOf(record: Record<string, unknown>): number | undefined {
  const { margin, score_chosen: better, score_rejected: worse } = record;
  if (typeof margin === 'number') return margin;
  return typeof better === 'number' && typeof worse === 'number' ? better - worse : undefined;
}

function sameTurn(a: Message, b: Message): boolean {
  return (
    a.role === b.role &&
    a.content.trim() === b.content.trim() &&
    JSON.stringify(a.tool_calls) === JSON.stringify(b.tool_calls)
  );
}
