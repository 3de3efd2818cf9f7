/**
 * From "who stands for whom" to what is reported: how many copies of how many sizes, what they take, between which
 * sources, the largest clusters with members, and fingerprints by which a later run knows the duplicates again.
 * Memory: 6 bytes per document besides `keptAs`; three passes over single columns.
 */
import { z } from 'zod';
import type { FeatureReader } from '../core/feature-reader.ts';
import type { CheckedPairs, DuplicateDetails } from '../core/run-summary.ts';
import { readSources } from '../core/sources.ts';
import type { BarrierContext } from '../core/stage.ts';
import { chooseMembers, readMembers } from './cluster-members.ts';
import { type FingerprintColumns, fingerprintDuplicates } from './fingerprints.ts';
import { countBySource } from './source-counts.ts';

/** The `reportClusters` option of a dedup stage. */
export function reportClustersOption() {
  return z
    .int()
    .min(0)
    .max(10_000)
    .default(100)
    .describe('Clusters of which the report shows members, the largest first. Decides nothing about documents.');
}

export interface ClusterFindings {
  method: string;
  /** As in `BarrierResult`. */
  keptAs: Uint32Array;
  reader: FeatureReader;
  /** Numbers of the columns with tokens and, where there is a `sourceField`, with the source. */
  columns: { tokens: number; source: number };
  fingerprint: FingerprintColumns;
  options: { reportClusters: number; sourceField?: string | undefined };
  /** Where candidates come from bands, and where they are checked. */
  curve?: { bands: number; rows: number };
  checked?: CheckedPairs | undefined;
  settings: Record<string, unknown>;
}

/** Counts clusters, what they take and between which sources, and reads a few members of the largest. */
export async function describeClusters(
  findings: ClusterFindings,
  context: BarrierContext,
): Promise<DuplicateDetails & Record<string, unknown>> {
  const { method, keptAs, reader, columns, fingerprint, options, curve, checked, settings } = findings;
  const { sizes, largest, ...clusters } = sizeClusters(keptAs, options.reportClusters);
  const table = await readSources(context, reader, { sourceField: options.sourceField, column: columns.source });
  const { documents, saved, sources } = await countBySource(keptAs, reader, table, columns.tokens);
  const chosen = chooseMembers(largest, keptAs);
  const members = [...chosen.values()].flat().sort((a, b) => a - b);
  const { list, shown } = await fingerprintDuplicates(keptAs, reader, fingerprint, members);
  const facts = {
    size: (kept: number) => sizes[kept],
    source: (ordinal: number) => table.names[table.of[ordinal]],
    fingerprint: (ordinal: number) => shown.get(ordinal),
  };
  return {
    kind: 'duplicates',
    method,
    documents,
    duplicates: clusters.duplicates,
    saved,
    clusters: clusters.clusters,
    clusterSizes: clusters.clusterSizes,
    sources,
    largest: await readMembers(chosen, facts, context),
    ...(curve !== undefined && { curve }),
    ...(checked !== undefined && { checked }),
    ...(list !== undefined && { fingerprints: list }),
    settings,
  };
}

interface ClusterSizes {
  duplicates: number;
  clusters: number;
  clusterSizes: Record<string, number>;
  /** By ordinal of the kept document. */
  sizes: Uint32Array;
  /** Kept documents of the largest clusters. */
  largest: number[];
}

function sizeClusters(keptAs: Uint32Array, listed: number): ClusterSizes {
  const sizes = new Uint32Array(keptAs.length);
  // NOBODY lies past the end of any table.
  for (let i = 0; i < keptAs.length; i++) if (keptAs[i] < sizes.length) sizes[keptAs[i]]++;
  const top = (kept: number[]) => kept.sort((a, b) => sizes[b] - sizes[a] || a - b).slice(0, listed);

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
    if (largest.length >= 8 * listed + 1000) largest = top(largest);
  }
  const clusterSizes = [...histogram].sort(([a], [b]) => a - b).map(([size, count]) => [String(size), count]);
  return {
    duplicates,
    clusters,
    clusterSizes: Object.fromEntries(clusterSizes) as Record<string, number>,
    sizes,
    largest: top(largest),
  };
}
