/**
 * Characters that should be others or none: terminal escapes, control and invisible characters, C1 controls that are
 * Windows-1252 punctuation, ligatures, full-width and half-width forms.
 */
import { WINDOWS_1252_C1 } from './encodings.ts';

/** ANSI escape sequences that set colours or move the cursor (ECMA-48 CSI). */
export const TERMINAL_ESCAPE = /\x1b\[[0-9;?]*[@-~]/g;

/** C0 controls without tab, newline, form feed and carriage return; DEL; deprecated format controls; interlinear marks. */
export const CONTROLS = /[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufff9-\ufffb]+/g;

/** A byte order mark in the text is an accident; the others are meant now and then (line breaking, direction). */
export const ZERO_WIDTH = {
  bom: /\ufeff+/g,
  all: /[\ufeff\u200b\u200e\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\u00ad\u180e]+/g,
} as const;

export const C1 = /[\x80-\x9f]/g;

/** What a C1 control means where a page declares Latin-1 and means Windows-1252 (HTML Standard); undefined bytes go. */
export function fromC1(control: string): string {
  const character = WINDOWS_1252_C1[control.charCodeAt(0) - 0x80];
  return character === control ? '' : character;
}

export const LIGATURES = /[\ufb00-\ufb06\u0132\u0133]/g;

/** ﬁ → fi, ﬆ → st: the compatibility decomposition, which for these loses nothing but the joint. */
export function openLigature(ligature: string): string {
  return ligature.normalize('NFKC');
}

/** Full-width letters and digits; with `all` every full-width ASCII form and half-width Katakana and Hangul. */
export const WIDTH = {
  letters: /[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+/g,
  all: /[\uff01-\uff5e\uff61-\uffdc\uffe0-\uffee]+/g,
} as const;

/** UAX #11 and the compatibility mappings: Ａ → A, １ → 1, ｶﾞ → ガ. */
export function usualWidth(piece: string): string {
  return piece.normalize('NFKC');
}
