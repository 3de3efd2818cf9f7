/**
 * From a `RunSummary` to the `Report` that all renderers share: the one place where sums, shares and orders are made,
 * so that the page, the job summary, the JSON file and the terminal cannot disagree. Pure and without a clock: equal
 * summaries give equal reports.
 */
import type { DuplicateDetails, LineDetails, MixDetails, RunSummary, ThresholdDetails } from '../core/run-summary.ts';
import type { SizeHistogram, StageStats, Volume } from '../core/stats.ts';
import type {
  Report,
  ReportCounts,
  ReportDrop,
  ReportDuplicates,
  ReportLengths,
  ReportLines,
  ReportMix,
  ReportScore,
} from './report-schema.ts';

/** One line on what a reason means, or undefined; the pipeline's stage registry knows (`reasons` of a declaration). */
export type DescribeReason = (stage: string, reason: string) => string | undefined;

export function buildReport(summary: RunSummary, describeReason: DescribeReason = () => undefined): Report {
  const read: Volume = { documents: summary.lengthsBefore.count, bytes: summary.lengthsBefore.sum };
  const kept: Volume = { documents: summary.lengthsAfter.count, bytes: summary.lengthsAfter.sum };
  const duplicates = summary.barriers.flatMap((barrier) =>
    isDuplicateDetails(barrier.details) ? [duplicatesOf(barrier.name, barrier.stage, barrier.details)] : [],
  );
  // From the stages rather than from the details: then filters and duplicates always add up to all that was dropped.
  const dedupStages = new Set(duplicates.map((entry) => entry.name));
  const duplicateDocuments = sum(
    summary.stages.filter((stage) => dedupStages.has(stage.name)).map((stage) => droppedBy(stage).documents),
  );
  const lines = summary.barriers.flatMap(({ name, stage, details }) =>
    isLineDetails(details) ? [linesOf(name, stage, details)] : [],
  );
  const tokens = summary.outputs.map((output) => output.details['tokens']).filter(isCount);
  return {
    schemaVersion: 1,
    corpusmillVersion: summary.corpusmillVersion,
    pipeline: { ...summary.pipeline },
    totals: {
      read,
      kept,
      dropped: sumVolumes(summary.stages.map(droppedBy)),
      keptDocumentShare: shareOf(kept.documents, read.documents),
      keptByteShare: shareOf(kept.bytes, read.bytes),
      duplicates: duplicateDocuments,
      duplicateShare: shareOf(duplicateDocuments, read.documents),
      saved: {
        bytes: sum(duplicates.map((entry) => entry.saved.bytes)),
        tokens: sum(duplicates.map((entry) => entry.saved.tokens)),
      },
      badRecords: summary.quarantine.records,
      tokens: tokens.length === 0 ? null : sum(tokens),
    },
    inputs: summary.inputs.map((input) => ({
      name: input.name,
      format: input.format,
      files: input.files,
      fileBytes: input.fileBytes,
      badRecords: input.badRecords,
      read: summary.sources[input.name]?.input ?? { documents: input.documents, bytes: 0 },
      kept: summary.sources[input.name]?.output ?? { documents: 0, bytes: 0 },
    })),
    funnel: summary.stages.map((stage) => {
      const dropped = droppedBy(stage);
      return {
        name: stage.name,
        stage: stage.stage,
        input: stage.input,
        output: stage.output,
        dropped,
        changed: stage.changed,
        added: stage.added,
        bytesRemoved: stage.bytesRemoved ?? 0,
        bytesAdded: stage.bytesAdded ?? 0,
        editedBytes: stage.output.bytes - (stage.input.bytes - dropped.bytes),
      };
    }),
    drops: summary.stages.flatMap((stage) => dropsOf(stage, read.documents, describeReason)),
    counts: summary.stages.filter((stage) => stage.counts !== undefined).map(countsOf),
    lengths: { before: lengthsOf(summary.lengthsBefore), after: lengthsOf(summary.lengthsAfter) },
    duplicates,
    lines,
    verdict: null,
    comparison: null,
    artifacts: summary.barriers
      .filter(
        ({ details }) =>
          !isDuplicateDetails(details) &&
          !isLineDetails(details) &&
          !isMixDetails(details) &&
          !isThresholdDetails(details),
      )
      .map((barrier) => ({
        name: barrier.name,
        stage: barrier.stage,
        files: Object.entries(barrier.artifacts).map(([role, path]) => ({ role, path })),
        details: barrier.details,
      })),
    mixes: summary.barriers.flatMap(({ name, stage, details }) =>
      isMixDetails(details) ? [mixOf(name, stage, details)] : [],
    ),
    scores: summary.barriers.flatMap(({ name, stage, details }) =>
      isThresholdDetails(details) ? [scoreOf(name, stage, details)] : [],
    ),
    outputs: summary.outputs.map((output) => ({
      name: output.name,
      stage: output.stage,
      path: output.path,
      files: output.files,
      fileBytes: output.bytes,
      details: output.details,
    })),
    training: summary.training === undefined ? null : { ...summary.training },
    alignment:
      summary.alignment === undefined
        ? null
        : { stages: summary.alignment.stages, answers: summary.alignment.answers ?? null },
    audit: summary.dropped === undefined ? null : { ...summary.dropped },
    skipped: {
      records: sum(Object.values(summary.skipped ?? {})),
      reasons: mostFirst(summary.skipped ?? {}),
    },
    quarantine: {
      records: summary.quarantine.records,
      path: summary.quarantine.path ?? null,
      reasons: mostFirst(summary.quarantine.byReason),
    },
  };
}

/** `part / whole`, or null where there is no whole. */
export function shareOf(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

function mostFirst(byReason: Record<string, number>): { reason: string; records: number }[] {
  return Object.entries(byReason)
    .map(([reason, records]) => ({ reason, records }))
    .sort((a, b) => b.records - a.records || compareText(a.reason, b.reason));
}

function droppedBy(stage: StageStats): Volume {
  return sumVolumes(Object.values(stage.dropped));
}

function dropsOf(stage: StageStats, documentsRead: number, describeReason: DescribeReason): ReportDrop[] {
  return Object.entries(stage.dropped)
    .map(([reason, volume]) => ({
      name: stage.name,
      stage: stage.stage,
      reason,
      description: describeReason(stage.stage, reason) ?? null,
      documents: volume.documents,
      bytes: volume.bytes,
      shareOfRead: shareOf(volume.documents, documentsRead),
      samples: (stage.samples[reason] ?? []).map((sample) => ({
        id: sample.id,
        source: sample.source,
        bytes: sample.bytes,
        value: finiteOrNull(sample.value),
        threshold: finiteOrNull(sample.threshold),
        excerpt: sample.excerpt,
      })),
    }))
    .sort((a, b) => b.documents - a.documents || compareText(a.reason, b.reason));
}

function countsOf({ name, stage, counts = {} }: StageStats): ReportCounts {
  const entries = Object.entries(counts).map(([what, documents]) => ({ what, documents }));
  return { name, stage, entries: entries.sort((a, b) => b.documents - a.documents || compareText(a.what, b.what)) };
}

/** JSON has no infinities; a measurement that is none is left out. */
function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function lengthsOf(histogram: SizeHistogram): ReportLengths {
  const empty = histogram.count === 0;
  return {
    documents: histogram.count,
    bytes: histogram.sum,
    min: empty ? null : histogram.min,
    max: empty ? null : histogram.max,
    mean: empty ? null : histogram.sum / histogram.count,
    median: empty ? null : medianOf(histogram),
    buckets: histogram.buckets.map((documents, k) => ({ from: k === 0 ? 0 : 2 ** k, below: 2 ** (k + 1), documents })),
  };
}

/** The median, interpolated geometrically within its power-of-two bucket and held within the true extremes. */
function medianOf(histogram: SizeHistogram): number {
  const half = histogram.count / 2;
  let below = 0;
  for (let k = 0; k < histogram.buckets.length; k++) {
    const inBucket = histogram.buckets[k];
    if (inBucket > 0 && below + inBucket >= half) {
      const estimate = 2 ** (k + (half - below) / inBucket);
      return Math.round(Math.min(Math.max(estimate, histogram.min), histogram.max));
    }
    below += inBucket;
  }
  return histogram.max;
}

function isDuplicateDetails(details: Record<string, unknown>): details is DuplicateDetails {
  return details['kind'] === 'duplicates';
}

function isLineDetails(details: Record<string, unknown>): details is LineDetails {
  return details['kind'] === 'lines';
}

function isMixDetails(details: Record<string, unknown>): details is MixDetails {
  return details['kind'] === 'mix';
}

function mixOf(name: string, stage: string, { unit, sources }: MixDetails): ReportMix {
  const total = sum(Object.values(sources).map((source) => source.kept));
  return {
    name,
    stage,
    unit,
    sources: Object.entries(sources).map(([source, { available, kept, documents, target }]) => ({
      name: source,
      available,
      kept,
      documents,
      share: shareOf(kept, total),
      target: target ?? null,
    })),
  };
}

function isThresholdDetails(details: Record<string, unknown>): details is ThresholdDetails {
  return details['kind'] === 'threshold';
}

function scoreOf(name: string, stage: string, details: ThresholdDetails): ReportScore {
  const { field, documents, unscored, kept, quantiles, histogram, groups } = details;
  return {
    name,
    stage,
    field,
    groupBy: details.groupBy ?? null,
    documents,
    unscored,
    kept,
    quantiles: { ...quantiles },
    histogram: histogram ?? null,
    groups: groups.map((group) => ({ ...group, min: group.min ?? null, max: group.max ?? null })),
  };
}

function duplicatesOf(name: string, stage: string, details: DuplicateDetails): ReportDuplicates {
  return {
    name,
    stage,
    method: details.method,
    documents: details.documents,
    duplicates: details.duplicates,
    duplicateShare: shareOf(details.duplicates, details.documents),
    saved: details.saved,
    clusters: details.clusters,
    clusterSizes: Object.entries(details.clusterSizes)
      .map(([size, clusters]) => ({ size: Number(size), clusters }))
      .sort((a, b) => a.size - b.size),
    sources: sourcesOf(details.sources),
    largest: details.largest.map(({ size, skipped, members }) => ({
      size,
      skipped,
      members: members.map(({ id, source, kept, bytes, excerpt, fingerprint }) => ({
        id,
        source,
        kept,
        isNew: null,
        bytes,
        excerpt,
        fingerprint: fingerprint ?? null,
      })),
    })),
    curve: details.curve ?? null,
    checked: details.checked ?? null,
    fingerprints: details.fingerprints ?? null,
    index: details.index ? { documents: details.index.documents, inIndex: details.index.inIndex } : null,
    settings: details.settings,
  };
}

function sourcesOf(sources: DuplicateDetails['sources']): ReportDuplicates['sources'] {
  return {
    by: sources.by,
    rows: sources.names.map((name, i) => ({
      name,
      documents: sources.documents[i],
      duplicates: sources.duplicates[i],
      duplicateShare: shareOf(sources.duplicates[i], sources.documents[i]),
      bytesSaved: sources.bytesSaved[i],
    })),
    matrix: sources.matrix,
  };
}

function linesOf(name: string, stage: string, details: LineDetails): ReportLines {
  const { unit, documents, edited, seen, removed, bytesRemoved, settings } = details;
  const top = details.top.map(({ text, documents, occurrences }) => ({ text, documents, occurrences }));
  const removedShare = shareOf(removed, seen);
  return { name, stage, unit, documents, edited, seen, removed, removedShare, bytesRemoved, top, settings };
}

function sumVolumes(volumes: readonly Volume[]): Volume {
  return { documents: sum(volumes.map((v) => v.documents)), bytes: sum(volumes.map((v) => v.bytes)) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Code-unit order: the same on every machine, unlike a locale's. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
