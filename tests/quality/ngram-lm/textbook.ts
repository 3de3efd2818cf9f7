/**
 * Language models as textbooks write them down, slowly and over strings: modified Kneser-Ney from its definition (Chen &
 * Goodman 1998; with lmplz's treatment of sentence ends, unknown words and pruning), and what an ARPA file means. Nothing of
 * the code under test is used.
 */

const UNIFORM_EXCLUDED = '<s>';

export interface TextbookOptions {
  order: number;
  /** By order; n-grams seen at most so often are pruned. */
  thresholds?: number[];
  /** Words outside are pruned, in every n-gram. */
  words?: Set<string>;
  fallback?: number[];
}

export interface TextbookModel {
  /** p(word | context), the words of the context in order. */
  probability(context: string[], word: string): number;
  /** Words that can be predicted. */
  predicted: string[];
  discounts: number[][];
  /** Kept n-grams by order, words joined by spaces. */
  ngrams: Set<string>[];
}

export function textbookKneserNey(sentences: string[][], options: TextbookOptions): TextbookModel {
  const { order, fallback = [0.5, 1, 1.5] } = options;
  const raw: Map<string, number>[] = Array.from({ length: order }, () => new Map());
  for (const sentence of sentences) {
    const words = ['<s>', ...sentence, '</s>'];
    for (let end = 1; end < words.length; end++) {
      for (let n = 1; n <= order && end - n + 1 >= 0; n++) {
        const key = words.slice(end - n + 1, end + 1).join(' ');
        raw[n - 1].set(key, (raw[n - 1].get(key) ?? 0) + 1);
      }
    }
  }
  const adjusted = raw.map((counts, k) => {
    if (k === order - 1) return counts;
    const left = new Map<string, Set<string>>();
    for (const key of raw[k + 1].keys()) {
      const [first, ...rest] = key.split(' ');
      const suffix = rest.join(' ');
      if (!left.has(suffix)) left.set(suffix, new Set());
      left.get(suffix)?.add(first);
    }
    return new Map(
      [...counts].map(([key, count]) => [key, key.startsWith('<s> ') ? count : (left.get(key)?.size ?? 0)]),
    );
  });
  const special = new Set(['<unk>', '<s>', '</s>']);
  const isKept = (k: number, key: string): boolean => {
    const words = key.split(' ');
    if (options.words && words.some((word) => !special.has(word) && !options.words?.has(word))) return false;
    if (k === 0 && special.has(key)) return true;
    return (raw[k].get(key) ?? 0) > (options.thresholds?.[k] ?? 0);
  };
  const discounts = adjusted.map((counts) => {
    const n = [1, 2, 3, 4].map((j) => [...counts.values()].filter((count) => count === j).length);
    if (n[0] === 0 || n[1] === 0 || n[2] === 0) return fallback;
    const y = n[0] / (n[0] + 2 * n[1]);
    const d = [1, 2, 3].map((j) => j - ((j + 1) * y * n[j]) / n[j - 1]);
    return d.every((value, i) => value > 0 && value <= i + 1) ? d : fallback;
  });
  const ngrams = adjusted.map((counts, k) => new Set([...counts.keys()].filter((key) => isKept(k, key))));
  const predicted = ['<unk>', ...ngrams[0]].filter((word) => word !== UNIFORM_EXCLUDED);

  /** p(word | context) with a context of exactly `context.length` words, interpolated down to the uniform distribution. */
  const interpolated = (context: string[], word: string): number => {
    const k = context.length;
    const lower = k === 0 ? 1 / predicted.length : interpolated(context.slice(1), word);
    const prefix = k === 0 ? '' : `${context.join(' ')} `;
    let total = 0;
    let own = 0;
    let left = 0;
    for (const [key, count] of adjusted[k]) {
      if (!(key.startsWith(prefix) && key.split(' ').length === k + 1)) continue;
      total += count;
      const discount = discounts[k][Math.min(count, 3) - 1];
      if (!ngrams[k].has(key)) left += count;
      else left += discount;
      if (key === prefix + word && ngrams[k].has(key)) own = count - discount;
    }
    return total === 0 ? lower : own / total + (left / total) * lower;
  };
  return {
    probability: (context, word) => interpolated(context.slice(Math.max(0, context.length - order + 1)), word),
    predicted,
    discounts,
    ngrams,
  };
}

/** An ARPA file: of each n-gram (words joined by spaces) the two numbers that stand beside it. */
export interface Arpa {
  order: number;
  ngrams: Map<string, { logProbability: number; logBackoff: number }>;
  sizes: number[];
}

/** Reads the text of an ARPA file by its lines. */
export function parseArpa(text: string): Arpa {
  const ngrams: Arpa['ngrams'] = new Map();
  const sizes: number[] = [];
  for (const line of text.slice(text.indexOf('\\data\\')).split('\n')) {
    const size = /^ngram (\d+)=(\d+)$/.exec(line);
    if (size) sizes[Number(size[1]) - 1] = Number(size[2]);
    const fields = line.split('\t');
    if (fields.length < 2) continue;
    ngrams.set(fields[1], { logProbability: Number(fields[0]), logBackoff: Number(fields[2] ?? 0) });
  }
  return { order: sizes.length, ngrams, sizes };
}

/** log10 p(word | context) by the rule of back-off models: the longest n-gram there is, or one word less at a price. */
export function arpaLogProbability({ ngrams, order }: Arpa, context: string[], word: string): number {
  const shortened = context.slice(Math.max(0, context.length - order + 1));
  const known = ngrams.get([...shortened, word].join(' '));
  if (known) return known.logProbability;
  if (shortened.length === 0) return ngrams.get('<unk>')?.logProbability ?? -100;
  const backoff = ngrams.get(shortened.join(' '))?.logBackoff ?? 0;
  return backoff + arpaLogProbability({ ngrams, order, sizes: [] }, shortened.slice(1), word);
}

/** log10 p of a sentence with its end. */
export function arpaSentence(arpa: Arpa, words: string[]): number {
  // What the model does not know is `<unk>`, in contexts too.
  const all = ['<s>', ...words, '</s>'].map((word) => (arpa.ngrams.has(word) ? word : '<unk>'));
  let sum = 0;
  for (let i = 1; i < all.length; i++) sum += arpaLogProbability(arpa, all.slice(0, i), all[i]);
  return sum;
}
