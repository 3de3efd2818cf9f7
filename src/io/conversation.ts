/**
 * A record as a conversation: the shapes that instruction data comes in, all read into one.
 *
 *   OpenAI      {messages: [{role, content, tool_calls?, weight?}], tools?}; content: text or a list of parts
 *   ShareGPT    {conversations: [{from, value}], system?, tools?}; from: human, gpt, system, function_call, observation
 *   Alpaca      {instruction, input?, output, system?, history?: [[question, answer] …]}
 *   pairs       {prompt, completion} and {question, answer}
 *
 * A preference record (`chosen` beside `conversations` or `prompt`) becomes the conversation with the chosen answer.
 * Sources: OpenAI chat completions and fine-tuning formats; LLaMA-Factory's data/README.md (ShareGPT roles, Alpaca's
 * history, v1 parts with `value` and `loss_weight`); TRL's dataset formats (prompt, completion).
 */

export const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
export type Role = (typeof ROLES)[number];

export interface ToolCall {
  type: 'function';
  /** `arguments` is what a JSON text of arguments holds, or the text itself where it is not JSON. */
  function: { name: string; arguments: unknown };
  id?: string;
}

/** A turn, with the names of OpenAI's format, as chat templates expect them. */
export interface Message {
  role: Role;
  content: string;
  reasoning_content?: string;
  tool_calls?: ToolCall[];
  tool_call_id?: string;
  name?: string;
  /** 0: an assistant's turn that is read and not trained on. */
  weight?: number;
}

export interface Conversation {
  messages: Message[];
  /** JSON schemas of functions, as the template gets them. */
  tools?: unknown[];
}

/** Fields that `readConversation` looks at. */
export const CONVERSATION_FIELDS: ReadonlySet<string> = new Set([
  'conversation',
  'messages',
  'conversations',
  'tools',
  'system',
  'instruction',
  'input',
  'output',
  'history',
  'prompt',
  'completion',
  'question',
  'answer',
  'chosen',
]);

/** Why a record is no conversation: a short stable reason and what was found. */
export interface NotAConversation {
  reason: 'not a conversation' | 'bad conversation';
  detail: string;
}

/** Thrown and caught in this file: what is wrong with a conversation, in words. */
class Problem extends Error {}

/**
 * Reads a record of any shape above. A record with a member `conversation` (what an input with `conversations: true`
 * leaves in a document's meta) is read from there.
 */
export function readConversation(record: unknown): Conversation | NotAConversation {
  const fields = asObject(record);
  if (fields === undefined) return { reason: 'not a conversation', detail: `the record is ${kindOf(record)}` };
  const inner = own(fields, 'conversation');
  if (asObject(inner) !== undefined) return readConversation(inner);
  try {
    const messages = messagesOf(fields);
    if (messages === undefined) {
      const names = Object.keys(fields).slice(0, 20).join(', ');
      return {
        reason: 'not a conversation',
        detail: `no messages, conversations, instruction, prompt or question; the record has: ${names}`,
      };
    }
    if (messages.length === 0) throw new Problem('it has no turns');
    const tools = toolsOf(own(fields, 'tools'));
    return tools === undefined ? { messages } : { messages, tools };
  } catch (error) {
    if (error instanceof Problem) return { reason: 'bad conversation', detail: error.message };
    throw error;
  }
}

/** What is said, turn after turn with a line's end between: the text that filters and deduplication look at. */
export function conversationText({ messages }: Conversation): string {
  const said: string[] = [];
  for (const { content, tool_calls: calls } of messages) {
    if (content !== '') said.push(content);
    for (const call of calls ?? []) said.push(JSON.stringify(call.function));
  }
  return said.join('\n');
}

function messagesOf(record: Record<string, unknown>): Message[] | undefined {
  const messages = own(record, 'messages');
  const turns = own(record, 'conversations');
  if (messages !== undefined) return list(messages, 'messages').map((turn, i) => openAiMessage(turn, `messages[${i}]`));
  const system = optionalText(record, 'system');
  const opening: Message[] = system === '' ? [] : [{ role: 'system', content: system }];
  if (turns !== undefined) {
    const said = list(turns, 'conversations').map((turn, i) => shareGptMessage(turn, `conversations[${i}]`));
    return [...(said[0]?.role === 'system' ? [] : opening), ...said, ...chosenAnswer(record)];
  }
  if (own(record, 'instruction') !== undefined) {
    const input = optionalText(record, 'input');
    const instruction = text(own(record, 'instruction'), 'instruction');
    const answer = own(record, 'output') === undefined ? chosenAnswer(record) : [assistant(record, 'output')];
    return [...opening, ...historyOf(record), user(input === '' ? instruction : `${instruction}\n${input}`), ...answer];
  }
  for (const [question, answer] of [
    ['prompt', 'completion'],
    ['question', 'answer'],
  ] as const) {
    const prompt = own(record, question);
    if (prompt === undefined) continue;
    const asked = Array.isArray(prompt)
      ? prompt.map((turn, i) => openAiMessage(turn, `${question}[${i}]`))
      : [user(text(prompt, question))];
    const said = own(record, answer);
    if (said === undefined) return [...opening, ...asked, ...chosenAnswer(record)];
    const replies = Array.isArray(said) ? said.map((turn, i) => openAiMessage(turn, `${answer}[${i}]`)) : undefined;
    return [...opening, ...asked, ...(replies ?? [assistant(record, answer)])];
  }
  return undefined;
}

/** The preferred answer of a preference record: text, a turn, or a list of turns. */
function chosenAnswer(record: Record<string, unknown>): Message[] {
  const chosen = own(record, 'chosen');
  if (chosen === undefined || chosen === null) return [];
  if (typeof chosen === 'string') return [{ role: 'assistant', content: chosen }];
  const turns = Array.isArray(chosen) ? chosen : [chosen];
  return turns.map((turn, i) => {
    const where = `chosen[${i}]`;
    return asObject(turn) !== undefined && Object.hasOwn(turn as object, 'from')
      ? shareGptMessage(turn, where)
      : openAiMessage(turn, where);
  });
}

function historyOf(record: Record<string, unknown>): Message[] {
  const history = own(record, 'history');
  if (history === undefined || history === null) return [];
  return list(history, 'history').flatMap((pair, i): Message[] => {
    const [question, answer] = list(pair, `history[${i}]`);
    return [user(text(question, `history[${i}][0]`)), { role: 'assistant', content: text(answer, `history[${i}][1]`) }];
  });
}

function openAiMessage(turn: unknown, where: string): Message {
  const fields = asObject(turn);
  if (fields === undefined) throw new Problem(`${where} is ${kindOf(turn)}, expected an object with role and content`);
  const role = own(fields, 'role');
  if (!(ROLES as readonly unknown[]).includes(role)) {
    throw new Problem(`${where}.role is ${short(role)}, expected one of ${ROLES.join(', ')}`);
  }
  const message: Message = { role: role as Role, content: '' };
  readContent(own(fields, 'content'), message, `${where}.content`);
  const reasoning = own(fields, 'reasoning_content');
  if (typeof reasoning === 'string') message.reasoning_content = reasoning;
  const calls = own(fields, 'tool_calls');
  if (calls !== undefined && calls !== null) {
    const read = list(calls, `${where}.tool_calls`).map((call, i) => toolCall(call, `${where}.tool_calls[${i}]`));
    if (read.length > 0) message.tool_calls = [...(message.tool_calls ?? []), ...read];
  }
  for (const key of ['tool_call_id', 'name'] as const) {
    const value = own(fields, key);
    if (typeof value === 'string') message[key] = value;
  }
  const weight = own(fields, 'weight') ?? own(fields, 'loss_weight');
  if (weight === 0 || weight === false) message.weight = 0;
  return message;
}

/** Content as text, nothing, or a list of parts. Parts that are not text (images, sound) are refused. */
function readContent(content: unknown, message: Message, where: string): void {
  if (content === undefined || content === null) return;
  if (!Array.isArray(content)) {
    message.content = text(content, where);
    return;
  }
  content.forEach((part, i) => {
    const fields = asObject(part);
    const type = fields === undefined ? undefined : own(fields, 'type');
    const value = fields === undefined ? part : (own(fields, 'text') ?? own(fields, 'value'));
    const here = `${where}[${i}]`;
    if (typeof part === 'string' || type === 'text') message.content += text(value, here);
    else if (type === 'reasoning') message.reasoning_content = (message.reasoning_content ?? '') + text(value, here);
    else if (type === 'tool_call') (message.tool_calls ??= []).push(toolCall(parsed(value), here));
    else throw new Problem(`${here} is a part of type ${short(type)}; only text can be read`);
  });
}

/** What speakers are called in ShareGPT files. */
const SPEAKERS: Record<string, Role> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  assistant: 'assistant',
  model: 'assistant',
  system: 'system',
  observation: 'tool',
  tool: 'tool',
};

function shareGptMessage(turn: unknown, where: string): Message {
  const fields = asObject(turn);
  if (fields === undefined) throw new Problem(`${where} is ${kindOf(turn)}, expected an object with from and value`);
  const from = own(fields, 'from') ?? own(fields, 'role');
  const value = text(own(fields, 'value') ?? own(fields, 'content'), `${where}.value`);
  if (from === 'function_call') {
    const calls = parsed(value);
    const all = Array.isArray(calls) ? calls : [calls];
    return { role: 'assistant', content: '', tool_calls: all.map((call) => toolCall(call, `${where}.value`)) };
  }
  if (typeof from !== 'string' || !Object.hasOwn(SPEAKERS, from)) {
    const known = [...Object.keys(SPEAKERS), 'function_call'].join(', ');
    throw new Problem(`${where}.from is ${short(from)}, expected one of ${known}`);
  }
  const message: Message = { role: SPEAKERS[from], content: value };
  if (own(fields, 'weight') === 0) message.weight = 0;
  return message;
}

/** `{function: {name, arguments}}` or `{name, arguments}`. */
function toolCall(call: unknown, where: string): ToolCall {
  const fields = asObject(call);
  const inner = (fields === undefined ? undefined : asObject(own(fields, 'function'))) ?? fields;
  const name = inner === undefined ? undefined : own(inner, 'name');
  if (inner === undefined || typeof name !== 'string')
    throw new Problem(`${where} is no function call: ${short(call)}`);
  const id = own(fields!, 'id');
  return {
    type: 'function',
    // Templates write arguments with `tojson`: a JSON text would become a quoted string.
    function: { name, arguments: parsed(own(inner, 'arguments') ?? {}) },
    ...(typeof id === 'string' && { id }),
  };
}

function toolsOf(tools: unknown): unknown[] | undefined {
  if (tools === undefined || tools === null || tools === '') return undefined;
  const all = parsed(tools);
  if (!Array.isArray(all)) throw new Problem(`tools is ${kindOf(all)}, expected a list`);
  return all.length === 0 ? undefined : all;
}

/** The value of a JSON text, or the value as it is. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function user(content: string): Message {
  return { role: 'user', content };
}

function assistant(record: Record<string, unknown>, field: string): Message {
  return { role: 'assistant', content: text(own(record, field), field) };
}

function text(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new Problem(`${where} is ${kindOf(value)}, expected text`);
  return value;
}

function optionalText(record: Record<string, unknown>, field: string): string {
  const value = own(record, field);
  return value === undefined || value === null ? '' : text(value, field);
}

function list(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw new Problem(`${where} is ${kindOf(value)}, expected a list`);
  return value;
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function own(fields: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 80);
}
