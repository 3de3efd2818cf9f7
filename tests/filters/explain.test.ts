/** What `corpusmill explain` is told by the published filters: every rule's value, and the same decision as `process`. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import type { MapDefinition } from '../../src/core/stage.ts';
import { c4 } from '../../src/filters/c4.ts';
import { fineweb } from '../../src/filters/fineweb.ts';
import { gopherQuality } from '../../src/filters/gopher-quality.ts';
import { gopherRepetition } from '../../src/filters/gopher-repetition.ts';
import { describeWithShared, shared } from '../shared.ts';

const stageOf = (definition: MapDefinition, options = {}) =>
  definition.create(definition.options.parse(options), { name: definition.name, seed: 0, baseDir: '' });

const document = (text: string): Document => ({ id: 'one', text, meta: {} });

describe('explain', () => {
  it('measures the rules behind a broken one too', () => {
    // 6 words of 3 letters: mean 3; two of Gopher's stop words.
    const rules = stageOf(gopherQuality).explain!(document('the cat and the dog ran'));
    expect(rules.find(({ rule }) => rule === 'gopher_short_doc')).toEqual({
      rule: 'gopher_short_doc',
      value: 6,
      min: 50,
      broken: true,
    });
    expect(rules.find(({ rule }) => rule === 'gopher_below_avg_threshold')).toMatchObject({ value: 3, broken: false });
    expect(rules.find(({ rule }) => rule === 'gopher_enough_stop_words')).toMatchObject({ value: 2, broken: false });
  });

  it('gives every n-gram limit of gopher-repetition its own line', () => {
    const rules = stageOf(gopherRepetition).explain!(document('a b c d e f g h i j. '.repeat(20)));
    expect(rules.map(({ rule }) => rule)).toEqual([
      ...['dup_para_frac', 'dup_para_char_frac', 'dup_line_frac', 'dup_line_char_frac'],
      ...['top_2_gram', 'top_3_gram', 'top_4_gram'],
      ...[5, 6, 7, 8, 9, 10].map((n) => `duplicated_${n}_n_grams`),
    ]);
    expect(rules.find(({ rule }) => rule === 'duplicated_10_n_grams')?.broken).toBe(true);
  });

  it('counts what c4 would leave, and changes nothing', () => {
    const given = document('One two three four. Five six seven.\nno end mark\nEight nine ten eleven.');
    const stage = stageOf(c4);
    expect(stage.explain!(structuredClone(given))).toEqual([
      { rule: 'lines left', value: '2 of 3', broken: false },
      { rule: 'too_few_sentences', value: 3, min: 5, broken: true },
    ]);
    expect(stageOf(c4).explain!(document('This holds {code} in a line.'))).toEqual([
      { rule: 'curly_bracket', value: 'found in a line', broken: true },
    ]);
  });
});

describeWithShared('on real documents', () => {
  it.each([gopherQuality, gopherRepetition, fineweb, c4] as MapDefinition[])(
    'the first broken rule of $name is the one that process drops for, with its value and limit',
    (definition) => {
      const lines = gunzipSync(readFileSync(shared('data/web-mix.jsonl.gz')))
        .toString('utf8')
        .split('\n');
      const stage = stageOf(definition);
      let dropped = 0;
      for (const line of lines.filter((line) => line !== '').slice(0, 1500)) {
        const { text } = JSON.parse(line) as { text: string };
        const broken = stage.explain!(document(text)).find((measurement) => measurement.broken);
        const verdict = stage.process(document(text));
        expect(broken?.rule).toBe(verdict.action === 'drop' ? verdict.reason : undefined);
        if (verdict.action !== 'drop') continue;
        dropped++;
        if (verdict.value === undefined) continue;
        expect(broken).toMatchObject({ value: verdict.value });
        expect([broken?.min, broken?.max]).toContain(verdict.threshold);
      }
      expect(dropped).toBeGreaterThan(10);
    },
  );
});
