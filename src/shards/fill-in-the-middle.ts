/**
 * Fill in the middle: a share of the documents is rearranged so that a model learns to write the middle from what stands
 * around it (Bavarian et al. 2022, arXiv 2207.14255). Two places in the document, each as likely as any other, cut it
 * into prefix, middle and suffix; these are encoded apart, since that is how a completion is asked for:
 *
 *   PSM   <prefix> prefix <suffix> suffix <middle> middle
 *   SPM   <prefix> <suffix> suffix <middle> prefix middle        (variant 2 of the paper, as StarCoder has it)
 *
 * Cuts are between characters, so tokens at the borders are cut as in use. Document level: done before packing, and the
 * paper's choice of rate, .5 to .9, costs no left-to-right loss. What is drawn depends on seed and document id alone.
 */
import type { Document } from '../core/document.ts';
import { createRandom, hashString32 } from '../core/random.ts';
import type { EncodedDocuments } from './encoded-part.ts';
import type { Encoding, FimTokens } from './encoding.ts';
import { tokenArray } from './shard-rows.ts';

export type EncodeDocuments = (
  documents: readonly Document[],
  encoding: Pick<Encoding, 'type' | 'bos' | 'eos' | 'tokenizer'>,
) => EncodedDocuments;

export interface FimSettings {
  rate: number;
  spmRate: number;
  seed: number;
}

/** Where a document is cut, and whether its suffix comes first; undefined where it stays as it is. */
export function fimCuts(
  { id, text }: Pick<Document, 'id' | 'text'>,
  { rate, spmRate, seed }: FimSettings,
): { from: number; to: number; suffixFirst: boolean } | undefined {
  const random = createRandom(hashString32(id, seed ^ 0x66696d));
  if (random.float() >= rate || text.length === 0) return undefined;
  const suffixFirst = random.float() < spmRate;
  const [a, b] = [random.below(text.length + 1), random.below(text.length + 1)].map((at) => afterPair(text, at));
  return { from: Math.min(a, b), to: Math.max(a, b), suffixFirst };
}

/** The tokens of documents, some of them rearranged. */
export function encodeWithFim(
  documents: readonly Document[],
  encoding: Encoding,
  marks: FimTokens,
  settings: FimSettings,
  encode: EncodeDocuments,
): { encoded: EncodedDocuments; rearranged: number } {
  // Parts are encoded as documents of their own, all at once; marks, bos and eos are put around them after.
  const cuts = documents.map((document) => fimCuts(document, settings));
  const parts = documents.flatMap((document, d) => {
    const cut = cuts[d];
    if (cut === undefined) return [document];
    const { text } = document;
    const [prefix, middle, suffix] = [text.slice(0, cut.from), text.slice(cut.from, cut.to), text.slice(cut.to)];
    const order = cut.suffixFirst ? [suffix, prefix, middle] : [prefix, suffix, middle];
    return order.map((part) => ({ ...document, text: part }));
  });
  const { bos, eos, type } = encoding;
  const bare = encode(parts, { ...encoding, bos: null, eos: null });
  const rearranged = cuts.filter((cut) => cut !== undefined).length;
  const added = documents.length * (Number(bos !== null) + Number(eos !== null)) + 3 * rearranged;
  const tokens = tokenArray(type, bare.tokens.length + added);
  const lengths = new Uint32Array(documents.length);
  let end = 0;
  let part = 0;
  let from = 0;
  const mark = (token: { id: number } | null): void => {
    if (token !== null) tokens[end++] = token.id;
  };
  const take = (): void => {
    const length = bare.lengths[part++];
    tokens.set(bare.tokens.subarray(from, from + length), end);
    from += length;
    end += length;
  };
  for (let d = 0; d < documents.length; d++) {
    const start = end;
    const cut = cuts[d];
    mark(bos);
    if (cut === undefined) take();
    else {
      mark(marks.prefix);
      if (!cut.suffixFirst) take();
      mark(marks.suffix);
      take();
      mark(marks.middle);
      if (cut.suffixFirst) take();
      take();
    }
    mark(eos);
    lengths[d] = end - start;
  }
  return { encoded: { lengths, ids: documents.map(({ id }) => id), tokens }, rearranged };
}

/** A place that does not part a surrogate pair. */
function afterPair(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000 ? at + 1 : at;
}
