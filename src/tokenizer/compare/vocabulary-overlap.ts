/**
 * What two vocabularies share: tokens of the same bytes, whatever their ids, and the most used tokens that only one has.
 * Added tokens are left out: they are names, not text.
 */
import type { JudgedTokenizer } from './judged-tokenizer.ts';
import type { TokenizerReport } from './tokenizer-report-schema.ts';
import type { VocabularyTable } from './vocabulary-kinds.ts';
import { idsBy, shownToken } from './vocabulary-use.ts';

type Overlap = TokenizerReport['overlap'][number];

export interface UsedVocabulary {
  tokenizer: JudgedTokenizer;
  vocabulary: VocabularyTable;
  /** Occurrences by id. */
  counts: Float64Array;
}

/** `other` beside `base`. */
export function vocabularyOverlap(base: UsedVocabulary, other: UsedVocabulary): Overlap {
  const baseKeys = keysOf(base);
  const otherKeys = keysOf(other);
  let both = 0;
  for (const key of otherKeys.keys()) if (baseKeys.has(key)) both++;
  return {
    base: base.tokenizer.name,
    other: other.tokenizer.name,
    both,
    onlyBase: baseKeys.size - both,
    onlyOther: otherKeys.size - both,
    mostUsedOnlyBase: mostUsedOnly(base, baseKeys, otherKeys),
    mostUsedOnlyOther: mostUsedOnly(other, otherKeys, baseKeys),
  };
}

/** Id of each regular token by its bytes. */
function keysOf({ tokenizer }: UsedVocabulary): Map<string, number> {
  const keys = new Map<string, number>();
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (tokenizer.isAdded(id)) continue;
    const bytes = tokenizer.tokenBytes(id);
    if (bytes === undefined) continue;
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    if (!keys.has(key)) keys.set(key, id);
  }
  return keys;
}

function mostUsedOnly(
  { counts, vocabulary }: UsedVocabulary,
  own: ReadonlyMap<string, number>,
  others: ReadonlyMap<string, number>,
): Overlap['mostUsedOnlyBase'] {
  const only = new Uint8Array(counts.length);
  for (const [key, id] of own) if (!others.has(key)) only[id] = 1;
  return idsBy(counts, (id) => only[id] * counts[id])
    .filter((id) => only[id] === 1 && counts[id] > 0)
    .map((id) => ({ ...shownToken(id, vocabulary), count: counts[id] }));
}
