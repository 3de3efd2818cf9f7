/**
 * Which bindings a dispatch needs. Operands in one buffer share a binding that spans them, because WebGPU refuses two
 * that overlap when either may write. Where the span is more than a binding may hold, the operands are bound apart, as
 * far as they lie apart; a single operand that is too large is the business of its lowering, which must cut it.
 */
import type { KernelPlace, KernelSource } from './kernel.ts';

export interface BindingLimits {
  /** Words that one binding may hold. */
  readonly maxBindingWords: number;
  /** Words to which the start of a binding is aligned. */
  readonly alignmentWords: number;
  readonly maxBindings: number;
}

/** A range of a buffer, in words. */
export interface BoundRange {
  readonly slot: number;
  readonly offset: number;
  length: number;
}

export interface Bindings {
  readonly ranges: readonly BoundRange[];
  /** For each operand: its range, and the word of it at which the operand begins. */
  readonly operands: readonly { readonly binding: number; readonly at: number }[];
}

/** Words that a kernel would have to see at once, more than a binding holds; executable.ts says which tensor they are of. */
export class OperandTooLarge extends RangeError {
  readonly place: Pick<KernelPlace, 'slot' | 'length'>;
  readonly limitWords: number;

  constructor(place: Pick<KernelPlace, 'slot' | 'length'>, limitWords: number) {
    super(`an operand of ${4 * place.length} bytes is more than the ${4 * limitWords} that a binding holds`);
    this.place = place;
    this.limitWords = limitWords;
  }
}

/** Throws OperandTooLarge where an operand is larger than a binding, a RangeError where there are too many of them. */
export function bind(
  kernel: KernelSource,
  places: Readonly<Record<string, KernelPlace>>,
  limits: BindingLimits,
): Bindings {
  const wanted = kernel.operands.map(({ name }) => {
    const place = places[name];
    if (place === undefined) throw new TypeError(`kernel ${kernel.name}: there is no place for its operand ${name}`);
    return place;
  });
  const ranges: BoundRange[] = [];
  const bindingOf = new Map<KernelPlace, number>();
  for (const slot of [...new Set(wanted.map((place) => place.slot))]) {
    const inSlot = wanted.filter((place) => place.slot === slot).sort((a, b) => a.offset - b.offset);
    const bound = cover(inSlot, limits);
    for (const place of inSlot) {
      const index = bound.findIndex(({ offset, length }) => place.offset >= offset && endOf(place) <= offset + length);
      bindingOf.set(place, ranges.length + index);
    }
    ranges.push(...bound);
  }
  if (ranges.length > limits.maxBindings) {
    throw new RangeError(
      `kernel ${kernel.name} needs ${ranges.length} bindings, the adapter has ${limits.maxBindings}`,
    );
  }
  const operands = wanted.map((place) => {
    const binding = bindingOf.get(place) as number;
    return { binding, at: place.offset - ranges[binding].offset };
  });
  return { ranges, operands };
}

/** Disjoint ranges of one buffer that cover its places (in order of offset): one if a binding can hold it. */
function cover(places: readonly KernelPlace[], limits: BindingLimits): BoundRange[] {
  const { slot } = places[0];
  const begin = (place: KernelPlace): number => place.offset - (place.offset % limits.alignmentWords);
  const end = places.reduce((most, place) => Math.max(most, endOf(place)), 0);
  const first = begin(places[0]);
  if (end - first <= limits.maxBindingWords) return [{ slot, offset: first, length: end - first }];
  const ranges: BoundRange[] = [];
  for (const place of places) {
    const last = ranges.at(-1);
    const lastEnd = last === undefined ? 0 : last.offset + last.length;
    if (last !== undefined && begin(place) < lastEnd) last.length = Math.max(lastEnd, endOf(place)) - last.offset;
    else ranges.push({ slot, offset: begin(place), length: endOf(place) - begin(place) });
  }
  for (const range of ranges) {
    if (range.length > limits.maxBindingWords) throw new OperandTooLarge(range, limits.maxBindingWords);
  }
  return ranges;
}

/** At least one word: a binding must not be empty. */
function endOf({ offset, length }: KernelPlace): number {
  return offset + Math.max(length, 1);
}
