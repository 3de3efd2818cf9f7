/**
 * StarCoder's rules for source code: no file with long lines or few letters and digits, which are data or generated.
 *
 * Source: Li et al. 2023, "StarCoder: may the source be with you!" (arXiv:2305.06161), section 3.1, as its preprocessing
 * code counts: lines are Python's `splitlines()`, their mean length is without line ends; after Codex (Chen et al. 2021,
 * arXiv:2107.03374, 3.1), which has the same limits for lines. All further rules of `filter.text-statistics` are there, off.
 */
import { defineMap } from '../core/stage.ts';
import { ruleStage } from './rules.ts';
import { STATISTICS_REASONS, statisticsOptions, statisticsRules } from './statistics-rules.ts';

export const codeStatistics = defineMap({
  kind: 'map',
  name: 'filter.code-statistics',
  summary: 'Drop source files with long lines or few letters and digits.',
  source: 'Li et al. 2023, StarCoder (arXiv:2305.06161), 3.1',
  version: 1,
  options: statisticsOptions({ maxMeanLineLength: 100, maxLineLength: 1000, minAlphanumeric: 0.25 }, 'StarCoder'),
  reasons: STATISTICS_REASONS,
  create: (given) => ruleStage(statisticsRules(given, 'left out')),
});
