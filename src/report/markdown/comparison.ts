/** The first lines of a job summary: whether the limit was kept, and what changed since the baseline. */
import { verdictText } from '../limit.ts';
import { formatCount, formatShare, NO_FIGURE } from '../numbers.ts';
import type { Report, ReportComparison } from '../report-schema.ts';
import { escapeMarkdown, table } from './text.ts';

const SOURCES_SHOWN = 10;

export function renderVerdict({ verdict }: Report): string {
  if (verdict === null) return '';
  return `**${verdict.over ? '❌ Failed' : '✅ Passed'}:** ${verdictText({ ...verdict, limit: escapeMarkdown(verdict.limit) })}.`;
}

type Rates = Pick<ReportComparison['stages'][number], 'name' | 'now' | 'before' | 'trend'>;

/** One row for all documents, one for each stage, and one for each source that changed. */
export function renderComparison({ comparison }: Report): string {
  if (comparison === null) return '';
  const { totals, stages } = comparison;
  const several = stages.length > 1;
  const sources = stages.flatMap((stage) =>
    stage.sources
      .filter((source) => source.trend !== 'same')
      .map((source) => ({ ...source, name: several ? `${stage.name}: ${source.name}` : source.name })),
  );
  const rows = [
    row({ name: 'All', ...totals }, totals),
    ...(several ? stages.map((stage) => row(stage, stage)) : []),
    ...sources.slice(0, SOURCES_SHOWN).map((source) => row(source)),
  ];
  const heads = ['Against the baseline', 'Duplicates:', 'Share:', 'Share before:', 'New:', 'Gone:', ''];
  const untold = stages.flatMap((stage) =>
    stage.untold === null ? [] : [`New duplicates of ${escapeMarkdown(stage.name)} are not known: ${stage.untold}.`],
  );
  return [table(heads, rows), ...untold].join('\n\n');
}

function row(
  { name, now, before, trend }: Rates,
  news?: { newDuplicates: number | null; goneDuplicates: number | null },
): string[] {
  const known = (value: number | null | undefined): string =>
    value === null || value === undefined ? '' : formatCount(value);
  return [
    escapeMarkdown(name),
    now === null ? NO_FIGURE : formatCount(now.duplicates),
    now === null ? NO_FIGURE : formatShare(now.duplicates, now.documents),
    before === null ? NO_FIGURE : formatShare(before.duplicates, before.documents),
    known(news?.newDuplicates),
    known(news?.goneDuplicates),
    trend === null || trend === 'same' ? '' : trend,
  ];
}
