/** All stages at once, for the help, the JSON Schema and suggestions; a run loads only those that it uses. */
import { loadStages, type StageRegistry, stageNames } from './stage-loaders.ts';

const REGISTRY = await loadStages(stageNames());

/** All stages of this version of corpusmill. */
export function stageDefinitions(): StageRegistry {
  return REGISTRY;
}
