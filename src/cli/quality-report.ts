/** The quality report that a run has left: rendered beside it, and its summary printed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { QualityReport } from '../quality/evaluation/quality-report-schema.ts';
import type { QualityReportFiles } from '../report/quality/index.ts';
import type { CliContext } from './context.ts';
import { print, wantsColor, widthOf } from './print.ts';

/** Undefined where the run left none; `quiet`: only the files are written. */
export async function showQualityReport(
  folder: string,
  quiet: boolean,
  context: CliContext,
): Promise<{ report: QualityReport; files: QualityReportFiles } | undefined> {
  const { QUALITY_REPORT } = await import('../quality/report-file.ts');
  const path = join(folder, QUALITY_REPORT);
  if (!existsSync(path)) return undefined;
  const [{ readQualityReport }, { writeQualityReport }] = await Promise.all([
    import('../report/quality/read-quality-report.ts'),
    import('../report/quality/index.ts'),
  ]);
  const report = await readQualityReport(path, path);
  const files = await writeQualityReport(report, folder);
  if (!quiet) {
    const { renderQualityTerminal } = await import('../report/quality/terminal.ts');
    const { stdout, env } = context;
    await print(
      stdout,
      `${renderQualityTerminal(report, { color: wantsColor(stdout, env), width: widthOf(stdout) })}\n`,
    );
  }
  return { report, files };
}
