/**
 * One value against one zod schema, with every mistake in words. Sizes (`4MiB`) become bytes first.
 *
 * zod says where and what kind; the words come from the JSON Schema of the same type, so that "expected" always states
 * the whole rule (`a whole number from 1 to 100`) and not just the half that was broken. Keys that the schema does not
 * know are found here by walking the data beside the JSON Schema: whether a stage's author wrote z.object (which drops
 * them in silence) or z.strictObject, an unknown key is a mistake.
 */
import type { z } from 'zod';
import type { ConfigPath, Mistake } from './issues.ts';
import { describeValue, quote } from './issues.ts';
import { inputJsonSchema, isSize, type JsonSchema, schemaAt, typePhrase } from './phrases.ts';
import { parseSize } from './sizes.ts';
import { nearestName } from './suggest.ts';

/** A mistake relative to the value that was checked. */
export interface ValueMistake extends Mistake {
  path: ConfigPath;
  /** What is to be pointed at: the key itself when it should not be there. */
  at: 'key' | 'value';
}

export type Checked<T> = { value: T; mistakes: [] } | { value: undefined; mistakes: ValueMistake[] };

/**
 * Parses `value` by `schema`.
 *
 * @param keyNoun what a key of the value is called: `key`, `option`
 */
export function checkValue<T>(schema: z.ZodType<T>, value: unknown, keyNoun = 'key'): Checked<T> {
  const json = inputJsonSchema(schema);
  const inBytes = readSizes(json, value);
  const mistakes: ValueMistake[] = [];
  unknownKeys(json, value, [], keyNoun, mistakes);
  const result = schema.safeParse(inBytes, { reportInput: true });
  if (!result.success) for (const issue of result.error.issues) report(issue, [], json, value, keyNoun, mistakes);
  if (result.success && mistakes.length === 0) return { value: result.data, mistakes: [] };
  return { value: undefined, mistakes: mistakes.filter((mistake) => !isMisspelt(mistake, mistakes, value)) };
}

/** A member that is missing only because its key is misspelt: the key is reported, and that is the mistake. */
function isMisspelt({ path, at }: ValueMistake, mistakes: readonly ValueMistake[], root: unknown): boolean {
  if (at === 'key' || valueAt(root, path) !== undefined) return false;
  const parent = path.slice(0, -1).join('.');
  return mistakes.some(
    (other) => other.at === 'key' && other.suggestion === path.at(-1) && other.path.slice(0, -1).join('.') === parent,
  );
}

/** Whole-number options named `…Bytes` take sizes: those are turned into numbers before zod sees them. */
function readSizes(json: JsonSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => (typeof json.items === 'object' ? readSizes(json.items, item) : item));
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => {
    const known = json.properties !== undefined && Object.hasOwn(json.properties, key);
    const schema = known ? json.properties![key] : json.additionalProperties;
    if (typeof schema !== 'object') return [key, member] as const;
    const bytes = isSize(schema) && typeof member === 'string' ? parseSize(member) : Number.NaN;
    return [key, Number.isNaN(bytes) ? readSizes(schema, member) : bytes] as const;
  });
  return Object.fromEntries(members);
}

function unknownKeys(
  union: JsonSchema,
  value: unknown,
  path: ConfigPath,
  noun: string,
  mistakes: ValueMistake[],
): void {
  const json = branchFor(union, value);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const schema = json.prefixItems?.[index] ?? json.items;
      if (typeof schema === 'object') unknownKeys(schema, item, [...path, index], noun, mistakes);
    }
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const { properties = {}, additionalProperties } = json;
  const names = Object.keys(properties);
  if (names.length === 0 && typeof additionalProperties !== 'object' && json.properties === undefined) return;
  for (const [key, member] of Object.entries(value)) {
    const schema = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (typeof schema === 'object') unknownKeys(schema, member, [...path, key], noun, mistakes);
    else if (schema !== true) mistakes.push(unknownKey(key, names, path, path.length === 0 ? noun : 'key'));
  }
}

/** Of a type with alternatives the one that a list or a mapping must have meant; where that is open, the type itself. */
function branchFor(json: JsonSchema, value: unknown): JsonSchema {
  if (typeof value !== 'object' || value === null) return json;
  const type = Array.isArray(value) ? 'array' : 'object';
  const fitting = (json.anyOf ?? json.oneOf ?? []).filter((branch) => branch.type === type);
  return fitting.length === 1 ? branchFor(fitting[0], value) : json;
}

const SHOWN_NAMES = 12;

function unknownKey(key: string, names: readonly string[], path: ConfigPath, noun: string): ValueMistake {
  const suggestion = nearestName(key, names);
  const shown = names.length > SHOWN_NAMES ? [...names.slice(0, SHOWN_NAMES), '…'] : names;
  const expected = names.length === 0 ? `no ${noun}s here` : `one of ${shown.join(', ')}`;
  return { path: [...path, key], at: 'key', found: `an unknown ${noun} ${quote(key)}`, expected, suggestion };
}

type ZodIssue = z.core.$ZodIssue;

function report(
  issue: ZodIssue,
  base: ConfigPath,
  json: JsonSchema,
  root: unknown,
  noun: string,
  mistakes: ValueMistake[],
): void {
  const path: ConfigPath = [...base, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
  if (issue.code === 'unrecognized_keys') {
    const names = namesAt(schemaAt(json, path));
    for (const key of issue.keys) {
      const mistake = unknownKey(key, names, path, path.length === 0 ? noun : 'key');
      const known = mistakes.some((m) => m.at === 'key' && m.path.join('.') === mistake.path.join('.'));
      if (!known) mistakes.push(mistake);
    }
    return;
  }
  if (issue.code === 'invalid_union') {
    // A branch that agrees with the value's own type and fails further in is the one that was meant.
    const deeper = issue.errors.find(
      (errors) => errors.length > 0 && errors.every((e) => e.path.length > 0 || e.code === 'unrecognized_keys'),
    );
    if (deeper !== undefined) {
      for (const inner of deeper) report(inner, path, json, root, noun, mistakes);
      return;
    }
  }
  const found = valueAt(root, path);
  const schema = schemaAt(json, path);
  const allowed = (schema?.enum ?? schema?.anyOf?.flatMap((branch) => branch.enum ?? [])) as unknown[] | undefined;
  const names = allowed?.filter((name) => typeof name === 'string') ?? [];
  mistakes.push({
    path,
    at: 'value',
    found: foundPhrase(found, schema),
    ...(isOwnWording(issue) || schema === undefined ? { message: issue.message } : { expected: typePhrase(schema) }),
    suggestion: typeof found === 'string' ? nearestName(found, names) : undefined,
  });
}

/** The keys that a mapping may have there, whichever alternative it is. */
function namesAt(schema: JsonSchema | undefined): string[] {
  const branches = schema?.anyOf ?? schema?.oneOf ?? [];
  return [...new Set([...Object.keys(schema?.properties ?? {}), ...branches.flatMap(namesAt)])];
}

function valueAt(root: unknown, path: ConfigPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** Whether a stage's author worded the message: zod's own all begin in one of a few ways, and say less than the type. */
function isOwnWording(issue: ZodIssue): boolean {
  return issue.code === 'custom' || !/^(Invalid|Too (small|big)|Unrecognized|Expected)/.test(issue.message);
}

/** `'12'` in quotes where a number belongs looks like a number in a message; say that it is a string. */
function foundPhrase(found: unknown, schema: JsonSchema | undefined): string {
  const branches = schema?.anyOf ?? [schema];
  const types = branches.flatMap((branch) => branch?.type ?? []);
  const wantsNumber = !types.includes('string') && (types.includes('integer') || types.includes('number'));
  return typeof found === 'string' && wantsNumber ? `the string ${quote(found)}` : describeValue(found);
}
