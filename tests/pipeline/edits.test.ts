import { describe, expect, it } from 'vitest';
import { applyEdits } from '../../src/pipeline/edits.ts';

const documents = () => ['one two three', 'untouched', '中文😀end'].map((text, i) => ({ id: `${i}`, text, meta: {} }));

describe('applyEdits', () => {
  it('cuts spans out of the rows that they name, counted in UTF-16 units', () => {
    const edited = documents();
    applyEdits(edited, Uint32Array.of(0, 0, 4, 0, 7, 13, 2, 2, 4), { action: 'remove', name: 'lines' });
    expect(edited.map(({ text }) => text)).toEqual(['two', 'untouched', '中文end']);
  });

  it('marks them under the name of the stage and leaves the text', () => {
    const edited = documents();
    applyEdits(edited, Uint32Array.of(0, 0, 4, 0, 7, 13), { action: 'mark', name: 'lines' });
    expect(edited[0]).toEqual({
      id: '0',
      text: 'one two three',
      meta: {
        lines: {
          spans: [
            [0, 4],
            [7, 13],
          ],
        },
      },
    });
    expect(edited[1].meta).toEqual({});
  });

  it("refuses a span outside its text, which would be another part's", () => {
    const spans = Uint32Array.of(1, 5, 99);
    expect(() => applyEdits(documents(), spans, { action: 'remove', name: 'lines' })).toThrow(/row 1 lies outside/);
  });
});
