/**
 * A report beside an earlier one: what got better or worse, by stage and by source, and which duplicates are new.
 *
 * New and gone duplicates are told by fingerprints, as multisets: a third copy of a text that had two is one new
 * duplicate. A stage can tell only where both reports list their duplicates and made the fingerprints alike.
 */
import { countFingerprints } from '../dedup/fingerprints.ts';
import type { EarlierReport } from './read-report.ts';
import type { Report, ReportCluster, ReportComparison, ReportDuplicates } from './report-schema.ts';

type Rate = ReportComparison['totals']['now'];
type Stage = ReportComparison['stages'][number];
type EarlierStage = EarlierReport['duplicates'][number];

/** What changed since `baseline`. */
export function compareReports(report: Report, baseline: EarlierReport): ReportComparison {
  const pairs = pairStages(report, baseline);
  const stages = pairs.map(([now, before]) => compareStage(now, before));
  const now: Rate = totalRate(report.totals);
  const before: Rate = totalRate(baseline.totals);
  const { corpusmillVersion, pipeline } = baseline;
  return {
    baseline: { corpusmillVersion, pipeline: pipeline.name, hash: pipeline.hash },
    totals: {
      now,
      before,
      trend: trendOf(now, before),
      newDuplicates: sumOfKnown(stages.map((stage) => stage.newDuplicates)),
      goneDuplicates: sumOfKnown(stages.map((stage) => stage.goneDuplicates)),
    },
    stages,
  };
}

/** The report with its comparison, and with the new duplicates marked among the members of clusters. */
export function withBaseline(report: Report, baseline: EarlierReport): Report {
  const before = new Map(pairStages(report, baseline).flatMap(([now, old]) => (now && old ? [[now, old]] : [])));
  return {
    ...report,
    comparison: compareReports(report, baseline),
    duplicates: report.duplicates.map((now) => {
      const old = before.get(now);
      const known = old === undefined || untold(now, old) !== null ? undefined : countsOf(old);
      return known === undefined ? now : { ...now, largest: now.largest.map((cluster) => markNew(cluster, known)) };
    }),
  };
}

/** Stages by instance name, then what is left by kind of stage. */
function pairStages(
  report: Report,
  baseline: EarlierReport,
): [ReportDuplicates | undefined, EarlierStage | undefined][] {
  const open = [...baseline.duplicates];
  const take = (matches: (entry: EarlierStage) => boolean): EarlierStage | undefined => {
    const at = open.findIndex(matches);
    return at < 0 ? undefined : open.splice(at, 1)[0];
  };
  const byName = new Map(report.duplicates.map((now) => [now, take((old) => old.name === now.name)]));
  const pairs = report.duplicates.map((now): [ReportDuplicates, EarlierStage | undefined] => [
    now,
    byName.get(now) ?? take((old) => old.stage === now.stage),
  ]);
  return [...pairs, ...open.map((old): [undefined, EarlierStage] => [undefined, old])];
}

function compareStage(now: ReportDuplicates | undefined, before: EarlierStage | undefined): Stage {
  const nowRate = now === undefined ? null : stageRate(now);
  const beforeRate = before === undefined ? null : stageRate(before);
  const why = untold(now, before);
  const { added, gone } = why === null ? difference(countsOf(now!), countsOf(before!)) : { added: null, gone: null };
  return {
    name: (now ?? before)!.name,
    now: nowRate,
    before: beforeRate,
    trend: trendOf(nowRate, beforeRate),
    newDuplicates: added,
    goneDuplicates: gone,
    untold: why,
    sources: compareSources(now, before),
  };
}

function compareSources(now: ReportDuplicates | undefined, before: EarlierStage | undefined): Stage['sources'] {
  if (now !== undefined && before !== undefined && now.sources.by !== before.sources.by) return [];
  const old = new Map((before?.sources.rows ?? []).map((row) => [row.name, sourceRate(row)]));
  const rows = (now?.sources.rows ?? []).map((row) => {
    const beforeRate = old.get(row.name) ?? null;
    old.delete(row.name);
    const nowRate = sourceRate(row);
    return { name: row.name, now: nowRate, before: beforeRate, trend: trendOf(nowRate, beforeRate) };
  });
  const gone = [...old].map(([name, rate]) => ({ name, now: null, before: rate, trend: null }));
  return [...rows, ...gone];
}

function totalRate({ read, duplicates, duplicateShare, saved }: EarlierReport['totals']): Rate {
  return { documents: read.documents, duplicates, duplicateShare, bytesSaved: saved.bytes };
}

function stageRate({ documents, duplicates, duplicateShare, saved }: EarlierStage): Rate {
  return { documents, duplicates, duplicateShare, bytesSaved: saved.bytes };
}

function sourceRate({ documents, duplicates, duplicateShare, bytesSaved }: EarlierStage['sources']['rows'][0]): Rate {
  return { documents, duplicates, duplicateShare, bytesSaved };
}

function trendOf(now: Rate | null, before: Rate | null): Stage['trend'] {
  if (now === null || before === null || now.duplicateShare === null || before.duplicateShare === null) return null;
  // As fractions: equal shares may differ in the last bit of a quotient.
  const change = now.duplicates * before.documents - before.duplicates * now.documents;
  return change === 0 ? 'same' : change < 0 ? 'better' : 'worse';
}

function untold(now: ReportDuplicates | undefined, before: EarlierStage | undefined): string | null {
  if (now === undefined) return 'the stage is no longer there';
  if (before === undefined) return 'the baseline does not have the stage';
  if (now.fingerprints === null) return 'there are too many duplicates to list';
  if (before.fingerprints === null) return 'the baseline does not list its duplicates';
  if (now.fingerprints.of !== before.fingerprints.of) return 'the stage had other settings';
  return null;
}

/** Fingerprint → how often it occurs. */
type Counts = Map<bigint, number>;

function countsOf({ fingerprints }: Pick<EarlierStage, 'fingerprints'>): Counts {
  return countFingerprints(fingerprints?.base64 ?? '');
}

function difference(now: Counts, before: Counts): { added: number; gone: number } {
  let [added, gone] = [0, 0];
  for (const [fingerprint, count] of now) added += Math.max(count - (before.get(fingerprint) ?? 0), 0);
  for (const [fingerprint, count] of before) gone += Math.max(count - (now.get(fingerprint) ?? 0), 0);
  return { added, gone };
}

/** Of equal copies the first are taken for those that were there. Uses `known` up. */
function markNew(cluster: ReportCluster, known: Counts): ReportCluster {
  const members = cluster.members.map((member) => {
    if (member.kept || member.fingerprint === null) return { ...member, isNew: false };
    const fingerprint = BigInt(`0x${member.fingerprint}`);
    const left = known.get(fingerprint) ?? 0;
    if (left > 0) known.set(fingerprint, left - 1);
    return { ...member, isNew: left === 0 };
  });
  return { ...cluster, members };
}

function sumOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}
