/** The first `units` UTF-16 units of a text, not through the middle of a surrogate pair. */
export function firstUnits(text: string, units: number): string {
  if (text.length <= units) return text;
  return text.slice(0, (text.charCodeAt(units - 1) & 0xfc00) === 0xd800 ? units - 1 : units);
}
