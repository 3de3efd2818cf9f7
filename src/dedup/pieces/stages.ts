/**
 * Deduplication below the document: lines, paragraphs or runs of sentences that stand in many documents are taken out of
 * them, or marked. What is the same in thousands of pages is a site's frame (menus, notices, licence lines) or a
 * quotation, and models learn such lines by heart.
 *
 * An observer in the workers leaves a 64-bit key for each piece and its place (observer.ts); `decide` matches keys over
 * the whole corpus and plans the cuts. Cost on disk 15 bytes a piece; in `decide` 12 bytes a key or what `memoryBytes`
 * allows, 4 bytes a document and a bit a key.
 */
import { defineBarrier } from '../../core/stage.ts';
import { decidePieces } from './decide.ts';
import { createPieceObserver } from './observer.ts';
import { pieceOptions } from './options.ts';
import type { PieceKind } from './pieces.ts';

export const lines = declare('line', 'dedup.lines', {
  summary: 'Take out lines that stand in many documents.',
  source:
    'CCNet (Wenzek et al. 2020, 3.1); Llama 3 (Grattafiori et al. 2024, 3.1.1): lines seen in 6 documents and more.',
});

export const paragraphs = declare('paragraph', 'dedup.paragraphs', {
  summary: 'Take out paragraphs, set off by blank lines, that stand in earlier documents.',
  source: 'dolma (Soldaini et al. 2024), paragraph deduplication, with an exact table or its Bloom filter.',
});

export const sentences = declare('sentence', 'dedup.sentences', {
  summary: 'Take out runs of three sentences that stand in earlier documents.',
  source: 'C4 (Raffel et al. 2020, 2.2): three-sentence spans; limits of what is left as in datatrove sentence_dedup.',
});

function declare(kind: PieceKind, name: string, words: { summary: string; source: string }) {
  const options = pieceOptions(kind);
  return defineBarrier({
    kind: 'barrier',
    name,
    ...words,
    version: 1,
    options,
    edits: true,
    reasons: {
      nothing_left: 'All that it had were repeats.',
      few_words_left: 'Fewer words than minWordsLeft were left.',
      few_pieces_left: `Fewer ${kind}s than minPiecesLeft were left.`,
    },
    scope: 'document',
    createObserver: (given) => createPieceObserver(kind, given),
    decide: (given, context) => decidePieces(kind, given, context),
  });
}
