/** Phases of a plan, as plain data: plan.ts makes them. */
import type { AlignStage, PipelineTraining, StageInstance } from './pipeline.ts';

/** The documents that a phase reads: the parts that a pass wrote, less what barriers since then decided to drop. */
export interface DocumentsState {
  /** Id of the pass that wrote them. */
  pass: string;
  /** Ids of the barriers decided since. */
  decisions: string[];
}

interface PhaseBase {
  /** `01-pass`, `02-dedup.exact` …: also the folder's name. */
  id: string;
  title: string;
  key: string;
}

export interface PassPhase extends PhaseBase {
  kind: 'pass';
  source: 'inputs' | DocumentsState;
  maps: StageInstance[];
  /** Ids of the barriers that observe this pass's survivors. */
  observers: string[];
  /** False for a pass that only observes. */
  writesDocuments: boolean;
}

export interface BarrierPhase extends PhaseBase {
  kind: 'barrier';
  stage: StageInstance;
  over: DocumentsState;
  /** Key of the features its observer leaves; they survive a change of earlier decisions when the scope allows. */
  featureKey: string;
}

export interface SinkPhase extends PhaseBase {
  kind: 'sink';
  stage: StageInstance;
  over: DocumentsState;
  /** What the product carries as its provenance: inputs and the stages that it comes from, other products left out. */
  origin: string;
}

export interface TrainPhase extends PhaseBase {
  kind: 'train';
  training: PipelineTraining;
  /** Key of what it is trained on: another one begins anew, whatever there is of an earlier run. */
  dataKey: string;
}

export interface AlignPhase extends PhaseBase {
  kind: 'align';
  aligned: AlignStage;
  /** Key of what it learns from, models included: another one begins anew. */
  dataKey: string;
}

export interface AnswersPhase extends PhaseBase {
  kind: 'answers';
}

export type Phase = PassPhase | BarrierPhase | SinkPhase | TrainPhase | AlignPhase | AnswersPhase;

/** The stage of a phase that has one and no more. */
export function stageOf(phase: Phase): StageInstance | undefined {
  return phase.kind === 'barrier' || phase.kind === 'sink' ? phase.stage : undefined;
}

/** What a phase other than a pass is called in `--from` and in a plan: the name of its stage. */
export function phaseName(phase: Exclude<Phase, PassPhase>): string {
  return phase.kind === 'align' ? phase.aligned.name : (stageOf(phase)?.name ?? phase.kind);
}

export interface Plan {
  phases: Phase[];
  /** Hash of stages, options and inputs. A product's provenance is its own phase's key: later stages do not change it. */
  hash: string;
  /** The documents left at the end; undefined where the pipeline has no inputs. */
  final: DocumentsState | undefined;
}
