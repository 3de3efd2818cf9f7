/** Pieces that are taken as a whole wherever their characters stand: SentencePiece's user-defined symbols. */

export interface WholePiece {
  length: number;
  id: number;
}

/** The piece that begins at a place of a text, if any. */
export type WholeMatcher = (text: string, at: number) => WholePiece | undefined;

/** Finds the longest of some pieces at a place of a text. */
export function createWholeMatcher(pieces: Iterable<readonly [string, number]>): WholeMatcher | undefined {
  const byFirst = new Map<string, { piece: string; found: WholePiece }[]>();
  for (const [piece, id] of pieces) {
    if (piece === '') continue;
    const same = byFirst.get(piece[0]);
    const entry = { piece, found: { length: piece.length, id } };
    if (same === undefined) byFirst.set(piece[0], [entry]);
    else same.push(entry);
  }
  if (byFirst.size === 0) return undefined;
  for (const same of byFirst.values()) same.sort((a, b) => b.piece.length - a.piece.length);
  return (text, at) => byFirst.get(text[at])?.find(({ piece }) => text.startsWith(piece, at))?.found;
}
