/**
 * The files of a tokenizer report: `tokenizer-report.json` for programs (schema: configs/tokenizer-report.schema.json), `.md` for a
 * CI job summary, `.html` for people. Equal reports give equal bytes.
 */
import { resolve } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import type { TokenizerReport } from '../../tokenizer/compare/tokenizer-report-schema.ts';
import type { TokenizerReportFormat } from './formats.ts';
import { renderTokenizerHtml } from './html/page.ts';
import { renderTokenizerMarkdown } from './markdown.ts';

const RENDER: Record<TokenizerReportFormat, (report: TokenizerReport) => string> = {
  json: (report) => `${JSON.stringify(report, null, 2)}\n`,
  md: renderTokenizerMarkdown,
  html: renderTokenizerHtml,
};

/** Writes the formats asked for into `folder`, each atomically, and returns their absolute paths. Throws OUTPUT_FAILED. */
export async function writeTokenizerReport(
  report: TokenizerReport,
  folder: string,
  formats: readonly TokenizerReportFormat[],
): Promise<Partial<Record<TokenizerReportFormat, string>>> {
  const files: Partial<Record<TokenizerReportFormat, string>> = {};
  for (const format of formats) {
    const path = resolve(folder, `tokenizer-report.${format}`);
    await writeFileAtomic(path, RENDER[format](report));
    files[format] = path;
  }
  return files;
}
