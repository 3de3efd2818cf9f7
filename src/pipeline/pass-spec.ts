/** What a task of a pass is told; plain data, so that it can be sent to a worker. */
import type { Chunk, InputSpec } from '../io/input.ts';
import type { ArtifactRef } from './artifacts.ts';
import type { AuditSpec } from './audit.ts';
import type { PartRef } from './parts.ts';
import type { StageRef } from './stage-ref.ts';

/** What every task of a pass has in common. */
export interface PassSpec {
  /** Changes with anything below, so that a worker can keep its stages from task to task. */
  cacheKey: string;
  dir: string;
  seed: number;
  baseDir: string;
  inputs: InputSpec[];
  maps: StageRef[];
  /** What stages before the pass have left for its stages. */
  artifacts: ArtifactRef[];
  observers: { stage: StageRef; dir: string }[];
  /** What to keep of dropped documents. */
  audit?: AuditSpec | undefined;
}

export interface PassTask {
  kind: 'pass';
  spec: PassSpec;
  part: number;
  source: { chunk: Chunk } | { ref: PartRef };
}

/** Takes features of a part that is already written. */
export interface ObserveTask {
  kind: 'observe';
  spec: PassSpec;
  ref: PartRef;
}
