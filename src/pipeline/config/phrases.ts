/**
 * What a value should be, in words, from the JSON Schema of its type: `a whole number from 1 to 100`, `'all', 'none' or
 * a list of strings`. The same words stand in error messages ("expected …") and in `corpusmill stages`.
 */
import { z } from 'zod';
import { exactSize, SIZE_PATTERN, takesSize } from './sizes.ts';

/** The part of JSON Schema that zod writes. */
export interface JsonSchema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema | boolean;
  prefixItems?: JsonSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  examples?: unknown[];
  default?: unknown;
  description?: string;
  title?: string;
  [key: string]: unknown;
}

const converted = new WeakMap<z.ZodType, JsonSchema>();

/**
 * JSON Schema (draft 2020-12) of what may be written for a zod type, defaults and descriptions included. Made once per
 * type; not to be changed.
 */
export function inputJsonSchema(schema: z.ZodType): JsonSchema {
  const known = converted.get(schema);
  if (known !== undefined) return known;
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const made = withSizes(json as JsonSchema);
  converted.set(schema, made);
  return made;
}

/** Options named `…Bytes` take sizes beside numbers (sizes.ts); what editors and help are told has to agree. */
function withSizes(schema: JsonSchema): JsonSchema {
  const copy = { ...schema };
  if (typeof copy.items === 'object') copy.items = withSizes(copy.items);
  if (typeof copy.additionalProperties === 'object') copy.additionalProperties = withSizes(copy.additionalProperties);
  if (copy.properties === undefined) return copy;
  const members = Object.entries(copy.properties).map(([name, member]) => {
    if (!takesSize(name, member)) return [name, withSizes(member)];
    const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum, ...rest } = member;
    const size = { type: 'string', pattern: SIZE_PATTERN.source, patternErrorMessage: "a size such as '4MiB'" };
    const number = { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum };
    const initial = typeof rest.default === 'number' ? { default: exactSize(rest.default) } : {};
    return [name, { ...rest, ...initial, anyOf: [JSON.parse(JSON.stringify(number)), size] }];
  });
  copy.properties = Object.fromEntries(members) as Record<string, JsonSchema>;
  return copy;
}

/** The type in words. */
export function typePhrase(schema: JsonSchema): string {
  if (schema.title !== undefined) return schema.title;
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return either(branches.flatMap((b) => b.enum?.map(literal) ?? typePhrase(b)));
  if (schema.enum !== undefined) return either(schema.enum.map(literal));
  if (schema.const !== undefined) return literal(schema.const);
  if (Array.isArray(schema.type)) return either(schema.type.map((type) => typePhrase({ ...schema, type })));
  switch (schema.type) {
    case 'integer':
      return `a whole number${rangePhrase(schema)}`;
    case 'number':
      return `a number${rangePhrase(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'string':
      return stringPhrase(schema);
    case 'array':
      return listPhrase(schema);
    case 'object':
      return 'a mapping';
    default:
      return 'a value';
  }
}

/** The type in a few signs, for tables: `integer ≥ 1`, `all | none | string[]`, `size`. */
export function typeShort(schema: JsonSchema): string {
  if (isSize(schema)) return 'size';
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return [...new Set(branches.map(typeShort))].join(' | ');
  if (schema.enum !== undefined) return schema.enum.map(String).join(' | ');
  if (schema.const !== undefined) return String(schema.const);
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeShort({ ...schema, type })).join(' | ');
  if (schema.type === 'integer' || schema.type === 'number') {
    const { low, lowOpen, high, highOpen } = bounds(schema);
    if (low === undefined && high === undefined) return schema.type;
    if (high === undefined) return `${schema.type} ${lowOpen ? '>' : '≥'} ${low}`;
    if (low === undefined) return `${schema.type} ${highOpen ? '<' : '≤'} ${high}`;
    return `${schema.type} in ${lowOpen ? '(' : '['}${low}, ${high}${highOpen ? ')' : ']'}`;
  }
  if (schema.type === 'array') {
    if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map(typeShort).join(', ')}]`;
    const item = typeof schema.items === 'object' ? typeShort(schema.items) : 'any';
    return item.includes(' ') ? `(${item})[]` : `${item}[]`;
  }
  if (schema.type === 'string' && schema.examples?.length) return `string like ${schema.examples[0]}`;
  return schema.type ?? 'any';
}

/** The schema that stands for the value at `path`, or undefined where none is known. */
export function schemaAt(schema: JsonSchema, path: readonly PropertyKey[]): JsonSchema | undefined {
  if (path.length === 0) return schema;
  const [step, ...rest] = path;
  for (const branch of schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []) {
    const found = schemaAt(branch, path);
    if (found !== undefined) return found;
  }
  const member =
    typeof step === 'number'
      ? (schema.prefixItems?.[step] ?? schema.items)
      : (own(schema.properties, String(step)) ?? schema.additionalProperties);
  return typeof member === 'object' ? schemaAt(member, rest) : undefined;
}

/** Whether a size such as `4MiB` may stand there. */
export function isSize(schema: JsonSchema): boolean {
  return schema.anyOf?.some((branch) => branch.pattern === SIZE_PATTERN.source) ?? false;
}

function own<T>(object: Record<string, T> | undefined, key: string): T | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

function either(phrases: readonly string[]): string {
  const distinct = [...new Set(phrases)];
  if (distinct.length < 2) return distinct[0] ?? 'a value';
  return `${distinct.slice(0, -1).join(', ')} or ${distinct.at(-1)}`;
}

interface Bounds {
  low: number | undefined;
  lowOpen: boolean;
  high: number | undefined;
  highOpen: boolean;
}

function bounds(schema: JsonSchema): Bounds {
  // zod writes the safe-integer limits for every integer; they say nothing to a reader.
  const stated = (limit: number | undefined): number | undefined =>
    limit === undefined || Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? undefined : limit;
  const lowOpen = stated(schema.exclusiveMinimum) !== undefined;
  const highOpen = stated(schema.exclusiveMaximum) !== undefined;
  return {
    low: stated(lowOpen ? schema.exclusiveMinimum : schema.minimum),
    lowOpen,
    high: stated(highOpen ? schema.exclusiveMaximum : schema.maximum),
    highOpen,
  };
}

function rangePhrase(schema: JsonSchema): string {
  const { low, lowOpen, high, highOpen } = bounds(schema);
  const step = schema.multipleOf === undefined ? '' : `, a multiple of ${schema.multipleOf}`;
  if (low === undefined && high === undefined) return step;
  if (high === undefined) return ` ${lowOpen ? 'above' : 'of at least'} ${low}${step}`;
  if (low === undefined) return ` ${highOpen ? 'below' : 'of at most'} ${high}${step}`;
  if (!lowOpen && !highOpen) return ` from ${low} to ${high}${step}`;
  return ` ${lowOpen ? 'above' : 'of at least'} ${low} and ${highOpen ? 'below' : 'at most'} ${high}${step}`;
}

function stringPhrase(schema: JsonSchema): string {
  if (typeof schema['patternErrorMessage'] === 'string') return schema['patternErrorMessage'];
  if (schema.examples?.length) return `a string such as ${schema.examples.map(literal).join(' or ')}`;
  if (schema.pattern !== undefined) return `a string that matches /${schema.pattern}/`;
  return schema.minLength === 1 ? 'a string that is not empty' : 'a string';
}

function listPhrase(schema: JsonSchema): string {
  if (schema.prefixItems !== undefined) return `a list of ${schema.prefixItems.map(typePhrase).join(', ')}`;
  const items = typeof schema.items === 'object' ? itemsPhrase(schema.items) : '';
  return `a list${items}${schema.minItems ? ` (at least ${schema.minItems})` : ''}`;
}

function itemsPhrase(items: JsonSchema): string {
  if (items.type === 'string' && items.pattern === undefined) return ' of strings';
  if (items.type === 'object') return ' of mappings';
  const phrase = typePhrase(items);
  return phrase === 'a value' ? '' : ` where each is ${phrase}`;
}
