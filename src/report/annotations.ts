/**
 * Duplicates as notes on files, in the two forms that CI systems read:
 *
 * - GitHub workflow commands (`::warning file=…,line=…::…`), which the runner takes from a step's output. It shows ten
 *   warnings of a step, so what is beyond is summed up in a notice.
 *   https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 * - GitLab Code Quality (a JSON list), which merge requests show beside the line.
 *   https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
 */
import { xxh64HexOfString } from '../core/hash.ts';
import { formatCount } from './numbers.ts';
import { printable } from './text-width.ts';

/** A document and where it stands. */
export interface PlacedDocument {
  id: string;
  /** As the CI system names it: relative to the checkout, `/` between folders. */
  file: string;
  /** From 1; absent where the format has no lines. */
  line?: number | undefined;
  /** From 0; of tables. */
  row?: number | undefined;
}

/** A copy and the document that is kept for it. */
export interface PlacedCopy extends PlacedDocument {
  /** Instance name of the stage that found it. */
  stage: string;
  /** The same text (or field), or a near copy. */
  method: 'exact' | 'near';
  isNew: boolean;
  of: PlacedDocument;
}

/** Warnings that the runner shows of one step; more are dropped in silence. */
export const GITHUB_ANNOTATIONS = 10;

/** Lines for a step's output. `total` is the number of copies of which `copies` are the first. */
export function githubAnnotations(copies: readonly PlacedCopy[], total: number, report: string): string {
  const lines = copies.slice(0, GITHUB_ANNOTATIONS).map((copy) => {
    const place = [`file=${property(copy.file)}`, ...(copy.line === undefined ? [] : [`line=${copy.line}`])];
    return `::warning ${place.join(',')},title=${property(title(copy))}::${data(message(copy))}`;
  });
  if (total > lines.length) {
    const more = `${formatCount(total)} duplicates in all, of which ${lines.length} are shown at their files; all of them: ${report}`;
    lines.push(`::notice title=corpusmill dedup::${data(more)}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** The JSON of a Code Quality report. Paths are relative to the checkout; each entry's fingerprint is its own. */
export function codeQuality(copies: readonly PlacedCopy[]): string {
  const entries = copies.map((copy) => ({
    description: message(copy),
    check_name: `corpusmill/${copy.stage}`,
    fingerprint: xxh64HexOfString([copy.stage, copy.file, copy.id, copy.line ?? copy.row ?? '', copy.of.id].join('\0')),
    severity: 'minor',
    location: { path: copy.file, lines: { begin: copy.line ?? 1 } },
  }));
  return `${JSON.stringify(entries, null, 2)}\n`;
}

function title({ isNew, method }: PlacedCopy): string {
  const what = method === 'exact' ? 'duplicate' : 'near-duplicate';
  return `${isNew ? 'New ' : ''}${what}`.replace(/^./, (first) => first.toUpperCase());
}

function message(copy: PlacedCopy): string {
  const what = copy.method === 'exact' ? 'is a copy' : 'is a near copy';
  return `${named(copy, copy.row !== undefined)} ${what} of ${named(copy.of, true)}`;
}

/** A document with its id, and where asked for its place. An id that corpusmill made up says the place already. */
function named({ id, file, line, row }: PlacedDocument, withPlace: boolean): string {
  const place = line !== undefined ? `${file}:${line}` : row !== undefined ? `${file}, row ${row}` : file;
  return withPlace ? `${quoted(id)} (${printable(place)})` : quoted(id);
}

function quoted(id: string): string {
  const shown = printable(id);
  return `'${shown.length > 80 ? `${shown.slice(0, 79)}…` : shown}'`;
}

/** Workflow commands end with the line, and `%` begins an escape. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
