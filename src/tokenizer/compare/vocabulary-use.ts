/**
 * How a vocabulary is used by a text: how many of its tokens occur, how their frequencies fall with rank (Zipf), and how
 * evenly they are used.
 *
 * Rényi efficiency at α = 2.5 is the Rényi entropy of the token frequencies as a share of the largest possible one; among
 * tokenizers of one corpus it correlated best with the quality of translations (Zouhar et al. 2023, "Tokenization and the
 * Noiseless Channel", §5). It is a hint, not a verdict.
 */
import type { TokenizerReport } from './tokenizer-report-schema.ts';
import { TOKEN_KINDS, type VocabularyTable } from './vocabulary-kinds.ts';

type Usage = TokenizerReport['tokenizers'][number]['usage'];
type Vocabulary = TokenizerReport['tokenizers'][number]['vocabulary'];

const RENYI_ALPHA = 2.5;
/** Points of the Zipf curve for each factor of ten in rank. */
const POINTS_PER_DECADE = 8;
const SHOWN = 20;

/** `counts`: occurrences by id. */
export function vocabularyUse(counts: Float64Array, vocabulary: VocabularyTable): Usage {
  const used = counts
    .filter((count) => count > 0)
    .sort()
    .reverse();
  const total = used.reduce((sum, count) => sum + count, 0);
  let entropy = 0;
  let powers = 0;
  for (const count of used) {
    const share = count / total;
    entropy -= share * Math.log2(share);
    powers += share ** RENYI_ALPHA;
  }
  const renyi = Math.log2(powers) / (1 - RENYI_ALPHA);
  const { regular } = vocabulary;
  return {
    used: used.length,
    usedOnce: used.reduce((sum, count) => sum + (count === 1 ? 1 : 0), 0),
    usedShare: regular === 0 ? null : used.length / regular,
    entropyBits: total === 0 ? null : entropy,
    renyiEfficiency: total === 0 || regular < 2 ? null : renyi / Math.log2(regular),
    zipf: zipfCurve(used, total),
    mostUsed: idsBy(counts, (id) => counts[id])
      .filter((id) => counts[id] > 0)
      .map((id) => ({ ...shownToken(id, vocabulary), count: counts[id], share: counts[id] / total })),
  };
}

/** Rank, share of all tokens at that rank, and share of the ranks up to it. */
function zipfCurve(descending: Float64Array, total: number): Usage['zipf'] {
  const points: Usage['zipf'] = [];
  let sum = 0;
  let next = 1;
  for (let rank = 1; rank <= descending.length; rank++) {
    sum += descending[rank - 1];
    if (rank < next && rank < descending.length) continue;
    points.push([rank, descending[rank - 1] / total, sum / total]);
    while (next <= rank) next = Math.max(next + 1, Math.round(next * 10 ** (1 / POINTS_PER_DECADE)));
  }
  return points;
}

/** What the vocabulary consists of, and how much of each kind the text uses. */
export function vocabularyMakeup(counts: Float64Array, vocabulary: VocabularyTable): Vocabulary {
  const { kinds, texts, byteLengths } = vocabulary;
  const added = TOKEN_KINDS.indexOf('added');
  const han = TOKEN_KINDS.indexOf('Han');
  const digits = TOKEN_KINDS.indexOf('digits');
  const total = counts.reduce((sum, count) => sum + count, 0);
  const tokensOf = new Array<number>(TOKEN_KINDS.length).fill(0);
  const usedOf = new Array<number>(TOKEN_KINDS.length).fill(0);
  const occurrencesOf = new Array<number>(TOKEN_KINDS.length).fill(0);
  const hanByLength: number[] = [];
  const digitsByLength: number[] = [];
  for (let id = 0; id < kinds.length; id++) {
    if (byteLengths[id] === 0 && texts[id] === undefined) continue;
    const kind = kinds[id];
    tokensOf[kind]++;
    if (counts[id] > 0) usedOf[kind]++;
    occurrencesOf[kind] += counts[id];
    const text = texts[id];
    // Pure ones: no space, no punctuation with them.
    if (kind === han && /^\p{Script=Han}+$/u.test(text!)) addOne(hanByLength, [...text!].length);
    if (kind === digits && /^[0-9]+$/.test(text!)) addOne(digitsByLength, text!.length);
  }
  const longest = (keep: (id: number) => boolean, length: (id: number) => number): Vocabulary['longest'] =>
    idsBy(counts, (id) => (kinds[id] !== added && keep(id) ? length(id) : 0))
      .filter((id) => kinds[id] !== added && keep(id))
      .map((id) => ({ ...shownToken(id, vocabulary), count: counts[id], share: total === 0 ? 0 : counts[id] / total }));
  const characters = (id: number): number => [...(texts[id] ?? '')].length;
  return {
    tokens: vocabulary.tokens,
    regular: vocabulary.regular,
    kinds: TOKEN_KINDS.map((kind, i) => ({
      kind,
      tokens: tokensOf[i],
      used: usedOf[i],
      occurrences: total === 0 ? 0 : occurrencesOf[i] / total,
    })).filter(({ tokens }) => tokens > 0),
    hanByLength: withoutHoles(hanByLength),
    digitsByLength: withoutHoles(digitsByLength),
    longest: longest(
      () => true,
      (id) => byteLengths[id],
    ),
    longestWithLetters: longest((id) => /\p{L}/u.test(texts[id] ?? ''), characters),
    longestHan: longest((id) => kinds[id] === han, characters),
  };
}

function addOne(counts: number[], index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

/** `[i]`: tokens of i + 1 characters. */
function withoutHoles(counts: number[]): number[] {
  return Array.from({ length: Math.max(0, counts.length - 1) }, (_, i) => counts[i + 1] ?? 0);
}

/** The ids of the largest values, descending; of equal ones the lower id. */
export function idsBy(counts: Float64Array, value: (id: number) => number, limit = SHOWN): number[] {
  const best: { id: number; value: number }[] = [];
  for (let id = 0; id < counts.length; id++) {
    const found = value(id);
    if (best.length === limit && found <= best[limit - 1].value) continue;
    let at = best.length;
    while (at > 0 && best[at - 1].value < found) at--;
    best.splice(at, 0, { id, value: found });
    if (best.length > limit) best.pop();
  }
  return best.map(({ id }) => id);
}

/** A token as reports show it: its text, or its bytes in hexadecimal where it is none. */
export function shownToken(
  id: number,
  { texts, byteLengths }: VocabularyTable,
): { id: number; text: string | null; bytes: number; characters: number | null } {
  const text = texts[id];
  return { id, text: text ?? null, bytes: byteLengths[id], characters: text === undefined ? null : [...text].length };
}
