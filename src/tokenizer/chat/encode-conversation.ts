/**
 * Conversations to training data: ids of the rendered conversation, and labels that are -100 everywhere but on what the
 * assistant says, its end token included.
 *
 * What the assistant says is found in one of two ways:
 *   - between the `{% generation %}` tags of the template, where it has them;
 *   - else by rendering prefixes: turn i begins where the conversation before it with the generation prompt ends, and
 *     ends where the conversation up to it ends. A template that renders a turn otherwise once more turns follow (Qwen3
 *     leaves out earlier reasoning) ends the turn at the template's next control token.
 * The template's special tokens become their ids; words of messages are text (token-matcher.ts). Text is encoded in
 * stretches between special tokens and borders of turns, since that is where generation begins: ids are those of HF
 * `apply_chat_template(tokenize=True)` wherever no token lies across such a border.
 *
 * Cost: one rendering, and two short of the end for each assistant's turn without generation tags.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { type Conversation, type Message, readConversation } from '../../io/conversation.ts';
import type { TextTokenizer } from '../text-tokenizer.ts';
import {
  type ChatTemplate,
  type ChatTemplateOptions,
  createChatTemplate,
  GENERATION_END,
  GENERATION_START,
} from './chat-template.ts';
import { atGuards, createTokenMatcher, type TokenMatch, type TokenMatcher, withoutGuards } from './token-matcher.ts';

/** The label of a token that is not trained on, as PyTorch's cross entropy has it. */
export const IGNORED_LABEL = -100;

export interface EncodeConversationOptions {
  tools?: unknown[];
  /** Train on every turn of the assistant (default) or on the last alone. */
  train?: 'all' | 'last';
}

/** `labels[i]` is `ids[i]` or -100: not shifted, as HF models expect. */
export interface EncodedConversation {
  ids: Uint32Array;
  labels: Int32Array;
}

/** Tokenizers for which a conversation can be encoded. */
export type ChatTokenizer = Pick<TextTokenizer, 'encode' | 'encodeContinuation' | 'addedTokens'>;

/** Encodes one conversation. Throws INPUT_CORRUPT when the template cannot render it or hides where a turn begins. */
export function encodeConversation(
  tokenizer: ChatTokenizer,
  template: ChatTemplate,
  messages: readonly Message[],
  options: EncodeConversationOptions = {},
): EncodedConversation {
  const conversation = guarded(matchersOf(tokenizer), messages, options.tools);
  const { text, spans } = template.marksGeneration
    ? markedSpans(template.render(conversation, false))
    : prefixSpans(template, conversation, matchersOf(tokenizer).all);
  const trained = spansToTrain(spans, messages, options.train ?? 'all', template.marksGeneration);
  return encodeSpans(tokenizer, text, trained);
}

/**
 * The ids that ask a model for the next turn of the assistant: the conversation with the template's generation prompt behind
 * it. Throws INPUT_CORRUPT when the template cannot render it.
 */
export function encodeGenerationPrompt(
  tokenizer: ChatTokenizer,
  template: ChatTemplate,
  messages: readonly Message[],
  tools?: unknown[],
): Uint32Array {
  const { text } = markedSpans(template.render(guarded(matchersOf(tokenizer), messages, tools), true));
  return encodeSpans(tokenizer, text, []).ids;
}

export interface ConversationEncoderOptions extends ChatTemplateOptions {
  /** Jinja source of the chat template. */
  template: string;
  train?: 'all' | 'last';
}

export type ConversationEncoder = (record: unknown, where: string) => EncodedConversation;

/**
 * An encoder of records of any shape that `readConversation` knows. Its errors (INPUT_CORRUPT) name `where`, for
 * instance a document's id. Throws CONFIG_INVALID for a template that does not compile.
 */
export function createConversationEncoder(
  tokenizer: ChatTokenizer,
  options: ConversationEncoderOptions,
): ConversationEncoder {
  const template = createChatTemplate(options.template, options);
  return (record, where) => {
    const conversation = readConversation(record);
    const hint = 'Mend or leave out the record; docs/formats-and-chat.md says which shapes are read.';
    if ('reason' in conversation) {
      throw new CorpusmillError('INPUT_CORRUPT', `encoding the conversation ${where}: ${conversation.detail}`, {
        hint,
      });
    }
    const { messages, tools } = conversation;
    const { train } = options;
    try {
      return encodeConversation(tokenizer, template, messages, { ...(tools && { tools }), ...(train && { train }) });
    } catch (error) {
      if (!(error instanceof CorpusmillError)) throw error;
      throw new CorpusmillError(error.code, `encoding the conversation ${where}: ${error.message}`, {
        hint: error.hint ?? hint,
        cause: error,
      });
    }
  };
}

/** Units [start, end) of the rendered text that an assistant says. */
interface Span {
  start: number;
  end: number;
}

interface Matchers {
  /** All added tokens: what is matched in the rendered text, and what users, systems and tools cannot say. */
  all: TokenMatcher;
  /** Control tokens: what an assistant cannot say. It may say `<think>`, which is a word to the model. */
  control: TokenMatcher;
}

const matchers = new WeakMap<readonly unknown[], Matchers>();

function matchersOf({ addedTokens }: ChatTokenizer): Matchers {
  let found = matchers.get(addedTokens);
  if (found === undefined) {
    const all = createTokenMatcher(addedTokens);
    found = { all, control: createTokenMatcher(addedTokens.filter((token) => token.special)) };
    matchers.set(addedTokens, found);
  }
  return found;
}

function guarded({ all, control }: Matchers, messages: readonly Message[], tools?: unknown[]): Conversation {
  return {
    messages: messages.map((message) => (message.role === 'assistant' ? control : all).guard(message) as Message),
    ...(tools !== undefined && { tools: all.guard(tools) as unknown[] }),
  };
}

/** Takes the marks of `{% generation %}` out of a text. */
function markedSpans(marked: string): { text: string; spans: Span[] } {
  let text = '';
  const spans: Span[] = [];
  let start: number | undefined;
  for (const part of marked.split(/([\ufdd1\ufdd2])/)) {
    if (part === GENERATION_START) start = text.length;
    else if (part === GENERATION_END) {
      if (start !== undefined) spans.push({ start, end: text.length });
      start = undefined;
    } else text += part;
  }
  return { text, spans };
}

/** Finds each assistant's turn by what is rendered before and up to it. */
function prefixSpans(
  template: ChatTemplate,
  { messages, tools }: Conversation,
  matcher: TokenMatcher,
): { text: string; spans: Span[] } {
  const upTo = (count: number, prompt: boolean): string =>
    template.render({ messages: messages.slice(0, count), ...(tools && { tools }) }, prompt);
  const text = upTo(messages.length, false);
  const matches = matcher.matches(text);
  const spans: Span[] = [];
  messages.forEach(({ role }, i) => {
    if (role !== 'assistant') return;
    const before = upTo(i, true);
    if (!text.startsWith(before)) throw hiddenTurn(i);
    const start = before.length;
    const through = i === messages.length - 1 ? text : upTo(i + 1, false);
    const end = text.startsWith(through) && through.length > start ? through.length : undefined;
    spans.push({ start, end: endOfTurn(text, start, end, matches) ?? hiddenEnd(i) });
  });
  return { text, spans };
}

/**
 * A turn ends with its last special token, not with the line's end that the template puts behind it. Where no border is
 * known it ends with the first control token behind the text's beginning.
 */
function endOfTurn(text: string, start: number, end: number | undefined, matches: TokenMatch[]): number | undefined {
  if (end === undefined) return matches.find((match) => match.start > start && match.token.special)?.end;
  const last = matches.findLast((match) => match.start >= start && match.end <= end);
  return last !== undefined && text.slice(last.end, end).trim() === '' ? last.end : end;
}

function hiddenTurn(i: number): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `the chat template does not show where turn ${i} begins`, {
    hint:
      'It renders the turns before it otherwise than in the whole conversation. Put {% generation %} tags around what ' +
      'the assistant says in the template.',
  });
}

function hiddenEnd(i: number): never {
  throw new CorpusmillError('INPUT_CORRUPT', `the chat template does not show where turn ${i} ends`, {
    hint: 'Put {% generation %} tags around what the assistant says in the template.',
  });
}

/** Leaves out turns of weight 0, and all but the last where that is asked for. */
function spansToTrain(spans: Span[], messages: readonly Message[], train: 'all' | 'last', marked: boolean): Span[] {
  const turns = messages.filter(({ role }) => role === 'assistant');
  if (turns.some(({ weight }) => weight === 0)) {
    if (marked && spans.length !== turns.length) {
      throw new CorpusmillError(
        'INPUT_CORRUPT',
        `${turns.length} turns of the assistant, some of weight 0, are ${spans.length} generation blocks in the template`,
      );
    }
    return (train === 'last' ? spans.slice(-1) : spans).filter((span) => turns[spans.indexOf(span)].weight !== 0);
  }
  return train === 'last' ? spans.slice(-1) : spans;
}

/** Encodes a guarded text; tokens that begin inside a span get a label. */
function encodeSpans(tokenizer: ChatTokenizer, text: string, spans: readonly Span[]): EncodedConversation {
  const ids: number[] = [];
  const labels: number[] = [];
  const push = (id: number, trained: boolean): void => {
    ids.push(id);
    labels.push(trained ? id : IGNORED_LABEL);
  };
  let next = 0;
  const isTrained = (at: number): boolean => {
    while (next < spans.length && spans[next].end <= at) next++;
    return next < spans.length && spans[next].start <= at;
  };
  const borders = spans.flatMap(({ start, end }) => [start, end]);
  let border = 0;
  let afterToken = true;
  // SentencePiece's user-defined pieces are tokens wherever they stand, so there a guard is a border as well.
  const plainParts = tokenizer.encodeContinuation === undefined ? (part: string) => [withoutGuards(part)] : atGuards;
  const encodeText = (from: number, to: number): void => {
    while (from < to) {
      while (border < borders.length && borders[border] <= from) border++;
      const end = Math.min(to, borders[border] ?? to);
      const trained = isTrained(from);
      for (const plain of plainParts(text.slice(from, end))) {
        const continues = !afterToken && tokenizer.encodeContinuation !== undefined;
        const encoded = continues ? tokenizer.encodeContinuation!(plain) : tokenizer.encode(plain);
        for (const id of encoded) push(id, trained);
        afterToken = false;
      }
      from = end;
    }
  };
  let at = 0;
  for (const { token, start, end } of matchersOf(tokenizer).all.matches(text)) {
    encodeText(at, start);
    push(token.id, isTrained(start));
    afterToken = true;
    at = end;
  }
  encodeText(at, text.length);
  return { ids: Uint32Array.from(ids), labels: Int32Array.from(labels) };
}
