/** The stage files that a pipeline names, loaded before its stages are checked: loading waits, checking does not. */
import { resolve } from 'node:path';
import { isModulePath, type LoadedStage, loadStageModule, StageModuleError } from '../stage-module.ts';

/** Stage files by absolute path: the stage, or why there is none. */
export type StageFiles = ReadonlyMap<string, LoadedStage | StageModuleError>;

/** Loads each file that an entry of `stages` names. Mistakes are kept, to be placed where the entry is. */
export async function loadStageFiles(rawStages: unknown, baseDir: string): Promise<StageFiles> {
  const files = new Map<string, LoadedStage | StageModuleError>();
  for (const entry of Array.isArray(rawStages) ? rawStages : []) {
    const stage: unknown = (entry as { stage?: unknown } | null)?.stage;
    if (typeof stage !== 'string' || !isModulePath(stage)) continue;
    const path = resolve(baseDir, stage);
    if (files.has(path)) continue;
    try {
      files.set(path, await loadStageModule(path));
    } catch (error) {
      if (!(error instanceof StageModuleError)) throw error;
      files.set(path, error);
    }
  }
  return files;
}
