/**
 * JSON Schema (draft 2020-12) of pipeline files, for completion, hover texts and checks in editors.
 *
 * A stage entry is `oneOf` one object type per stage, told apart by the constant of its `stage` member: editors then
 * complete the options of just that stage. The file is shipped as `configs/pipeline.schema.json`, and `corpusmill schema`
 * prints it.
 */
import type { StageDefinition } from '../../core/stage.ts';
import { stageDefinitions } from '../registry.ts';
import type { StageRegistry } from '../stage-loaders.ts';
import { MODULE_PATH_PATTERN } from '../stage-module.ts';
import { ALIGN_BLOCK_SCHEMAS, ALIGN_STAGES, type AlignStageKind } from './align-schema.ts';
import { inputJsonSchema, type JsonSchema } from './phrases.ts';
import { stageNameSchema } from './schema.ts';
import { pipelineSchema } from './training-part.ts';

/** The schema as a JSON value. */
export function pipelineJsonSchema(registry: StageRegistry = stageDefinitions()): JsonSchema {
  const schema = closed(inputJsonSchema(pipelineSchema));
  const properties = schema.properties!;
  const inputs = properties['inputs'];
  const shorthand = { type: 'string', minLength: 1, description: 'A file or glob, read with the defaults.' };
  inputs.items = { anyOf: [inputs.items as JsonSchema, shorthand] };
  const definitions = [...registry.values()];
  properties['stages'].items = {
    oneOf: [...definitions.map(stageSchema), ...ownStageSchemas(), bareStageSchema(definitions)],
  };
  properties['align'].items = { oneOf: ALIGN_STAGES.map(alignSchema) };
  // An empty `run:` stands for no `run` at all.
  properties['run'] = { ...properties['run'], type: ['object', 'null'] };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'corpusmill pipeline',
    description: 'From raw text to clean documents, a tokenizer and packed shards.',
    ...schema,
    required: [],
    // One that aligns a model that is there needs no documents.
    anyOf: [
      { properties: { inputs: {}, stages: {} }, required: ['inputs', 'stages'] },
      { properties: { align: {} }, required: ['align'] },
    ],
    dependentRequired: {
      inputs: ['stages'],
      stages: ['inputs'],
      train: ['inputs', 'stages'],
      prompts: ['align'],
    },
  };
}

function alignSchema(stage: AlignStageKind): JsonSchema {
  const options = closed(inputJsonSchema(ALIGN_BLOCK_SCHEMAS[stage]));
  return {
    title: stage,
    ...options,
    properties: {
      stage: { const: stage, description: `A stage of alignment, as \`corpusmill align ${stage}\` runs it.` },
      name: inputJsonSchema(stageNameSchema),
      ...options.properties,
    },
    required: ['stage', ...requiredOptions(options)],
  };
}

function stageSchema(definition: StageDefinition): JsonSchema {
  const options = closed(inputJsonSchema(definition.options));
  const description = stageDescription(definition);
  return {
    title: definition.name,
    description,
    ...options,
    properties: {
      stage: { const: definition.name, description },
      name: inputJsonSchema(stageNameSchema),
      ...options.properties,
    },
    required: ['stage', ...requiredOptions(options)],
  };
}

/** Names of the options that must be given. */
export function requiredOptions(options: JsonSchema): string[] {
  return (options.required ?? []).filter((key) => options.properties?.[key]?.default === undefined);
}

function stageDescription({ summary, source, reasons }: StageDefinition): string {
  const drops = reasons === undefined ? '' : `\nDrops: ${Object.keys(reasons).join(', ')}.`;
  return `${summary}\nSource: ${source}${drops}`;
}

/** `- normalize`: allowed for stages that need no option. */
function bareStageSchema(definitions: readonly StageDefinition[]): JsonSchema {
  const bare = definitions.filter((d) => requiredOptions(inputJsonSchema(d.options)).length === 0);
  return { enum: bare.map((d) => d.name), description: 'A stage with its default options.' };
}

/** `stage: ./filters/mine.mjs`: a file declares its own options, which no schema of ours can know. */
function ownStageSchemas(): JsonSchema[] {
  const description = 'A stage of your own: a file, relative to this one, whose default export declares it.';
  const path: JsonSchema = { type: 'string', pattern: MODULE_PATH_PATTERN, description };
  return [
    {
      title: 'a stage file',
      description,
      type: 'object',
      properties: { stage: path, name: inputJsonSchema(stageNameSchema) },
      required: ['stage'],
      additionalProperties: true,
    },
    path,
  ];
}

/** Objects without a word on further members take none: unknown keys are mistakes. */
function closed(schema: JsonSchema): JsonSchema {
  const copy: JsonSchema = { ...schema };
  if (copy.properties !== undefined) {
    copy.properties = Object.fromEntries(Object.entries(copy.properties).map(([key, value]) => [key, closed(value)]));
    copy.additionalProperties ??= false;
  }
  if (typeof copy.items === 'object') copy.items = closed(copy.items);
  for (const key of ['anyOf', 'oneOf', 'allOf'] as const)
    if (copy[key] !== undefined) copy[key] = copy[key].map(closed);
  // zod's safe-integer limits are noise in a hover text.
  if (Math.abs(copy.maximum ?? 0) >= Number.MAX_SAFE_INTEGER) delete copy.maximum;
  if (Math.abs(copy.minimum ?? 0) >= Number.MAX_SAFE_INTEGER) delete copy.minimum;
  return copy;
}
