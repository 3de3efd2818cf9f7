/**
 * What every page of corpusmill is: one file that opens from disk, without network, script libraries or fonts of its own. A
 * content policy forbids everything but the page's style and its one script (allowed by hash), so that even markup that got
 * past the escaping could load and run nothing.
 */
import { createHash } from 'node:crypto';
import { html, type Markup, trusted } from './markup.ts';
import { PAGE_SCRIPT } from './script.ts';
import { PAGE_STYLE } from './style.ts';

export interface Chapter {
  id: string;
  title: string;
  body: Markup;
}

export interface Shell {
  title: string;
  /** The link for those who come by keyboard, to the id of a chapter. */
  skip: { to: string; text: string };
  masthead: Markup;
  chapters: readonly Chapter[];
  footer: Markup;
  /** What a page needs besides the common style sheet. */
  style?: string;
}

/** Stands at the head of a masthead. */
export const MASTHEAD_BAR: Markup = html`<div class="masthead-bar"><span class="brand">corpusmill</span><button type="button" id="theme-toggle" class="plain-button" hidden>Dark theme</button></div>`;

export function renderShell({ title, skip, masthead, chapters, footer, style = '' }: Shell): string {
  const scriptHash = createHash('sha256').update(PAGE_SCRIPT).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${scriptHash}'; base-uri 'none'; form-action 'none'`;
  return `${html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${trusted(PAGE_STYLE + style)}</style>
<script>${trusted(PAGE_SCRIPT)}</script>
</head>
<body>
<a class="skip" href="#${skip.to}">${skip.text}</a>
<div class="page">
${masthead}
<nav aria-label="Sections"><ul>${chapters.map((one) => html`<li><a href="#${one.id}">${one.title}</a></li>`)}</ul></nav>
<main>
${chapters.map((one) => one.body)}
</main>
${footer}
</div>
</body>
</html>
`}`;
}

/** A part of a page with its title in the margin; `foldable` gives it a button that opens all that folds in it. */
export function chapter(id: string, title: string, lead: string, content: Markup, foldable = false): Chapter {
  const body = html`<section class="chapter" id="${id}" aria-labelledby="${id}-title">
<div class="chapter-head"><h2 id="${id}-title">${title}</h2><p>${lead}</p>${
    foldable &&
    html`<button type="button" class="plain-button" data-opens="${id}" aria-controls="${id}" aria-expanded="false" hidden>Open all</button>`
  }</div>
<div class="chapter-body">${content}</div></section>`;
  return { id, title, body };
}
