/** Repeated lines of one page, as DCLM's within_page_dedup takes them out: compared in lower case without outer white space. */
import { stripText } from '../../text/stripped-pieces.ts';

/** The first of equal lines; empty lines stay. */
export function dropRepeatedLines(text: string): string {
  const seen = new Set<string>();
  const lines = text.split('\n');
  const kept = lines.filter((line) => {
    const folded = stripText(line).toLowerCase();
    if (folded === '') return true;
    if (seen.has(folded)) return false;
    seen.add(folded);
    return true;
  });
  return kept.length === lines.length ? text : kept.join('\n');
}
