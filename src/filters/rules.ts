/**
 * Rule filters: an ordered list of rules, each a number measured on the document beside a limit. The first broken rule
 * drops the document. One list serves both the decision and its explanation, so the two cannot disagree.
 *
 * Cost: one call per rule and document; whatever walks the text belongs into the TextView, where filters share it.
 */
import type { Document } from '../core/document.ts';
import { drop, KEEP, type MapStage, type Measurement } from '../core/stage.ts';
import { type TextView, textView } from '../text/view.ts';

export interface Rule {
  /** The drop reason. */
  reason: string;
  /** Measured value. NaN breaks no limit. */
  measure(view: TextView, document: Document): number;
  /** Smallest allowed value; null or absent: none. */
  min?: number | null;
  /** Largest allowed value; null or absent: none. */
  max?: number | null;
}

/** A map stage that tests `rules` in order; rules without a limit are left out. */
export function ruleStage(rules: readonly Rule[]): MapStage {
  const active = rules.filter(({ min, max }) => (min ?? max ?? null) !== null);
  return {
    process(document) {
      const view = textView(document.text);
      for (const rule of active) {
        const value = rule.measure(view, document);
        const broken = brokenLimit(rule, value);
        if (broken !== undefined) return drop(rule.reason, value, broken);
      }
      return KEEP;
    },
    explain(document) {
      const view = textView(document.text);
      return active.map((rule) => explainRule(rule, rule.measure(view, document)));
    },
  };
}

function brokenLimit(rule: Rule, value: number): number | undefined {
  const { min, max } = rule;
  if (min !== undefined && min !== null && value < min) return min;
  if (max !== undefined && max !== null && value > max) return max;
  return undefined;
}

function explainRule(rule: Rule, value: number): Measurement {
  return {
    rule: rule.reason,
    value,
    ...(rule.min !== undefined && rule.min !== null && { min: rule.min }),
    ...(rule.max !== undefined && rule.max !== null && { max: rule.max }),
    broken: brokenLimit(rule, value) !== undefined,
  };
}
