/**
 * Trains an n-gram model: texts come one by one, then n-grams are counted and their probabilities estimated.
 *
 * Memory is what limits it: 4 bytes a token while texts come, then ESTIMATION_BYTES for each different n-gram, of which there
 * are about 1.7 a token of web text up to order 5. Past `maxMemoryMiB` it stops with an error that says so.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { writeArpa } from './arpa-writer.ts';
import { buildTables } from './build-tables.ts';
import { countNgrams } from './counts.ts';
import type { Discounts } from './discounts.ts';
import { encodeLines, type WordNumbers } from './encode.ts';
import { ESTIMATION_BYTES, type EstimatedLevel, type Estimation, estimateKneserNey } from './kneser-ney.ts';
import { createLanguageModel, type LanguageModel } from './model.ts';
import { saveLanguageModel } from './model-file.ts';
import { type LanguageModelOptions, parseLanguageModelOptions, parseTokenForm, type TokenForm } from './options.ts';
import { createTokenLines } from './token-lines.ts';
import { SENTENCE_START, SPECIAL_WORDS, Vocabulary } from './vocabulary.ts';

/** What is worth reporting of a training. */
export interface LanguageModelDetails {
  sentences: number;
  /** Without ends of sentences. */
  tokens: number;
  /** By order: n-grams of the model, and those of the texts. */
  ngrams: number[];
  ngramsBeforePruning: number[];
  discounts: Discounts[];
  /** Orders whose discounts are those of `discountFallback`, because the texts are too few or too regular. */
  fallbackOrders: number[];
}

export interface TrainedLanguageModel {
  readonly details: LanguageModelDetails;
  /** The model, to score texts with. */
  readonly model: LanguageModel;
  /** Writes the model's file, which `loadLanguageModel` loads. Throws OUTPUT_FAILED. */
  save(path: string): Promise<void>;
  /** Writes the model as an ARPA file, for other programs. Throws OUTPUT_FAILED. */
  saveArpa(path: string): Promise<void>;
}

export interface LanguageModelTrainer {
  /** Takes a text. Throws CONFIG_INVALID where memory would pass its limit. */
  add(text: string): void;
  /**
   * Estimates the model of all texts: the same for the same texts in the same order. Called once. Throws CONFIG_INVALID
   * when no text had a sentence, and where memory would pass its limit.
   */
  finish(): TrainedLanguageModel;
}

/** A trainer. Throws CONFIG_INVALID for options that are wrong. */
export function createLanguageModelTrainer(
  given: Parameters<typeof parseLanguageModelOptions>[0] = {},
): LanguageModelTrainer {
  const options = parseLanguageModelOptions(given);
  const { tokens, normalize, emptyLines } = options;
  const form = parseTokenForm({ tokens, normalize, emptyLines });
  const lines = createTokenLines(form);
  const vocabulary = new Vocabulary();
  const padding = options.order - 1;
  const mostBytes = options.maxMemoryMiB * 2 ** 20;
  const numbers: WordNumbers = { ids: new Uint32Array(1 << 16), length: padding };

  const tooLarge = (found: string): CorpusmillError =>
    new CorpusmillError(
      'CONFIG_INVALID',
      `training the language model: ${found} need more than the ${options.maxMemoryMiB} MiB of maxMemoryMiB`,
      { hint: 'raise maxMemoryMiB, or train on fewer texts or with a lower order' },
    );
  return {
    add(text) {
      const size = lines.read(text);
      encodeLines(vocabulary, lines.bytes, size, numbers, true, emptyLines === 'sentence');
      if (4 * numbers.ids.length > mostBytes) throw tooLarge(`${numbers.length} tokens and more`);
    },
    finish() {
      const { ids, length } = numbers;
      if (length === padding) {
        throw new CorpusmillError('CONFIG_INVALID', 'training the language model: found no text with a token', {
          hint: 'give it at least one sentence',
        });
      }
      const most = Math.floor((mostBytes - 4 * length) / ESTIMATION_BYTES);
      const levels = countNgrams(ids, length, vocabulary.size, options.order, most);
      if (levels === undefined) throw tooLarge(`more than ${most} n-grams`);
      const sentences = ids.subarray(padding, length).reduce((sum, id) => sum + (id === SENTENCE_START ? 1 : 0), 0);
      const tokenCount = length - padding - 2 * sentences;
      numbers.ids = new Uint32Array(0);
      numbers.length = padding;
      const { prune, order } = options;
      const estimation = estimateKneserNey(levels, {
        thresholds: Array.from({ length: order }, (_, k) => prune[Math.min(k, prune.length - 1)]),
        known: knownWords(levels[0].counts, options),
        fallback: options.discountFallback,
      });
      return trained(keepKnown(vocabulary, estimation.levels), estimation, form, sentences, tokenCount);
    },
  };
}

/** By word, 1 where it is frequent enough for the model; undefined where all are. */
function knownWords(counts: Uint32Array, { minCount, maxWords }: LanguageModelOptions): Uint8Array | undefined {
  const special = SPECIAL_WORDS.length;
  const isLimited = maxWords !== undefined && counts.length - special > maxWords;
  if (minCount === 1 && !isLimited) return undefined;
  let words = Uint32Array.from({ length: counts.length - special }, (_, i) => i + special);
  // Of equally frequent words, those that were seen first.
  if (isLimited) words = words.sort((a, b) => counts[b] - counts[a] || a - b).subarray(0, maxWords);
  const known = new Uint8Array(counts.length).fill(1, 0, special);
  for (const word of words) if (counts[word] >= minCount) known[word] = 1;
  return known;
}

/** The vocabulary of the words that are kept, by whose numbers those in `levels` are replaced. */
function keepKnown(vocabulary: Vocabulary, levels: EstimatedLevel[]): Vocabulary {
  const { kept } = levels[0];
  if (kept === undefined) return vocabulary;
  const smaller = new Vocabulary();
  const { bytes, starts } = vocabulary;
  const numberOf = Uint32Array.from(kept, (flag, id) =>
    flag === 0 ? 0 : smaller.add(bytes, starts[id], starts[id + 1]),
  );
  for (const { words } of levels) for (let i = 0; i < words.length; i++) words[i] = numberOf[words[i]];
  return smaller;
}

function trained(
  vocabulary: Vocabulary,
  { levels, discounts, fallbackOrders }: Estimation,
  form: TokenForm,
  sentences: number,
  tokens: number,
): TrainedLanguageModel {
  let model: LanguageModel | undefined;
  const scorer = (): LanguageModel => {
    model ??= createLanguageModel({ form, vocabulary, tables: buildTables(levels) });
    return model;
  };
  const details = {
    sentences,
    tokens,
    ngrams: levels.map(({ size }) => size),
    ngramsBeforePruning: levels.map(({ words }) => words.length),
    discounts,
    fallbackOrders,
  };
  return {
    details,
    get model() {
      return scorer();
    },
    save: (path) => saveLanguageModel(scorer().data, path),
    saveArpa: (path) => writeArpa(path, vocabulary, levels, form),
  };
}
