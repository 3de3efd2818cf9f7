/**
 * Data-Juicer's text statistics: alphanumeric and special characters, line lengths, repetition, lengths.
 *
 * Defaults are those of Data-Juicer's refinement recipe for English web text (redpajama-cc-2023-06-refine.yaml), whose
 * limits are mostly mean ± 3 standard deviations of that corpus; its order is changed to cheapest first, and what needs a model
 * (language, perplexity, flagged words) is left to other stages. They do not suit Chinese, which has no spaces: see
 * docs. How each value is counted: statistics-rules.ts. The measured values equal those of the peer's operators (bench/peers/statistics.py).
 */
import { defineMap } from '../core/stage.ts';
import { ruleStage } from './rules.ts';
import { STATISTICS_REASONS, statisticsOptions, statisticsRules } from './statistics-rules.ts';

export const textStatistics = defineMap({
  kind: 'map',
  name: 'filter.text-statistics',
  summary: 'Drop documents by text statistics: kinds of characters, line lengths, repetition, lengths.',
  source: 'Chen et al. 2024, Data-Juicer (arXiv:2309.02033); defaults of its redpajama-cc-2023-06-refine recipe',
  version: 1,
  options: statisticsOptions(
    {
      maxChars: 58_187,
      minAlphanumeric: 0.7508,
      maxAlphanumeric: 0.8591,
      minSpecial: 0.15,
      maxSpecial: 0.35,
      maxMeanLineLength: 1500,
      maxLineLength: 5000,
      maxCharRepetition: 0.3,
      minWords: 20,
      maxWords: 11_529,
      maxWordRepetition: 0.2962,
    },
    'Data-Juicer RedPajama-CC recipe',
  ),
  reasons: STATISTICS_REASONS,
  create: (given) => ruleStage(statisticsRules(given, 'included')),
});
