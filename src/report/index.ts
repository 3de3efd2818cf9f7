/**
 * The reports of a finished run: `report.json` for programs (schema: configs/report.schema.json), `report.md` for a CI
 * job summary, `report.html` for people. Equal summaries give equal bytes.
 */
import { dirname, resolve } from 'node:path';
import type { RunSummary } from '../core/run-summary.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { REPORT_ROLE } from '../quality/report-file.ts';
import { renderHtml } from './html/page.ts';
import { renderMarkdown } from './markdown.ts';
import { buildReport, type DescribeReason } from './report-data.ts';

export interface ReportFiles {
  json: string;
  markdown: string;
  html: string;
}

/**
 * Writes the three reports into `runDir` (which exists), each atomically, and returns their absolute paths.
 * `describeReason` gives the line that explains a drop reason, as the stage's declaration has it.
 */
export async function writeReports(
  summary: RunSummary,
  runDir: string,
  options: { describeReason?: DescribeReason } = {},
): Promise<ReportFiles> {
  const report = buildReport(summary, options.describeReason);
  const files = {
    json: resolve(runDir, 'report.json'),
    markdown: resolve(runDir, 'report.md'),
    html: resolve(runDir, 'report.html'),
  };
  const json = `${JSON.stringify(report, null, 2)}\n`;
  const markdown = renderMarkdown(report);
  const html = renderHtml(report);
  await Promise.all([
    writeFileAtomic(files.json, json),
    writeFileAtomic(files.markdown, markdown),
    writeFileAtomic(files.html, html),
  ]);
  await renderQualityReports(summary, runDir);
  if (summary.training !== undefined) {
    const { writeTrainingReport } = await import('./training/index.ts');
    await writeTrainingReport(resolve(runDir, summary.training.path));
  }
  for (const { path, stage } of summary.alignment?.stages ?? []) {
    // Stages on files have the log of a training.
    if (['sft', 'reward', 'dpo'].includes(stage)) {
      const { writeTrainingReport } = await import('./training/index.ts');
      await writeTrainingReport(resolve(runDir, path));
    } else {
      const { writeOnlineReport } = await import('./online/index.ts');
      await writeOnlineReport(resolve(runDir, path));
    }
  }
  return files;
}

/** The reports of quality models, which stages leave as JSON, also as pages, beside that. */
async function renderQualityReports({ barriers }: RunSummary, runDir: string): Promise<void> {
  const paths = barriers.flatMap(({ artifacts }) => artifacts[REPORT_ROLE] ?? []);
  if (paths.length === 0) return;
  const [{ readQualityReport }, { writeQualityReport }] = await Promise.all([
    import('./quality/read-quality-report.ts'),
    import('./quality/index.ts'),
  ]);
  for (const path of paths) {
    const file = resolve(runDir, path);
    await writeQualityReport(await readQualityReport(file, path), dirname(file));
  }
}
