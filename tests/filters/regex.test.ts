import { describe, expect, it } from 'vitest';
import { regex } from '../../src/filters/regex.ts';
import { stageOf } from './process.ts';

describe('filter.regex', () => {
  it('drops what an exclude rule matches, with the count and the limit', () => {
    const judge = stageOf(regex, { exclude: [{ pattern: 'click here', flags: 'i', minMatches: 2, name: 'clicks' }] });
    expect(judge('Click here.').verdict).toBe('keep');
    expect(judge('Click here. CLICK HERE!')).toMatchObject({ verdict: 'exclude:clicks', value: 2, threshold: 2 });
  });

  it('keeps only what some include rule matches', () => {
    const judge = stageOf(regex, {
      include: [
        { pattern: '^\\p{Han}', flags: 'm' },
        { pattern: 'keep', on: 'meta.tags.first' },
      ],
    });
    expect(judge('abc\n漢字').verdict).toBe('keep');
    expect(judge('abc').verdict).toBe('include');
    expect(judge('abc', { meta: { tags: { first: 'keep me' } } }).verdict).toBe('keep');
  });

  it('replaces with groups before it judges', () => {
    const judge = stageOf(regex, {
      replace: [{ pattern: '(?<year>\\d{4})-(\\d\\d)', with: '$2/$<year>' }],
      exclude: [{ pattern: '\\d{4}-' }],
    });
    expect(judge('on 2024-05 and 2025-06')).toMatchObject({ verdict: 'keep', text: 'on 05/2024 and 06/2025' });
  });

  it('searches ids, numbers and nested fields, and changes fields', () => {
    const judge = stageOf(regex, {
      replace: [{ pattern: 'http:', with: 'https:', on: 'meta.url' }],
      exclude: [
        { pattern: '^draft/', on: 'id' },
        { pattern: '^404$', on: 'meta.status' },
      ],
    });
    expect(judge('x', { id: 'draft/1' }).verdict).toBe('exclude');
    expect(judge('x', { meta: { status: 404 } }).verdict).toBe('exclude');
    expect(judge('x', { meta: { url: 'http://a' } }).document.meta).toEqual({ url: 'https://a' });
    expect(judge('x', { meta: { url: null } }).verdict).toBe('keep');
  });

  it.each([
    ['a(?=b)', 'look-ahead'],
    ['a(?!b)', 'negative look-ahead'],
    ['(?<=a)b', 'look-behind'],
    ['(?<!a)b', 'negative look-behind'],
    ['(a)\\1', 'back-reference'],
    ['(?<n>a)\\k<n>', 'named back-reference'],
    ['(?>a)b', 'atomic group'],
    ['a++', 'possessive repeat'],
    ['[a', 'cannot be read'],
    ['a{2000}', 'cannot be read'],
  ])('refuses %j and says why', (pattern, words) => {
    expect(() => stageOf(regex, { exclude: [{ pattern }] })).toThrow(words);
    expect(() => stageOf(regex, { exclude: [{ pattern }] })).toThrow(
      JSON.stringify(JSON.stringify(pattern)).slice(1, -1),
    );
  });

  it('names options that are wrong', () => {
    expect(() => stageOf(regex, { exclude: [{ pattern: 'a', flags: 'g' }] })).toThrow(/flags/);
    expect(() => stageOf(regex, { exclude: [{ pattern: 'a', on: 'url' }] })).toThrow(/meta\.<field>/);
  });

  it('is done at once with patterns and texts that take other engines hours', () => {
    const judge = stageOf(regex, {
      exclude: [{ pattern: '^(a+)+$' }, { pattern: '(x+x+)+y' }, { pattern: '(.*)*b$', flags: 's' }],
    });
    expect(judge(`${'a'.repeat(50_000)}!`).verdict).toBe('keep');
    expect(judge('x'.repeat(50_000)).verdict).toBe('keep');
  });

  it('gives up, with a reason, where matches times characters pass its limit', () => {
    const judge = stageOf(regex, { replace: [{ pattern: 'a(?:.*b)?', flags: 's', with: 'c' }] });
    expect(judge('a'.repeat(1000)).text).toBe('c'.repeat(1000));
    const local = stageOf(regex, { replace: [{ pattern: '[ \\t]+', with: ' ' }] });
    expect(local('a  '.repeat(100_000)).text).toBe('a '.repeat(100_000));
  });
});
