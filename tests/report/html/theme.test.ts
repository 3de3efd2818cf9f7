import { describe, expect, it } from 'vitest';
import { DARK, LIGHT, type Theme, themeCss } from '../../../src/report/html/theme.ts';
import { contrast } from './contrast.ts';

describe.each<[string, Theme]>([
  ['light', LIGHT],
  ['dark', DARK],
])('the %s theme', (_, theme) => {
  it('is measured rightly: black on white is 21', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  });

  it.each<[keyof Theme, keyof Theme, number]>([
    ['ink', 'page', 7],
    ['ink', 'panel', 7],
    ['ink', 'mark', 7],
    ['muted', 'page', 4.5],
    ['muted', 'panel', 4.5],
    ['kept', 'page', 4.5],
    ['lost', 'page', 4.5],
    ['lost', 'lostSoft', 4.5],
    ['page', 'kept', 4.5],
    // WCAG 1.4.11: graphics that carry meaning.
    ['before', 'page', 3],
    ['kept', 'panel', 3],
    ['lost', 'panel', 3],
    ['focus', 'page', 3],
  ])('shows %s on %s at %d to 1 or better', (front, back, least) => {
    expect(contrast(theme[front], theme[back])).toBeGreaterThanOrEqual(least);
  });

  it('is written as custom properties', () => {
    expect(themeCss(theme)).toContain(`--kept-soft:${theme.keptSoft}`);
  });
});
