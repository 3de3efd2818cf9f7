/**
 * The shape of a tokenizer report, published as `configs/tokenizer-report.schema.json`, for CI jobs and other programs.
 * `version` rises when a member is removed or changes its meaning; members may be added without. Shares are fractions;
 * null is a figure that has no meaning, as tokens per Han character of an English text.
 */
import { z } from 'zod';

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const figure = z.number().nonnegative().nullable();
const part = share.nullable();

const interval = z
  .strictObject({ low: z.number(), high: z.number() })
  .nullable()
  .describe('95 %, by bootstrap over documents; null with fewer than ten documents.');

const shown = {
  id: count,
  text: z.string().nullable().describe('Null for a token that is not UTF-8 on its own.'),
  bytes: count,
  characters: count.nullable(),
};
const usedToken = z.strictObject({ ...shown, count: count.describe('Occurrences.') });
const sharedToken = z.strictObject({ ...shown, count, share: share.describe('Of all tokens of the text.') });

const figures = z.strictObject({
  tokens: count,
  bytesPerToken: figure.describe('UTF-8 bytes of the text per token: higher is better.'),
  bytesPerTokenInterval: interval,
  charactersPerToken: figure,
  relativeTokens: figure.describe("Tokens as a multiple of the base tokenizer's on the same text: lower is better."),
  relativeTokensInterval: interval.describe('Paired: both tokenizers on the same documents of each replicate.'),
  fertility: figure.describe('Tokens that hold some of a word, by words: 1 is a token for every word.'),
  wordsWhole: part.describe('Words inside one token.'),
  partialTokens: part.describe('Tokens that are not UTF-8 on their own.'),
  byteTokens: part.describe('Tokens that are one byte of a longer character.'),
  unknownTokens: part.describe('Tokens for what the vocabulary does not have; null where bytes stand for it.'),
  vocabularyUsed: count.describe('Different tokens that occur.'),
  han: z
    .strictObject({
      tokensPerCharacter: figure,
      joined: part.describe('Characters in a token with other whole characters.'),
      alone: part.describe('Characters that are one token.'),
      inTwo: part.describe('Characters over two tokens.'),
      inMore: part.describe('Characters over three or more tokens.'),
    })
    .nullable()
    .describe('Han characters; null where there are none.'),
});

const measured = {
  documents: count,
  bytes: count,
  characters: count.describe('Code points.'),
  words: count.describe('UAX #29, with a letter or a number; each character in scripts written without spaces.'),
  hanCharacters: count,
};

const group = z.strictObject({
  name: z.string().nullable().describe('Null: documents that have none.'),
  ...measured,
  tokenizers: z.array(figures).describe('In the order of `tokenizers`.'),
});

const tokenizer = z.strictObject({
  name: z.string(),
  hash: z.string().describe('SHA-256 of its file.'),
  vocabSize: count.describe('Largest id + 1.'),
  pattern: z.string().nullable().describe('Regular expression of the pre-tokenizer.'),
  figures,
  roundTrip: z.strictObject({
    exact: count.describe('Documents that decode to the same text.'),
    normalized: count.describe('Documents that decode to their NFC form, which differs from the text.'),
    changed: count.describe('Documents that decode to anything else.'),
    unaligned: count.describe('Documents whose tokens do not add up to their text; words and Han leave them out.'),
    examples: z
      .array(z.strictObject({ document: z.string(), at: count, expected: z.string(), found: z.string() }))
      .describe('Of changed documents: the first place that differs, in UTF-16 units.'),
  }),
  vocabulary: z.strictObject({
    tokens: count,
    regular: count.describe('Tokens that texts are encoded as: without the added ones.'),
    kinds: z.array(
      z.strictObject({
        kind: z.string(),
        tokens: count,
        used: count.describe('Of these, tokens that the text uses.'),
        occurrences: share.describe('Of all tokens of the text.'),
      }),
    ),
    hanByLength: z.array(count).describe('Tokens of Han alone, by characters from 1 on.'),
    digitsByLength: z.array(count).describe('Tokens of ASCII digits alone, by digits from 1 on.'),
    longest: z.array(sharedToken).describe('By bytes.'),
    longestWithLetters: z.array(sharedToken).describe('By characters.'),
    longestHan: z.array(sharedToken).describe('By characters.'),
  }),
  usage: z.strictObject({
    used: count,
    usedOnce: count,
    usedShare: part.describe('Of the regular tokens.'),
    entropyBits: figure.describe('Shannon entropy of the token frequencies.'),
    renyiEfficiency: figure.describe('At α = 2.5, of the regular vocabulary (Zouhar et al. 2023).'),
    zipf: z
      .array(z.tuple([count, share, share]))
      .describe('Rank, its share of all tokens, share of the ranks up to it.'),
    mostUsed: z.array(sharedToken),
  }),
  numbers: z.array(
    z.strictObject({
      digits: count,
      numbers: count.describe('Looked at, evenly spread.'),
      tokensEach: z.number().nonnegative(),
      whole: share.describe('Numbers that are one token.'),
    }),
  ),
  indentation: z
    .strictObject({
      spaces: z.array(z.strictObject({ depth: count, tokens: z.int() })),
      tabs: z.array(z.strictObject({ depth: count, tokens: z.int() })),
    })
    .describe('Tokens that an indent of so many spaces or tabs adds to a line of code; a bare line is 0.'),
});

export const tokenizerReportSchema = z
  .strictObject({
    format: z.literal('corpusmill-tokenizer-report'),
    version: z.literal(1),
    corpusmillVersion: z.string(),
    title: z.string(),
    base: z.string().describe('The tokenizer that relative figures are against.'),
    replicates: count.describe('Of the bootstrap.'),
    seed: z.int(),
    measured: z.strictObject(measured),
    badRecords: count.describe('Records that could not be read.'),
    tokenizers: z.array(tokenizer),
    groups: z.array(
      z.strictObject({
        by: z.enum(['language', 'source']),
        rows: z.array(group).describe('Most bytes first.'),
        more: count.describe('Groups left out.'),
      }),
    ),
    overlap: z
      .array(
        z.strictObject({
          base: z.string(),
          other: z.string(),
          both: count,
          onlyBase: count,
          onlyOther: count,
          mostUsedOnlyBase: z.array(usedToken),
          mostUsedOnlyOther: z.array(usedToken),
        }),
      )
      .describe('Each tokenizer beside the base: tokens of the same bytes.'),
    probes: z
      .array(
        z.strictObject({
          topic: z.string(),
          text: z.string(),
          pieces: z
            .array(z.array(z.strictObject({ text: z.string(), tokens: count })))
            .describe('In the order of `tokenizers`.'),
        }),
      )
      .describe('Fixed texts as each tokenizer cuts them; a piece of several tokens is a character that was cut.'),
  })
  .describe('Tokenizers side by side on the same texts.');

/** What every renderer reads. */
export type TokenizerReport = z.output<typeof tokenizerReportSchema>;
export type TokenizerFigures = TokenizerReport['tokenizers'][number]['figures'];
export type TokenizerGroup = TokenizerReport['groups'][number]['rows'][number];

/** JSON Schema (draft 2020-12) of a tokenizer report; `configs/tokenizer-report.schema.json` is this, and a test holds it to it. */
export function tokenizerReportJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(tokenizerReportSchema), title: 'corpusmill tokenizer report' };
}
