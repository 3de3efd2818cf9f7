/** The options of `dedup.lines`, `dedup.paragraphs` and `dedup.sentences`: the same for all three, with other defaults. */
import { z } from 'zod';
import type { PieceKind } from './pieces.ts';

interface Defaults {
  span: number;
  minDocuments: number;
  minChars: number;
  normalize: 'raw' | 'loose' | 'ccnet';
  minWordsLeft: number;
  minPiecesLeft: number;
}

/** Where the figures come from is said in the options' descriptions. */
const DEFAULTS: Record<PieceKind, Defaults> = {
  line: { span: 1, minDocuments: 6, minChars: 20, normalize: 'loose', minWordsLeft: 0, minPiecesLeft: 0 },
  paragraph: { span: 1, minDocuments: 2, minChars: 100, normalize: 'loose', minWordsLeft: 0, minPiecesLeft: 0 },
  sentence: { span: 3, minDocuments: 2, minChars: 60, normalize: 'loose', minWordsLeft: 50, minPiecesLeft: 3 },
};

export function pieceOptions(kind: PieceKind) {
  const byDefault = DEFAULTS[kind];
  return z
    .strictObject({
      span: z
        .int()
        .min(1)
        .max(64)
        .default(byDefault.span)
        .describe(`Consecutive ${kind}s that repeat together (C4 and datatrove: 3 sentences; CCNet: 1 line).`),
      minDocuments: z
        .int()
        .min(1)
        .default(byDefault.minDocuments)
        .describe(
          'In how many documents a repeat must stand before it is taken out (CCNet, C4, dolma: 2; Llama 3: more than 6 ' +
            'in 30 million). 1: repeats within one document count too, as in C4 and datatrove.',
        ),
      keep: z
        .enum(['first', 'none'])
        .default('first')
        .describe(
          'What stays of a repeat: its first occurrence in input order (C4, datatrove, dolma), or nothing (CCNet).',
        ),
      minChars: z
        .int()
        .min(0)
        .default(byDefault.minChars)
        .describe(`Shorter ones are never touched; characters of the ${kind}, or of all in a span together.`),
      minWords: z
        .int()
        .min(0)
        .default(0)
        .describe('Those with fewer words are never touched (dolma: `min_words`); a Chinese character is a word.'),
      normalize: z
        .enum(['raw', 'loose', 'ccnet'])
        .default(byDefault.normalize)
        .describe(
          'What must be the same, white space at the ends aside: `raw`, the text; `loose`, the text after NFKC, lower ' +
            'case, and runs of white space as one space; `ccnet`, after lower case, digits as 0 and Unicode punctuation ' +
            'removed (Wenzek et al. 2020), which also takes tables of figures for repeats.',
        ),
      action: z
        .enum(['remove', 'mark'])
        .default('remove')
        .describe('Take repeats out, or leave the text and list their places in meta, under the name of the stage.'),
      minWordsLeft: z
        .int()
        .min(0)
        .default(byDefault.minWordsLeft)
        .describe('Drop documents that lost something and have fewer words left (datatrove: 50).'),
      minPiecesLeft: z
        .int()
        .min(0)
        .default(byDefault.minPiecesLeft)
        .describe(`Drop documents that lost something and have fewer ${kind}s left (datatrove: 3 sentences).`),
      index: z
        .enum(['exact', 'bloom'])
        .default('exact')
        .describe(
          '`exact`: a table of 64-bit keys, in passes where memory is short. `bloom`: a Bloom filter, at 1.8 bytes for ' +
            'each different one (dolma, DCLM): takes also what it wrongly takes for a repeat, see `falsePositiveRate`.',
        ),
      falsePositiveRate: z
        .number()
        .gt(0)
        .lt(0.5)
        .default(1e-3)
        .describe('With `index: bloom`: the highest share of new ones that are wrongly taken for repeats.'),
    })
    .superRefine(({ index, minDocuments, keep }, context) => {
      const found = minDocuments > 2 ? 'minDocuments' : keep === 'none' ? 'keep' : undefined;
      if (index !== 'bloom' || found === undefined) return;
      context.addIssue({
        code: 'custom',
        path: [found],
        message:
          'a Bloom filter cannot count and looks at each document once: with `index: bloom`, `minDocuments` is 1 or 2 and ' +
          '`keep` is `first`',
      });
    });
}

export type PieceOptions = z.output<ReturnType<typeof pieceOptions>>;
