import { describe, expect, it } from 'vitest';
import { DARK, LIGHT } from '../../../../src/report/html/theme.ts';
import { SERIES_COLOURS, SERIES_SHOWN, SERIES_STYLE } from '../../../../src/report/quality/html/series.ts';
import { contrast } from '../../html/contrast.ts';

describe.each([
  ['light', LIGHT, SERIES_COLOURS.light],
  ['dark', DARK, SERIES_COLOURS.dark],
] as const)('the lines of the %s theme', (_, theme, colours) => {
  it('are as many as a plot shows, each another colour', () => {
    expect(new Set(colours).size).toBe(SERIES_SHOWN);
  });

  // WCAG 1.4.11: graphics that carry meaning.
  it.each(colours)('show %s on the page at 3 to 1 or better', (colour) => {
    expect(contrast(colour, theme.page)).toBeGreaterThanOrEqual(3);
  });
});

describe('the lines of models', () => {
  it('are told apart by their dashes as well', () => {
    const dashes = [...SERIES_STYLE.matchAll(/--dash:([^}]+)}/g)].map(([, dash]) => dash);
    expect(new Set(dashes).size).toBe(SERIES_SHOWN);
  });
});
