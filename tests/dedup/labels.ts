/** What is tied together by edges, found the plain way. */

/** By node the smallest that edges lead to: relabels until nothing changes. */
export function smallestReachable(size: number, edges: readonly (readonly [number, number])[]): number[] {
  const label = Array.from({ length: size }, (_, i) => i);
  for (let changed = true; changed; ) {
    changed = false;
    for (const [x, y] of edges) {
      const least = Math.min(label[x], label[y]);
      if (label[x] !== least || label[y] !== least) changed = true;
      label[x] = label[y] = least;
    }
  }
  return label;
}
