/**
 * From stages to phases.
 *
 * A *pass* streams documents through map stages and lets barriers observe the survivors; a *barrier* decides once; a
 * *sink* writes a product; *train*, behind all those, trains a model on the product of one; *align* makes an assistant of
 * it, a phase for each stage, and *answers* asks what came of that. Consecutive barriers whose features depend on single documents share the pass that precedes
 * them, so exact and near-duplicate detection cost one reading. A pass without map stages writes no documents, unless a
 * barrier has edited them.
 *
 * Every phase has a key: the hash of all that can change what it leaves behind (stage options and versions, input
 * files, upstream keys; never the number of workers). A finished phase with the same key is not run again.
 */
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { hashJson, xxh64Hex } from '../core/hash.ts';
import { corpusmillVersion } from '../core/version.ts';
import type { InputFile, InputSpec } from '../io/input.ts';
import { type AlignmentFiles, alignmentKeys, modelKey, modelName, trainingKey } from './model-keys.ts';
import type { BarrierPhase, DocumentsState, PassPhase, Phase, Plan } from './phase.ts';
import type { Pipeline, StageInstance } from './pipeline.ts';

/** Raised when the files in a run directory change their form. */
const RUN_FORMAT = 2;

/** Cuts a pipeline into phases and gives each its key. `files` are the expanded inputs, `alignFiles` those of alignment. */
export function planPhases(
  pipeline: Pipeline,
  files: readonly InputFile[],
  alignFiles: AlignmentFiles = new Map(),
): Plan {
  const phases: Phase[] = [];
  const keyOf = new Map<string, string>();
  const nextId = (name: string): string => `${String(phases.length + 1).padStart(2, '0')}-${name}`;
  const add = (phase: Phase): void => {
    phases.push(phase);
    keyOf.set(phase.id, phase.key);
  };
  const documentsKey = (over: DocumentsState): string[] => [over.pass, ...over.decisions].map((id) => keyOf.get(id)!);

  let documents: DocumentsState | undefined;
  let maps: StageInstance[] = [];
  let observers: StageInstance[] = [];
  // A barrier has edited the documents: they are written anew before anything else looks at them.
  let edited = false;

  const flush = (): void => {
    if (documents !== undefined && maps.length === 0 && observers.length === 0 && !edited) return;
    const writesDocuments = documents === undefined || maps.length > 0 || edited;
    const source = documents ?? ('inputs' as const);
    const pass: PassPhase = {
      kind: 'pass',
      id: nextId(writesDocuments ? 'pass' : 'observe'),
      title: passTitle(documents === undefined, edited, maps, observers),
      source,
      maps,
      observers: [],
      writesDocuments,
      key: hashJson([
        RUN_FORMAT,
        corpusmillVersion(),
        source === 'inputs' ? inputsKey(pipeline, files) : documentsKey(source),
        maps.map((stage) => stageKey(stage, pipeline.baseDir)),
        pipeline.seed,
      ]),
    };
    add(pass);
    const over: DocumentsState = writesDocuments ? { pass: pass.id, decisions: [] } : documents!;
    let decided = over;
    for (const stage of observers) {
      const definition = stage.definition;
      const scope = definition.kind === 'barrier' ? definition.scope : 'document';
      const seen = scope === 'corpus' ? documentsKey(over) : [keyOf.get(over.pass)];
      const featureKey = hashJson([RUN_FORMAT, 'features', seen, stageKey(stage, pipeline.baseDir), pipeline.seed]);
      const barrier: BarrierPhase = {
        kind: 'barrier',
        id: nextId(stage.name),
        title: stage.name,
        stage,
        over: decided,
        featureKey,
        key: hashJson([featureKey, documentsKey(decided)]),
      };
      add(barrier);
      pass.observers.push(barrier.id);
      decided = { pass: over.pass, decisions: [...decided.decisions, barrier.id] };
    }
    documents = decided;
    maps = [];
    observers = [];
    edited = false;
  };

  for (const stage of pipeline.stages) {
    const definition = stage.definition;
    if (definition.kind === 'map') {
      if (observers.length > 0) flush();
      maps.push(stage);
    } else if (definition.kind === 'barrier') {
      if (definition.scope === 'corpus' && observers.length > 0) flush();
      observers.push(stage);
      if (definition.edits === true) {
        flush();
        edited = true;
      }
    } else {
      flush();
      add({
        kind: 'sink',
        origin: originOf(pipeline, files, stagesBehind(pipeline, stage)),
        id: nextId(stage.name),
        title: stage.name,
        stage,
        over: documents!,
        key: hashJson([
          RUN_FORMAT,
          documentsKey(documents!),
          // A sink may read what any earlier barrier left (a tokenizer).
          phases.filter((phase) => phase.kind === 'barrier').map((phase) => phase.key),
          stageKey(stage, pipeline.baseDir),
          pipeline.seed,
        ]),
      });
    }
  }
  if (pipeline.inputs.length > 0) flush();
  const { train, alignment } = pipeline;
  const origin = originOf(pipeline, files, pipeline.stages);
  const settings: unknown[] = [];
  if (train !== undefined) {
    const shards = phases.find((phase) => phase.kind === 'sink' && phase.stage.name === train.shards)!;
    const dataKey = hashJson([shards.key, ...modelKey(train.config.model)]);
    settings.push(trainingKey(train));
    add({
      kind: 'train',
      id: nextId('train'),
      title: `train ${modelName(train.config.model)}`,
      training: train,
      dataKey,
      key: hashJson([RUN_FORMAT, corpusmillVersion(), dataKey, trainingKey(train)]),
    });
  }
  for (const aligned of alignment?.stages ?? []) {
    const { name, stage } = aligned;
    const upstream = aligned.links.map(({ from, member }) => [member, keyOfName(phases, from, member)]);
    const own = alignmentKeys(aligned, alignFiles);
    const dataKey = hashJson([upstream, own.data]);
    settings.push([name, own.settings]);
    add({
      kind: 'align',
      id: nextId(name),
      title: name === stage ? `align ${stage}` : `align ${stage}: ${name}`,
      aligned,
      dataKey,
      key: hashJson([RUN_FORMAT, corpusmillVersion(), dataKey, own.settings]),
    });
  }
  if (alignment?.asked !== undefined) {
    settings.push(alignment.asked);
    const models = phases.filter(({ kind }) => kind === 'train' || kind === 'align').map(({ key }) => key);
    add({
      kind: 'answers',
      id: nextId('answers'),
      title: 'the same prompts after each stage',
      key: hashJson([RUN_FORMAT, corpusmillVersion(), models, alignment.asked]),
    });
  }
  return { phases, final: documents, hash: settings.length === 0 ? origin : hashJson([origin, ...settings]) };
}

/** Key of the phase that a link of an alignment stage leads to. */
function keyOfName(phases: readonly Phase[], name: string, member: string): string {
  const isMeant = (phase: Phase): boolean =>
    member === 'data.tokenizer' || member === 'pretraining.shards'
      ? (phase.kind === 'barrier' || phase.kind === 'sink') && phase.stage.name === name
      : (phase.kind === 'align' && phase.aligned.name === name) || (phase.kind === 'train' && name === 'train');
  return phases.find(isMeant)!.key;
}

/**
 * Hash of all that went through `stages`. Unlike a key it knows neither where the files lie nor when they were changed, so
 * that the same run on another machine gives the same bytes.
 */
function originOf(pipeline: Pipeline, files: readonly InputFile[], stages: readonly StageInstance[]): string {
  return hashJson([
    corpusmillVersion(),
    pipeline.seed,
    inputsWithinMemory(pipeline).map(({ paths: _, ...spec }) => spec),
    files.map((file) => [file.input, file.relativePath, file.format, file.bytes]),
    stages.map((stage) => stageKey(stage, pipeline.baseDir)),
  ]);
}

/** The stages that a product comes from: map stages and barriers before it, and itself. */
function stagesBehind(pipeline: Pipeline, sink: StageInstance): StageInstance[] {
  const before = pipeline.stages.slice(0, pipeline.stages.indexOf(sink));
  return [...before.filter((stage) => stage.definition.kind !== 'sink'), sink];
}

function stageKey(stage: StageInstance, baseDir: string): unknown {
  const { definition, options } = stage;
  const files = keyFiles(stage, baseDir).map((path) => xxh64Hex(readOptionFile(stage, path)));
  const own = stage.module === undefined ? [] : [stage.module.hash];
  return [stage.name, definition.name, definition.version, options, files, ...own];
}

function keyFiles(stage: StageInstance, baseDir: string): readonly string[] {
  const { definition, options } = stage;
  try {
    const files = definition.keyFiles?.(options as never, baseDir);
    if (files !== undefined) return files;
  } catch (error) {
    throw unreadableFile(stage, error);
  }
  const named = definition.optionFiles?.(options as never) ?? [];
  return named.filter((path) => path !== undefined).map((path) => resolve(baseDir, path));
}

/** A folder stands for its manifest. */
function readOptionFile(stage: StageInstance, path: string): Uint8Array {
  try {
    return readFileSync(statSync(path).isDirectory() ? join(path, 'manifest.json') : path);
  } catch (error) {
    throw unreadableFile(stage, error);
  }
}

function unreadableFile({ name }: StageInstance, error: unknown): CorpusmillError {
  const reason = error instanceof Error ? error.message : String(error);
  return new CorpusmillError('CONFIG_INVALID', `stage ${name} names a file that cannot be read: ${reason}`, {
    hint: 'paths in a pipeline file are relative to that file',
    cause: error,
  });
}

/** A record's text is held several times over while it passes the stages, each of its characters in one or two bytes. */
const RECORD_SHARE_OF_MEMORY = 1 / 8;

/**
 * The inputs with a `maxRecordBytes` that a worker's heap can take. V8 ends the whole process, and not just the worker,
 * when a single string does not fit: such a record has to be set aside unread. What is read depends on it, so it is part
 * of the key.
 */
export function inputsWithinMemory(pipeline: Pipeline): InputSpec[] {
  const most = pipeline.run.workerMemoryMiB * 2 ** 20 * RECORD_SHARE_OF_MEMORY;
  return pipeline.inputs.map((spec) => ({ ...spec, maxRecordBytes: Math.min(spec.maxRecordBytes, most) }));
}

function inputsKey(pipeline: Pipeline, files: readonly InputFile[]): unknown {
  return [
    pipeline.run.chunkBytes,
    inputsWithinMemory(pipeline).map(({ paths: _, ...spec }) => spec),
    // The relative path is in made-up ids, and changes with the pattern that found the file.
    files.map((file) => [file.input, file.path, file.relativePath, file.format, file.bytes, file.modifiedMs]),
  ];
}

/** `read, normalize … filter.fineweb (6 stages), features for dedup.exact`: what the progress line calls a pass. */
function passTitle(
  fromInputs: boolean,
  edited: boolean,
  maps: readonly StageInstance[],
  observers: readonly StageInstance[],
): string {
  const names = maps.map((stage) => stage.name);
  const stages = names.length > 3 ? [`${names[0]} … ${names.at(-1)} (${names.length} stages)`] : names;
  const features = observers.map((stage) => stage.name).join(' and ');
  return [
    ...(fromInputs ? ['read'] : []),
    ...(edited ? ['edit'] : []),
    ...stages,
    ...(features === '' ? [] : [`features for ${features}`]),
  ].join(', ');
}
