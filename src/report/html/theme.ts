/**
 * The report's colours, as data, so that a test can hold every pair that carries meaning to WCAG contrast. Teal is
 * what is kept, rust is what is dropped (a pair that colour-blind readers tell apart), grey is what was there before.
 */

export interface Theme {
  /** Behind everything. */
  page: string;
  /** Behind excerpts and code. */
  panel: string;
  ink: string;
  muted: string;
  /** Hairlines; decoration only. */
  line: string;
  kept: string;
  keptSoft: string;
  lost: string;
  lostSoft: string;
  before: string;
  focus: string;
  /** Behind words in which a near-copy differs. */
  mark: string;
}

export const LIGHT: Theme = {
  page: '#fdfefe',
  panel: '#f1f5f4',
  ink: '#13201e',
  muted: '#52615e',
  line: '#d6dedc',
  kept: '#0a6a5f',
  keptSoft: '#d2e9e4',
  lost: '#b0410c',
  lostSoft: '#f9e2d5',
  before: '#84918e',
  focus: '#0b57d0',
  mark: '#ffe49a',
};

export const DARK: Theme = {
  page: '#0f1615',
  panel: '#18211f',
  ink: '#e3ebe9',
  muted: '#9daba8',
  line: '#2b3735',
  kept: '#55c7b4',
  keptSoft: '#153d37',
  lost: '#f4975f',
  lostSoft: '#48291a',
  before: '#71807d',
  focus: '#8ab4f8',
  mark: '#5b4a10',
};

/** The theme as CSS custom properties. */
export function themeCss(theme: Theme): string {
  return Object.entries(theme)
    .map(([name, colour]) => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}:${colour}`)
    .join(';');
}
