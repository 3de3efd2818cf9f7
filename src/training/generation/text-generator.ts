/** Generation in text: prompts are encoded, tokens come out as whole characters, stop strings end a text before them. */
import { CorpusmillError } from '../../core/errors.ts';
import { createStreamDecoder, type StreamDecoder } from '../../tokenizer/stream-decoder.ts';
import type { TextTokenizer } from '../../tokenizer/text-tokenizer.ts';
import type { FinishReason, GenerationRequest, Generator } from './generator.ts';
import { createStopStrings, type StopStrings } from './stop-strings.ts';

/** A request whose answer is text. */
export interface TextRequest extends Omit<GenerationRequest, 'stop'> {
  /** Strings that end the text; they are not part of it. */
  readonly stopStrings?: readonly string[];
}

/** What one token added to a text: nothing while a character is not whole, or what may be part of a stop string. */
export interface TextPiece {
  /** Number of the request. */
  readonly request: number;
  readonly text: string;
  readonly id: number;
  readonly logProb: number | undefined;
  /** Set on the last piece of a request. */
  readonly finish: FinishReason | undefined;
}

export interface GeneratedText {
  readonly text: string;
  /** All that was generated, a stop token or the tokens of a stop string included. */
  readonly ids: Int32Array;
  readonly logProbs: Float32Array | undefined;
  readonly finish: FinishReason;
}

interface TextState {
  readonly decoder: StreamDecoder;
  readonly stops: StopStrings;
  /** Text of the tokens that were asked about by `stop` and not yet passed on. */
  pending: string;
}

/** The pieces as they are made. Special tokens are not part of the text. Throws as `Generator.stream`, and USAGE for an empty stop string. */
export async function* streamTexts(
  generator: Generator,
  tokenizer: TextTokenizer,
  requests: readonly TextRequest[],
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<TextPiece> {
  const specials = new Set(tokenizer.addedTokens.filter(({ special }) => special).map(({ id }) => id));
  const states = requests.map(({ stopStrings = [] }): TextState => {
    if (stopStrings.includes('')) throw new CorpusmillError('USAGE', 'generation: an empty string cannot end a text');
    const decoder = createStreamDecoder((id) => (specials.has(id) ? undefined : tokenizer.tokenBytes(id)));
    return { decoder, stops: createStopStrings(stopStrings), pending: '' };
  });
  const withStop = requests.map((request, i): GenerationRequest => {
    const state = states[i];
    return {
      ...request,
      stop(id) {
        state.pending += state.stops.push(state.decoder.push(id));
        return state.stops.stopped;
      },
    };
  });
  for await (const { request, id, logProb, finish } of generator.stream(withStop, options)) {
    const state = states[request];
    // A stop token is not asked about: it is no part of the text.
    let text = state.pending;
    state.pending = '';
    if (finish !== undefined && !state.stops.stopped) {
      text += state.stops.push(state.decoder.end());
      text += state.stops.end();
    }
    yield { request, text, id, logProb, finish };
  }
}

/** All texts, in order of the requests. Throws as `streamTexts`. */
export function generateTexts(
  generator: Generator,
  tokenizer: TextTokenizer,
  requests: readonly TextRequest[],
  options: { signal?: AbortSignal } = {},
): Promise<GeneratedText[]> {
  return collectTexts(streamTexts(generator, tokenizer, requests, options), requests);
}

/** The texts that the pieces of `streamTexts` make. */
export async function collectTexts(
  pieces: AsyncIterable<TextPiece>,
  requests: readonly TextRequest[],
): Promise<GeneratedText[]> {
  const texts = requests.map(() => ({
    text: '',
    ids: [] as number[],
    logProbs: [] as number[],
    finish: 'length' as FinishReason,
  }));
  for await (const piece of pieces) {
    const made = texts[piece.request];
    made.text += piece.text;
    made.ids.push(piece.id);
    if (piece.logProb !== undefined) made.logProbs.push(piece.logProb);
    if (piece.finish !== undefined) made.finish = piece.finish;
  }
  return texts.map(({ ids, logProbs, ...rest }, i) => ({
    ...rest,
    ids: Int32Array.from(ids),
    logProbs: requests[i].logProbs === true ? Float32Array.from(logProbs) : undefined,
  }));
}

/** The id of a stop token given by name, or by number. Throws USAGE for one that the tokenizer does not have. */
export function stopTokenId(tokenizer: TextTokenizer, given: string): number {
  const id = tokenizer.addedTokens.find(({ content }) => content === given)?.id ?? tokenizer.specialId(given);
  if (id !== undefined) return id;
  if (/^\d+$/.test(given) && Number(given) < tokenizer.vocabSize) return Number(given);
  const known = tokenizer.addedTokens.filter(({ special }) => special).map(({ content }) => content);
  const some = known.length === 0 ? 'it has no special tokens' : `it has ${known.slice(0, 8).join(', ')}`;
  throw new CorpusmillError('USAGE', `generation: the tokenizer has no token ${JSON.stringify(given)}`, {
    hint: `Give a special token (${some}) or an id below ${tokenizer.vocabSize}; a string ends a text with --stop.`,
  });
}
