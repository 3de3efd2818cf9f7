/** The commands beside `run` and `dedup`, in one file for main.ts: the help of all reads it at once. */
export { alignCommand } from './align.ts';
export { diffCommand } from './diff.ts';
export { doctorCommand } from './doctor.ts';
export { evalCommand } from './eval.ts';
export { explainCommand } from './explain.ts';
export { exportCommand } from './export.ts';
export { generateCommand } from './generate.ts';
export { initCommand } from './init.ts';
export { inspectCommand } from './inspect.ts';
export { modelCommand } from './model.ts';
export { qualityCommand } from './quality.ts';
export { schemaCommand } from './schema.ts';
export { shardsCommand } from './shards.ts';
export { stagesCommand } from './stages.ts';
export { tokenizerCommand } from './tokenizer.ts';
export { trainCommand } from './train.ts';
export { validateCommand } from './validate.ts';
