/** From the phases' results to the run's summary: read from disk alone, so a reused phase counts like a fresh one. */
import { existsSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import type {
  AlignedStage,
  AlignmentAnswers,
  BarrierSummary,
  OutputSummary,
  RunSummary,
  TrainingSummary,
} from '../core/run-summary.ts';
import { addSize, addVolume, type StageStats, sizeHistogram, stageStats, type Volume } from '../core/stats.ts';
import { corpusmillVersion } from '../core/version.ts';
import { type AuditFiles, auditSpec } from './audit.ts';
import { barrierOutcome } from './barrier-result.ts';
import type { BarrierOutcome } from './barrier-task.ts';
import { emptyPassResult, type PassResult } from './part-statistics.ts';
import { readAlive, readPartRows } from './parts.ts';
import { countBadRecords } from './quarantine.ts';
import { alignResult } from './run-align.ts';
import { answersResult } from './run-answers.ts';
import type { RunContext } from './run-context.ts';
import { finishedResult } from './run-directory.ts';
import { partsOf } from './run-pass.ts';
import { sinkResult } from './run-sink.ts';
import { trainResult } from './run-train.ts';

export async function summarize(run: RunContext): Promise<RunSummary> {
  const { pipeline, plan, directory } = run;
  const stages: StageStats[] = [];
  const barriers: BarrierSummary[] = [];
  const outputs: OutputSummary[] = [];
  const audits: (AuditFiles | undefined)[] = [];
  const aligned: AlignedStage[] = [];
  let training: TrainingSummary | undefined;
  let answers: AlignmentAnswers | undefined;
  let first = emptyPassResult();
  for (const phase of plan.phases) {
    if (phase.kind === 'pass') {
      if (!phase.writesDocuments) continue;
      const result = finishedResult<PassResult>(directory.phase(phase.id), phase.key)!;
      if (phase.source === 'inputs') first = result;
      audits.push(result.audit);
      stages.push(...(result.stages.length > 0 ? result.stages : emptyStages(phase.maps)).map(inReasonOrder));
    } else if (phase.kind === 'barrier') {
      const outcome = barrierOutcome(run, phase)!;
      stages.push(inReasonOrder(barrierStats(phase.stage.name, phase.stage.definition.name, outcome)));
      audits.push(outcome.audit);
      barriers.push({
        name: phase.stage.name,
        stage: phase.stage.definition.name,
        details: outcome.details,
        artifacts: Object.fromEntries(
          Object.entries(outcome.artifacts).map(([role, path]) => [
            role,
            relative(directory.root, join(directory.output(phase.stage.name), path)),
          ]),
        ),
      });
    } else if (phase.kind === 'sink') {
      outputs.push(sinkResult(run, phase)!.output);
    } else if (phase.kind === 'train') {
      training = trainResult(run, phase)!.training;
    } else if (phase.kind === 'align') {
      aligned.push(alignResult(run, phase)!.aligned);
    } else {
      answers = answersResult(run, phase)!.answers;
    }
  }

  const bad = countBadRecords(run);
  const lengthsAfter = sizeHistogram();
  const after: Volume[] = pipeline.inputs.map(() => ({ documents: 0, bytes: 0 }));
  for (const ref of plan.final === undefined ? [] : partsOf(run, plan.final)) {
    const [alive, lengths] = await Promise.all([readAlive(ref), readPartRows(ref)]);
    for (let row = 0; row < ref.rows; row++) {
      if (alive !== undefined && alive[row] === 0) continue;
      addSize(lengthsAfter, lengths[2 * row]);
      addVolume(after[lengths[2 * row + 1]], { documents: 1, bytes: lengths[2 * row] });
    }
  }

  return {
    schemaVersion: 1,
    corpusmillVersion: corpusmillVersion(),
    pipeline: {
      name: pipeline.name,
      file: basename(pipeline.file),
      hash: plan.hash,
      seed: pipeline.seed,
    },
    inputs: pipeline.inputs.map((input, i) => {
      const files = run.files.filter((file) => file.input === i);
      return {
        name: input.name,
        format: files[0]?.format ?? input.format,
        files: files.length,
        fileBytes: files.reduce((sum, file) => sum + file.bytes, 0),
        documents: first.sources[i]?.documents ?? 0,
        badRecords: bad.byInput[input.name] ?? 0,
      };
    }),
    stages,
    lengthsBefore: first.lengths,
    lengthsAfter,
    sources: Object.fromEntries(
      pipeline.inputs.map((input, i) => [
        input.name,
        { input: first.sources[i] ?? { documents: 0, bytes: 0 }, output: after[i] },
      ]),
    ),
    quarantine: {
      records: bad.records,
      byReason: inKeyOrder(bad.byReason),
      path: existsSync(join(directory.root, 'quarantine.jsonl')) ? 'quarantine.jsonl' : undefined,
    },
    ...skippedRecords(first),
    barriers,
    outputs,
    ...(training !== undefined && { training }),
    ...(aligned.length > 0 && { alignment: { stages: aligned, ...(answers !== undefined && { answers }) } }),
    ...droppedSummary(run, audits),
  };
}

function skippedRecords({ counters }: PassResult): Pick<RunSummary, 'skipped'> {
  const { skipped } = counters;
  return skipped === undefined || Object.keys(skipped).length === 0 ? {} : { skipped: inKeyOrder(skipped) };
}

function droppedSummary(run: RunContext, audits: readonly (AuditFiles | undefined)[]): Pick<RunSummary, 'dropped'> {
  const spec = auditSpec(run.pipeline.run);
  if (spec === undefined) return {};
  const documents = audits.reduce((sum, audit) => sum + (audit?.documents ?? 0), 0);
  const files = audits.reduce((sum, audit) => sum + (audit?.files.length ?? 0), 0);
  const text = spec.whole ? ('whole' as const) : ('excerpt' as const);
  return { dropped: { path: 'dropped', fraction: spec.fraction, text, documents, files } };
}

function emptyStages(maps: readonly { name: string; definition: { name: string } }[]): StageStats[] {
  return maps.map((stage) => stageStats(stage.name, stage.definition.name));
}

function barrierStats(name: string, stage: string, outcome: BarrierOutcome): StageStats {
  const stats = stageStats(name, stage);
  stats.input = outcome.input;
  stats.output = outcome.output;
  stats.dropped = outcome.dropped;
  stats.samples = outcome.samples;
  if (outcome.edits?.action === 'remove') {
    stats.changed = outcome.edits.documents;
    stats.bytesRemoved = outcome.edits.bytesRemoved;
  }
  return stats;
}

/** Reasons arrive in whatever order workers finish; a summary lists them by name. */
function inReasonOrder(stats: StageStats): StageStats {
  return { ...stats, dropped: inKeyOrder(stats.dropped), samples: inKeyOrder(stats.samples) };
}

function inKeyOrder<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
