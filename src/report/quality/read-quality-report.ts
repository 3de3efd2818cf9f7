/** Reads a quality report's JSON, to render it again or to hold it beside another. */
import { readFile } from 'node:fs/promises';
import { CorpusmillError, systemCode } from '../../core/errors.ts';
import { type QualityReport, qualityReportSchema } from '../../quality/evaluation/quality-report-schema.ts';

/**
 * @param shown the path as the user gave it, for messages
 * @throws CorpusmillError INPUT_NOT_FOUND, INPUT_UNREADABLE where it is no quality report of this version
 */
export async function readQualityReport(path: string, shown: string): Promise<QualityReport> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') {
      throw new CorpusmillError('INPUT_NOT_FOUND', `the quality report ${shown} does not exist`, { hint: HINT });
    }
    throw unreadable(shown, (error as Error).message, error);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(shown, `it is no JSON (${(error as Error).message})`, error);
  }
  const { format, version } = (value ?? {}) as { format?: unknown; version?: unknown };
  if (format !== 'corpusmill-quality-report') {
    throw unreadable(shown, 'its format is not corpusmill-quality-report');
  }
  if (version !== 1) {
    throw unreadable(shown, `it has version ${String(version)} of the format, and this corpusmill reads version 1`);
  }
  const parsed = qualityReportSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unreadable(shown, `at ${issue.path.join('.') || 'its top'}: ${issue.message}`);
}

const HINT = 'give the JSON that an evaluation has left';

function unreadable(shown: string, what: string, cause?: unknown): CorpusmillError {
  const message = `cannot read the quality report ${shown}: ${what}`;
  return new CorpusmillError('INPUT_UNREADABLE', message, { hint: HINT, cause });
}
