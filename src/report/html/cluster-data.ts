/**
 * The largest clusters as compact JSON inside the page, from which its script makes what a reader asks to see: ten
 * thousand clusters as markup would take seconds to open, as JSON they take one parse. `cluster-script.ts` reads it.
 */
import type { ReportDuplicates } from '../report-schema.ts';
import { type Markup, trusted } from './markup.ts';

/** `[size, skipped, members]`. */
export type PackedCluster = [size: number, skipped: number, members: PackedMember[]];
/** The kept one first; 0 for an excerpt means that it is the kept one's, `isNew` is 1 for a duplicate that is new. */
export type PackedMember = [id: string, source: number, bytes: number, excerpt: string | 0, isNew: 0 | 1];

export interface PackedClusters {
  sources: string[];
  clusters: PackedCluster[];
}

export function packClusters(largest: ReportDuplicates['largest']): PackedClusters {
  const sources = new Map<string, number>();
  const indexOf = (source: string): number => {
    if (!sources.has(source)) sources.set(source, sources.size);
    return sources.get(source)!;
  };
  const filled = largest.filter(({ members }) => members.length > 0);
  const clusters = filled.map(({ size, skipped, members }): PackedCluster => {
    const kept = members.find((member) => member.kept) ?? members[0];
    const ordered = [kept, ...members.filter((member) => member !== kept)];
    return [
      size,
      skipped,
      ordered.map((member) => [
        member.id,
        indexOf(member.source),
        member.bytes,
        member !== kept && member.excerpt === kept.excerpt ? 0 : member.excerpt,
        member.isNew === true ? 1 : 0,
      ]),
    ];
  });
  return { sources: [...sources.keys()], clusters };
}

/**
 * A data block, which no browser runs. `<` is escaped, so that no text can end it or begin a comment; U+2028 and lone
 * surrogates are valid in JSON, the latter not in UTF-8.
 */
export function clusterBlock(id: string, packed: PackedClusters): Markup {
  const json = JSON.stringify(packed).replaceAll('<', '\\u003c');
  return trusted(`<script type="application/json" id="${id}">${json}</script>`);
}
