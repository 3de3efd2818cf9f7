/** A stage instance as plain data, for sending to a worker, and back. Options are already validated. */
import type { BarrierDefinition, MapDefinition, SinkDefinition, StageContext } from '../core/stage.ts';
import type { StageInstance } from './pipeline.ts';
import { loadStage } from './stage-loaders.ts';
import { reloadStageModule, type StageModule } from './stage-module.ts';

export interface StageRef {
  name: string;
  stage: string;
  options: Record<string, unknown>;
  /** The file that declares it; absent for registered stages. */
  module?: StageModule;
}

export function toStageRef({ name, definition, options, module }: StageInstance): StageRef {
  return { name, stage: definition.name, options, ...(module && { module }) };
}

interface ByKind {
  map: MapDefinition;
  barrier: BarrierDefinition;
  sink: SinkDefinition;
}

/** The stage's declaration, which must be of the given kind; one of the user's own is loaded from its file. */
export async function definitionOf<K extends keyof ByKind>(ref: StageRef, kind: K): Promise<ByKind[K]> {
  const definition = ref.module === undefined ? await loadStage(ref.stage) : await reloadStageModule(ref.module);
  if (definition?.kind !== kind) throw new Error(`stage ${ref.stage} is not a registered ${kind} stage`);
  return definition as ByKind[K];
}

export function stageContext(ref: StageRef, seed: number, baseDir: string): StageContext {
  return { name: ref.name, seed, baseDir };
}
