/** DCLM's counting, with the figures of its own test cases (tests/baselines/mappers of mlfoundations/dclm). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { c4 } from '../../../src/filters/c4.ts';
import { dclm } from '../../../src/filters/dclm/dclm.ts';
import { refinedwebLines } from '../../../src/filters/dclm/refinedweb-lines.ts';
import { createUrlRemover, isListedDomain } from '../../../src/filters/dclm/remove-urls.ts';
import { coveringNGrams } from '../../../src/text/covering-n-grams.ts';
import { lineRepetition, paragraphRepetition } from '../../../src/text/piece-repetition.ts';
import { pythonWords } from '../../../src/text/python-words.ts';
import { TextView } from '../../../src/text/view.ts';
import { stageOf } from '../process.ts';

const view = new TextView();
const read = (text: string): TextView => {
  view.reset(text);
  return view;
};
const nGrams = (text: string) => read(text).get(coveringNGrams.characters);

describe('repetition', () => {
  it('counts all occurrences of a repeated line: 2 of 3 lines, 26 of 31 characters', () => {
    expect(read('Hello, World.\nHello, World.\n\nHello').get(lineRepetition)).toEqual({
      pieces: 3,
      chars: 31,
      repeated: 2,
      repeatedChars: 26,
    });
  });

  it('counts all occurrences of a repeated paragraph: 2 of 3, 26 of 45 characters', () => {
    const { pieces, chars, repeated, repeatedChars } = read(
      'Hello, World.\n\nHello, World.\n\nHello, World.\nHello',
    ).get(paragraphRepetition);
    expect([repeated / pieces, repeatedChars / chars]).toEqual([2 / 3, 26 / 45]);
  });

  it.each([
    ['hello      world hello apple.... world hello\n world hello', 2, 30, 40],
    ['hello      world hello apple.... world hello\n world hello', 3, 30, 40],
    ['hello      world hello apple.... world hello\n world hello', 4, 0, 40],
    ['a b a b a b ab cd ab cd ab cd abc def abc def', 2, 12, 30],
    ['a b a b a b abc def abc def ab cd ab cd ab cd', 2, 12, 30],
    ['hello', 2, 0, 5],
  ])('measures the most frequent n-gram, the longest of equals: %s, n = %i', (text, n, chars, all) => {
    const measured = nGrams(text);
    expect([measured.topChars(n), measured.chars]).toEqual([chars, all]);
  });

  it('counts each word that a repeated 5-gram covers once: 60 of 65', () => {
    const measured = nGrams('hello world hello\n world hello. apple world hello world hello world hello world');
    expect([measured.coveredChars(5), measured.chars]).toEqual([60, 65]);
  });

  it('agrees with counting n-grams as strings', () => {
    const word = fc.constantFrom('a', 'bb', 'ccc', '文', '𠀀x', 'dé');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        const measured = nGrams(words.join(' '));
        const split = words.flatMap((each) => (each === '𠀀x' ? ['𠀀', 'x'] : [each]));
        for (const n of [2, 3, 5, 7]) {
          const grams = split
            .slice(0, Math.max(0, split.length - n + 1))
            .map((_, i) => split.slice(i, i + n).join(' '));
          const times = new Map<string, number>();
          for (const gram of grams) times.set(gram, (times.get(gram) ?? 0) + 1);
          const length = (gram: string): number => [...gram.replaceAll(' ', '')].length;
          const most = Math.max(0, ...times.values());
          const longest = Math.max(
            0,
            ...[...times].filter(([, count]) => count === most).map(([gram]) => length(gram)),
          );
          expect(measured.topChars(n)).toBe(most < 2 ? 0 : most * longest);
          const covered = new Set(
            grams.flatMap((gram, i) => ((times.get(gram) ?? 0) > 1 ? Array.from({ length: n }, (_, k) => i + k) : [])),
          );
          expect(measured.coveredChars(n)).toBe([...covered].reduce((sum, i) => sum + [...split[i]].length, 0));
        }
      }),
    );
  });
});

describe('words', () => {
  it.each([
    ['Hello world.', 2],
    ['Hello world. \n\n This is a test.', 6],
    ['Mr. Smith bought 2.5 kilograms of fruit.', 7],
    [' Line 1\nLine 2!!!\t    \n\n\nLine  ????    3\t', 6],
    ['(hello "world" -- x', 1],
    ['a\0b c\u00a0d', 3],
  ])('counts fastText tokens that begin with a letter or number: %j has %i', (text, count) => {
    expect(read(text).get(pythonWords).fastTextWords).toBe(count);
  });

  it('agrees with splitting at white space', () => {
    const piece = fc.constantFrom('a', '1', ' ', '\n', '\u3000', '.', '𠀀', '😀', '\0', '\x1c', '文');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        const words = text.split(/[\s\x1c-\x1f\x85]+/).filter((word) => word !== '');
        const measured = read(text).get(pythonWords);
        expect(measured.count).toBe(words.length);
        expect(measured.chars).toBe(words.reduce((sum, word) => sum + [...word].length, 0));
        expect(measured.withoutLetter).toBe(words.filter((word) => !/\p{L}/u.test(word)).length);
        const tokens = text.split(/[ \n\r\t\v\f\0]+/).filter((token) => /^[\p{L}\p{N}]/u.test(token));
        expect(measured.fastTextWords).toBe(tokens.length);
      }),
    );
  });
});

const OFF = {
  maxUpperCase: null,
  maxDigits: null,
  dropCounters: false,
  minWordsPerLine: null,
  phrases: [],
  maxRemovedWords: null,
};
const lines = (rule: Record<string, unknown>) => {
  const run = stageOf(refinedwebLines, { ...OFF, ...rule });
  return (text: string): string => {
    const outcome = run(text);
    return outcome.verdict === 'keep' ? outcome.text : `(${outcome.verdict})`;
  };
};

describe('line corrections', () => {
  it.each(['likes', 'shares', 'comments', 'retweets', 'reposts', 'quotes', 'bookmarks', 'upvotes', 'followers'])(
    'drops counters of %s',
    (what) => {
      const text = `3 ${what}\n3,000 ${what}\n123K ${what}!\n 5.1M   ${what}  \nThis line does not contain a counter.`;
      expect(lines({ dropCounters: true })(text)).toBe('This line does not contain a counter.');
    },
  );

  it('keeps a counter inside a sentence, and does not hang on fifty digits', () => {
    const text = `Hello, World.\n\nHello, World with 3 views.\n${'1'.repeat(50)}`;
    expect(lines({ dropCounters: true })(text)).toBe(text);
  });

  it('drops lines over a share of capitals: "Hello, World" has 2 of 12', () => {
    const text = 'HELLO WORLD\n\nhello world\nHello, World\n\nHello, world';
    expect(lines({ maxUpperCase: 1 })(text)).toBe(text);
    expect(lines({ maxUpperCase: 2 / 12 })(text)).toBe('hello world\nHello, World\n\nHello, world');
    expect(lines({ maxUpperCase: 1 / 12 })(text)).toBe('hello world\n\nHello, world');
    expect(lines({ maxUpperCase: 0 })(text)).toBe('hello world');
    expect(lines({ maxUpperCase: 0 })('Hello')).toBe('(no_lines_left)');
  });

  it('drops lines of digits alone just under a share of 1', () => {
    const text = '1a\n\n2bb\n\n3cc\nabcd';
    expect(lines({ maxDigits: 1 - 1e-6 })('12345')).toBe('(no_lines_left)');
    expect(lines({ maxDigits: 1 })('12345')).toBe('12345');
    expect(lines({ maxDigits: 1 / 3 })(text)).toBe('2bb\n\n3cc\nabcd');
    expect(lines({ maxDigits: 0 })(text)).toBe('abcd');
  });

  it('cuts "items in cart" out of lines of ten words at most', () => {
    const long = 'You have 7 items in cart right now but you can add more by clicking back onto the homepage.';
    const run = lines({ phrases: [{ text: 'items in cart', location: 'any' }] });
    expect(run(`You have 7 items in cart right now\n  items in cart  \n${long}`)).toBe(`You have 7 right now\n${long}`);
  });

  it('cuts "Sign-in" off the start of short lines and drops a line of nothing else', () => {
    const rest =
      'This is an article about how to sign-in.\n\nsign-in at this page by providing your username and password now.';
    const run = lines({ phrases: [{ text: 'sign-in', location: 'prefix' }] });
    expect(run(`sign-in for full access\nsign-in  \n${rest}`)).toBe(`for full access\n${rest}`);
  });

  it('takes a full stop in a phrase for any one character, as the peer does', () => {
    const run = lines({ phrases: [{ text: 'Read more...', location: 'suffix' }] });
    expect(run('All about it. Read more >>\nThe end')).toBe('All about it.\nThe end');
  });

  it('drops a document that lost more than 5 % of its words: 95 of 100 stay, 94 do not', () => {
    const text = (kept: number): string => `${'two words\n'.repeat(kept / 2)}${'one\n'.repeat(100 - kept)}`;
    const run = lines({ minWordsPerLine: 2, maxRemovedWords: 0.05 });
    expect(run(text(96))).not.toMatch(/^\(/);
    expect(run(text(94))).toBe('(word_removal_ratio)');
    expect(run('... !')).toBe('(word_removal_ratio)');
  });

  it('gives the very same text when nothing is to be corrected', () => {
    const text = 'The harbour office keeps a ledger.\n\nWe measured the flow of the river.';
    expect(stageOf(refinedwebLines)(text)).toMatchObject({ verdict: 'keep', text });
  });
});

describe('URLs', () => {
  const remove = createUrlRemover('none', isListedDomain);

  it.each([
    ['See https://www.example.com/a?b=1#c for more', 'See for more'],
    ['Mail user@example.org now', 'Mail now'],
    ['A sentence.Then another. See 3.5 or e.g. this', 'A sentence.Then another. See 3.5 or e.g. this'],
    ['a.b/c and x.zzzz', 'a.b/c and x.zzzz'],
    ['Example.COM stays, example.com goes', 'Example.COM stays, goes'],
    ['host http://192.168.0.1/x and 10.0.0.1:80', 'host and'],
    ['(see ftp://files.example.co.uk/pub)', '(see'],
    [`${'a'.repeat(300)}.com`, 'a'.repeat(44)],
  ])('takes %j to %j', (text, wanted) => {
    expect(remove(text)).toBe(wanted);
  });

  it('agrees with the expression it stands for', () => {
    const domains = ['com', 'co', 'uk', 'org', 'to'];
    const isDomain = (word: string): boolean => domains.includes(word);
    const url =
      /[\s\x1c-\x1f\x85]{0,10}(?:(?:https?|ftp):\/\/)?[-a-zA-Z0-9@:%._+~#=]{1,256}\.(?:com|co|uk|org|to)(?![\p{L}\p{N}_])[-a-zA-Z0-9()@:%_+.~#?&/=]*/gu;
    const piece = fc.constantFrom(
      'a',
      'b.com',
      '.co',
      '.uk',
      '.',
      ' ',
      '\n',
      'http://',
      'ftp://',
      '/',
      'é',
      '(',
      '_',
      'to',
      '.to',
      '@',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        expect(createUrlRemover('none', isDomain)(text)).toBe(text.replace(url, ''));
      }),
      { numRuns: 2000 },
    );
  });

  it('looks, as DCLM does, only where the text begins with the letters of a domain', () => {
    const asDclm = createUrlRemover('start', isListedDomain);
    expect(asDclm('The page example.com is')).toBe('The page is');
    expect(asDclm('“Quoted” example.com is')).toBe('“Quoted” example.com is');
    expect(asDclm('“Quoted” 10.0.0.1 is')).toBe('“Quoted” is');
  });
});

describe('filter.dclm', () => {
  it('explains every rule, broken or not, of the text that is left without URLs', () => {
    const stage = dclm.create(dclm.options.parse({}), { name: 'dclm', seed: 0, baseDir: '' });
    const document = { id: 'a', text: 'The few words of http://example.com/x', meta: {} };
    const measured = stage.explain?.(document) ?? [];
    expect(measured.find(({ rule }) => rule === 'page_length')).toEqual({
      rule: 'page_length',
      value: 4,
      min: 50,
      broken: true,
    });
    expect(measured.map(({ rule }) => rule)).toContain('duplicated_10_n_grams');
    expect(document.text).toContain('example.com');
  });

  it('says of the empty text that nothing is left', () => {
    expect(stageOf(dclm)('').verdict).toBe('url_removal');
  });
});

describe('filter.c4 with convention dclm', () => {
  const run = stageOf(c4, { convention: 'dclm', minWordsPerLine: 5, minSentences: 1 });

  it('keeps lines of five words that end in a mark, empty ones included, and strips the rest away', () => {
    const text =
      "Menu\n\nThis is a line of words[1].\nIt trails off after five words...\nIt ends with an apostrophe though'";
    expect(run(text)).toMatchObject({ verdict: 'keep', text: 'This is a line of words.' });
  });

  it('does not mind a bracket in a line that went', () => {
    expect(run('if (x) { y }\nThis is a line of words.').verdict).toBe('keep');
    expect(run('This is a { in a line.').verdict).toBe('curly_bracket');
  });
});
