/** Reads a `report.json` of an earlier run, to compare with. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { CorpusmillError, systemCode } from '../core/errors.ts';

const count = z.int().nonnegative();
const share = z.number().nullable();
const saved = z.object({ bytes: count }).default({ bytes: 0 });
const rate = z.object({ name: z.string(), documents: count, duplicates: count, duplicateShare: share });

/**
 * What a comparison needs of an earlier report, which may have been written by another corpusmill of the same
 * `schemaVersion`: members that were added since are filled in, members that were added later are let be.
 */
const earlierReportSchema = z.object({
  schemaVersion: z.literal(1),
  corpusmillVersion: z.string(),
  pipeline: z.object({ name: z.string(), hash: z.string() }),
  totals: z.object({ read: z.object({ documents: count }), duplicates: count, duplicateShare: share, saved }),
  duplicates: z.array(
    rate.extend({
      stage: z.string(),
      saved,
      sources: z
        .object({ by: z.string(), rows: z.array(rate.extend({ bytesSaved: count })) })
        .default({ by: 'source', rows: [] }),
      fingerprints: z.object({ of: z.string(), base64: z.base64() }).nullable().default(null),
    }),
  ),
});

export type EarlierReport = z.output<typeof earlierReportSchema>;

/**
 * @param shown the path as the user gave it, for messages
 * @throws CorpusmillError INPUT_NOT_FOUND, INPUT_UNREADABLE where it is no report of this version of the schema
 */
export async function readReport(path: string, shown: string): Promise<EarlierReport> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const code = systemCode(error);
    if (code === 'ENOENT') {
      throw new CorpusmillError('INPUT_NOT_FOUND', `the baseline ${shown} does not exist`, {
        hint: 'a baseline is the report.json that an earlier run has left; without one leave --baseline out',
      });
    }
    const reason = code === 'EISDIR' ? 'it is a folder; give the report.json in it' : (error as Error).message;
    throw new CorpusmillError('INPUT_UNREADABLE', `cannot read the baseline ${shown}: ${reason}`, { cause: error });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw notReport(shown, `it is no JSON (${(error as Error).message})`, error);
  }
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version !== 'number') throw notReport(shown, 'it has no schemaVersion');
  if (version !== 1) {
    const found = `the baseline ${shown} has version ${version} of the report's schema, and this corpusmill reads version 1`;
    throw new CorpusmillError('INPUT_UNREADABLE', found, { hint: 'make the baseline again with this corpusmill' });
  }
  const parsed = earlierReportSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw notReport(shown, `at ${issue.path.join('.') || 'its top'}: ${issue.message}`);
}

function notReport(shown: string, what: string, cause?: unknown): CorpusmillError {
  return new CorpusmillError('INPUT_UNREADABLE', `the baseline ${shown} is no report.json of corpusmill: ${what}`, {
    hint: 'give the report.json of an earlier run, or leave --baseline out and make a new one',
    cause,
  });
}
