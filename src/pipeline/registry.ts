/**
 * Every stage there is. A stage that is not listed here does not exist for YAML, for `corpusmill stages`, for the JSON
 * Schema or for a worker; adding one is a line here. The order is that of the help: as a pipeline would use them.
 */
import type { StageDefinition } from '../core/stage.ts';
import { exact } from '../dedup/exact.ts';
import { minhash } from '../dedup/minhash/stage.ts';
import { badWords } from '../filters/bad-words.ts';
import { boilerplateLines } from '../filters/boilerplate/boilerplate-lines.ts';
import { c4 } from '../filters/c4.ts';
import { c4Paragraph } from '../filters/c4-paragraph.ts';
import { filterChinese } from '../filters/chinese/filter-chinese.ts';
import { normalizeChinese } from '../filters/chinese/normalize-chinese.ts';
import { codeStatistics } from '../filters/code-statistics.ts';
import { dclm } from '../filters/dclm/dclm.ts';
import { refinedwebLines } from '../filters/dclm/refinedweb-lines.ts';
import { decontaminate } from '../filters/decontaminate/decontaminate.ts';
import { extractHtml } from '../filters/extract-html.ts';
import { fineweb } from '../filters/fineweb.ts';
import { gopherQuality } from '../filters/gopher-quality.ts';
import { gopherRepetition } from '../filters/gopher-repetition.ts';
import { metaFilter } from '../filters/meta.ts';
import { nemo } from '../filters/nemo/stage.ts';
import { normalize } from '../filters/normalize.ts';
import { redact } from '../filters/pii/redact.ts';
import { redpajamaV2 } from '../filters/redpajama/redpajama-v2.ts';
import { regex } from '../filters/regex.ts';
import { repair } from '../filters/repair/repair.ts';
import { simplify } from '../filters/simplify.ts';
import { symbolLines } from '../filters/symbol-lines.ts';
import { textStatistics } from '../filters/text-statistics.ts';
import { url } from '../filters/url/url.ts';
import { wordRatio } from '../filters/word-ratio.ts';
import { writeStage } from '../io/write-stage.ts';
import { mix } from '../mix/mix.ts';
import { repeat } from '../mix/repeat.ts';
import { langid } from '../quality/langid.ts';
import { shardsStage } from '../shards/stage.ts';
import { tokensFilter } from '../tokenizer/tokens-filter.ts';
import { tokenizerTrain } from '../tokenizer/train-stage.ts';

/** Stages by registered name, in the order of the help. */
export type StageRegistry = ReadonlyMap<string, StageDefinition>;

const REGISTRY = registryOf([
  extractHtml,
  repair,
  normalize,
  normalizeChinese,
  boilerplateLines,
  symbolLines,
  simplify,
  langid,
  url,
  regex,
  gopherQuality,
  gopherRepetition,
  c4,
  c4Paragraph,
  dclm,
  refinedwebLines,
  badWords,
  wordRatio,
  fineweb,
  nemo,
  filterChinese,
  textStatistics,
  codeStatistics,
  redpajamaV2,
  metaFilter,
  tokensFilter,
  redact,
  decontaminate,
  exact,
  minhash,
  repeat,
  mix,
  tokenizerTrain,
  shardsStage,
  writeStage,
]);

/** All stages of this version of corpusmill. */
export function stageDefinitions(): StageRegistry {
  return REGISTRY;
}

/**
 * What a drop reason means, as its stage's declaration says it. Declarations name families of reasons as
 * `top_{n}_gram` (any number) and `exclude`, which also stands for `exclude:<the user's own name>`.
 */
export function describeReason(registry: StageRegistry, stage: string, reason: string): string | undefined {
  const reasons = registry.get(stage)?.reasons ?? {};
  if (Object.hasOwn(reasons, reason)) return reasons[reason];
  const family = Object.keys(reasons).find((name) => {
    const [before, after] = name.split('{n}');
    if (after === undefined) return reason.startsWith(`${name}:`);
    return (
      reason.startsWith(before) &&
      reason.endsWith(after) &&
      /^\d+$/.test(reason.slice(before.length, -after.length || undefined))
    );
  });
  return family === undefined ? undefined : reasons[family];
}

/** A registry of the given stages; two with one name are a defect. */
export function registryOf(definitions: readonly StageDefinition[]): StageRegistry {
  const registry = new Map<string, StageDefinition>();
  for (const definition of definitions) {
    if (registry.has(definition.name)) throw new Error(`two stages are registered as ${definition.name}`);
    registry.set(definition.name, definition);
  }
  return registry;
}
