/**
 * How token borders cut spans (words, Han characters) of a text: both are byte offsets in order, so one walk over both
 * lists does.
 */
import type { Spans } from './text-spans.ts';

export interface SpanCuts {
  spans: number;
  /** Tokens that hold some byte of a span, each counted once. */
  tokens: number;
  /** Spans inside one token, alone or with others. */
  whole: number;
  /** Of these, spans that share their token with another whole span. */
  joined: number;
  /** Spans over two tokens. */
  inTwo: number;
  /** Spans over three or more. */
  inMore: number;
}

export function createSpanCuts(): SpanCuts {
  return { spans: 0, tokens: 0, whole: 0, joined: 0, inTwo: 0, inMore: 0 };
}

/**
 * Fills `cuts`. `ends[0, count)`: the byte offset at which each token ends, each above the one before; the first token begins at 0.
 * Spans behind the last token are not counted.
 */
export function countSpanCuts(
  ends: Uint32Array,
  count: number,
  { starts, ends: spanEnds, count: spans }: Spans,
  cuts: SpanCuts,
): void {
  let token = 0;
  /** The last token counted, and the whole spans in it. */
  let counted = -1;
  let wholeInToken = 0;
  let seen = 0;
  let tokens = 0;
  let whole = 0;
  let joined = 0;
  let inTwo = 0;
  let inMore = 0;
  for (let i = 0; i < spans; i++) {
    const start = starts[i];
    const end = spanEnds[i];
    while (token < count && ends[token] <= start) token++;
    if (token === count) break;
    seen++;
    let last = token;
    while (last + 1 < count && ends[last] < end) last++;
    if (token !== counted) wholeInToken = 0;
    tokens += last - token + (token === counted ? 0 : 1);
    counted = last;
    const pieces = last - token + 1;
    if (pieces === 1) {
      whole++;
      wholeInToken++;
      if (wholeInToken === 2) joined += 2;
      else if (wholeInToken > 2) joined++;
    } else {
      wholeInToken = 0;
      if (pieces === 2) inTwo++;
      else inMore++;
    }
    token = last;
  }
  cuts.spans = seen;
  cuts.tokens = tokens;
  cuts.whole = whole;
  cuts.joined = joined;
  cuts.inTwo = inTwo;
  cuts.inMore = inMore;
}
