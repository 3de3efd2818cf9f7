/**
 * Candidate pairs as stars: each edge ties a document (the member) to an earlier one it is to be compared with (its
 * representative). A bucket of m documents gives m-1 edges, not m²/2, so ten thousand copies cost ten thousand checks.
 * Kept as one linked list per member: 4 bytes per document and 8 per edge; the same edge from another band is kept once.
 */
export interface Candidates {
  readonly edges: number;
  /** `representative` < `member`. */
  add(representative: number, member: number): void;
  /** The first edge of a member, 0 when it has none; then `next(edge)` until 0. */
  first(member: number): number;
  next(edge: number): number;
  representative(edge: number): number;
}

export function createCandidates(rows: number): Candidates {
  const head = new Uint32Array(rows);
  let nextEdge = new Uint32Array(1 << 10);
  let representatives = new Uint32Array(1 << 10);
  let edges = 0;
  return {
    get edges() {
      return edges;
    },
    add(representative, member) {
      for (let edge = head[member]; edge !== 0; edge = nextEdge[edge]) {
        if (representatives[edge] === representative) return;
      }
      edges++;
      if (edges === nextEdge.length) {
        nextEdge = grown(nextEdge);
        representatives = grown(representatives);
      }
      representatives[edges] = representative;
      nextEdge[edges] = head[member];
      head[member] = edges;
    },
    first: (member) => head[member],
    next: (edge) => nextEdge[edge],
    representative: (edge) => representatives[edge],
  };
}

function grown(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
