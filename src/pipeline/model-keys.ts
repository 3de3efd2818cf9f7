/**
 * What of a training and of the stages of alignment goes into their phases' keys: all of a configuration that can change what comes
 * out, and what it is made from, files by size and time.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { xxh64Hex } from '../core/hash.ts';
import { configPath, readConfigBytes } from '../models/config-files.ts';
import { MANIFEST_NAME } from '../shards/manifest.ts';
import { SPLIT_NAMES } from '../shards/split.ts';
import type { TrainConfig } from '../training/config/schema.ts';
import type { AlignStage, PipelineTraining } from './pipeline.ts';

/** All of a training's configuration that can change what comes out; where the files lie is not among it. */
export function trainingKey({ shards, config }: PipelineTraining): unknown {
  const { output: _, threads: __, tensorboard: ___, data, model, ...settings } = config;
  const { shards: ____, ...how } = data;
  return [shards, settings, how, modelSettings(model)];
}

/** The name of a configuration, or of the folder or file that a path leads to. */
export function modelName(model: TrainConfig['model']): string {
  return basename(typeof model === 'string' ? model : model.from);
}

function modelSettings(model: TrainConfig['model']): unknown {
  const given = typeof model === 'string' ? { from: model } : model;
  return { ...given, from: modelName(model) };
}

/** The model's file as it is now, and weights that it begins with by their size and time. */
export function modelKey(model: TrainConfig['model']): unknown[] {
  const path = configPath(typeof model === 'string' ? model : model.from);
  return [xxh64Hex(readConfigBytes(path)), weightsIn(dirname(path))];
}

function weightsIn(folder: string): unknown[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  return names.sort().map((name) => {
    const { size, mtimeMs } = statSync(join(folder, name));
    return [name, size, mtimeMs];
  });
}

/** By path as a configuration has it: its files with their sizes and times. */
export type AlignmentFiles = ReadonlyMap<string, unknown>;

/** Members of `data` that name files of records. */
export const RECORD_MEMBERS = ['conversations', 'pairs', 'prompts', 'validation'];

const FILE_MEMBERS = ['shards', 'tokenizer', 'template'];

/** Of a stage: what it learns from, and how. What comes from earlier phases is not among it. */
export function alignmentKeys(
  { stage, config, links }: AlignStage,
  files: AlignmentFiles,
): { data: unknown; settings: unknown } {
  const linked = new Set(links.map(({ member }) => member));
  const { output: _, threads: __, data, model, ...rest } = config as AlignStage['config'] & { data: object };
  const { tensorboard: ___, ...settings } = rest as Record<string, unknown>;
  const members = data as Readonly<Record<string, unknown>>;
  const paths = RECORD_MEMBERS.flatMap((member) => members[member] ?? []) as string[];
  const others = FILE_MEMBERS.flatMap((member) => fileKey(members[member]));
  const models = folders(settings).map((folder) => modelKey(folder));
  const mixed = shardFoldersOf(settings).flatMap(manifestsIn);
  const how = Object.fromEntries(
    Object.entries(members).filter(([member]) => ![...RECORD_MEMBERS, ...FILE_MEMBERS].includes(member)),
  );
  return {
    data: [
      linked.has('model') ? 'linked' : [modelSettings(model), modelKey(model)],
      paths.map((path) => files.get(path) ?? path),
      others,
      models,
      mixed,
    ],
    settings: [stage, withoutFolders(settings), how],
  };
}

/** Where something lies changes nothing. */
function withoutFolders(settings: unknown): unknown {
  const named = (_: string, value: unknown): unknown =>
    typeof value === 'string' && isAbsolute(value) ? basename(value) : value;
  return JSON.parse(JSON.stringify(settings, named));
}

/** Other models that a configuration names by their folders. */
function folders(settings: Readonly<Record<string, unknown>>): string[] {
  const member = (of: unknown): unknown => (of as { model?: unknown } | undefined)?.model;
  const { reference, reward, critic, merging } = settings;
  const base = (merging as { base?: unknown } | undefined)?.base;
  return [reference, member(reference), member(reward), member(critic), base].filter(
    (path) => typeof path === 'string',
  );
}

/** Shards of pretraining text that a configuration names. */
function shardFoldersOf(settings: Readonly<Record<string, unknown>>): string[] {
  const shards = (settings['pretraining'] as { shards?: unknown } | undefined)?.shards ?? [];
  const list = (Array.isArray(shards) ? shards : [shards]) as (string | { path: string })[];
  return list.map((source) => (typeof source === 'string' ? source : source.path));
}

/** A manifest has the checksums of its shards. */
function manifestsIn(folder: string): unknown[] {
  const places = ['', ...SPLIT_NAMES].map((side) => join(folder, side, MANIFEST_NAME));
  return places.filter((path) => existsSync(path)).map((path) => xxh64Hex(readFileSync(path)));
}

/** A file by its content, a folder by its members' sizes and times, a word by itself. */
function fileKey(path: unknown): unknown[] {
  if (typeof path !== 'string') return [];
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [path];
  if (found.isFile()) return [xxh64Hex(readFileSync(path))];
  return readdirSync(path)
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(path, name));
      return [name, size, mtimeMs];
    });
}
