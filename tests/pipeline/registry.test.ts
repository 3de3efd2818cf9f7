/** What every stage owes its users: a declaration that help, editors and mistakes can be made of. */
import { describe, expect, it } from 'vitest';
import { requiredOptions } from '../../src/pipeline/config/json-schema.ts';
import { inputJsonSchema, typePhrase } from '../../src/pipeline/config/phrases.ts';
import { RESERVED_STAGE_KEYS } from '../../src/pipeline/config/schema.ts';
import { stageDefinitions } from '../../src/pipeline/registry.ts';
import { describeReason, registryOf, stageNames } from '../../src/pipeline/stage-loaders.ts';

const definitions = [...stageDefinitions().values()];

describe('the registry', () => {
  it('lists each stage under its own name', () => {
    expect(stageNames()).toEqual(definitions.map(({ name }) => name));
  });

  it('holds maps before barriers before sinks, in the order of a pipeline', () => {
    const kinds = definitions.map(({ kind }) => kind);
    const order = { map: 0, barrier: 1, sink: 2 };
    // Maps that stand beside the barriers they go with.
    const sorted = kinds.filter((_, i) => !['repeat', 'quality.score'].includes(definitions[i].name));
    expect(sorted).toEqual(sorted.toSorted((a, b) => order[a] - order[b]));
  });

  it.each([
    ['filter.gopher-repetition', 'dup_line_frac', true],
    ['filter.gopher-repetition', 'top_2_gram', true],
    ['filter.gopher-repetition', 'top_x_gram', false],
    ['filter.regex', 'exclude', true],
    ['filter.regex', 'exclude:adverts', true],
    ['filter.regex', 'constructor', false],
    ['none', 'exclude', false],
  ])('explains the reason %s %s: %s', (stage, reason, known) => {
    expect(describeReason(stageDefinitions(), stage, reason) !== undefined).toBe(known);
  });

  it('refuses two stages with one name', () => {
    const normalize = stageDefinitions().get('normalize')!;
    expect(() => registryOf([normalize, normalize])).toThrow('two stages are registered as normalize');
  });
});

describe.each(definitions.map((definition) => [definition.name, definition] as const))('%s', (_, definition) => {
  const schema = inputJsonSchema(definition.options);

  it('says in a line what it does and where that comes from', () => {
    expect(definition.summary).toMatch(/^[A-Z][^\n]{10,150}$/);
    expect(definition.source).toMatch(/^[^\n]{5,}$/);
  });

  it('describes every option, and none is called like a key of the entry itself', () => {
    for (const [name, option] of Object.entries(schema.properties ?? {})) {
      expect(option.description, name).toMatch(/.{10,}/);
      expect(typePhrase(option), name).not.toBe('a value');
      expect(RESERVED_STAGE_KEYS).not.toContain(name);
    }
  });

  it('takes its own defaults, and gives options that survive the way to a worker', () => {
    if (requiredOptions(schema).length > 0) return;
    const { success, data, error } = definition.options.safeParse({});
    if (!success) {
      // One of several options is needed, which no default can choose; the message says so.
      expect(error.issues.map(({ code }) => code)).toEqual(['custom']);
      return;
    }
    expect(definition.options.parse(JSON.parse(JSON.stringify(data)))).toEqual(data);
    expect(structuredClone(data)).toEqual(data);
  });

  it('explains every reason for a drop', () => {
    for (const [reason, text] of Object.entries(definition.reasons ?? {})) {
      expect(reason).toMatch(/^[a-z](?:[\w-]|\{n\})*$/);
      expect(text).toMatch(/.{10,}/);
    }
  });
});
