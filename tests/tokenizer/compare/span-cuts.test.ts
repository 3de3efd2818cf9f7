import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countSpanCuts, createSpanCuts, type SpanCuts } from '../../../src/tokenizer/compare/span-cuts.ts';

type Span = readonly [start: number, end: number];

function count(ends: number[], spans: readonly Span[]): SpanCuts {
  const cuts = createSpanCuts();
  const starts = Uint32Array.from(spans, ([start]) => start);
  const spanEnds = Uint32Array.from(spans, ([, end]) => end);
  countSpanCuts(Uint32Array.from(ends), ends.length, { starts, ends: spanEnds, count: spans.length }, cuts);
  return cuts;
}

/** The same from the definition: every token against every span. */
function countSlowly(ends: number[], spans: readonly Span[]): SpanCuts {
  const tokens = ends.map((end, i): Span => [i === 0 ? 0 : ends[i - 1], end]);
  const touching = (span: Span) => tokens.filter(([start, end]) => start < span[1] && end > span[0]);
  const seen = spans.filter((span) => touching(span).length > 0);
  const whole = seen.filter((span) => touching(span).length === 1);
  return {
    spans: seen.length,
    tokens: tokens.filter(([start, end]) => spans.some((span) => start < span[1] && end > span[0])).length,
    whole: whole.length,
    joined: whole.filter((span) => whole.some((other) => other !== span && touching(other)[0] === touching(span)[0]))
      .length,
    inTwo: seen.filter((span) => touching(span).length === 2).length,
    inMore: seen.filter((span) => touching(span).length > 2).length,
  };
}

describe('spans under token borders', () => {
  it('counts words whole and cut: "the| un|help|ful| cat"', () => {
    // the [0,3) unhelpful [4,13) cat [14,17); tokens end at 3, 6, 10, 13, 17.
    expect(
      count(
        [3, 6, 10, 13, 17],
        [
          [0, 3],
          [4, 13],
          [14, 17],
        ],
      ),
    ).toEqual({
      spans: 3,
      tokens: 5,
      whole: 2,
      joined: 0,
      inTwo: 0,
      inMore: 1,
    });
  });

  it('counts a token once that holds two characters, and both as joined', () => {
    // 世界 in one token, 鱻 in two, 。 is no span.
    expect(
      count(
        [6, 8, 9, 12],
        [
          [0, 3],
          [3, 6],
          [6, 9],
        ],
      ),
    ).toEqual({
      spans: 3,
      tokens: 3,
      whole: 2,
      joined: 2,
      inTwo: 1,
      inMore: 0,
    });
  });

  it('is the definition, for any borders and spans', () => {
    const borders = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 30 }).map((steps) =>
      steps.map(
        (
          (at) => (step: number) =>
            (at += step)
        )(0),
      ),
    );
    const spans = fc
      .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 5 })), { maxLength: 12 })
      .map((steps) => {
        let at = 0;
        return steps.map(([gap, length]): Span => {
          const start = at + gap;
          at = start + length;
          return [start, at];
        });
      });
    fc.assert(
      fc.property(borders, spans, (ends, given) => {
        // Spans lie within the text.
        const inside = given.filter(([, end]) => end <= ends.at(-1)!);
        expect(count(ends, inside)).toEqual(countSlowly(ends, inside));
      }),
      { numRuns: 500 },
    );
  });
});
