/**
 * The reports of `corpusmill dedup` in the formats asked for, what changed against a baseline, and whether the limit was
 * kept. `report.json` is always written: it is the baseline of the next run.
 */
import { resolve } from 'node:path';
import type { RunSummary } from '../core/run-summary.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { withBaseline } from './comparison.ts';
import { renderHtml } from './html/page.ts';
import { renderJunit } from './junit.ts';
import { judge, type Limit, type Verdict } from './limit.ts';
import { renderMarkdown } from './markdown.ts';
import type { EarlierReport } from './read-report.ts';
import { buildReport, type DescribeReason } from './report-data.ts';
import type { Report, ReportComparison } from './report-schema.ts';

export interface DedupReports {
  report: Report;
  /** Absent without a baseline. */
  comparison: ReportComparison | undefined;
  /** Absent where no limit was set. */
  verdict: Verdict | undefined;
  files: ReportFile[];
}

export interface ReportFile {
  format: string;
  /** Absolute. */
  path: string;
}

export interface DedupReportOptions {
  formats: readonly ('md' | 'json' | 'html' | 'junit')[];
  baseline: EarlierReport | undefined;
  limit: { text: string; limit: Limit } | undefined;
  /** The limit is on duplicates that the baseline did not have. */
  newOnly: boolean;
  describeReason: DescribeReason;
}

/** Writes them into `runDir`, each atomically. */
export async function dedupReports(
  summary: RunSummary,
  runDir: string,
  { formats, baseline, limit, newOnly, describeReason }: DedupReportOptions,
): Promise<DedupReports> {
  const built = buildReport(summary, describeReason);
  const compared = baseline === undefined ? built : withBaseline(built, baseline);
  const verdict = limit === undefined ? undefined : judge(limit.text, limit.limit, countedOf(compared, newOnly));
  const report = { ...compared, verdict: verdict ?? null };
  const files: (ReportFile & { text: string })[] = [];
  const add = (format: string, name: string, text: string): unknown =>
    files.push({ format, path: resolve(runDir, name), text });
  add('json', 'report.json', `${JSON.stringify(report, null, 2)}\n`);
  if (formats.includes('md')) add('md', 'report.md', renderMarkdown(report));
  if (formats.includes('html')) add('html', 'report.html', renderHtml(report));
  if (formats.includes('junit')) add('junit', 'junit.xml', renderJunit(report));
  await Promise.all(files.map(({ path, text }) => writeFileAtomic(path, text)));
  return {
    report,
    comparison: report.comparison ?? undefined,
    verdict,
    files: files.map(({ format, path }) => ({ format, path })),
  };
}

/** What the limit is held against. Of a stage that cannot tell what is new, every duplicate may be. */
function countedOf(report: Report, newOnly: boolean): Pick<Verdict, 'counted' | 'duplicates' | 'documents'> {
  const { duplicates, read } = report.totals;
  const stages = report.comparison?.stages ?? [];
  const isTold = stages.some(({ now, newDuplicates }) => now !== null && newDuplicates !== null);
  if (!newOnly || !isTold) return { counted: 'all', duplicates, documents: read.documents };
  const fresh = stages.reduce((sum, { now, newDuplicates }) => sum + (newDuplicates ?? now?.duplicates ?? 0), 0);
  return { counted: 'new', duplicates: fresh, documents: read.documents };
}
