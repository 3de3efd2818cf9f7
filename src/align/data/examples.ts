/**
 * Conversations as examples in memory: the ids of all of them end to end with their labels. What cannot be learnt from is left
 * out and counted: records of another shape, turns without an answer, answers without a word, and conversations of which
 * nothing trained is left within the row's length.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { type Conversation, type Message, readConversation } from '../../io/conversation.ts';
import type { ChatFormat } from './chat-format.ts';
import { readRecords, type Unusable } from './records.ts';
import { createSkipCounter, refuseEmpty, type SkipReport } from './skips.ts';

export interface Examples {
  /** [tokens] */
  readonly ids: Int32Array;
  /** [tokens], not shifted: the id, or −100 where no loss is taken. */
  readonly labels: Int32Array;
  /** [examples] */
  readonly lengths: Uint32Array;
  readonly report: SkipReport;
}

export interface ExampleOptions {
  /** Tokens that an example may have. */
  readonly maxTokens: number;
  /** What becomes of longer ones: cut to their beginning, or left out. */
  readonly tooLong: 'truncate' | 'drop';
  /** A turn of the system for conversations that have none. */
  readonly system?: string | undefined;
}

/** Reads and encodes files of conversations. Throws what reading throws, and INPUT_CORRUPT where no record can be used. */
export async function readExamples(
  paths: readonly string[],
  format: Pick<ChatFormat, 'encode'>,
  options: ExampleOptions,
): Promise<Examples> {
  const skips = createSkipCounter();
  const kept: { ids: Uint32Array; labels: Int32Array }[] = [];
  let tokens = 0;
  const unusable = (where: string, why: Unusable): void => {
    skips.read();
    skips.skip(where, why);
  };
  for await (const { record, where } of readRecords(paths, 'threads', unusable)) {
    skips.read();
    const conversation = usable(record, options.system);
    const encoded = 'reason' in conversation ? conversation : tryEncode(() => format.encode(conversation));
    if ('reason' in encoded) {
      skips.skip(where, encoded);
      continue;
    }
    const cut = cutToLength(encoded, options);
    if ('reason' in cut) {
      skips.skip(where, cut);
      continue;
    }
    if (cut.ids.length < encoded.ids.length) skips.truncate();
    kept.push(cut);
    tokens += cut.ids.length;
  }
  const report = skips.report();
  refuseEmpty(report, paths.join(', '));
  const ids = new Int32Array(tokens);
  const labels = new Int32Array(tokens);
  let at = 0;
  for (const example of kept) {
    ids.set(example.ids, at);
    labels.set(example.labels, at);
    at += example.ids.length;
  }
  return { ids, labels, lengths: Uint32Array.from(kept, (example) => example.ids.length), report };
}

/** The conversation of a record, or why nothing can be learnt from it. */
export function usable(record: Record<string, unknown>, system?: string): Conversation | Unusable {
  const conversation = readConversation(record);
  if ('reason' in conversation) return conversation;
  const { messages, ...rest } = conversation;
  const said = messages.filter(({ role }) => role === 'assistant');
  if (said.length === 0) return { reason: 'no answer', detail: 'no turn of the assistant' };
  if (said.every(isEmpty)) return { reason: 'empty completion', detail: 'the assistant says nothing' };
  // What is asked after the last answer has nothing to be learnt from.
  const end = messages.findLastIndex(({ role }) => role === 'assistant') + 1;
  const opening: Message[] =
    system !== undefined && messages[0].role !== 'system' ? [{ role: 'system', content: system }] : [];
  // An empty answer among others would teach to say nothing.
  const turns = messages
    .slice(0, end)
    .map((turn) => (turn.role === 'assistant' && isEmpty(turn) ? { ...turn, weight: 0 } : turn));
  return { ...rest, messages: [...opening, ...turns] };
}

export function isEmpty({ content, tool_calls: calls }: Message): boolean {
  return content.trim() === '' && (calls ?? []).length === 0;
}

/** What `encode` makes, or in its words why it cannot. */
export function tryEncode<T extends object>(encode: () => T): T | Unusable {
  try {
    return encode();
  } catch (error) {
    if (!(error instanceof CorpusmillError) || error.code !== 'INPUT_CORRUPT') throw error;
    return { reason: 'the chat template cannot render it', detail: error.message };
  }
}

/** An example within the row's length, or why there is none. */
export function cutToLength(
  { ids, labels }: { ids: Uint32Array; labels: Int32Array },
  { maxTokens, tooLong }: Pick<ExampleOptions, 'maxTokens' | 'tooLong'>,
): { ids: Uint32Array; labels: Int32Array } | Unusable {
  if (ids.length > maxTokens && tooLong === 'drop') {
    return { reason: 'too long', detail: `${ids.length} tokens, rows have ${maxTokens}` };
  }
  const cut = { ids: ids.subarray(0, maxTokens), labels: labels.subarray(0, maxTokens) };
  // The first token of a row is predicted from nothing.
  if (cut.labels.some((label, i) => i > 0 && label >= 0)) return cut;
  if (ids.length > maxTokens) {
    return { reason: 'prompt too long', detail: `no trained token among the first ${maxTokens} of ${ids.length}` };
  }
  return { reason: 'nothing trained', detail: 'no turn of the assistant is trained' };
}
