/** The referee of encoders: BPE as it is defined, quadratic. */
import { BYTES_IN_ALPHABET_ORDER } from '../../src/tokenizer/byte-alphabet.ts';

/** BPE by its definition on one piece: the pair of lowest rank, leftmost first, until none merges. */
export function mergeByDefinition(text: string, json: object): number[] {
  const { vocab, merges } = (json as { model: { vocab: Record<string, number>; merges: string[] } }).model;
  const wordOf = new Map(Object.entries(vocab).map(([word, id]) => [id, word]));
  const charOf = new Map(Array.from(BYTES_IN_ALPHABET_ORDER, (byte, id) => [byte, wordOf.get(id)!]));
  const ranks = new Map(merges.map((merge, rank) => [merge, rank]));
  const symbols = Array.from(new TextEncoder().encode(text), (byte) => charOf.get(byte)!);
  for (;;) {
    let best = Number.POSITIVE_INFINITY;
    let where = -1;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rank = ranks.get(`${symbols[i]} ${symbols[i + 1]}`);
      if (rank !== undefined && rank < best) {
        best = rank;
        where = i;
      }
    }
    if (where < 0) return symbols.map((symbol) => vocab[symbol]);
    symbols.splice(where, 2, symbols[where] + symbols[where + 1]);
  }
}
