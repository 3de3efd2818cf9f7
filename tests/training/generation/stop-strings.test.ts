import { expect, it } from 'vitest';
import { createStopStrings } from '../../../src/training/generation/stop-strings.ts';

/** What is passed on for each piece, and at the end. */
function through(strings: string[], pieces: string[]): { out: string[]; stopped: boolean } {
  const stops = createStopStrings(strings);
  const out = pieces.map((piece) => stops.push(piece));
  return { out: [...out, stops.end()], stopped: stops.stopped };
}

it('ends a text before a string, also one that comes in pieces', () => {
  expect(through(['END'], ['one EN', 'D two', ' three'])).toEqual({ out: ['one ', '', '', ''], stopped: true });
  expect(through(['\n\n'], ['a\n', '\nb'])).toEqual({ out: ['a', '', ''], stopped: true });
});

it('holds back what may be a beginning, and no more', () => {
  expect(through(['ababc'], ['xabab', 'abd', 'ab'])).toEqual({ out: ['x', 'abababd', '', 'ab'], stopped: false });
});

it('takes the earliest of several', () => {
  expect(through(['two', 'one'], ['zero one two'])).toEqual({ out: ['zero ', ''], stopped: true });
});

it('without strings passes everything on', () => {
  expect(through([], ['a', 'b'])).toEqual({ out: ['a', 'b', ''], stopped: false });
});

it('gives the text before the first occurrence, however the text is cut', () => {
  const text = 'aab abab aabb abba bab';
  for (const stop of ['abb', 'bb a', 'a', 'bab', 'zz', 'baba', 'aabb']) {
    const at = text.indexOf(stop);
    for (let size = 1; size < 7; size++) {
      const pieces = text.match(new RegExp(`.{1,${size}}`, 'g'))!;
      const { out, stopped } = through([stop], pieces);
      expect([out.join(''), stopped], `${stop} by ${size}`).toEqual([at < 0 ? text : text.slice(0, at), at >= 0]);
    }
  }
});
