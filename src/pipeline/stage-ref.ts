/** A stage instance as plain data, for sending to a worker, and back. Options are already validated. */
import type { BarrierDefinition, MapDefinition, SinkDefinition, StageContext } from '../core/stage.ts';
import type { StageInstance } from './pipeline.ts';
import { stageDefinitions } from './registry.ts';

export interface StageRef {
  name: string;
  stage: string;
  options: Record<string, unknown>;
}

export function toStageRef(instance: StageInstance): StageRef {
  return { name: instance.name, stage: instance.definition.name, options: instance.options };
}

interface ByKind {
  map: MapDefinition;
  barrier: BarrierDefinition;
  sink: SinkDefinition;
}

/** The stage's declaration, which must be of the given kind. */
export function definitionOf<K extends keyof ByKind>(ref: StageRef, kind: K): ByKind[K] {
  const definition = stageDefinitions().get(ref.stage);
  if (definition?.kind !== kind) throw new Error(`stage ${ref.stage} is not a registered ${kind} stage`);
  return definition as ByKind[K];
}

export function stageContext(ref: StageRef, seed: number, baseDir: string): StageContext {
  return { name: ref.name, seed, baseDir };
}
