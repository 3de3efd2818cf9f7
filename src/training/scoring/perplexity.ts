/**
 * Perplexity of documents: exp of the mean negative log-likelihood, a token and a byte of text.
 *
 * Documents are separate. One longer than the window is read in windows that begin `stride` tokens apart; in each only the
 * tokens that no window before held are counted, the rest is context (Hugging Face's "Perplexity of fixed-length models").
 * A smaller stride gives each token more context and costs window / stride as much. The last window ends with the document.
 *
 * Where the tokenizer or model has a token that begins a text, it stands before each document, and the first token counts
 * too, as in lm-evaluation-harness (`loglikelihood_rolling`). Perplexities a token compare models with one tokenizer;
 * bits a byte compare any.
 *
 * The standard error is that of a ratio over documents, carried to the perplexity: of different documents' tokens, not of
 * independent tokens.
 */
import type { SequenceScorer } from './sequence-scorer.ts';

export interface PerplexityDocument {
  readonly ids: ArrayLike<number>;
  /** Of the text, in UTF-8. */
  readonly bytes: number;
}

export interface PerplexityOptions {
  /** Tokens of a window, at most the scorer's `maxLength`. Default: that. */
  readonly window?: number;
  /** Tokens between windows' beginnings, at most window. Default: half a window. */
  readonly stride?: number;
  /** Stands before each document. */
  readonly start?: number | undefined;
}

export interface Perplexity {
  readonly documents: number;
  /** Tokens that were predicted. */
  readonly tokens: number;
  readonly bytes: number;
  /** Sum over the tokens, in nats. */
  readonly negativeLogLikelihood: number;
  readonly tokenPerplexity: number;
  readonly tokenPerplexityError: number | null;
  readonly bytePerplexity: number;
  readonly bitsPerByte: number;
  readonly bitsPerByteError: number | null;
}

/** What one document adds. */
interface Scored {
  readonly nll: number;
  readonly tokens: number;
  readonly bytes: number;
}

export interface PerplexityMeter {
  /** How many documents had anything to predict so far. */
  readonly documents: number;
  /** Scores documents; nothing of them is kept but three numbers. */
  add(documents: readonly PerplexityDocument[]): Promise<void>;
  /** Of all documents so far. */
  result(): Perplexity;
}

/** Throws a RangeError for a window or stride that cannot be. */
export function createPerplexityMeter(scorer: SequenceScorer, options: PerplexityOptions = {}): PerplexityMeter {
  const { start, window = scorer.maxLength } = options;
  const { stride = Math.max(1, Math.floor(window / 2)) } = options;
  if (window < 2 || window > scorer.maxLength || stride < 1 || stride >= window) {
    throw new RangeError(
      `perplexity: windows of ${window} tokens with a stride of ${stride}; a window has 2 to ${scorer.maxLength} tokens and a stride is shorter`,
    );
  }
  const scored: Scored[] = [];
  return {
    get documents() {
      return scored.length;
    },
    async add(documents) {
      const texts = documents.map(({ ids }) => (start === undefined ? Array.from(ids) : [start, ...Array.from(ids)]));
      const pieces = texts.flatMap((ids, document) =>
        windowsOf(ids.length, window, stride).map((piece) => ({ ...piece, document })),
      );
      const logProbs = await scorer.logProbs(pieces.map(({ document, from, to }) => texts[document].slice(from, to)));
      const sums = documents.map(() => ({ nll: 0, tokens: 0 }));
      pieces.forEach(({ document, from, counted, to }, i) => {
        for (let t = counted; t < to; t++) sums[document].nll -= logProbs[i][t - from - 1];
        sums[document].tokens += to - counted;
      });
      sums.forEach((sum, i) => {
        if (sum.tokens > 0) scored.push({ ...sum, bytes: documents[i].bytes });
      });
    },
    result: () => summarize(scored),
  };
}

/**
 * The windows of a text of `length` tokens: [from, to), of which the tokens from `counted` on are predicted. Every token but
 * the first is counted once.
 */
export function windowsOf(
  length: number,
  window: number,
  stride: number,
): { from: number; counted: number; to: number }[] {
  const windows: { from: number; counted: number; to: number }[] = [];
  let counted = 1;
  for (let from = 0; counted < length; from += stride) {
    const to = Math.min(from + window, length);
    windows.push({ from, counted, to });
    counted = to;
  }
  return windows;
}

function summarize(scored: readonly Scored[]): Perplexity {
  const total = scored.reduce(
    (sum, { nll, tokens, bytes }) => ({ nll: sum.nll + nll, tokens: sum.tokens + tokens, bytes: sum.bytes + bytes }),
    { nll: 0, tokens: 0, bytes: 0 },
  );
  const perToken = total.nll / total.tokens;
  const perByte = total.nll / total.bytes;
  const tokenError = ratioError(scored, ({ tokens }) => tokens, perToken, total.tokens);
  const byteError = ratioError(scored, ({ bytes }) => bytes, perByte, total.bytes);
  return {
    documents: scored.length,
    tokens: total.tokens,
    bytes: total.bytes,
    negativeLogLikelihood: total.nll,
    tokenPerplexity: Math.exp(perToken),
    tokenPerplexityError: tokenError === null ? null : Math.exp(perToken) * tokenError,
    bytePerplexity: Math.exp(perByte),
    bitsPerByte: perByte / Math.LN2,
    bitsPerByteError: byteError === null ? null : byteError / Math.LN2,
  };
}

/** Standard error of Σ nll / Σ size over documents (linearised, as for a ratio estimate); null for fewer than two. */
function ratioError(
  scored: readonly Scored[],
  sizeOf: (document: Scored) => number,
  ratio: number,
  total: number,
): number | null {
  const n = scored.length;
  if (n < 2) return null;
  const squares = scored.reduce((sum, document) => sum + (document.nll - ratio * sizeOf(document)) ** 2, 0);
  return Math.sqrt((n / (n - 1)) * squares) / total;
}
