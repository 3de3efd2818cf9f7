/** What attention over packed rows takes, derived from the lengths of a batch. */

/** A batch, or as much of it as is needed here. */
interface PackedBatch {
  size: number;
  contextLength: number;
  /** Per row: tokens of each piece, and of the padding. */
  seqLengths: readonly Int32Array[];
}

/** Cumulative lengths over a batch laid end to end, as attention over variable lengths takes them: [sequences + 1]. */
export function cuSeqlens({ seqLengths }: Pick<PackedBatch, 'seqLengths'>): Int32Array {
  const sequences = seqLengths.reduce((sum, lengths) => sum + lengths.length, 0);
  const cumulative = new Int32Array(sequences + 1);
  let i = 0;
  for (const lengths of seqLengths) for (const length of lengths) cumulative[i + 1] = cumulative[i++] + length;
  return cumulative;
}

/** Positions that restart with every piece (and with the padding): [size · contextLength]. */
export function positionIds({ size, contextLength, seqLengths }: PackedBatch): Int32Array {
  const positions = new Int32Array(size * contextLength);
  let at = 0;
  for (const lengths of seqLengths) {
    for (const length of lengths) for (let i = 0; i < length; i++) positions[at++] = i;
  }
  return positions;
}
