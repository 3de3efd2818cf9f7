/**
 * The list `align` of a pipeline: each item against the schema of its stage, then the chain as a whole: what each one begins with,
 * what scores, whose tokenizer it is. All that can be known before anything runs is checked here, so that nobody trains for an hour
 * and then learns that a reward model is missing.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import type { AnswerSettings } from '../../align/answers.ts';
import { withAbsoluteOnlinePaths } from '../../align/config/online-files.ts';
import type { OnlineConfigs } from '../../align/config/online-schema.ts';
import { withAbsoluteStagePaths } from '../../align/config/stage-files.ts';
import { programReward, rewardNames } from '../../align/rewards.ts';
import { isCorpusmillError } from '../../core/errors.ts';
import { findConfig } from '../../models/known-configs.ts';
import { openModel } from '../../training/config/open-model.ts';
import { type PlannedConfig, planTraining } from '../../training/config/plan.ts';
import type { TrainConfig } from '../../training/config/schema.ts';
import { modelFolder } from '../../training/run-folder.ts';
import type { AlignLink, AlignStage, PipelineAlignment, StageInstance } from '../pipeline.ts';
import { chainPretraining } from './align-pretraining.ts';
import {
  ALIGN_BLOCK_SCHEMAS,
  ALIGN_STAGES,
  type AlignBlocks,
  type AlignStageKind,
  askedOf,
  isOnline,
  type PromptsBlock,
} from './align-schema.ts';
import { checkValue } from './check.ts';
import { type ConfigPath, describeValue, type IssueCollector, quote } from './issues.ts';
import { stageNameSchema } from './schema.ts';
import { addMistakes, type Locate } from './stages.ts';
import { nearestName } from './suggest.ts';
import { TRAIN_OUTPUT } from './train-block.ts';

/** The folder of all stages' runs below `output/`; no stage of a pipeline that aligns has this name. */
export const ALIGN_OUTPUT = 'align';

/** Where the items stand. */
export interface AlignContext {
  readonly name: string;
  readonly seed: number;
  readonly baseDir: string;
  /** The run directory. */
  readonly output: string;
  readonly stages: readonly StageInstance[];
  /** The pipeline has a `train` block. */
  readonly trains: boolean;
  /** The stage whose shards it reads. */
  readonly trainShards: string | undefined;
}

/** An item whose stage is known. */
interface Item {
  readonly index: number;
  readonly stage: AlignStageKind;
  readonly name: string;
  /** It has a `name` of its own. */
  readonly named: boolean;
  /** Undefined where its options are mistaken. */
  readonly options: AlignBlocks[AlignStageKind] | undefined;
}

/** Checks the items and puts them together; undefined where a mistake was added. */
export function checkAlignBlock(
  raw: readonly unknown[],
  prompts: PromptsBlock | undefined,
  context: AlignContext,
  locate: Locate,
  issues: IssueCollector,
): PipelineAlignment | undefined {
  const before = issues.issues.length;
  const items = raw.flatMap((item, index) => checkItem(item, index, locate, issues) ?? []);
  checkNames(items, context, locate, issues);
  const stages: AlignStage[] = [];
  for (const item of items) {
    if (item.options === undefined) continue;
    const earlier = items.slice(0, items.indexOf(item));
    const found = chainItem(item, item.options, earlier, context, locate, issues);
    if (found !== undefined) stages.push(found);
  }
  if (issues.issues.length > before) return undefined;
  return { stages, ...(prompts !== undefined && { asked: answerSettings(prompts) }) };
}

function answerSettings(block: PromptsBlock): AnswerSettings {
  const { ask, ...settings } = askedOf(block);
  return { prompts: ask, ...settings };
}

function checkItem(raw: unknown, index: number, locate: Locate, issues: IssueCollector): Item | undefined {
  const at: ConfigPath = ['align', index];
  const add = (path: ConfigPath, found: string, expected: string, suggestion?: string): undefined => {
    issues.add(locate(path), path, { found, expected, suggestion });
    return undefined;
  };
  const names = ALIGN_STAGES.join(', ');
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return add(at, describeValue(raw), "a stage of alignment: 'stage: NAME' and its options");
  }
  const { stage, name, ...options } = raw as Record<string, unknown>;
  if (!ALIGN_STAGES.some((known) => known === stage)) {
    const found = stage === undefined ? `no 'stage' in ${describeValue(raw)}` : describeValue(stage);
    const near = typeof stage === 'string' ? nearestName(stage, ALIGN_STAGES) : undefined;
    return add([...at, 'stage'], found, `one of ${names}`, near);
  }
  const kind = stage as AlignStageKind;
  const checkedName = checkValue(stageNameSchema, name);
  addMistakes(checkedName.mistakes, [...at, 'name'], locate, issues);
  const checked = checkValue(ALIGN_BLOCK_SCHEMAS[kind] as z.ZodType<AlignBlocks[AlignStageKind]>, options, 'option');
  addMistakes(checked.mistakes, at, locate, issues);
  return { index, stage: kind, name: checkedName.value ?? kind, named: name !== undefined, options: checked.value };
}

function checkNames(
  items: readonly Item[],
  { stages, trains }: AlignContext,
  locate: Locate,
  issues: IssueCollector,
): void {
  const add = (path: ConfigPath, found: string, expected: string): void =>
    issues.add(locate(path), path, { found, expected });
  for (const { index, name, named } of items) {
    const earlier = items.find((other) => other.name === name)!;
    if (earlier.index < index) {
      const { line } = locate(['align', earlier.index]);
      const where = line === undefined ? `align.${earlier.index}` : `line ${line}`;
      add(
        ['align', index, named ? 'name' : 'stage'],
        `a second alignment stage named ${quote(name)} (the first: ${where})`,
        "a 'name' of its own",
      );
    }
    if (name === TRAIN_OUTPUT && trains) {
      add(['align', index, 'name'], "an alignment stage named 'train' beside the block 'train'", 'another name');
    }
  }
  const taken = stages.findIndex(({ name }) => name === ALIGN_OUTPUT);
  if (taken >= 0) add(['stages', taken], "a stage named 'align' beside the list 'align'", "a 'name' of its own");
}

/** An item with what it takes from others found, or undefined where that cannot be. */
function chainItem(
  item: Item,
  options: AlignBlocks[AlignStageKind],
  earlier: readonly Item[],
  context: AlignContext,
  locate: Locate,
  issues: IssueCollector,
): AlignStage | undefined {
  const { index, stage } = item;
  const before = issues.issues.length;
  const add = (path: ConfigPath, found: string, expected: string, suggestion?: string): void =>
    issues.add(locate(['align', index, ...path]), ['align', index, ...path], { found, expected, suggestion });
  const attempt = (path: ConfigPath, found: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      if (!isCorpusmillError(error)) throw error;
      const what = error.message.replace(
        /^(?:the (?:training configuration|model configuration \S+)|reward \S+): /,
        '',
      );
      const advice = (error.hint ?? '').replace(/^\w/, (letter) => letter.toLowerCase()).replace(/\.$/, '');
      const full = ['align', index, ...path];
      issues.add(locate(full), full, { found, message: advice === '' ? what : `${what}; ${advice}` });
    }
  };
  const links: AlignLink[] = [];
  const { from: named, model: given, ...rest } = options as AlignBlocks['ppo'] & AlignBlocks['dpo'];
  const start = startOf(item, { named, given }, earlier, context, add);
  let model: TrainConfig['model'] = '';
  if (typeof start === 'string') links.push({ member: 'model', from: start });
  else if (start !== undefined) {
    const given = typeof start.model === 'string' ? start.model : start.model.from;
    attempt(['model'], quote(given), () => {
      model = withAbsoluteModel(start.model, context.baseDir);
      const word = typeof model === 'string' ? model : model.from;
      openModel(model, { vocabSize: 1, sequenceLength: 1, ...(stage === 'reward' && { head: 'score' as const }) });
      if (rest.data.tokenizer !== undefined || 'shards' in rest.data) return;
      const folder = dirname(findConfig(word).path);
      if (TOKENIZER_FILES.some((name) => existsSync(join(folder, name)))) return;
      const maker = context.stages.findLast(({ definition }) => definition.name === 'tokenizer.train');
      if (maker !== undefined) links.push({ member: 'data.tokenizer', from: maker.name });
      else {
        const expected = "the tokenizer that its ids are of, or the stage 'tokenizer.train' among the stages";
        add(['data'], `no 'tokenizer', and the model ${quote(word)} has none beside it`, expected);
      }
    });
  }
  const filled: Record<string, unknown> = { ...rest, model, seed: rest.seed ?? context.seed | 0 };
  if (isOnline(stage)) filled['reward'] = rewardOf(options as AlignBlocks['ppo'], earlier, links, add, attempt);
  namedModels(filled, earlier, context, links);
  chainPretraining(filled, context, links, add);
  checkData(stage, rest.data as Record<string, unknown>, add);
  if (!isOnline(stage)) {
    // How many tokens there are is not known yet: enough that a number of epochs counts as an end.
    const { sequenceLength = 1024 } = rest.batch as { sequenceLength?: number };
    const planned = filled as unknown as PlannedConfig;
    const whole = rest.batch as { sequenceLength?: number; tokensPerStep?: number };
    if (whole.sequenceLength !== undefined || whole.tokensPerStep === undefined) {
      attempt([], 'settings that do not go together', () => planTraining(planned, { sequenceLength, tokens: 2 ** 40 }));
    }
  }
  if (issues.issues.length > before || start === undefined) return undefined;
  const place = { folder: context.baseDir, name: item.name, cwd: context.baseDir };
  const placed = { ...filled, name: item.name, output: join(context.output, 'output', ALIGN_OUTPUT, item.name) };
  let config: AlignStage['config'] | undefined;
  attempt([], 'a model that is not there', () => {
    config = isOnline(stage)
      ? withAbsoluteOnlinePaths(placed as unknown as OnlineConfigs[typeof stage], place)
      : withAbsoluteStagePaths(placed as never, place);
  });
  if (config === undefined) return undefined;
  const from = typeof start === 'string' ? start : typeof start.model === 'string' ? start.model : start.model.from;
  return { name: item.name, stage, from, links, config } as AlignStage;
}

const TOKENIZER_FILES = ['tokenizer.json', 'vocab.json', 'tokenizer.model', 'tokenizer.tiktoken'];

type Add = (path: ConfigPath, found: string, expected: string, suggestion?: string) => void;

/** The stage that an item begins with, or the model that is given; undefined where it is neither. */
function startOf(
  { stage, options }: Item,
  { named, given }: { named: string | undefined; given: TrainConfig['model'] | undefined },
  earlier: readonly Item[],
  { trains }: AlignContext,
  add: Add,
): string | { model: TrainConfig['model'] } | undefined {
  if (named !== undefined && given !== undefined) {
    add(['from'], "'from' beside 'model'", 'one of them');
    return undefined;
  }
  if (given !== undefined) return { model: given };
  const policies = earlier.filter((one) => one.stage !== 'reward');
  if (named === undefined) {
    // A reward model begins with what has been taught, not with what a reward model has already shaped.
    const taught = stage === 'reward' ? policies.filter((one) => one.stage === 'sft') : policies;
    const start = taught.at(-1)?.name ?? (trains ? TRAIN_OUTPUT : policies.at(-1)?.name);
    if (start === undefined) {
      const found = `no 'model', and nothing before it that leaves one`;
      add(['stage'], found, "a 'model': a name of configs/models or a folder, or the block 'train'");
    }
    return start;
  }
  if (named === TRAIN_OUTPUT && trains) return named;
  const start = earlier.find(({ name }) => name === named);
  const names = [...(trains ? [TRAIN_OUTPUT] : []), ...earlier.map(({ name }) => name)];
  if (start === undefined) {
    const expected = names.length === 0 ? 'a stage before this one: there is none' : `one of ${names.join(', ')}`;
    add(['from'], quote(named), expected, nearestName(named, names));
    return undefined;
  }
  if (start.stage === 'reward' && stage !== 'reward') {
    add(['from'], `${quote(named)}, a reward model`, 'a stage that leaves a policy');
    return undefined;
  }
  return options === undefined ? undefined : named;
}

/** What scores, in the form of the stage's own configuration. */
function rewardOf(
  { reward }: AlignBlocks['ppo'],
  earlier: readonly Item[],
  links: AlignLink[],
  add: Add,
  attempt: (path: ConfigPath, found: string, act: () => void) => void,
): unknown {
  const models = earlier.filter(({ stage }) => stage === 'reward').map(({ name }) => name);
  const program = (name: string, options: Record<string, unknown>, path: ConfigPath): void => {
    if (!rewardNames().includes(name)) {
      const known = [...models, ...rewardNames()];
      add(path, quote(name), `a reward stage before or a program: ${known.join(', ')}`, nearestName(name, known));
    } else attempt(['reward', 'options'], describeValue(options), () => void programReward(name, options));
  };
  const linked = (name: string): unknown => {
    links.push({ member: 'reward.model', from: name });
    return { options: {} };
  };
  if (reward === undefined) {
    const last = models.at(-1);
    if (last !== undefined) return linked(last);
    add(
      ['stage'],
      "no 'reward', and no reward model before it",
      "a 'reward' item before, or 'reward: {program: NAME}'",
    );
    return undefined;
  }
  if (typeof reward === 'string') {
    if (models.includes(reward)) return linked(reward);
    program(reward, {}, ['reward']);
    return { program: reward, options: {} };
  }
  if ((reward.model === undefined) === (reward.program === undefined)) {
    const found = reward.model === undefined ? "neither 'model' nor 'program'" : "both 'model' and 'program'";
    add(['reward'], found, 'one of them');
    return undefined;
  }
  if (reward.program !== undefined) program(reward.program, reward.options, ['reward', 'program']);
  else if (models.includes(reward.model!)) return linked(reward.model!);
  return reward;
}

/** References, critics and bases of merging may be named too: by an earlier stage in place of a folder. */
function namedModels(
  filled: Record<string, unknown>,
  earlier: readonly Item[],
  { trains }: AlignContext,
  links: AlignLink[],
): void {
  const isNamed = (word: unknown): word is string =>
    typeof word === 'string' && ((trains && word === TRAIN_OUTPUT) || earlier.some(({ name }) => name === word));
  const { reference, critic, merging } = filled as {
    reference?: unknown;
    critic?: { model?: unknown };
    merging?: { base?: unknown };
  };
  if (isNamed(merging?.base)) {
    links.push({ member: 'merging.base', from: merging.base });
    filled['merging'] = { ...merging, base: undefined };
  }
  if (isNamed(reference)) {
    links.push({ member: 'reference', from: reference });
    delete filled['reference'];
  }
  const inner = (reference as { model?: unknown } | undefined)?.model;
  if (isNamed(inner)) {
    links.push({ member: 'reference.model', from: inner });
    filled['reference'] = { ...(reference as object), model: undefined };
  }
  if (isNamed(critic?.model)) {
    links.push({ member: 'critic.model', from: critic.model });
    filled['critic'] = { ...critic, model: undefined };
  }
}

function checkData(stage: AlignStageKind, data: Record<string, unknown>, add: Add): void {
  const has = (member: string): boolean => data[member] !== undefined;
  if (stage === 'sft' && has('conversations') === has('shards')) {
    const found = has('shards') ? "both 'conversations' and 'shards'" : "neither 'conversations' nor 'shards'";
    add(['data'], found, 'one of them');
  }
  if (has('validation') && has('validationShare')) {
    add(['data', 'validationShare'], "'validationShare' beside 'validation'", 'one of them');
  }
}

function withAbsoluteModel(model: TrainConfig['model'], folder: string): TrainConfig['model'] {
  const at = (word: string): string =>
    existsSync(resolve(folder, word)) ? modelFolder(resolve(folder, word), 'model') : word;
  if (typeof model !== 'string') return { ...model, from: at(model.from) };
  // A model that begins anew takes the vocabulary of its tokenizer unless it is told not to.
  return { from: at(model), set: {}, fitVocabulary: true, fresh: false };
}
