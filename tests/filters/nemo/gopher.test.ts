/** Gopher's stages with `convention: nemo`: their options, NeMo's counting. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gopherQuality } from '../../../src/filters/gopher-quality.ts';
import { gopherRepetition } from '../../../src/filters/gopher-repetition.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { stageOf } from '../process.ts';

const quality = (options = {}) => stageOf(gopherQuality, { convention: 'nemo', ...options });
const repetition = (options = {}) => stageOf(gopherRepetition, { convention: 'nemo', ...options });

describe('convention: nemo', () => {
  it('does not take hyphens for bullets, as datatrove does', () => {
    const list = 'the dogs and the cats have names that be written with ink\n'.repeat(9).replaceAll(/^/gm, '- ');
    const options = { minWords: 1, minMeanWordLength: 1 };
    expect(stageOf(gopherQuality, options)(list.trim()).verdict).toBe('gopher_too_many_bullets');
    expect(quality(options)(list.trim()).verdict).toBe('keep');
  });

  it('divides words at white space', () => {
    expect(quality({ minWords: 3 })('well-known facts, e.g.').verdict).not.toBe('gopher_short_doc');
    expect(quality({ minWords: 4 })('well-known facts, e.g.')).toMatchObject({ verdict: 'gopher_short_doc', value: 3 });
  });

  it('counts stop words as often as they occur', () => {
    const options = { minWords: 1 };
    const text = 'the garden behind the house';
    expect(stageOf(gopherQuality, options)(text).verdict).toBe('gopher_enough_stop_words');
    expect(quality(options)(text).verdict).toBe('keep');
  });

  it('sums hash signs and ellipses among words', () => {
    expect(quality({ minWords: 1, minMeanWordLength: 1 })('the shop … of the # year')).toMatchObject({
      verdict: 'gopher_too_many_symbols',
      value: 2 / 7,
    });
  });

  it('drops a text of fewer words than an n-gram has', () => {
    expect(repetition({ topNGrams: null })('one two three')).toMatchObject({
      verdict: 'duplicated_5_n_grams',
      value: 1,
    });
  });

  it('switches rules off by null', () => {
    const limits = [
      'maxDuplicateParagraphs',
      'maxDuplicateParagraphChars',
      'maxDuplicateLines',
      'maxDuplicateLineChars',
    ];
    const off = Object.fromEntries([...limits, 'topNGrams', 'duplicateNGrams'].map((name) => [name, null]));
    expect(repetition(off)('a\na\na\na').verdict).toBe('keep');
  });
});

describeWithShared('convention: nemo beside NeMo Curator on 316 hand-made documents', () => {
  it('gives the verdicts of the filters that both have', () => {
    const lines = gunzipSync(readFileSync(shared('goldens/peers/nemo_english_heuristics.jsonl.gz'))).toString('utf8');
    const rows = lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const repeated = /^Repeat/;
    const ofQuality = /^(WordCount|MeanWord|Symbols|Bullets|Ellipsis|WordsWithout|CommonEnglish)/;
    let checked = 0;
    const differing: string[] = [];
    for (const { id, text, scores } of rows) {
      if (text.trim() === '') continue;
      for (const [judge, names] of [
        [quality(), ofQuality],
        [repetition(), repeated],
      ] as const) {
        const filters = Object.entries(scores as Record<string, { keep: boolean }>).filter(([name]) =>
          names.test(name),
        );
        const keep = filters.every(([, filter]) => filter.keep);
        checked++;
        if ((judge(text).verdict === 'keep') !== keep) differing.push(`${id} ${judge(text).verdict}`);
      }
    }
    expect(checked).toBe(2 * 312);
    // All of them hang on which of equally frequent n-grams the peer takes: see parity.test.ts.
    expect(
      differing.every((what) => /top_/.test(what) || /keep$/.test(what)),
      differing.join(),
    ).toBe(true);
    expect(differing.length, differing.join()).toBeLessThanOrEqual(6);
  });
});
