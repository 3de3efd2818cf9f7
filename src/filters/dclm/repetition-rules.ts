/**
 * Gopher's repetition rules as DCLM counts them: every occurrence of a repeated line, paragraph or n-gram counts, not only the
 * second and later ones; lines and paragraphs are stripped and shares are of their own characters; n-grams are of
 * words that begin with a letter or number, shares of those words' characters, and an n-gram that occurs once is no repetition.
 * Order: lines, paragraphs, characters of lines, of paragraphs, n-grams from short to long.
 *
 * Source: DataComp-LM (arXiv:2406.11794), `massive_web_repetition_filters`; the same in dolma and datamap-rs but for their words.
 * On DCLM's 316 judged documents it drops 232 where datatrove's counting drops 248 at the same thresholds.
 */
import { coveringNGrams } from '../../text/covering-n-grams.ts';
import { lineRepetition, type PieceRepetition, paragraphRepetition } from '../../text/piece-repetition.ts';
import type { TextView } from '../../text/view.ts';
import type { UnspacedWords } from '../../text/word-break.ts';
import type { Rule } from '../rules.ts';

export interface RepetitionLimits {
  maxDuplicateLines: number | null;
  maxDuplicateParagraphs: number | null;
  maxDuplicateLineChars: number | null;
  maxDuplicateParagraphChars: number | null;
  /** Pairs of n and share. */
  topNGrams: readonly (readonly [number, number])[] | null;
  duplicateNGrams: readonly (readonly [number, number])[] | null;
  unspacedWords: UnspacedWords;
}

/** Reasons of these rules with their meaning, for a stage's declaration. */
export const REPETITION_REASONS: Record<string, string> = {
  dup_line_frac: 'share of lines that occur more than once over maxDuplicateLines, or a text without lines',
  dup_para_frac: 'share of paragraphs that occur more than once over maxDuplicateParagraphs',
  dup_line_char_frac: 'share of characters in lines that occur more than once over maxDuplicateLineChars',
  dup_para_char_frac: 'share of characters in paragraphs that occur more than once over maxDuplicateParagraphChars',
  'top_{n}_gram': 'share of characters in the most frequent n-gram over its limit',
  'duplicated_{n}_n_grams': 'share of characters in repeated n-grams over its limit',
};

/** The rules in DCLM's order. */
export function repetitionRules(limits: RepetitionLimits): Rule[] {
  const nGrams = coveringNGrams[limits.unspacedWords];
  /** Of the words' characters; the empty text breaks every rule, one without words none. */
  const wordShare = (view: TextView, chars: number): number => {
    const all = view.get(nGrams).chars;
    if (all > 0) return chars / all;
    return view.text === '' ? Number.POSITIVE_INFINITY : 0;
  };
  return [
    {
      reason: 'dup_line_frac',
      max: limits.maxDuplicateLines,
      measure: (view) => pieceShare(view.get(lineRepetition)),
    },
    {
      reason: 'dup_para_frac',
      max: limits.maxDuplicateParagraphs,
      measure: (view) => pieceShare(view.get(paragraphRepetition)),
    },
    {
      reason: 'dup_line_char_frac',
      max: limits.maxDuplicateLineChars,
      measure: (view) => charShare(view.get(lineRepetition)),
    },
    {
      reason: 'dup_para_char_frac',
      max: limits.maxDuplicateParagraphChars,
      measure: (view) => charShare(view.get(paragraphRepetition)),
    },
    ...(limits.topNGrams ?? []).map(
      ([n, max]): Rule => ({
        reason: `top_${n}_gram`,
        max,
        measure: (view) => wordShare(view, view.get(nGrams).topChars(n)),
      }),
    ),
    ...(limits.duplicateNGrams ?? []).map(
      ([n, max]): Rule => ({
        reason: `duplicated_${n}_n_grams`,
        max,
        measure: (view) => wordShare(view, view.get(nGrams).coveredChars(n)),
      }),
    ),
  ];
}

/** DCLM drops a text without lines; infinity breaks every limit. */
function pieceShare({ pieces, repeated }: PieceRepetition): number {
  return pieces === 0 ? Number.POSITIVE_INFINITY : repeated / pieces;
}

function charShare({ pieces, chars, repeatedChars }: PieceRepetition): number {
  return pieces === 0 ? Number.POSITIVE_INFINITY : repeatedChars / chars;
}
