/**
 * Excerpts of documents, and the budget that keeps the page small: when all excerpts together would pass it, each is cut to the
 * same shorter length. The report's JSON always holds the whole excerpts.
 */
import { formatBytes } from '../numbers.ts';
import { type Child, html, type Markup } from './markup.ts';

/** UTF-8 bytes that the excerpts of a page may take in all; the rest of a page is 40 to 150 kB. */
const EXCERPT_BUDGET_BYTES = 160_000;
const LENGTHS = [600, 450, 320, 220, 140, 80];

/** UTF-16 units that each of a page's excerpts may have. */
export function excerptLength(texts: readonly string[]): number {
  const fits = (length: number) =>
    texts.reduce((total, text) => total + Buffer.byteLength(text.slice(0, length)), 0) <= EXCERPT_BUDGET_BYTES;
  return LENGTHS.find(fits) ?? LENGTHS[LENGTHS.length - 1];
}

/** The text cut to `length` units, not through a surrogate pair. */
export function cutText(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
}

/**
 * An excerpt as a block; `body` is its text, marked up or not. Says how much of the document is not shown.
 * `<bdi>`-like isolation and `dir=auto` keep right-to-left and override characters inside.
 */
export function excerptBlock(body: Child, shownBytes: number, wholeBytes: number): Markup {
  if (wholeBytes === 0) return html`<p class="excerpt-none">(empty document)</p>`;
  return html`<pre class="excerpt" dir="auto">${body}${
    wholeBytes > shownBytes && html`<span class="cut" dir="ltr"> … ${formatBytes(wholeBytes - shownBytes)} more</span>`
  }</pre>`;
}
