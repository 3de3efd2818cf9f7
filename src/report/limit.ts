/**
 * The limit on duplicates that a CI job sets (`--fail-over 2%`), and whether a run keeps to it. The share is of the
 * documents read; exactly the limit is still within it.
 */
import { formatCount, formatCounted, formatShare } from './numbers.ts';

export type Limit = { kind: 'share'; share: number } | { kind: 'documents'; documents: number };

export interface Verdict {
  /** As it was given. */
  limit: string;
  /** What was counted: all duplicates, or those that the baseline did not have. */
  counted: 'all' | 'new';
  duplicates: number;
  /** Documents read. */
  documents: number;
  over: boolean;
}

/** What a limit may be, for messages. */
export const LIMIT_FORMS = "a share ('2%' or '0.02') or a number of documents ('100')";

/** `2%`, `0.02` (a share of the documents read), `100` (documents); undefined for anything else. */
export function parseLimit(text: string): Limit | undefined {
  const [, digits, percent] = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  const value = Number(digits);
  if (percent === '%') return value <= 100 ? { kind: 'share', share: value / 100 } : undefined;
  if (/^\d+$/.test(digits)) return Number.isSafeInteger(value) ? { kind: 'documents', documents: value } : undefined;
  return value <= 1 ? { kind: 'share', share: value } : undefined;
}

/** Holds `duplicates` of `documents` read against a limit. */
export function judge(
  text: string,
  limit: Limit,
  { counted, duplicates, documents }: Pick<Verdict, 'counted' | 'duplicates' | 'documents'>,
): Verdict {
  // Compared as numbers of documents: 2 of 100 must not be over 2 % by the last bit of a quotient.
  const most = limit.kind === 'documents' ? limit.documents : limit.share * documents;
  return { limit: text, counted, duplicates, documents, over: duplicates > most * (1 + 1e-12) };
}

/** `2.3 % of 1,000 documents are new duplicates (23), over the limit of 2%`. */
export function verdictText({ limit, counted, duplicates, documents, over }: Verdict): string {
  const what = `${counted === 'new' ? 'new ' : ''}duplicate`;
  const found =
    `${formatCounted(duplicates, what)} among ${formatCounted(documents, 'document')}` +
    (documents > 0 ? ` (${formatShare(duplicates, documents)})` : '');
  return `${found}, ${over ? 'over' : 'within'} the limit of ${/^\d+$/.test(limit.trim()) ? formatCount(Number(limit)) : limit.trim()}`;
}
