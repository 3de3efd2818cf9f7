/**
 * A sink's or barrier's own `details` (any JSON) as label–value rows for people: names are spelled out
 * (`paddingTokens` → "Padding tokens"), sizes and shares are recognized by their names, one level of nesting is
 * flattened, and long lists are counted rather than shown. `report.json` holds everything.
 */
import { formatBytes, formatCount, formatMeasure, formatShare } from './numbers.ts';

export interface DetailRow {
  label: string;
  value: string;
}

const MAX_ROWS = 16;
const MAX_LIST = 8;
const MAX_TEXT = 120;

export function detailRows(details: Record<string, unknown>): DetailRow[] {
  const rows: DetailRow[] = [];
  for (const [key, value] of Object.entries(details)) {
    if (isObject(value)) {
      for (const [inner, innerValue] of Object.entries(value)) {
        rows.push({
          label: `${spellOut(key)}: ${spellOut(inner).toLowerCase()}`,
          value: formatDetail(inner, innerValue),
        });
      }
    } else if (value !== null && value !== undefined) {
      rows.push({ label: spellOut(key.replace(/Percent$/, '')), value: formatDetail(key, value) });
    }
  }
  if (rows.length <= MAX_ROWS) return rows;
  const more = rows.length - (MAX_ROWS - 1);
  return [
    ...rows.slice(0, MAX_ROWS - 1),
    { label: 'More', value: `${formatCount(more)} further values in report.json` },
  ];
}

/** `paddingTokens`, `padding_tokens` → `Padding tokens`. */
export function spellOut(name: string): string {
  const words = name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/[_-]+/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function formatDetail(key: string, value: unknown): string {
  if (typeof value === 'number') {
    if (/bytes$/i.test(key)) return formatBytes(value);
    if (/(share|fraction)$/i.test(key) && value >= 0 && value <= 1) return formatShare(value, 1);
    if (/percent$/i.test(key)) return `${formatMeasure(Number(value.toFixed(2)))} %`;
    if (/^(seed|version)$/i.test(key)) return String(value);
    return formatMeasure(value);
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT).toWellFormed()}…` : value;
  if (Array.isArray(value)) {
    const scalars = value.every((item) => item === null || typeof item !== 'object');
    if (!scalars || value.length > MAX_LIST) return `${formatCount(value.length)} entries`;
    return value.map((item) => formatDetail('', item)).join(', ');
  }
  if (isObject(value)) return `${formatCount(Object.keys(value).length)} entries`;
  return String(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
