/** Elements of the page by their ids: one that is missing is a mistake of the page and said at once. */
export function element<T extends Element>(id: string, kind: abstract new (...args: never[]) => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new TypeError(`the page has no ${kind.name} #${id}`);
}

/** The number in a field; what is empty or out of its range is put right there first. */
export function numberIn(input: HTMLInputElement): number {
  const value = input.valueAsNumber;
  const { min, max, defaultValue } = input;
  const given = Number.isFinite(value) ? value : Number(defaultValue);
  const inRange = Math.min(max === '' ? given : Number(max), Math.max(min === '' ? given : Number(min), given));
  if (inRange !== value) input.valueAsNumber = inRange;
  return inRange;
}
