/** What earlier barriers have left for later stages: a tokenizer, a model. */
import { join } from 'node:path';
import { barrierDecision } from './barrier-result.ts';
import type { Phase } from './phase.ts';
import type { RunContext } from './run-context.ts';

/** Plain data, for sending to a worker. */
export interface ArtifactRef {
  role: string;
  /** The instance that made it. */
  stage: string;
  /** Absolute. */
  path: string;
}

/** The artifacts of barriers before a phase, in the pipeline's order. */
export function artifactsBefore(run: RunContext, phase: Phase): ArtifactRef[] {
  const artifacts: ArtifactRef[] = [];
  for (const earlier of run.plan.phases) {
    if (earlier.id === phase.id) break;
    if (earlier.kind !== 'barrier') continue;
    const { name } = earlier.stage;
    for (const [role, path] of Object.entries(barrierDecision(run, earlier)?.artifacts ?? {})) {
      artifacts.push({ role, stage: name, path: join(run.directory.output(name), path) });
    }
  }
  return artifacts;
}

/** The path of the last artifact of that role, or of the last that the stage named `by` made. */
export function findArtifact(artifacts: readonly ArtifactRef[], role: string, by?: string): string | undefined {
  return artifacts.findLast((one) => one.role === role && (by === undefined || one.stage === by))?.path;
}
