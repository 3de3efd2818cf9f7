/** An observer that leaves ids and sketches for an index behind what another observer leaves. */
import type { Observer } from '../../core/stage.ts';
import type { LikenessRule } from '../likeness.ts';
import { createAppendix } from './appendix.ts';
import type { IndexOptions } from './options.ts';
import { createSketcher } from './sketch.ts';

/** `rule` is that of the check; without one documents get no sketches. */
export function observeForIndex(
  observer: Observer,
  { writeIndex, sketchValues = 0 }: IndexOptions,
  rule?: LikenessRule,
): Observer {
  if (writeIndex === false) return observer;
  const appendix = createAppendix();
  const sketcher = rule === undefined ? undefined : createSketcher(rule, sketchValues);
  return {
    observe(document) {
      observer.observe(document);
      appendix.push(document.id, sketcher?.sketch(document.text));
    },
    finish: () => appendix.append(observer.finish()),
  };
}
