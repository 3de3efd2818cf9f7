import { describe, expect, it } from 'vitest';
import { c4 } from '../../src/filters/c4.ts';
import { fineweb } from '../../src/filters/fineweb.ts';
import { stageOf } from './process.ts';

const SENTENCES = Array.from({ length: 5 }, (_, i) => `Sentence number ${i} is long enough.`);
const TEXT = SENTENCES.join('\n');

describe('C4', () => {
  const judge = stageOf(c4);

  it.each([
    ['a cookie line', 'This site uses cookies to serve you.'],
    ['a policy line', 'Read our Privacy Policy before going on.'],
    ['a javascript line', 'Please enable JavaScript in this browser.'],
    ['a line without end mark', 'Home About Contact'],
    ['a line ending in an ellipsis', 'Read the rest of it...'],
    ['a line of two words', 'Sign in.'],
    ['a line with a word of 1,001 characters', `It is ${'x'.repeat(1001)} here.`],
    ['an empty line', ''],
  ])('removes %s and keeps the rest', (_, line) => {
    const [first, ...rest] = SENTENCES;
    const outcome = judge([first, line, ...rest].join('\n'));
    expect(outcome).toMatchObject({ verdict: 'keep', text: TEXT });
  });

  it.each([
    ['lorem_ipsum', `${TEXT}\nIt says Lorem Ipsum dolor.`],
    ['curly_bracket', `${TEXT}\nThen write { here.`],
    ['too_few_sentences', SENTENCES.slice(1).join('\n')],
    ['too_few_sentences', ''],
  ])('drops for %s', (reason, text) => {
    expect(judge(text).verdict).toBe(reason);
  });

  it('says how many sentences there were', () => {
    expect(judge(SENTENCES.slice(2).join('\n'))).toMatchObject({ value: 3, threshold: 5 });
  });

  it('removes citations before it looks at the end of the line', () => {
    expect(judge(`${TEXT}[12][edit]`).text).toBe(TEXT);
    // The space before the citation stays, and hides the full stop, as in datatrove.
    expect(judge(`${TEXT}\nOne more of the kind. [3]`).text).toBe(TEXT);
    expect(stageOf(c4, { removeCitations: false })(`${TEXT}\nIt has [3] inside.`).text).toContain('[3]');
  });

  it('gives the very same string when nothing changes', () => {
    expect(judge(TEXT).text).toBe(TEXT);
  });

  it('trims lines and joins them by newlines whatever stood between them', () => {
    expect(judge(SENTENCES.map((line) => `  ${line}\t`).join('\r\n\u2028')).text).toBe(TEXT);
  });

  it('keeps lines without end marks for FineWeb', () => {
    const text = `${TEXT}\nA heading of four words`;
    expect(stageOf(c4, { requireTerminalPunctuation: false })(text).text).toBe(text);
  });

  it('keeps everything when all is off', () => {
    const off = stageOf(c4, {
      requireTerminalPunctuation: false,
      minWordsPerLine: null,
      maxWordChars: null,
      minSentences: null,
      removeCitations: false,
      dropLoremIpsum: false,
      dropCurlyBracket: false,
      dropJavascriptLines: false,
      dropPolicyLines: false,
    });
    const text = 'a {\n\nuses cookies lorem ipsum javascript [1]';
    expect(off(text)).toMatchObject({ verdict: 'keep', text });
    expect(off('').verdict).toBe('keep');
  });
});

describe('FineWeb quality', () => {
  const judge = stageOf(fineweb);
  const long = 'This line is certainly longer than thirty characters';

  it.each([
    ['', 'empty'],
    [' \n\t\n', 'empty'],
    [`${long}\n${long} again`, 'line_punct_ratio'],
    [`Short one.\nShort two.\n${'And now a long line that is in order.'}\nShort three.`, 'short_line_ratio'],
    [`${long}.\n${long}.\nAnd one more that is long enough to count.`, 'char_dup_ratio'],
    [`${long}.`, 'keep'],
  ])('says of %j: %s', (text, verdict) => {
    expect(judge(text).verdict).toBe(verdict);
  });

  it('drops a list: more than 0.3 newlines per word', () => {
    const lists = stageOf(fineweb, { maxShortLines: null });
    expect(lists('One.\nTwo.\nThree.\nFour.')).toMatchObject({ verdict: 'list_ratio', value: 3 / 8, threshold: 0.3 });
  });

  it('takes the end marks of other scripts', () => {
    expect(judge('这一行的末尾有一个句号，所以不算菜单，而且它也足够长，超过了三十个字符。').verdict).toBe('keep');
  });

  it('lets a text without any end mark pass when asked', () => {
    expect(stageOf(fineweb, { keepWithoutPunctuation: true })(`${long}\n${long} again`).verdict).toBe('keep');
  });
});
