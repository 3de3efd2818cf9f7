/** One task of a sink's step, in a worker. */
import { readFileSync } from 'node:fs';
import type { SinkTaskContext } from '../core/stage.ts';
import { type ArtifactRef, findArtifact } from './artifacts.ts';
import { type PartRef, readPartDocuments } from './parts.ts';
import { definitionOf, type StageRef, stageContext } from './stage-ref.ts';

/** What every task of a sink has in common; plain data. */
export interface SinkSpec {
  stage: StageRef;
  seed: number;
  baseDir: string;
  /** JSON file with the parts (PartRef[]): written once, so that tasks stay small however many parts there are. */
  partsFile: string;
  outputDir: string;
  workDir: string;
  artifacts: ArtifactRef[];
  pipelineHash: string;
}

export interface SinkTask {
  kind: 'sink';
  spec: SinkSpec;
  step: number;
  task: unknown;
}

let cached: { file: string; refs: PartRef[] } | undefined;

function partsOf(file: string): PartRef[] {
  if (cached?.file !== file) cached = { file, refs: JSON.parse(readFileSync(file, 'utf8')) as PartRef[] };
  return cached.refs;
}

export async function runSinkTask(task: SinkTask): Promise<unknown> {
  const { spec } = task;
  const definition = await definitionOf(spec.stage, 'sink');
  const refOf = (part: number): PartRef => {
    const ref = partsOf(spec.partsFile)[part];
    if (ref === undefined) throw new RangeError(`${spec.stage.stage}: there is no part ${part}`);
    return ref;
  };
  const context: SinkTaskContext = {
    ...stageContext(spec.stage, spec.seed, spec.baseDir),
    outputDir: spec.outputDir,
    workDir: spec.workDir,
    artifact: (role, by) => findArtifact(spec.artifacts, role, by),
    pipelineHash: spec.pipelineHash,
    readPart: async (part) => {
      return readPartDocuments(refOf(part));
    },
    withColumns: async (part, use) => {
      const { withPartColumns } = await import('./part-columns.ts');
      return withPartColumns(refOf(part), use);
    },
  };
  return definition.steps[task.step].run(spec.stage.options, task.task as never, context);
}
