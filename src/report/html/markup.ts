/**
 * HTML by tagged template: every interpolated value is escaped unless it is itself `Markup`, so text from documents,
 * ids, paths and options cannot become markup, whoever writes the template. Attribute values must be quoted in the
 * template; both quotes are escaped.
 */

/** A finished piece of HTML. Only `html` and `trusted` make one. */
export class Markup {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type Child = Markup | string | number | null | undefined | false | readonly Child[];

export function html(strings: TemplateStringsArray, ...children: Child[]): Markup {
  let text = strings[0];
  for (let i = 0; i < children.length; i++) text += render(children[i]) + strings[i + 1];
  return new Markup(text);
}

/** Marks text of our own (style sheet, script) as HTML. Never give it anything that came from data. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function render(child: Child): string {
  if (child instanceof Markup) return child.toString();
  if (child === null || child === undefined || child === false) return '';
  if (Array.isArray(child)) return child.map(render).join('');
  return escapeHtml(String(child));
}

const ENTITY: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as HTML text or quoted attribute value. Control characters, which HTML forbids, are shown as pictures (␀). */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/[\u007f-\u009f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (c) => ENTITY[c]);
}

/** A percentage for a style attribute: `41.667%`, within [0, 100], 0 for a share of nothing. */
export function percent(part: number, whole: number): string {
  const share = whole > 0 ? (part / whole) * 100 : 0;
  return `${Number(Math.min(Math.max(share, 0), 100).toFixed(3))}%`;
}
