/** Counts of records that were left out, by reason, with the first places of each: nothing is lost in silence. */
import { CorpusmillError } from '../../core/errors.ts';
import type { Unusable } from './records.ts';

export interface SkipReport {
  /** Records that were read. */
  readonly records: number;
  readonly used: number;
  /** By reason, the most frequent first. */
  readonly skipped: readonly { readonly reason: string; readonly count: number; readonly first: string }[];
  /** Examples that were cut to the row's length. */
  readonly truncated: number;
}

export interface SkipCounter {
  read(): void;
  skip(where: string, why: Unusable): void;
  truncate(): void;
  report(): SkipReport;
}

export function createSkipCounter(): SkipCounter {
  const reasons = new Map<string, { count: number; first: string }>();
  let records = 0;
  let skipped = 0;
  let truncated = 0;
  return {
    read: () => {
      records++;
    },
    truncate: () => {
      truncated++;
    },
    skip(where, { reason, detail }) {
      const known = reasons.get(reason);
      if (known === undefined) reasons.set(reason, { count: 1, first: `${where}: ${detail}` });
      else known.count++;
      skipped++;
    },
    report: () => ({
      records,
      used: records - skipped,
      truncated,
      skipped: [...reasons]
        .map(([reason, { count, first }]) => ({ reason, count, first }))
        .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
    }),
  };
}

/** Throws INPUT_CORRUPT where nothing is left to learn from. */
export function refuseEmpty(report: SkipReport, what: string): void {
  if (report.used > 0) return;
  const [first] = report.skipped;
  const why = first === undefined ? 'there are no records' : `${first.reason} (${first.count} records; ${first.first})`;
  throw new CorpusmillError('INPUT_CORRUPT', `reading ${what}: none of ${report.records} records can be used: ${why}`, {
    hint: 'docs/alignment.md says which shapes of records are read.',
  });
}
