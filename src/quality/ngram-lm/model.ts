/**
 * A language model as its users see it: texts in, log-probability and perplexity out.
 *
 * Perplexity of a text is cc_net's, 10 to the power of -log10 p per event, an event being a token or the end of a sentence:
 * how many equally likely tokens the model wavers between. Low: the text is like the model's corpus. Unknown words count with the
 * probability of `<unk>`. Source: Wenzek et al., CCNet (LREC 2020), and cc_net's perplexity.py. Cost: bench/ngram-lm.ts.
 */
import { encodeLines, type WordNumbers } from './encode.ts';
import type { TokenForm } from './options.ts';
import { SENTENCE_SCORES, scoreSentences } from './score.ts';
import type { NgramTables } from './tables.ts';
import { createTokenLines } from './token-lines.ts';
import { Vocabulary, type WordTable } from './vocabulary.ts';

/** All that a model is. Its arrays are in shared memory: sent to a worker, it is the same model there and no copy. */
export interface LanguageModelData {
  form: TokenForm;
  vocabulary: WordTable;
  tables: NgramTables;
}

export interface TextScore {
  /** log10 of the probability of all tokens and ends of sentences. */
  log10: number;
  /** Without ends of sentences. */
  tokens: number;
  sentences: number;
  /** Tokens that the model does not know. */
  oov: number;
  /** Undefined where there is nothing to judge: no sentence. */
  perplexity: number | undefined;
}

export interface LanguageModel {
  /** What to send to a worker, and to save. */
  readonly data: LanguageModelData;
  /** The score of a whole text. */
  score(text: string): TextScore;
  /** The score of each sentence: each line of the text, without those that `emptyLines` skips. */
  scoreLines(text: string): TextScore[];
}

/** Numbers that are kept from text to text. */
const RETAINED = 1 << 20;

/** The model; one per worker: it keeps buffers between texts. */
export function createLanguageModel(data: LanguageModelData): LanguageModel {
  const lines = createTokenLines(data.form);
  const vocabulary = new Vocabulary(data.vocabulary);
  const keepEmpty = data.form.emptyLines === 'sentence';
  const numbers: WordNumbers = { ids: new Uint32Array(0), length: 0 };
  let scores = new Float64Array(0);

  /** Fills `scores` and returns the number of sentences. */
  const read = (text: string): number => {
    const length = lines.read(text);
    // What a huge text needed is given back at the next one.
    if (numbers.ids.length > RETAINED) numbers.ids = new Uint32Array(RETAINED);
    numbers.length = 0;
    encodeLines(vocabulary, lines.bytes, length, numbers, false, keepEmpty);
    // A sentence has two numbers at least.
    const most = SENTENCE_SCORES * (numbers.length >> 1);
    if (scores.length < most || scores.length > RETAINED) scores = new Float64Array(Math.max(most, 1 << 10));
    return scoreSentences(data.tables, numbers.ids, numbers.length, scores);
  };
  const scoreOf = (from: number, to: number): TextScore => {
    let log10 = 0;
    let tokens = 0;
    let oov = 0;
    for (let at = SENTENCE_SCORES * from; at < SENTENCE_SCORES * to; at += SENTENCE_SCORES) {
      log10 += scores[at];
      tokens += scores[at + 1];
      oov += scores[at + 2];
    }
    const sentences = to - from;
    const perplexity = sentences === 0 ? undefined : 10 ** (-log10 / (tokens + sentences));
    return { log10, tokens, sentences, oov, perplexity };
  };
  return {
    data,
    score: (text) => scoreOf(0, read(text)),
    scoreLines: (text) => Array.from({ length: read(text) }, (_, i) => scoreOf(i, i + 1)),
  };
}
