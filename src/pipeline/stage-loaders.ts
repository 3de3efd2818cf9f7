/**
 * Every stage there is, and where it is declared. A stage that is not listed here does not exist for YAML, for `corpusmill
 * stages`, for the JSON Schema or for a worker; adding one is a line here. The order is that of the help: as a pipeline
 * would use them. A stage's file is loaded when it is first asked for, so a run and its workers load those that they use.
 */
import type { StageDefinition } from '../core/stage.ts';

/** Stages by registered name, in the order of the help. */
export type StageRegistry = ReadonlyMap<string, StageDefinition>;

const LOADERS: Record<string, () => Promise<StageDefinition>> = {
  'extract.html': async () => (await import('../filters/extract-html.ts')).extractHtml,
  repair: async () => (await import('../filters/repair/repair.ts')).repair,
  normalize: async () => (await import('../filters/normalize.ts')).normalize,
  'normalize.chinese': async () => (await import('../filters/chinese/normalize-chinese.ts')).normalizeChinese,
  'clean.boilerplate-lines': async () => (await import('../filters/boilerplate/boilerplate-lines.ts')).boilerplateLines,
  'clean.symbol-lines': async () => (await import('../filters/symbol-lines.ts')).symbolLines,
  'clean.simplify': async () => (await import('../filters/simplify.ts')).simplify,
  langid: async () => (await import('../quality/langid.ts')).langid,
  'filter.url': async () => (await import('../filters/url/url.ts')).url,
  'filter.regex': async () => (await import('../filters/regex.ts')).regex,
  'filter.gopher-quality': async () => (await import('../filters/gopher-quality.ts')).gopherQuality,
  'filter.gopher-repetition': async () => (await import('../filters/gopher-repetition.ts')).gopherRepetition,
  'filter.c4': async () => (await import('../filters/c4.ts')).c4,
  'filter.c4-paragraph': async () => (await import('../filters/c4-paragraph.ts')).c4Paragraph,
  'filter.dclm': async () => (await import('../filters/dclm/dclm.ts')).dclm,
  'filter.refinedweb-lines': async () => (await import('../filters/dclm/refinedweb-lines.ts')).refinedwebLines,
  'filter.bad-words': async () => (await import('../filters/bad-words.ts')).badWords,
  'filter.word-ratio': async () => (await import('../filters/word-ratio.ts')).wordRatio,
  'filter.fineweb': async () => (await import('../filters/fineweb.ts')).fineweb,
  'filter.nemo': async () => (await import('../filters/nemo/stage.ts')).nemo,
  'filter.chinese': async () => (await import('../filters/chinese/filter-chinese.ts')).filterChinese,
  'filter.text-statistics': async () => (await import('../filters/text-statistics.ts')).textStatistics,
  'filter.code-statistics': async () => (await import('../filters/code-statistics.ts')).codeStatistics,
  'annotate.redpajama-v2': async () => (await import('../filters/redpajama/redpajama-v2.ts')).redpajamaV2,
  'filter.meta': async () => (await import('../filters/meta.ts')).metaFilter,
  'filter.tokens': async () => (await import('../tokenizer/tokens-filter.ts')).tokensFilter,
  redact: async () => (await import('../filters/pii/redact.ts')).redact,
  'filter.decontaminate': async () => (await import('../filters/decontaminate/decontaminate.ts')).decontaminate,
  'dedup.exact': async () => (await import('../dedup/exact.ts')).exact,
  'dedup.minhash': async () => (await import('../dedup/minhash/stage.ts')).minhash,
  'dedup.simhash': async () => (await import('../dedup/simhash/stage.ts')).simhash,
  'dedup.lines': async () => (await import('../dedup/pieces/stages.ts')).lines,
  'dedup.paragraphs': async () => (await import('../dedup/pieces/stages.ts')).paragraphs,
  'dedup.sentences': async () => (await import('../dedup/pieces/stages.ts')).sentences,
  'dedup.substring': async () => (await import('../dedup/substring/stage.ts')).substring,
  'quality.train': async () => (await import('../quality/training/train-stage.ts')).qualityTrain,
  'quality.score': async () => (await import('../quality/score-stage.ts')).qualityScore,
  'filter.threshold': async () => (await import('../quality/selection/threshold-stage.ts')).threshold,
  'quality.human-review': async () => (await import('../quality/review/review-stage.ts')).humanReview,
  'quality.evaluate': async () => (await import('../quality/evaluate-stage.ts')).qualityEvaluate,
  compare: async () => (await import('../dedup/compare/stage.ts')).compare,
  repeat: async () => (await import('../mix/repeat.ts')).repeat,
  mix: async () => (await import('../mix/mix.ts')).mix,
  'tokenizer.train': async () => (await import('../tokenizer/train-stage.ts')).tokenizerTrain,
  shards: async () => (await import('../shards/stage.ts')).shardsStage,
  write: async () => (await import('../io/write-stage.ts')).writeStage,
};

/** The registered names. */
export function stageNames(): string[] {
  return Object.keys(LOADERS);
}

/** The stage of that name, or undefined where there is none. */
export async function loadStage(name: string): Promise<StageDefinition | undefined> {
  return Object.hasOwn(LOADERS, name) ? LOADERS[name]() : undefined;
}

/** The registered ones among the stages of these names. */
export async function loadStages(names: Iterable<string>): Promise<StageRegistry> {
  const found = await Promise.all([...new Set(names)].map(loadStage));
  return registryOf(found.filter((definition) => definition !== undefined));
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
