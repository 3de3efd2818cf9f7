/** The quality report that stages leave among their output; src/report/quality renders it beside that. */
import { join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import type { QualityReport } from './evaluation/quality-report-schema.ts';

export const QUALITY_REPORT = 'quality-report.json';
/** Its role among a stage's artifacts. */
export const REPORT_ROLE = 'quality report';

/** Writes it into a stage's output folder. Throws OUTPUT_FAILED. */
export function writeReportFile(folder: string, report: QualityReport): Promise<void> {
  return writeFileAtomic(join(folder, QUALITY_REPORT), `${JSON.stringify(report, null, 2)}\n`);
}
