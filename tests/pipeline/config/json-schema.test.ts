import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { packageRoot } from '../../../src/core/package-root.ts';
import { ConfigError } from '../../../src/pipeline/config/issues.ts';
import { pipelineJsonSchema } from '../../../src/pipeline/config/json-schema.ts';
import { parsePipeline } from '../../../src/pipeline/config/load.ts';
import * as training from '../../../src/pipeline/config/training-part.ts';
import { stageDefinitions } from '../../../src/pipeline/registry.ts';
import { fakeRegistry } from './fake-stages.ts';

/** Ajv is an independent judge: it knows nothing of zod or of our rules. */
function validator(schema: object) {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
  ajv.addKeyword('patternErrorMessage');
  return ajv.compile(schema);
}

function isAccepted(pipeline: unknown): boolean {
  try {
    parsePipeline(JSON.stringify(pipeline), '/p.yaml', { registry: fakeRegistry, training, env: {}, cwd: '/' });
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

describe('the JSON Schema of pipelines', () => {
  const validate = validator(pipelineJsonSchema(fakeRegistry));

  it('is valid JSON Schema 2020-12 and names its draft', () => {
    expect(pipelineJsonSchema(fakeRegistry)['$schema']).toBe('https://json-schema.org/draft/2020-12/schema');
  });

  it('lists every stage with its options, defaults and descriptions', () => {
    const items = pipelineJsonSchema(fakeRegistry).properties!['stages'].items;
    const branches = (items as { oneOf: Record<string, unknown>[] }).oneOf;
    expect(branches.find((branch) => branch['title'] === 'tokenizer.train')).toEqual({
      title: 'tokenizer.train',
      description: 'Train a tokenizer.\nSource: this test',
      type: 'object',
      properties: {
        stage: { const: 'tokenizer.train', description: 'Train a tokenizer.\nSource: this test' },
        name: {
          type: 'string',
          pattern: '^[\\p{L}\\p{N}][\\p{L}\\p{N}._-]{0,99}$',
          patternErrorMessage: "a name of letters, digits, '.', '_' and '-' that begins with a letter or digit",
          description: 'Name of this instance, unique in the pipeline. Default: the name of the stage.',
        },
        vocabSize: { type: 'integer', minimum: 256, default: 8192, description: 'Size of the vocabulary.' },
      },
      required: ['stage'],
      additionalProperties: false,
    });
    expect(branches.at(-1)).toEqual({
      enum: ['tidy', 'filter.word-count', 'dedup.same', 'tokenizer.train', 'shards'],
      description: 'A stage with its default options.',
    });
  });

  it.each<[string, unknown, boolean]>([
    ['the smallest pipeline', { inputs: [{ path: 'a' }], stages: [{ stage: 'tidy' }] }, true],
    ['bare strings', { inputs: ['a'], stages: ['tidy'] }, true],
    ['a size in words', { inputs: ['a'], stages: ['tidy'], run: { chunkBytes: '4MiB' } }, true],
    ['an empty run', { inputs: ['a'], stages: ['tidy'], run: null }, true],
    ['an unknown key', { inputs: ['a'], stages: ['tidy'], sed: 1 }, false],
    ['an unknown stage', { inputs: ['a'], stages: [{ stage: 'tidi' }] }, false],
    ['an unknown option', { inputs: ['a'], stages: [{ stage: 'tidy', froms: 'NFC' }] }, false],
    ["another stage's option", { inputs: ['a'], stages: [{ stage: 'tidy', minWords: 1 }] }, false],
    [
      'an unknown key inside an option',
      { inputs: ['a'], stages: [{ stage: 'filter.word-count', limits: { x: 1 } }] },
      false,
    ],
    ['a missing option', { inputs: ['a'], stages: [{ stage: 'filter.pattern' }] }, false],
    ['a bare string for a stage with a required option', { inputs: ['a'], stages: ['filter.pattern'] }, false],
    ['a size that is none', { inputs: ['a'], stages: ['tidy'], run: { chunkBytes: '4Mib/s' } }, false],
    ['no inputs', { inputs: [], stages: ['tidy'] }, false],
    ['no stages', { inputs: ['a'] }, false],
  ])('%s: Ajv and the loader agree', (_, pipeline, valid) => {
    expect([validate(pipeline), isAccepted(pipeline)]).toEqual([valid, valid]);
  });

  it('agrees with the loader on generated pipelines', () => {
    const maybe = <T>(key: string, value: fc.Arbitrary<T>) =>
      fc.option(value, { nil: undefined }).map((v) => [key, v] as const);
    const object = (...members: fc.Arbitrary<readonly [string, unknown]>[]) =>
      fc.tuple(...members).map((entries) => Object.fromEntries(entries.filter(([, value]) => value !== undefined)));
    const number = fc.oneof(
      fc.integer({ min: -2, max: 300 }),
      fc.double({ min: -1, max: 3, noNaN: true }),
      fc.constant('7'),
    );
    const input = object(
      maybe('path', fc.oneof(fc.constantFrom('a', ''), fc.array(fc.constantFrom('a', '', 3), { maxLength: 2 }))),
      maybe('format', fc.constantFrom('auto', 'csv', 'doc')),
      maybe(
        'metaFields',
        fc.oneof(fc.constantFrom('all', 'some'), fc.array(fc.constantFrom('a', 1), { maxLength: 2 })),
      ),
      maybe('limit', number),
      maybe('sample', number),
      maybe('maxRecordBytes', fc.oneof(number, fc.constantFrom('1KiB', '2.5 MB', '3 XB', 'MB'))),
    );
    const tidy = object(
      fc.constant(['stage', 'tidy'] as const),
      maybe('form', fc.constantFrom('NFC', 'NFD', null)),
      maybe('trim', fc.oneof(fc.boolean(), fc.constant('yes'))),
      maybe('extra', fc.constant(1)),
    );
    const words = object(
      fc.constant(['stage', 'filter.word-count'] as const),
      maybe('minWords', number),
      maybe('maxRatio', number),
      maybe('stopWords', fc.oneof(fc.constantFrom('en', 'fr'), fc.array(fc.string(), { maxLength: 2 }))),
      maybe('limits', object(maybe('lower', number), maybe('up', fc.constant(1)))),
    );
    const pipeline = object(
      fc.tuple(fc.constant('inputs'), fc.array(fc.oneof(input, fc.constant('a')), { minLength: 0, maxLength: 2 })),
      fc.tuple(fc.constant('stages'), fc.tuple(tidy, words)),
      maybe('seed', number),
      maybe('name', fc.constantFrom('ok', '语料', 'a b', '')),
      maybe('run', object(maybe('workers', number))),
    );
    fc.assert(
      fc.property(pipeline, (value) => {
        expect(isAccepted(value)).toBe(validate(value));
      }),
      { numRuns: 150, seed: 1 },
    );
  });
});

describe('the shipped files', () => {
  const root = packageRoot();

  it('configs/pipeline.schema.json is what the code gives (corpusmill schema > configs/pipeline.schema.json)', () => {
    const shipped: unknown = JSON.parse(readFileSync(join(root, 'configs', 'pipeline.schema.json'), 'utf8'));
    expect(shipped).toEqual(JSON.parse(JSON.stringify(pipelineJsonSchema())));
  });

  const pipelines = readdirSync(join(root, 'pipelines')).filter((file) => file.endsWith('.yaml'));
  it.each(pipelines.map((file) => [file]))('pipelines/%s is valid by the schema and by the loader', (file) => {
    const path = join(root, 'pipelines', file);
    const text = readFileSync(path, 'utf8');
    const validate = validator(pipelineJsonSchema(stageDefinitions()));
    validate(parseYaml(text, { merge: true }));
    expect(validate.errors ?? []).toEqual([]);
    const pipeline = parsePipeline(text, path, { env: {}, registry: stageDefinitions(), training });
    expect(pipeline.stages.length).toBeGreaterThan(0);
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\.\/configs\/pipeline\.schema\.json\n/m);
  });
});
