/**
 * `junit.xml`: a report as CI systems show test results. One suite; a case for the limit, one for each source of each
 * dedup stage, and one for each cluster that fails the build: the new ones where there is a baseline, else all, as many
 * as the report lists up to `MAX_CLUSTERS`.
 *
 * A case fails where the limit that was set is broken (sources by the same share; clusters because they exist). Without
 * a limit nothing fails: the report states, it does not judge. The form is the one that Jenkins, GitLab and GitHub actions
 * read: https://github.com/testmoapp/junitxml
 */
import { parseLimit, verdictText } from './limit.ts';
import { formatBytes, formatCounted, formatShare } from './numbers.ts';
import type { Report, ReportCluster, ReportDuplicates } from './report-schema.ts';

const MAX_CLUSTERS = 100;

export type ReportVerdict = Report['verdict'];

interface TestCase {
  name: string;
  className: string;
  file?: string | undefined;
  failure?: { message: string; text: string } | undefined;
}

/**
 * `verdict` is that of the report unless given. `fileOf` names the file of a document by its id, where more is known of it
 * than an id that corpusmill made up says.
 */
export function renderJunit(
  report: Report,
  verdict: ReportVerdict = report.verdict,
  fileOf: (id: string) => string | undefined = fileInId(report.inputs),
): string {
  const cases = [
    ...limitCase(verdict),
    ...report.duplicates.flatMap((stage) => sourceCases(stage, verdict)),
    ...clusterCases(report, verdict, fileOf),
  ];
  const failures = cases.filter((one) => one.failure !== undefined).length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="0"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="corpusmill" ${counts}>
<testsuite name="${escapeXml(report.pipeline.name)}" ${counts}>
${cases.map(renderCase).join('\n')}
</testsuite>
</testsuites>
`;
}

function renderCase({ name, className, file, failure }: TestCase): string {
  const place = file === undefined ? '' : ` file="${escapeXml(file)}"`;
  const head = `<testcase name="${escapeXml(name)}" classname="${escapeXml(className)}"${place}`;
  if (failure === undefined) return `${head}/>`;
  return `${head}><failure type="duplicates" message="${escapeXml(failure.message)}">${escapeXml(failure.text)}</failure></testcase>`;
}

function limitCase(verdict: ReportVerdict): TestCase[] {
  if (verdict === null) return [];
  const message = verdictText(verdict);
  const name = `duplicates within ${verdict.limit}`;
  return [{ name, className: 'corpusmill.limit', failure: verdict.over ? { message, text: message } : undefined }];
}

/** A limit on the share of all duplicates is one on each source's share too; a number of documents is not. */
function sourceCases(stage: ReportDuplicates, verdict: ReportVerdict): TestCase[] {
  const limit = verdict === null || verdict.counted === 'new' ? undefined : parseLimit(verdict.limit);
  return stage.sources.rows.map((row) => {
    const isOver =
      verdict?.over === true && limit?.kind === 'share' && row.duplicates > limit.share * row.documents * (1 + 1e-12);
    const found = `${formatCounted(row.duplicates, 'duplicate')} among ${formatCounted(row.documents, 'document')}`;
    const message = `${row.name}: ${found} (${formatShare(row.duplicates, row.documents)}), ${formatBytes(row.bytesSaved)}`;
    return {
      name: `${row.name}: ${formatShare(row.duplicates, row.documents)} duplicates`,
      className: `corpusmill.${stage.name}.${stage.sources.by}`,
      failure: isOver ? { message, text: message } : undefined,
    };
  });
}

function clusterCases(report: Report, verdict: ReportVerdict, fileOf: (id: string) => string | undefined): TestCase[] {
  if (verdict?.over !== true && report.comparison === null) return [];
  const listed = report.duplicates.flatMap((stage) =>
    stage.largest
      .filter(({ members }) => report.comparison === null || members.some((member) => member.isNew === true))
      .map((cluster) => ({ stage, cluster })),
  );
  return listed.slice(0, MAX_CLUSTERS).map(({ stage, cluster }) => {
    const culprit = cluster.members.find((member) => member.isNew === true) ?? cluster.members.at(-1);
    const message = `${formatCounted(cluster.size, 'copy', 'copies')} of ${cluster.members[0]?.id ?? ''}`;
    return {
      name: message,
      className: `corpusmill.${stage.name}.cluster`,
      file: culprit && fileOf(culprit.id),
      failure: verdict?.over === true ? { message, text: membersText(cluster) } : undefined,
    };
  });
}

function membersText({ size, members }: ReportCluster): string {
  const lines = members.map(({ id, source, kept, isNew, bytes }) => {
    const state = kept ? 'kept' : isNew === true ? 'new duplicate' : 'duplicate';
    return `${state}: ${id} (${source}, ${formatBytes(bytes)})`;
  });
  if (size > members.length) lines.push(`and ${formatCounted(size - members.length, 'more copy', 'more copies')}`);
  return lines.join('\n');
}

/** The formats of which a file is a document, whose id is made of its path alone. */
const WHOLE_FILES = /^(text|html)$/;

/** The file in an id that corpusmill made up, `input/path#offset` or `input/path`; undefined for the corpus's own ids. */
export function fileInId(inputs: readonly { name: string; format: string }[]): (id: string) => string | undefined {
  return (id) => {
    const input = inputs.find(({ name }) => id.startsWith(`${name}/`));
    if (input === undefined) return undefined;
    const path = id.slice(input.name.length + 1);
    return WHOLE_FILES.test(input.format) ? path : /^(.+)#\d+$/.exec(path)?.[1];
  };
}

const ENTITY: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as XML 1.0 text or attribute value: characters that XML cannot hold are replaced, line ends stay in attributes. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (c) => ENTITY[c])
    .replace(/[\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`);
}
