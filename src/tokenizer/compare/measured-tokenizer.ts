/**
 * One tokenizer while documents pass: it encodes a text once, and everything counted comes from those ids.
 *
 * Words and Han characters are byte ranges of the text that the tokens spell. That is the document, or its NFC form; a
 * tokenizer that adds a space before the text, as SentencePiece's do, is moved by that byte. Where the tokens do not add
 * up to the decoded text, words and Han leave the document out (`unaligned`).
 */
import type { JudgedTokenizer } from './judged-tokenizer.ts';
import { countSpanCuts, createSpanCuts, type SpanCuts } from './span-cuts.ts';
import { createTextSpans, readTextSpans, type TextSpans } from './text-spans.ts';
import { LONE_BYTE, PARTIAL, readVocabulary, type VocabularyTable } from './vocabulary-kinds.ts';

/** What is counted of a document, and summed up for a group; places in a Float64Array. */
export const SUMS = {
  tokens: 0,
  partial: 1,
  loneBytes: 2,
  words: 3,
  wordTokens: 4,
  wordsWhole: 5,
  han: 6,
  hanTokens: 7,
  hanWhole: 8,
  hanJoined: 9,
  hanInTwo: 10,
  hanInMore: 11,
  unknown: 12,
} as const;
export const SUM_COUNT = 13;

export type RoundTrip = 'exact' | 'normalized' | 'changed';

export interface TextMeasure {
  /** By `SUMS`; valid until the next text. */
  sums: Float64Array;
  ids: ArrayLike<number>;
  roundTrip: RoundTrip;
  /** What the ids decode to. */
  decoded: string;
  aligned: boolean;
  seconds: number;
}

export interface MeasuredTokenizer {
  readonly judged: JudgedTokenizer;
  readonly vocabulary: VocabularyTable;
  /** Occurrences by id. */
  readonly counts: Float64Array;
  /** `spans` are those of `text`. */
  measure(text: string, spans: TextSpans): TextMeasure;
}

export function measureTokenizer(judged: JudgedTokenizer): MeasuredTokenizer {
  const vocabulary = readVocabulary(judged);
  const { byteLengths, flags } = vocabulary;
  const { unknownId = -1 } = judged;
  const counts = new Float64Array(judged.vocabSize);
  const ownSpans = createTextSpans();
  const words = createSpanCuts();
  const han = createSpanCuts();
  const sums = new Float64Array(SUM_COUNT);
  let ends = new Uint32Array(1 << 12);

  /** Offsets at which tokens that have bytes end, into `ends`; returns how many. */
  function tokenEnds(ids: ArrayLike<number>): number {
    if (ends.length < ids.length) ends = new Uint32Array(ids.length * 2);
    let count = 0;
    let end = 0;
    let partial = 0;
    let loneBytes = 0;
    let unknown = 0;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      counts[id]++;
      if (id === unknownId) unknown++;
      const flag = flags[id];
      if (flag !== 0) {
        partial += flag & PARTIAL;
        loneBytes += (flag & LONE_BYTE) >> 1;
      }
      const length = byteLengths[id];
      if (length === 0) continue;
      end += length;
      ends[count++] = end;
    }
    sums[SUMS.tokens] = ids.length;
    sums[SUMS.partial] = partial;
    sums[SUMS.loneBytes] = loneBytes;
    sums[SUMS.unknown] = unknown;
    return count;
  }

  return {
    judged,
    vocabulary,
    counts,
    measure(text, spans) {
      sums.fill(0);
      const started = performance.now();
      const ids = judged.encode(text);
      const seconds = (performance.now() - started) / 1000;
      const tokens = tokenEnds(ids);
      const decoded = judged.decode(ids);
      const roundTrip = decoded === text ? 'exact' : decoded === text.normalize('NFC') ? 'normalized' : 'changed';
      let own = spans;
      if (decoded !== text) {
        readTextSpans(decoded, ownSpans);
        own = ownSpans;
      }
      // A space that the tokenizer puts before every text, and decoding takes away.
      const before = (tokens === 0 ? 0 : ends[tokens - 1]) - own.bytes;
      const aligned = before === 0 || before === 1;
      if (aligned) {
        if (before === 1) for (let i = 0; i < tokens; i++) ends[i]--;
        countSpanCuts(ends, tokens, own.words, words);
        countSpanCuts(ends, tokens, own.han, han);
        takeCuts(sums, words, han);
      }
      return { sums, ids, roundTrip, decoded, aligned, seconds };
    },
  };
}

function takeCuts(sums: Float64Array, words: SpanCuts, han: SpanCuts): void {
  sums[SUMS.words] = words.spans;
  sums[SUMS.wordTokens] = words.tokens;
  sums[SUMS.wordsWhole] = words.whole;
  sums[SUMS.han] = han.spans;
  sums[SUMS.hanTokens] = han.tokens;
  sums[SUMS.hanWhole] = han.whole;
  sums[SUMS.hanJoined] = han.joined;
  sums[SUMS.hanInTwo] = han.inTwo;
  sums[SUMS.hanInMore] = han.inMore;
}
