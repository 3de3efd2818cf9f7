/**
 * How often each word and word pair stands in the texts of each label: all that naive Bayes learns.
 *
 * Words are the tokens of src/text/folded-tokens.ts: lower-cased words, and single characters of scripts written without
 * spaces, so that a pair is two words of English or two characters of Chinese. While texts come in, no more than `MAX_TRACKED`
 * are kept in mind: beyond that those met least are forgotten, as fastText does with its words, with a bar that rises. What is
 * kept at the end is sorted by count, then by name, so that a model's file does not depend on the order of equal counts.
 */
import { createTokenizer } from '../../text/folded-tokens.ts';
import { createPlacedTokenizer } from '../../text/token-spans.ts';
import { createGramTable } from './gram-table.ts';

/** About 200 MB of tables with two labels. */
const MAX_TRACKED = 1 << 22;

export interface GramCounts {
  /** The words and pairs that are kept, most frequent first. */
  names: string[];
  /** Occurrences in the texts of each label: [labels][names]. */
  counts: Uint32Array[];
  /** Words and pairs met, kept or not; and those forgotten on the way, whose counts may be too low if they came back. */
  met: number;
  forgotten: number;
}

export interface GramCounter {
  add(text: string, label: number): void;
  /** What occurs at least `minCount` times, the `maxFeatures` most frequent of it. */
  finish(minCount: number, maxFeatures: number): GramCounts;
}

/** Counts words (`longest` 1) or words and pairs (2) of texts with one of `labelCount` labels. */
export function createGramCounter(labelCount: number, longest: number, maxTracked = MAX_TRACKED): GramCounter {
  const tokenizer = createPlacedTokenizer();
  let table = createGramTable();
  let counts = new Uint32Array(labelCount << 12);
  /** By number; pairs have none of their own. */
  let words: (string | undefined)[] = [];
  let forgotten = 0;
  let bar = 0;

  const count = (first: number, second: number, label: number): number => {
    const gram = table.add(first, second);
    if ((gram + 1) * labelCount > counts.length) {
      const larger = new Uint32Array(counts.length * 2);
      larger.set(counts);
      counts = larger;
    }
    counts[gram * labelCount + label]++;
    return gram;
  };
  const total = (gram: number): number => {
    let sum = 0;
    for (let label = 0; label < labelCount; label++) sum += counts[gram * labelCount + label];
    return sum;
  };
  const forget = (): void => {
    const keep = createGramTable(table.count);
    const keptWords: (string | undefined)[] = [];
    bar++;
    for (let gram = 0; gram < table.count; gram++) {
      if (total(gram) <= bar) continue;
      const at = keep.add(table.firsts[gram], table.seconds[gram]);
      counts.copyWithin(at * labelCount, gram * labelCount, (gram + 1) * labelCount);
      keptWords[at] = words[gram];
    }
    counts.fill(0, keep.count * labelCount);
    forgotten += table.count - keep.count;
    table = keep;
    words = keptWords;
  };
  return {
    add(text, label) {
      const length = tokenizer.tokenize(text);
      const { tokens, starts, ends } = tokenizer;
      for (let i = 0; i < length; i++) {
        const word = count(tokens[i], 0, label);
        words[word] ??= ownCopy(text.slice(starts[i], ends[i]));
        if (longest > 1 && i > 0) count(tokens[i - 1], tokens[i], label);
      }
      while (table.count > maxTracked) forget();
    },
    finish(minCount, maxFeatures) {
      const totals = Float64Array.from({ length: table.count }, (_, gram) => total(gram));
      const kept = chooseFrequent(totals, minCount, maxFeatures);
      const nameOf = createNaming();
      const named = kept.map((gram) => {
        const { firsts, seconds } = table;
        const word = words[gram];
        if (word !== undefined) return { gram, name: nameOf(word) };
        // A pair's words are met, and forgotten, no later than the pair.
        const first = words[table.find(firsts[gram], 0)] as string;
        return { gram, name: nameOf(first, words[table.find(seconds[gram], 0)]) };
      });
      named.sort((a, b) => totals[b.gram] - totals[a.gram] || (a.name < b.name ? -1 : 1));
      const chosen = named.slice(0, maxFeatures);
      return {
        names: chosen.map(({ name }) => name),
        counts: Array.from({ length: labelCount }, (_, label) =>
          Uint32Array.from(chosen, ({ gram }) => counts[gram * labelCount + label]),
        ),
        met: table.count + forgotten,
        forgotten,
      };
    },
  };
}

/** A slice of 13 units or more would keep the whole text in memory. */
function ownCopy(slice: string): string {
  return slice.length < 13 ? slice : Buffer.from(slice, 'utf16le').toString('utf16le');
}

/** Grams of at least `minCount`, and of those more frequent ones only as the rank `maxFeatures` allows, ties included. */
function chooseFrequent(totals: Float64Array, minCount: number, maxFeatures: number): number[] {
  const sorted = totals.slice().sort();
  const least = Math.max(minCount, sorted[Math.max(0, sorted.length - maxFeatures)] ?? 0);
  const kept: number[] = [];
  for (let gram = 0; gram < totals.length; gram++) if (totals[gram] >= least) kept.push(gram);
  return kept;
}

/**
 * Names of words and pairs that are cut into the same tokens again when a model is read. A word's name is its lower case where
 * that is the same token, else as it was written when first met; a pair has a space inside unless its two parts are characters.
 */
function createNaming(): (first: string, second?: string) => string {
  const tokenizer = createTokenizer();
  const tokensOf = (text: string): string => {
    const count = tokenizer.tokenize(text);
    return tokenizer.tokens.subarray(0, count).join();
  };
  const folded = new Map<string, { name: string; isCharacter: boolean }>();
  const fold = (word: string) => {
    let known = folded.get(word);
    if (known === undefined) {
      const lower = word.normalize('NFKC').toLowerCase();
      const name = tokensOf(lower) === tokensOf(word) ? lower : word;
      // Two words side by side would be one.
      known = { name, isCharacter: tokenizer.tokenize(name + name) === 2 };
      folded.set(word, known);
    }
    return known;
  };
  return (first, second) => {
    const one = fold(first);
    if (second === undefined) return one.name;
    const other = fold(second);
    return one.name + (one.isCharacter && other.isCharacter ? '' : ' ') + other.name;
  };
}
