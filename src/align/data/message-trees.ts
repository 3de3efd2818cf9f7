/**
 * Trees of messages, as OpenAssistant has them: people ask, several answers are written to each question and ranked, and any of them is
 * asked further. They come as one tree a record, {prompt: {text, role, replies: […]}}, or as one message a record, {message_id, parent_id,
 * text, role}. Source: LAION-AI/Open-Assistant, docs/docs/data/schemas.md; Köpf et al. 2023, arXiv 2304.07327.
 *
 * What is learnt decides what a tree becomes:
 *   threads      a conversation for each leaf; an answer that is in several of them is trained in the first alone
 *   comparisons  for each question the ranked answers, each against the next in rank
 *   prompts      a conversation up to each question
 */
import type { Message } from '../../io/conversation.ts';

export type TreeForm = 'threads' | 'comparisons' | 'prompts';

export interface TreeMessage {
  readonly turn: Message;
  /** 0: the best answer; null: nobody compared. */
  readonly rank: number | null;
  /** The best first. */
  readonly replies: readonly TreeMessage[];
}

type Fields = Readonly<Record<string, unknown>>;

/** True for a record that holds a whole tree. */
export function isTree({ prompt }: Fields): boolean {
  return typeof prompt === 'object' && prompt !== null && Array.isArray((prompt as Fields)['replies']);
}

/** True for a record that is one message of a tree. */
export function isTreeMessage(record: Fields): boolean {
  return typeof record['message_id'] === 'string' && Object.hasOwn(record, 'parent_id') && 'text' in record;
}

/** The root of a record that `isTree`, or what is wrong with one of its messages. */
export function readTree({ prompt }: Fields): TreeMessage | { readonly problem: string } {
  const problems: string[] = [];
  const root = messageOf(
    prompt,
    (fields) => (Array.isArray(fields['replies']) ? (fields['replies'] as unknown[]) : []),
    problems,
  );
  if (root === undefined || problems.length > 0) return { problem: problems[0] ?? 'its first message was deleted' };
  return root;
}

/**
 * The trees of messages given one by one, in order of their roots, and how many messages hang on none: their parents are missing,
 * deleted or not readable.
 */
export function treesOf(messages: readonly Fields[]): { roots: TreeMessage[]; orphans: number } {
  const byParent = new Map<unknown, Fields[]>();
  for (const message of messages) {
    const parent = message['parent_id'] ?? null;
    byParent.set(parent, [...(byParent.get(parent) ?? []), message]);
  }
  let reached = 0;
  const repliesOf = (fields: Fields): readonly unknown[] => {
    const replies = byParent.get(fields['message_id']) ?? [];
    // A message is in one tree, once: a ring of parents would have no root.
    byParent.delete(fields['message_id']);
    return replies;
  };
  const read = (message: unknown): TreeMessage | undefined =>
    messageOf(message, repliesOf, [], () => {
      reached++;
    });
  const roots = (byParent.get(null) ?? []).map(read).filter((root) => root !== undefined);
  return { roots, orphans: messages.length - reached };
}

/** What a tree becomes: records that are read like any other. */
export function recordsOfTree(root: TreeMessage, form: TreeForm): Record<string, unknown>[] {
  const records: Record<string, unknown>[] = [];
  const trained = new Set<TreeMessage>();
  const visit = (path: readonly TreeMessage[]): void => {
    const { turn, replies } = path[path.length - 1];
    const turns = path.map((message) => message.turn);
    if (turn.role === 'user' && form === 'prompts') records.push({ messages: turns });
    if (turn.role === 'user' && form === 'comparisons') records.push(...comparisons(turns, replies));
    if (replies.length === 0 && form === 'threads') {
      const fresh = path.filter((message) => message.turn.role === 'assistant' && !trained.has(message));
      if (fresh.length > 0) {
        records.push({
          messages: path.map((message) => (trained.has(message) ? { ...message.turn, weight: 0 } : message.turn)),
        });
      }
      for (const message of fresh) trained.add(message);
    }
    for (const reply of replies) visit([...path, reply]);
  };
  visit([root]);
  return records;
}

/** Each ranked answer against the next one. */
function comparisons(prompt: readonly Message[], replies: readonly TreeMessage[]): Record<string, unknown>[] {
  const ranked = replies.filter(({ turn, rank }) => turn.role === 'assistant' && rank !== null);
  return ranked.slice(1).flatMap((worse, i) => {
    const better = ranked[i];
    return better.rank === worse.rank ? [] : [{ prompt, chosen: [better.turn], rejected: [worse.turn] }];
  });
}

/** A message with all below it; undefined for one that was deleted. What is no message is noted in `problems`. */
function messageOf(
  value: unknown,
  repliesOf: (fields: Fields) => readonly unknown[],
  problems: string[],
  onRead: () => void = () => {},
): TreeMessage | undefined {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  const { text, role, rank, deleted } = fields;
  if (deleted === true) return undefined;
  if (typeof text !== 'string' || (role !== 'prompter' && role !== 'assistant')) {
    problems.push(`a message without text, or of the role ${JSON.stringify(role)}: expected prompter or assistant`);
    return undefined;
  }
  onRead();
  const replies = repliesOf(fields)
    .map((reply) => messageOf(reply, repliesOf, problems, onRead))
    .filter((reply) => reply !== undefined)
    .sort((a, b) => (a.rank ?? Number.MAX_VALUE) - (b.rank ?? Number.MAX_VALUE));
  const turn: Message = { role: role === 'prompter' ? 'user' : 'assistant', content: text };
  return { turn, rank: typeof rank === 'number' ? rank : null, replies };
}
