/** The flags of `corpusmill dedup`: what they may be, and what they come to. */
import { InvalidArgumentError } from 'commander';
import { CorpusmillError } from '../core/errors.ts';
import type { Keep } from '../dedup/keep.ts';
import type { DedupRequest } from '../pipeline/dedup/request.ts';
import { LIMIT_FORMS, type Limit, parseLimit } from '../report/limit.ts';
import type { CliContext } from './context.ts';
import { type CorpusFlags, type CorpusRunFlags, settingsOf } from './corpus-command.ts';

export const REPORT_FORMATS = ['md', 'json', 'html', 'junit', 'codequality'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];
export const ANNOTATIONS = ['auto', 'github', 'none'] as const;

export interface DedupFlags extends CorpusFlags, CorpusRunFlags {
  exact?: boolean;
  near?: boolean;
  lines?: boolean;
  by: string;
  normalize?: 'raw' | 'loose' | 'url';
  threshold?: number;
  verify?: number | 'containment';
  keep?: Keep;
  sourceField?: string;
  format: ReportFormat[];
  failOver?: { text: string; limit: Limit };
  newOnly?: boolean;
  baseline?: string;
  annotations: (typeof ANNOTATIONS)[number];
  write: DedupRequest['write'];
}

export function checkFlags(inputs: readonly string[], flags: DedupFlags): void {
  const refuse = (message: string, hint?: string): never => {
    throw new CorpusmillError('USAGE', message, hint === undefined ? {} : { hint });
  };
  if (inputs.filter((path) => path === '-').length > 1) refuse('standard input (-) is given twice');
  if (flags.newOnly === true && flags.baseline === undefined) {
    refuse('--new-only needs a baseline to tell what is new', 'give --baseline report.json, of an earlier run');
  }
  if (flags.newOnly === true && flags.failOver === undefined) {
    refuse('--new-only says what --fail-over counts, and there is no --fail-over', 'give --fail-over 0, or a share');
  }
  if (flags.lines === true && flags.failOver !== undefined && flags.exact !== true && flags.near !== true) {
    refuse(
      '--fail-over counts documents that are copies, and --lines alone looks for none',
      'add --exact, --near or both',
    );
  }
}

export function requestOf(paths: readonly string[], flags: DedupFlags, context: CliContext): DedupRequest {
  return {
    paths,
    exact: flags.exact === true,
    near: flags.near === true,
    lines: flags.lines === true,
    by: flags.by,
    normalize: flags.normalize,
    threshold: flags.threshold,
    verify: flags.verify,
    keep: flags.keep,
    sourceField: flags.sourceField,
    write: flags.write,
    ...settingsOf(flags, context),
  };
}

export function fraction(value: string): number {
  const number = /^\d*\.?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number > 0 && number <= 1) return number;
  throw new InvalidArgumentError('expected a similarity above 0 and at most 1 (0.8)');
}

export function verification(value: string): number | 'containment' {
  if (value === 'containment' || value === '0') return value === '0' ? 0 : value;
  const number = /^\d*\.?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 0 && number <= 1) return number;
  throw new InvalidArgumentError("expected 'containment' or a similarity from 0 (no check) to 1");
}

export function keepRule(value: string): Keep {
  if (value === 'first' || value === 'longest') return value;
  const [, kind, argument] = /^(best|newest|sources):(.+)$/.exec(value) ?? [];
  if (kind === 'best') return { best: argument };
  if (kind === 'newest') return { newest: argument };
  if (kind === 'sources') return { sources: argument.split(',').filter((name) => name !== '') };
  throw new InvalidArgumentError('expected first, longest, best:FIELD, newest:FIELD or sources:NAME,NAME');
}

export function formats(value: string): ReportFormat[] {
  const names = value.split(',').map((name) => name.trim());
  const isKnown = (name: string): name is ReportFormat => (REPORT_FORMATS as readonly string[]).includes(name);
  const unknown = names.find((name) => !isKnown(name));
  if (unknown === undefined) return [...new Set(names.filter(isKnown))];
  throw new InvalidArgumentError(`'${unknown}' is no format; expected a list of ${REPORT_FORMATS.join(', ')}`);
}

export function limit(text: string): { text: string; limit: Limit } {
  const parsed = parseLimit(text);
  if (parsed !== undefined) return { text: text.trim(), limit: parsed };
  throw new InvalidArgumentError(`expected ${LIMIT_FORMS}`);
}
