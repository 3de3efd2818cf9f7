import { describe, expect, it } from 'vitest';
import { type Cut, cutOf, narrowCut } from '../../../src/dedup/substring/edges.ts';
import { createPlacedSymbolReader, type Unit } from '../../../src/dedup/substring/units.ts';

/** The text with ⟦ ⟧ around tokens as repeated; what is left after the cut. */
function leftOf(marked: string, unit: Unit = 'tokens', piece?: 'sentences' | 'lines'): string {
  const start = marked.indexOf('⟦');
  const end = marked.indexOf('⟧') - 1;
  const text = marked.replace(/[⟦⟧]/g, '');
  const reader = createPlacedSymbolReader(unit);
  const count = reader.read(text);
  let from = 0;
  while (reader.starts[from] < start) from++;
  let to = from;
  while (to < count && reader.ends[to] <= end) to++;
  let cut: Cut = cutOf(unit, text, reader, count, from, to);
  if (piece !== undefined) cut = narrowCut(text, cut, piece);
  return cut.start < cut.end ? text.slice(0, cut.start) + text.slice(cut.end) : text;
}

describe('the edges of a cut of tokens', () => {
  it.each([
    ['takes the full stop and the space behind it', 'One. ⟦Two three⟧. Four.', 'One. Four.'],
    ['takes the comma behind it', 'One, ⟦two⟧, three.', 'One, three.'],
    ['takes the quotation marks around it', 'He said “⟦no no⟧.” Then “yes”.', 'He said Then “yes”.'],
    ['takes straight quotes that open, and leaves those of the next', 'A "⟦b c⟧" and "d".', 'A and "d".'],
    ['leaves the bracket that opens behind it', 'One ⟦two⟧ (three).', 'One (three).'],
    ['takes Chinese brackets and stops', '甲。《⟦乙丙⟧》，丁。', '甲。丁。'],
    ['leaves the bracket that opens behind it in Chinese', '甲⟦乙⟧（丙）', '甲（丙）'],
    ['leaves one line break between lines', 'One.\n⟦Two.\nThree⟧.\nFour.', 'One.\nFour.'],
    ['leaves one blank line between paragraphs', 'One.\n\n⟦Two⟧.\n\nThree.', 'One.\n\nThree.'],
    ['leaves the line break behind a cut that begins within a line', 'One. ⟦Two⟧.\n\nThree.', 'One.\n\nThree.'],
    ['takes whole lines with their bullets and leaves those of the next', 'a:\n- ⟦b c⟧\n  * d\n', 'a:\n  * d\n'],
    ['leaves the indentation of the next line', 'if a:\n    ⟦b = c⟧\nd', 'if a:\nd'],
    ['leaves the bullet of a line of which something stays', 'a:\n- ⟦b⟧ c\n', 'a:\n- c\n'],
    ['takes what stands before the first token', '# ⟦Title⟧\n\nText.', 'Text.'],
    ['takes what stands behind the last token', 'Text.\n\n⟦Footer⟧ ©\n', 'Text.'],
    ['takes the bullet of a last line', 'a\n- ⟦b⟧', 'a'],
    ['leaves nothing of a text that is all repeat', '“⟦All⟧.”\n', ''],
    ['handles Windows line ends', 'One.\r\n⟦Two⟧.\r\nThree.', 'One.\r\nThree.'],
    ['takes no half of a pair', '甲😀⟦𠮷乙⟧👍丙', '甲😀丙'],
  ])('%s', (_, marked, left) => {
    expect(leftOf(marked)).toBe(left);
  });
});

describe('the edges of a cut of characters', () => {
  it('are where the span begins and ends', () => {
    expect(leftOf('One. ⟦Tw⟧o.', 'characters')).toBe('One. o.');
    expect(leftOf('a⟦😀中⟧b', 'characters')).toBe('ab');
  });
});

describe('a cut narrowed to whole pieces', () => {
  it.each([
    ['lines', 'One ⟦two\nthree\nfour⟧ five\n', 'One two\nfour five\n'],
    ['lines', 'One\n⟦two\nthree⟧\nfour\n', 'One\nfour\n'],
    ['lines', 'One ⟦two\nthree⟧ four', 'One two\nthree four'],
    ['lines', 'a ⟦b c⟧ d', 'a b c d'],
    ['sentences', 'One ⟦two. Three four. Five⟧ six.', 'One two. Five six.'],
    ['sentences', 'One ⟦two. Three four.\nFive six⟧ seven.', 'One two.\nFive six seven.'],
    ['sentences', 'One ⟦two. Three four.\r\n\r\nFive six⟧ seven.', 'One two.\r\n\r\nFive six seven.'],
    ['sentences', 'One two. ⟦Three four⟧. Five six.', 'One two. Five six.'],
    ['sentences', '甲乙⟦丙。丁戊。己⟧庚。', '甲乙丙。己庚。'],
    ['sentences', 'One ⟦two three⟧ four. Five.', 'One two three four. Five.'],
  ] as const)('to %s: %j', (piece, marked, left) => {
    expect(leftOf(marked, 'tokens', piece)).toBe(left);
  });
});
