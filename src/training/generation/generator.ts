/**
 * Generation of many texts at once: requests wait in order for a slot of the cached decoder, are read together, then grow
 * by a token a step until a stop token, their limit, or their own `stop` ends them. The last text moves into a slot that
 * becomes free, so that a step never computes for a text that is over, and the next request begins at once.
 *
 * A request's text depends on its ids, options and seed alone, not on what else runs beside it nor on the order.
 */
import { CorpusmillError } from '../../core/errors.ts';
import type { ModelWeights } from '../../models/weights.ts';
import type { Backend } from '../../tensor/backend.ts';
import { type CachedDecoder, createCachedDecoder } from './cached-decoder.ts';
import { contextLimit } from './place-inputs.ts';
import { checkSampling, type SamplingOptions, uniformAt } from './sampling.ts';
import { createTokenChooser } from './token-chooser.ts';

export interface GenerationRequest {
  /** The prompt, at least one token. */
  readonly ids: ArrayLike<number>;
  readonly maxNewTokens: number;
  /** Default: the likeliest token each time. */
  readonly sampling?: SamplingOptions;
  /** Of the draws; default 0. Requests with equal prompts need different ones to differ. */
  readonly seed?: number;
  /** Ids that end the text; default: those of the model's configuration. */
  readonly stopTokens?: readonly number[];
  /** Asked after each token; true ends the text. */
  readonly stop?: (id: number, index: number) => boolean;
  /** Give the log-probabilities of each token chosen, of the model and as sampled. */
  readonly logProbs?: boolean;
}

/** `token`: a stop token, the last of the text; `stop`: the request's own `stop`; `length`: no more tokens allowed. */
export type FinishReason = 'token' | 'stop' | 'length';

export interface GeneratedToken {
  /** Number of the request. */
  readonly request: number;
  /** Number of the token in what is generated, from 0. */
  readonly index: number;
  readonly id: number;
  /** Under softmax(logits) of the model, before any option of sampling; where asked for. */
  readonly logProb: number | undefined;
  /** Under the distribution that it was drawn from, with all options of sampling; where asked for. 0 for the likeliest token taken. */
  readonly sampledLogProb: number | undefined;
  /** Set on the last token of a request. */
  readonly finish: FinishReason | undefined;
}

export interface Generation {
  readonly ids: Int32Array;
  /** As many, where asked for. */
  readonly logProbs: Float32Array | undefined;
  readonly sampledLogProbs: Float32Array | undefined;
  readonly finish: FinishReason;
}

export interface GeneratorOptions {
  /** Texts computed together; default 8. */
  readonly slots?: number;
  /** Tokens that a text can have, prompt included. */
  readonly capacity: number;
  readonly prefillRows?: number;
  /** Rows of the embedding from here on are padding and are never chosen; default: the model's vocabulary. */
  readonly vocabSize?: number;
}

export interface Generator {
  readonly decoder: CachedDecoder;
  /**
   * Tokens as they are made, those of one step in order of requests' slots. Leaving the loop ends the generation. Throws
   * USAGE for a request that cannot be, INTERRUPTED when `signal` is aborted. One call at a time.
   */
  stream(requests: readonly GenerationRequest[], options?: { signal?: AbortSignal }): AsyncGenerator<GeneratedToken>;
  /** All texts, in order of the requests. Throws as `stream`. */
  generate(requests: readonly GenerationRequest[], options?: { signal?: AbortSignal }): Promise<Generation[]>;
  dispose(): void;
}

/** A text that is being made. */
interface Running {
  readonly request: number;
  readonly given: GenerationRequest;
  readonly stopTokens: ReadonlySet<number>;
  /** All ids so far, each once; kept where a penalty needs it. */
  readonly seen: Set<number> | undefined;
  readonly limit: number;
  made: number;
  last: number;
}

/** A generator over the model's weights as they stand at each step. Throws USAGE for a capacity beyond the model's context. */
export function createGenerator(backend: Backend, weights: ModelWeights, options: GeneratorOptions): Generator {
  const { config } = weights;
  const { capacity, slots = 8, prefillRows, vocabSize = config.vocabSize } = options;
  if (capacity > contextLimit(config)) {
    throw new CorpusmillError(
      'USAGE',
      `generation: texts of ${capacity} tokens, but the model is made for ${contextLimit(config)}`,
      { hint: 'Shorten the prompt or ask for fewer new tokens.' },
    );
  }
  const decoder = createCachedDecoder(backend, weights, { slots, capacity, ...(prefillRows && { prefillRows }) });
  let isBusy = false;

  function start(given: GenerationRequest, request: number): Running {
    checkRequest(given, request, config.vocabSize, capacity);
    const { ids, maxNewTokens, sampling } = given;
    const penalized = (sampling?.repetitionPenalty ?? 1) !== 1;
    return {
      request,
      given,
      stopTokens: new Set(given.stopTokens ?? config.eosTokenIds),
      seen: penalized ? new Set(Array.from(ids)) : undefined,
      limit: Math.min(maxNewTokens, capacity - ids.length),
      made: 0,
      last: -1,
    };
  }

  const chooseToken = createTokenChooser(config.vocabSize, vocabSize);

  /** Chooses the next token of a text from its row of logits. */
  function choose(text: Running, logits: Float32Array): GeneratedToken {
    const { given, seen } = text;
    const { sampling = { temperature: 0 }, seed = 0, logProbs = false } = given;
    const { id, logProb, sampledLogProb } = chooseToken(logits, {
      options: sampling,
      earlier: seen ?? [],
      uniform: uniformAt(seed, text.made),
      withLogProbs: logProbs,
    });
    const index = text.made++;
    text.last = id;
    seen?.add(id);
    const finish: FinishReason | undefined = text.stopTokens.has(id)
      ? 'token'
      : given.stop?.(id, index) === true
        ? 'stop'
        : text.made >= text.limit
          ? 'length'
          : undefined;
    return { request: text.request, index, id, logProb, sampledLogProb, finish };
  }

  async function* run(requests: readonly GenerationRequest[], signal?: AbortSignal): AsyncGenerator<GeneratedToken> {
    const waiting = requests.map(start);
    /** By slot: the slots in use are the first ones. */
    const running: Running[] = [];
    const interrupt = (): void => {
      if (signal?.aborted === true) throw new CorpusmillError('INTERRUPTED', 'generation: interrupted');
    };
    const rowOf = (logits: Float32Array, row: number): Float32Array =>
      logits.subarray(row * decoder.vocabSize, (row + 1) * decoder.vocabSize);

    while (waiting.length > 0 || running.length > 0) {
      interrupt();
      const firstSlot = running.length;
      const taken = waiting.splice(0, slots - firstSlot);
      let tokens: GeneratedToken[];
      let first: number;
      if (taken.length > 0) {
        const logits = await decoder.prefill(
          firstSlot,
          taken.map(({ given }) => given.ids),
        );
        running.push(...taken);
        tokens = taken.map((text, row) => choose(text, rowOf(logits, row)));
        first = firstSlot;
      } else {
        const rows = running.map(({ given: { ids }, last, made }) => ({
          id: last,
          position: ids.length + made - 1,
          promptLength: ids.length,
        }));
        const logits = await decoder.decode(rows);
        tokens = running.map((text, row) => choose(text, rowOf(logits, row)));
        first = 0;
      }
      // From the last slot on, so that the text moved into a free slot is one that goes on.
      for (let row = tokens.length - 1; row >= 0; row--) {
        if (tokens[row].finish === undefined) continue;
        const slot = first + row;
        const moved = running.pop()!;
        if (slot === running.length) continue;
        const held = moved.given.ids.length + moved.made - 1;
        await decoder.copySlot(running.length, slot, held);
        running[slot] = moved;
      }
      for (const token of tokens) {
        yield token;
        interrupt();
      }
    }
  }

  const stream: Generator['stream'] = async function* (requests, { signal } = {}) {
    if (isBusy) throw new TypeError('generator: it is generating already; one call at a time');
    isBusy = true;
    try {
      yield* run(requests, signal);
    } finally {
      isBusy = false;
    }
  };
  return {
    decoder,
    stream,
    async generate(requests, given = {}) {
      const texts = requests.map(() => ({
        ids: [] as number[],
        logProbs: [] as number[],
        sampledLogProbs: [] as number[],
        finish: 'length' as FinishReason,
      }));
      for await (const { request, id, logProb, sampledLogProb, finish } of stream(requests, given)) {
        const text = texts[request];
        text.ids.push(id);
        if (logProb !== undefined) text.logProbs.push(logProb);
        if (sampledLogProb !== undefined) text.sampledLogProbs.push(sampledLogProb);
        if (finish !== undefined) text.finish = finish;
      }
      return texts.map(({ ids, logProbs, sampledLogProbs, finish }, request) => ({
        ids: Int32Array.from(ids),
        logProbs: requests[request].logProbs === true ? Float32Array.from(logProbs) : undefined,
        sampledLogProbs: requests[request].logProbs === true ? Float32Array.from(sampledLogProbs) : undefined,
        finish,
      }));
    },
    dispose: () => decoder.dispose(),
  };
}

/** Throws USAGE for what cannot be generated. */
function checkRequest(given: GenerationRequest, request: number, vocabSize: number, capacity: number): void {
  const fail = (found: string, hint: string): never => {
    throw new CorpusmillError('USAGE', `generation: prompt ${request + 1} ${found}`, { hint });
  };
  const { ids, maxNewTokens } = given;
  if (ids.length === 0) fail('is empty', 'Give at least one token, such as the one that begins a text.');
  if (ids.length >= capacity) {
    fail(`has ${ids.length} tokens of a text of at most ${capacity}`, 'Shorten it, or allow longer texts.');
  }
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 1) {
    fail(`asks for ${maxNewTokens} new tokens`, 'Ask for a whole number of at least 1.');
  }
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] >= 0 && ids[i] < vocabSize) continue;
    fail(`has the id ${ids[i]}, outside of the model's vocabulary of ${vocabSize}`, 'Take the tokenizer of the model.');
  }
  checkSampling(given.sampling ?? {});
}
