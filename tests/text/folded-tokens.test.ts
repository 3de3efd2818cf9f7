import { describe, expect, it } from 'vitest';
import { CHARACTER, readTokens, UNIFORM_BLOCKS, unitTable } from '../../src/text/folded-tokens.ts';

describe('the character table', () => {
  it.each(UNIFORM_BLOCKS)('takes as one kind only what Unicode does: $from to $to', ({ from, to, kind }) => {
    for (let unit = from; unit <= to; unit++) {
      const character = String.fromCharCode(unit);
      expect(/\p{Default_Ignorable_Code_Point}/u.test(character)).toBe(false);
      expect(/[\p{L}\p{N}\p{M}]/u.test(character)).toBe(kind === CHARACTER);
      expect(/[\p{scx=Han}\p{scx=Yi}\p{scx=Hangul}]/u.test(character)).toBe(kind === CHARACTER);
      expect(character.normalize('NFKC').toLowerCase()).toBe(character);
      expect(unitTable()[unit]).toBe(kind === 0 ? 0 : kind | unit);
    }
  });
});

describe('reading a text for the thread', () => {
  it('gives its tokens, whatever was read before', () => {
    expect(readTokens('one, two')).toBe(2);
    expect(readTokens('one, two')).toBe(2);
    expect(readTokens('中文 three')).toBe(3);
    expect(readTokens('')).toBe(0);
  });
});
