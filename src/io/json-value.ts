/** Values that columnar readers hand out, as the JSON values that `meta` may hold. */
import { setOwn } from './record.ts';

/**
 * The JSON form of a value, or undefined for what has none (bytes, functions). Integers beyond 2^53 become decimal
 * strings, dates ISO 8601 strings, and NaN and infinities null as JSON.stringify has it.
 */
export function toJsonValue(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null || value === undefined) return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (typeof value !== 'object' || value instanceof Uint8Array) return undefined;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return Array.from(value as Iterable<unknown>, (member) => toJsonValue(member) ?? null);
  }
  if (value instanceof Map) return toJsonValue(Object.fromEntries(value));
  const inner = (value as { toJSON?: () => unknown }).toJSON;
  if (typeof inner === 'function') return toJsonValue(inner.call(value));
  const members: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const json = toJsonValue(member);
    if (json !== undefined) setOwn(members, key, json);
  }
  return members;
}
