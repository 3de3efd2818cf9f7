/** From "who stands for whom" to what is reported: which member is kept, how large the clusters are, examples. */
import type { DuplicateCluster, DuplicateDetails } from '../core/run-summary.ts';
import type { BarrierContext } from '../core/stage.ts';

/** Clusters shown in the report, and members shown of each. */
const LARGEST_CLUSTERS = 20;
const MEMBERS_SHOWN = 5;
const MEMBER_EXCERPT_CHARS = 300;

/** Counts clusters and reads a few members of the largest. `keptAs` as in `BarrierResult`. */
export async function describeClusters(
  method: DuplicateDetails['method'],
  keptAs: Uint32Array,
  context: BarrierContext,
  settings: Record<string, unknown>,
): Promise<DuplicateDetails> {
  const sizes = new Uint32Array(keptAs.length);
  for (let i = 0; i < keptAs.length; i++) sizes[keptAs[i]]++;

  const histogram = new Map<number, number>();
  let clusters = 0;
  let duplicates = 0;
  let largest: number[] = [];
  for (let kept = 0; kept < sizes.length; kept++) {
    const size = sizes[kept];
    if (size < 2) continue;
    clusters++;
    duplicates += size - 1;
    histogram.set(size, (histogram.get(size) ?? 0) + 1);
    largest.push(kept);
    if (largest.length >= 16 * LARGEST_CLUSTERS) largest = topClusters(largest, sizes);
  }
  largest = topClusters(largest, sizes);

  return {
    kind: 'duplicates',
    method,
    documents: countAlive(context),
    duplicates,
    clusters,
    clusterSizes: Object.fromEntries([...histogram].sort(([a], [b]) => a - b).map(([k, v]) => [String(k), v])),
    largest: await readMembers(largest, keptAs, sizes, context),
    settings,
  };
}

function topClusters(kept: number[], sizes: Uint32Array): number[] {
  return kept.sort((a, b) => sizes[b] - sizes[a] || a - b).slice(0, LARGEST_CLUSTERS);
}

function countAlive(context: BarrierContext): number {
  let alive = 0;
  for (const part of context.parts) {
    if (part.alive === undefined) alive += part.rows;
    else for (let row = 0; row < part.rows; row++) alive += part.alive[row];
  }
  return alive;
}

/** The kept document and the first others of each cluster, read from the parts in one go. */
async function readMembers(
  kept: readonly number[],
  keptAs: Uint32Array,
  sizes: Uint32Array,
  context: BarrierContext,
): Promise<DuplicateCluster[]> {
  const members = new Map<number, number[]>(kept.map((ordinal) => [ordinal, [ordinal]]));
  for (let i = 0; i < keptAs.length && kept.length > 0; i++) {
    if (keptAs[i] === i) continue;
    const known = members.get(keptAs[i]);
    if (known !== undefined && known.length < MEMBERS_SHOWN) known.push(i);
  }
  const wanted = [...members.values()].flat().sort((a, b) => a - b);
  const documents = await context.readDocuments(wanted);
  const byOrdinal = new Map(wanted.map((ordinal, i) => [ordinal, documents[i]]));
  return kept.map((ordinal) => ({
    size: sizes[ordinal],
    members: (members.get(ordinal) ?? []).map((member) => {
      const document = byOrdinal.get(member)!;
      return {
        id: document.id,
        source: String(document.meta['source'] ?? ''),
        kept: member === ordinal,
        // The cut may halve a surrogate pair.
        excerpt: document.text.slice(0, MEMBER_EXCERPT_CHARS).toWellFormed(),
        bytes: Buffer.byteLength(document.text),
      };
    }),
  }));
}
