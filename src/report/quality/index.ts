/**
 * The files of a quality report: `quality-report.json` for programs (schema: configs/quality-report.schema.json), `.md` for a CI
 * job summary, `.html` for people. Equal reports give equal bytes.
 */
import { resolve } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import type { QualityReport } from '../../quality/evaluation/quality-report-schema.ts';
import { renderQualityHtml } from './html/page.ts';
import { renderQualityMarkdown } from './markdown.ts';

export interface QualityReportFiles {
  json: string;
  markdown: string;
  html: string;
}

/** Writes the three into `folder` (which exists), each atomically, and returns their absolute paths. Throws OUTPUT_FAILED. */
export async function writeQualityReport(report: QualityReport, folder: string): Promise<QualityReportFiles> {
  const files = {
    json: resolve(folder, 'quality-report.json'),
    markdown: resolve(folder, 'quality-report.md'),
    html: resolve(folder, 'quality-report.html'),
  };
  await writeFileAtomic(files.json, `${JSON.stringify(report, null, 2)}\n`);
  await writeFileAtomic(files.markdown, renderQualityMarkdown(report));
  await writeFileAtomic(files.html, renderQualityHtml(report));
  return files;
}
