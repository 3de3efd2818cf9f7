/** `convention: dclm` of `filter.gopher-quality` and `filter.gopher-repetition`: their options and reasons, DCLM's counting. */
import type { MapStage } from '../../core/stage.ts';
import { ruleStage } from '../rules.ts';
import { type QualityLimits, qualityRules } from './quality-rules.ts';
import { type RepetitionLimits, repetitionRules } from './repetition-rules.ts';

const REASONS = {
  short: 'gopher_short_doc',
  long: 'gopher_long_doc',
  shortWords: 'gopher_below_avg_threshold',
  longWords: 'gopher_above_avg_threshold',
  symbols: 'gopher_too_many_symbols',
  bullets: 'gopher_too_many_bullets',
  ellipses: 'gopher_too_many_end_ellipsis',
  alpha: 'gopher_below_alpha_threshold',
  stopWords: 'gopher_enough_stop_words',
};

/** Gopher's quality rules as DCLM counts them. */
export function dclmGopherQuality(limits: QualityLimits): MapStage {
  return ruleStage(qualityRules(limits, REASONS));
}

/** Gopher's repetition rules as DCLM counts them. */
export function dclmGopherRepetition(limits: RepetitionLimits): MapStage {
  return ruleStage(repetitionRules(limits));
}
