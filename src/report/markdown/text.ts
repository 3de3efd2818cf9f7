/** Markdown that means what the data says: escaping, inline code, and tables. */

const EXCERPT_CHARS = 160;

/**
 * Data as inline Markdown text that means itself: one line, no markup, no HTML, no automatic links (an entity does not
 * keep GitHub from linking `a@b.c`; a tag after the sign does).
 */
export function escapeMarkdown(text: string): string {
  return text
    .toWellFormed()
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replace(/[&<>"'`*_~[\](){}|\\#$!@:]|(?<=\bwww)\./giu, (c) => `&#${c.charCodeAt(0)};`)
    .replaceAll('&#64;', '&#64;<wbr>');
}

/** Document text as inline code. Not a backtick span: those cannot hold entities, nor a pipe within a table. */
export function codeText(text: string, maxChars = EXCERPT_CHARS): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  const cut = flat.length > maxChars ? `${flat.slice(0, maxChars)}…` : flat;
  return `<code>${escapeMarkdown(cut)}</code>`;
}

/** `heads` that end in a colon are right-aligned, as figures are. Cells are already escaped. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => text.replace(/:$/, ''));
  const rule = heads.map((text) => (text.endsWith(':') ? '---:' : '---'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** What a reader opens when it interests them. `title` is escaped already. */
export function folded(title: string, body: string): string {
  return `<details><summary>${title}</summary>\n\n${body}\n\n</details>`;
}
