/** Documents as people label them: rows with an empty `label`, as CSV for a spreadsheet or JSON lines for a tool. */

export interface ReviewRow {
  id: string;
  /** Empty until someone has read the text. */
  label: string;
  score: number | null;
  source: string;
  lang: string;
  /** UTF-16 units of the whole text. */
  length: number;
  text: string;
}

const COLUMNS = ['id', 'label', 'score', 'source', 'lang', 'length', 'text'] as const;

export const REVIEW_FORMATS = ['csv', 'jsonl'] as const;
export type ReviewFormat = (typeof REVIEW_FORMATS)[number];

/** The file's content. CSV as in RFC 4180, with a byte order mark, without which spreadsheets misread what is not ASCII. */
export function formatReview(rows: readonly ReviewRow[], format: ReviewFormat): string {
  if (format === 'jsonl') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const lines = [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => String(row[column] ?? '')))];
  return `\ufeff${lines.map((fields) => `${fields.map(quoted).join(',')}\r\n`).join('')}`;
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
