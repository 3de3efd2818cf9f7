import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLikeness, type LikenessRule } from '../../src/dedup/likeness.ts';

const containment = {
  kind: 'containment',
  shingleTokens: 3,
  minShingles: 0.7,
  minTokens: 0.9,
  maxReordered: 0.1,
  fragment: 0.7,
  exactBelow: 0,
  orderedBelow: 0,
} as const;

function alike(rule: LikenessRule, a: string, b: string): boolean {
  const likeness = createLikeness(rule);
  likeness.open(a);
  const held = likeness.hold();
  likeness.open(b);
  return likeness.compare(held) !== 'apart';
}

const words = (count: number, prefix = 'w'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe('containment', () => {
  it('is symmetric, and true of a text and itself', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(alike(containment, a.join(' '), b.join(' '))).toBe(alike(containment, b.join(' '), a.join(' ')));
        expect(alike(containment, a.join(' '), a.join(' '))).toBe(true);
      }),
    );
  });

  it('agrees with sets of joined words, compared one by one', () => {
    const text = fc.array(fc.constantFrom(...words(12)), { minLength: 1, maxLength: 40 });
    const limits = fc.record({
      minShingles: fc.constantFrom(0.25, 0.5, 0.75, 1),
      minTokens: fc.constantFrom(0.5, 0.8, 1),
      maxReordered: fc.constantFrom(0, 0.1, 1),
    });
    fc.assert(
      fc.property(text, text, limits, (a, b, given) => {
        const grams = (list: string[], n: number): Set<string> =>
          list.length < n
            ? new Set([list.join(' ')])
            : new Set(list.slice(n - 1).map((_, i) => list.slice(i, i + n).join(' ')));
        const lacking = (n: number): number => {
          const [x, y] = [grams(a, n), grams(b, n)];
          return 1 - [...x].filter((gram) => y.has(gram)).length / Math.min(x.size, y.size);
        };
        const expected =
          lacking(3) <= 1 - given.minShingles + 1e-9 &&
          lacking(1) <= 1 - given.minTokens + 1e-9 &&
          lacking(3) <= 3 * lacking(1) + given.maxReordered + 1e-9;
        expect(alike({ ...containment, ...given }, a.join(' '), b.join(' '))).toBe(expected);
      }),
    );
  });

  it('sees one page with and without its surroundings as the same, which Jaccard does not', () => {
    const page = words(100).join(' ');
    const withSidebar = `${words(80, 'menu').join(' ')} ${page} ${words(90, 'footer').join(' ')}`;
    expect(alike(containment, page, withSidebar)).toBe(true);
    expect(alike({ kind: 'jaccard', shingleTokens: 5, threshold: 0.5 }, page, withSidebar)).toBe(false);
  });

  it('tells apart a form letter filled in for two people', () => {
    const letter = (name: string): string =>
      Array.from({ length: 12 }, (_, i) => `part ${i} of the letter for ${name}${i} of ${name}town${i}`).join(' ');
    expect(alike({ ...containment, minTokens: 0.01 }, letter('x'), letter('y'))).toBe(false);
    expect(alike(containment, letter('x'), letter('x'))).toBe(true);
  });

  it('tells apart sentences that swap who did what to whom', () => {
    const a = 'in the spring the river company of the north bought the southern mill from the old city bank';
    const b = 'in the spring the southern mill bought the river company of the north from the old city bank';
    expect(alike(containment, a, b)).toBe(false);
  });

  it('calls what is much smaller a fragment, from either side', () => {
    const whole = words(40).join(' ');
    const part = words(20).join(' ');
    const likeness = createLikeness(containment);
    likeness.open(whole);
    const held = likeness.hold();
    likeness.open(part);
    expect(likeness.compare(held)).toBe('fragment of held');
    const heldPart = likeness.hold();
    likeness.open(whole);
    expect(likeness.compare(heldPart)).toBe('fragment of open');
    likeness.open(words(36).join(' '));
    expect(likeness.compare(held)).toBe('alike');
  });

  it('has no likeness for a text without tokens', () => {
    expect(alike(containment, '', '')).toBe(false);
    expect(alike(containment, 'word', '!!')).toBe(false);
  });
});

describe('containment of short documents', () => {
  const short = { ...containment, exactBelow: 30 } as const;
  const ordered = { ...containment, orderedBelow: 62 } as const;

  it('takes one word for another document below `exactBelow` shingles, and not from there on', () => {
    const with29 = words(31);
    const with30 = words(32);
    const changed = (list: string[]): string => [...list.slice(0, -1), 'other'].join(' ');
    expect(alike(short, with29.join(' '), changed(with29))).toBe(false);
    expect(alike(short, with29.join(' '), `${with29.join(' ')} more`)).toBe(false);
    expect(alike(short, with29.join(' '), `${with29.join(', ')}!`.toUpperCase())).toBe(true);
    expect(alike(short, with30.join(' '), changed(with30))).toBe(true);
  });

  it('is not blind to two that change places', () => {
    // The shingles are the same, since each number stands between the same words.
    const text = (x: string, y: string): string =>
      `as everyone knows the old club was placed ${x} in the league that year and after one long and very hard season ` +
      `in the sun with many friends it was placed ${y} in the league`;
    expect(alike(containment, text('tenth', 'eighth'), text('eighth', 'tenth'))).toBe(true);
    expect(alike(ordered, text('tenth', 'eighth'), text('eighth', 'tenth'))).toBe(false);
    expect(alike(ordered, text('tenth', 'eighth'), text('tenth', 'fifth'))).toBe(true);
    // From 62 shingles on it is.
    const more = words(30).join(' ');
    expect(alike(ordered, text(`tenth ${more}`, 'eighth'), text(`eighth ${more}`, 'tenth'))).toBe(true);
  });

  it('lets the words of a fragment stand anywhere around it', () => {
    const part = words(40);
    const whole = `${words(40).reverse().slice(0, 30).join(' ')} ${part.join(' ')}`;
    expect(alike(ordered, part.join(' '), whole)).toBe(true);
  });
});
