/** Notes on the files that hold duplicates, for the CI system that shows them beside the line. */
import { join, relative, sep } from 'node:path';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { RunResult } from '../pipeline/run.ts';
import type { DedupReports, ReportFile } from '../report/dedup-reports.ts';
import type { EarlierReport } from '../report/read-report.ts';
import type { CliContext } from './context.ts';
import type { DedupFlags } from './dedup-flags.ts';
import { print } from './print.ts';

/** Entries of a Code Quality report: merge requests show the first few hundred. */
const CODE_QUALITY_ENTRIES = 1000;

/** Writes the notes that are asked for: workflow commands to the output, Code Quality to a file. */
export async function annotate(
  pipeline: Pipeline,
  { runDir }: RunResult,
  { comparison }: DedupReports,
  baseline: EarlierReport | undefined,
  flags: DedupFlags,
  context: CliContext,
): Promise<{ files: ReportFile[] }> {
  const toGithub =
    flags.annotations === 'github' || (flags.annotations === 'auto' && context.env['GITHUB_ACTIONS'] === 'true');
  const toGitlab = flags.format.includes('codequality');
  if (!toGithub && !toGitlab) return { files: [] };
  const { readDuplicates, copiesOf } = await import('../pipeline/dedup/duplicates.ts');
  const { locateCopies } = await import('../pipeline/dedup/located.ts');
  const { newCopies } = await import('../pipeline/dedup/new-copies.ts');
  const { codeQuality, githubAnnotations, GITHUB_ANNOTATIONS } = await import('../report/annotations.ts');
  const duplicates = await readDuplicates(pipeline);
  const all = copiesOf(duplicates);
  // Beside a baseline what is new is what people have to act on.
  const told = baseline?.duplicates.filter(({ name }) =>
    comparison?.stages.some((stage) => stage.name === name && stage.newDuplicates !== null),
  );
  const known = told && new Map(told.flatMap(({ name, fingerprints }) => (fingerprints ? [[name, fingerprints]] : [])));
  const copies = known === undefined ? all : await newCopies(duplicates, all, known, pipeline.seed);
  const most = toGitlab ? CODE_QUALITY_ENTRIES : GITHUB_ANNOTATIONS;
  const located = await locateCopies(pipeline, duplicates, copies, most);
  const root = context.env['GITHUB_WORKSPACE'] ?? context.env['CI_PROJECT_DIR'] ?? context.cwd;
  const placed = located.map((copy) => ({
    ...inCheckout(copy, root),
    of: inCheckout(copy.of, root),
    isNew: known !== undefined,
  }));
  if (toGithub) {
    const stream = flags.json === true ? context.stderr : context.stdout;
    await print(stream, githubAnnotations(placed, copies.ordinals.length, flags.output));
  }
  if (!toGitlab) return { files: [] };
  const { writeFileAtomic } = await import('../io/atomic.ts');
  const path = join(runDir, 'codequality.json');
  await writeFileAtomic(path, codeQuality(placed));
  return { files: [{ format: 'codequality', path }] };
}

/** A document with its file as CI systems name it: relative to the checkout. */
function inCheckout<D extends { file: string }>(document: D, root: string): D {
  const path = relative(root, document.file);
  return { ...document, file: path.startsWith('..') ? document.file : path.split(sep).join('/') };
}
