/** What an index of near copies must agree in with the run that is compared with it. */
import type { RowSet } from '../../core/feature-reader.ts';
import type { KeyLayout } from '../index/use.ts';
import { type MinhashOptions, resolveMinhash } from './options.ts';

/** Raised when the same text and options would give other band keys or sketches. */
const KEY_VERSION = 1;

export function indexLayout(given: MinhashOptions, pipelineSeed: number, rows: RowSet | undefined): KeyLayout {
  const { shape, shingleTokens, rule, seed, datatroveHash } = resolveMinhash(given, pipelineSeed);
  // Our own indexes say nothing of the convention, as those that were made before there were two.
  const datatroveNames = datatroveHash && {
    convention: `datatrove, ${datatroveHash.function} of ${datatroveHash.bits} bits`,
  };
  return {
    stage: 'dedup.minhash',
    options: {
      numBands: shape.bands,
      rowsPerBand: shape.rows,
      shingleTokens,
      seed,
      keyVersion: KEY_VERSION,
      ...datatroveNames,
    },
    sketch: {
      shingleTokens: rule?.shingleTokens ?? 0,
      tokens: rule?.kind === 'containment',
      maxValues: rule === undefined ? 0 : given.sketchValues,
    },
    keys: shape.bands,
    keyWords: 2,
    rows,
    rule,
  };
}
