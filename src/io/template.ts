/**
 * Text made of several fields: `template: "{instruction}\n{input?}\n{output}"` turns instruction records into documents.
 *
 *   {field}    the field's value; a record without it, or with anything but text, a number or a truth value, is bad
 *   {field?}   the same, or nothing where the field is missing, null or empty; a line of nothing but such fields, all of
 *              them empty, is left out with its line end
 *   {{ and }}  a brace
 *
 * The field names are data's own; nothing in a value is looked at again, so text with braces stays what it is.
 */

type Piece = string | { field: string; optional: boolean };

export interface Template {
  fields: ReadonlySet<string>;
  /** Lines of pieces; a line's end is part of its last piece. */
  lines: { pieces: Piece[]; droppable: boolean }[];
}

const TOKEN = /\{\{|\}\}|\{([^{}?]+)(\?)?\}|[{}]/g;

/** Throws Error with what is wrong in words. */
export function compileTemplate(text: string): Template {
  const fields = new Set<string>();
  const lines = text.split(/(?<=\n)/).map((line) => {
    const pieces: Piece[] = [];
    let at = 0;
    for (const match of line.matchAll(TOKEN)) {
      const [token, field, optional] = match;
      pieces.push(line.slice(at, match.index));
      at = match.index + token.length;
      if (field !== undefined) {
        fields.add(field);
        pieces.push({ field, optional: optional !== undefined });
      } else if (token.length === 2) pieces.push(token[0]);
      else throw new Error(`a single '${token}': a field is {name} or {name?}, and a brace is ${token}${token}`);
    }
    pieces.push(line.slice(at));
    const droppable =
      pieces.some((piece) => typeof piece !== 'string') &&
      pieces.every((piece) => (typeof piece === 'string' ? piece.trim() === '' : piece.optional));
    return { pieces: pieces.filter((piece) => piece !== ''), droppable };
  });
  if (fields.size === 0) throw new Error('no field: the text of every document would be the same');
  return { fields, lines };
}

const compiled = new Map<string, Template>();

/** The compiled form of a template that was checked before. */
export function templateOf(text: string): Template {
  let template = compiled.get(text);
  if (template === undefined) {
    template = compileTemplate(text);
    compiled.set(text, template);
  }
  return template;
}

/** The text of a record, or why it has none. */
export function renderTemplate(
  { lines }: Template,
  record: Record<string, unknown>,
): { text: string } | { reason: string; detail: string } {
  let text = '';
  for (const { pieces, droppable } of lines) {
    let line = '';
    let filled = false;
    for (const piece of pieces) {
      if (typeof piece === 'string') {
        line += piece;
        continue;
      }
      const { field, optional } = piece;
      const value = Object.hasOwn(record, field) ? record[field] : undefined;
      if (value === undefined || value === null) {
        if (optional) continue;
        return missing(field, record, value);
      }
      if (typeof value === 'object') return { reason: 'text is not a string', detail: notText(field, value) };
      const shown = String(value);
      if (shown !== '') filled = true;
      line += shown;
    }
    if (filled || !droppable) text += line;
  }
  return { text };
}

function missing(field: string, record: Record<string, unknown>, value: unknown): { reason: string; detail: string } {
  if (value === null) return { reason: 'text is not a string', detail: `field ${JSON.stringify(field)} holds null` };
  const names = Object.keys(record).slice(0, 20).join(', ');
  return { reason: 'text field missing', detail: `no field ${JSON.stringify(field)}; the record has: ${names}` };
}

function notText(field: string, value: object): string {
  return `field ${JSON.stringify(field)} holds ${Array.isArray(value) ? 'an array' : 'an object'}`;
}
