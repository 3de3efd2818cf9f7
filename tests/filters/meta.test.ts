import { describe, expect, it } from 'vitest';
import { metaFilter } from '../../src/filters/meta.ts';
import { stageOf } from './process.ts';

const META = {
  quality: { score: 0.4, model: 'fineweb-edu' },
  'annotate.redpajama-v2': { rps_doc_word_count: 120, rps_doc_mean_word_length: null },
  spans: {
    rps_doc_word_count: [[0, 700, 120]],
    rps_lines_num_words: [
      [0, 4, 1],
      [4, 9, 2],
    ],
  },
  source: 'web',
  seen: false,
};
const judge = (rule: Record<string, unknown>) => stageOf(metaFilter, { rules: [rule] })('text', { meta: META });

describe('filter.meta', () => {
  it.each([
    [{ field: 'quality.score', min: 0.4, max: 0.4 }, 'keep'],
    [{ field: 'quality.score', min: 0.5 }, 'below_min:quality.score'],
    [{ field: 'quality.score', max: 0.3 }, 'above_max:quality.score'],
    [{ field: 'source', oneOf: ['web', 'books'] }, 'keep'],
    [{ field: 'source', oneOf: ['books'] }, 'not_one_of:source'],
    [{ field: 'seen', oneOf: [true] }, 'not_one_of:seen'],
    [{ field: 'quality.model', matches: '^fineweb' }, 'keep'],
    [{ field: 'quality.model', matches: 'dclm' }, 'no_match:quality.model'],
    // A name that holds dots, and a published span list of one span.
    [
      { field: 'annotate.redpajama-v2.rps_doc_word_count', min: 121 },
      'below_min:annotate.redpajama-v2.rps_doc_word_count',
    ],
    [{ field: 'spans.rps_doc_word_count', min: 120 }, 'keep'],
    // Missing: no such field, null, a value of another kind, several spans.
    [{ field: 'language.confidence', min: 0.5 }, 'missing:language.confidence'],
    [{ field: 'language.confidence', min: 0.5, missing: 'keep' }, 'keep'],
    [
      { field: 'annotate.redpajama-v2.rps_doc_mean_word_length', min: 3 },
      'missing:annotate.redpajama-v2.rps_doc_mean_word_length',
    ],
    [{ field: 'source', min: 3 }, 'missing:source'],
    [{ field: 'quality', min: 3 }, 'missing:quality'],
    [{ field: 'spans.rps_lines_num_words', min: 3 }, 'missing:spans.rps_lines_num_words'],
    [{ field: 'toString' }, 'missing:toString'],
  ])('says of %j: %s', (rule, verdict) => {
    expect(judge(rule).verdict).toBe(verdict);
  });

  it('tests its rules in order and says what was measured', () => {
    const two = stageOf(metaFilter, {
      rules: [
        { field: 'quality.score', min: 0.1 },
        { field: 'annotate.redpajama-v2.rps_doc_word_count', max: 100 },
      ],
    });
    expect(two('text', { meta: META })).toMatchObject({
      verdict: 'above_max:annotate.redpajama-v2.rps_doc_word_count',
      value: 120,
      threshold: 100,
    });
  });

  it('explains every rule beside its limits', () => {
    const options = metaFilter.options.parse({
      rules: [
        { field: 'quality.score', min: 0.5 },
        { field: 'nothing', missing: 'keep' },
        { field: 'source', oneOf: ['web'] },
      ],
    });
    const stage = metaFilter.create(options, { name: '', seed: 0, baseDir: '' });
    expect(stage.explain?.({ id: '', text: '', meta: META })).toEqual([
      { rule: 'quality.score', value: 0.4, min: 0.5, broken: true },
      { rule: 'nothing', value: 'missing', broken: false },
      { rule: 'source', value: '"web"', broken: false },
    ]);
  });

  it('refuses a pattern that no linear-time search can match', () => {
    expect(() => judge({ field: 'source', matches: '(?=a)' })).toThrow(/RE2/);
  });
});
