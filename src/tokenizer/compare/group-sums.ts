/** The sums of one group of documents — a language, a source, or all — and the figures that follow from them. */
import { type Interval, ReplicateSums } from './bootstrap.ts';
import { SUM_COUNT, SUMS } from './measured-tokenizer.ts';
import type { TextSpans } from './text-spans.ts';
import type { TokenizerFigures, TokenizerReport } from './tokenizer-report-schema.ts';

/** What is said of a group's texts, whatever the tokenizer. */
export type TextTotals = TokenizerReport['measured'];

export class GroupSums {
  readonly totals: TextTotals = { documents: 0, bytes: 0, characters: 0, words: 0, hanCharacters: 0 };
  readonly #sums: Float64Array[];
  readonly #replicates: ReplicateSums;
  /** A bit for each id that occurs. */
  readonly #used: Uint32Array[];

  /** `vocabSizes`: of the tokenizers, in order. */
  constructor(vocabSizes: readonly number[]) {
    this.#sums = vocabSizes.map(() => new Float64Array(SUM_COUNT));
    this.#used = vocabSizes.map((size) => new Uint32Array(Math.ceil(size / 32)));
    // The bytes of the text, then the tokens of each tokenizer.
    this.#replicates = new ReplicateSums(vocabSizes.length + 1);
  }

  /** `quantities`: the bytes of the text and the tokens of each tokenizer. */
  addText({ bytes, characters, words, han }: TextSpans, weights: Uint8Array, quantities: Float64Array): void {
    const { totals } = this;
    totals.documents++;
    totals.bytes += bytes;
    totals.characters += characters;
    totals.words += words.count;
    totals.hanCharacters += han.count;
    this.#replicates.add(weights, quantities);
  }

  addTokens(tokenizer: number, ids: ArrayLike<number>, sums: Float64Array): void {
    const all = this.#sums[tokenizer];
    for (let i = 0; i < SUM_COUNT; i++) all[i] += sums[i];
    const used = this.#used[tokenizer];
    for (let i = 0; i < ids.length; i++) used[ids[i] >>> 5] |= 1 << (ids[i] & 31);
  }

  /** Of one tokenizer, beside the base. `hasUnknown`: it has a token for what it does not know. */
  figures(tokenizer: number, base: number, hasUnknown: boolean): TokenizerFigures {
    const sums = this.#sums[tokenizer];
    const { bytes, characters } = this.totals;
    const tokens = sums[SUMS.tokens];
    const baseTokens = this.#sums[base][SUMS.tokens];
    const han = sums[SUMS.han];
    const interval = (above: number, below: number): Interval | null => this.#replicates.ratioInterval(above, below);
    return {
      tokens,
      bytesPerToken: ratio(bytes, tokens),
      bytesPerTokenInterval: interval(0, tokenizer + 1),
      charactersPerToken: ratio(characters, tokens),
      relativeTokens: ratio(tokens, baseTokens),
      relativeTokensInterval: tokenizer === base ? null : interval(tokenizer + 1, base + 1),
      fertility: ratio(sums[SUMS.wordTokens], sums[SUMS.words]),
      wordsWhole: ratio(sums[SUMS.wordsWhole], sums[SUMS.words]),
      partialTokens: ratio(sums[SUMS.partial], tokens),
      byteTokens: ratio(sums[SUMS.loneBytes], tokens),
      unknownTokens: hasUnknown ? ratio(sums[SUMS.unknown], tokens) : null,
      vocabularyUsed: this.#used[tokenizer].reduce((sum, word) => sum + bitCount(word), 0),
      han:
        han === 0
          ? null
          : {
              tokensPerCharacter: ratio(sums[SUMS.hanTokens], han),
              joined: ratio(sums[SUMS.hanJoined], han),
              alone: ratio(sums[SUMS.hanWhole] - sums[SUMS.hanJoined], han),
              inTwo: ratio(sums[SUMS.hanInTwo], han),
              inMore: ratio(sums[SUMS.hanInMore], han),
            },
    };
  }
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
