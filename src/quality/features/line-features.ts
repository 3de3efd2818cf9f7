/**
 * What a text's lines and paragraphs are: how long, how they begin and end, how many repeat.
 *
 * Lines are pieces between newlines without the white space at their ends; lines of white space alone count only as blank.
 * Lengths are UTF-16 units. Cost: a look at both ends of each line, and a hash of sampled units for repetition.
 */
import { endsChineseSentence } from '../../text/chinese-sentences.ts';
import { strippedLines, strippedParagraphs } from '../../text/stripped-pieces.ts';
import type { TextView } from '../../text/view.ts';
import { type FeatureGroup, share } from './feature-group.ts';
import * as U from './unit-properties.ts';

/** Titles, menu entries and list items are shorter. */
const SHORT_LINE = 30;
/** Lines of wrapped text and mail are shorter; a paragraph on one line is longer. */
const LONG_LINE = 100;

export const lineFeatures: FeatureGroup = {
  features: [
    ['lines_log', 'ln(1 + lines)'],
    ['blank_line_share', 'blank ones among all lines'],
    ['mean_line_length_log', 'ln(1 + mean length of a line)'],
    ['median_line_length_log', 'ln(1 + median length)'],
    ['lower_quartile_line_length_log', 'ln(1 + length that a quarter of the lines does not exceed)'],
    ['max_line_length_log', 'ln(1 + length of the longest line)'],
    ['line_length_variation', 'standard deviation of line lengths by their mean'],
    ['short_line_share', `lines under ${SHORT_LINE} units`],
    ['short_line_char_share', 'units in such lines'],
    ['long_line_char_share', `units in lines over ${LONG_LINE}`],
    ['ended_line_share', 'lines that end a sentence'],
    ['ended_line_char_share', 'units in such lines'],
    ['ellipsis_line_share', 'lines that end in ... or …'],
    ['colon_line_share', 'lines that end in a colon'],
    ['bullet_line_share', 'lines that begin with a bullet, dash or star'],
    ['digit_line_share', 'lines that begin with a digit'],
    ['bar_line_share', 'lines that begin with a vertical bar'],
    ['upper_line_share', 'lines that begin with an upper-case letter'],
    ['lower_line_share', 'lines that begin with a lower-case letter'],
    ['last_line_ended', '1 where the last line ends a sentence'],
    ['duplicate_line_share', 'second and later occurrences among lines'],
    ['duplicate_line_char_share', 'units in such lines'],
    ['paragraphs_log', 'ln(1 + paragraphs); a paragraph ends at an empty line'],
    ['mean_paragraph_length_log', 'ln(1 + mean length of a paragraph)'],
    ['duplicate_paragraph_share', 'second and later occurrences among paragraphs'],
  ],
  read,
};

const BULLETS = new Set(Array.from('•‣⁃∙◦●○■□▪▫◆◇►▶–—-*+·・»›➢➤✓✔※★☆', (mark) => mark.charCodeAt(0)));

let lengths = new Uint32Array(1024);

function read(view: TextView, out: Float64Array, at: number): void {
  const { flags } = U.unitProperties();
  const { units } = view;
  const lines = view.get(strippedLines);
  const { starts, ends, count } = lines;
  if (lengths.length < count) lengths = new Uint32Array(2 ** Math.ceil(Math.log2(count)));
  let total = 0;
  let squares = 0;
  let short = 0;
  let shortUnits = 0;
  let longUnits = 0;
  let ended = 0;
  let endedUnits = 0;
  let isLastEnded = 0;
  let ellipsis = 0;
  let colon = 0;
  let bullets = 0;
  let digits = 0;
  let bars = 0;
  let upper = 0;
  let lower = 0;
  for (let i = 0; i < count; i++) {
    const start = starts[i];
    const end = ends[i];
    const length = end - start;
    lengths[i] = length;
    total += length;
    squares += length * length;
    if (length < SHORT_LINE) {
      short++;
      shortUnits += length;
    } else if (length > LONG_LINE) {
      longUnits += length;
    }
    isLastEnded = endsChineseSentence(units, start, end) ? 1 : 0;
    ended += isLastEnded;
    endedUnits += isLastEnded * length;
    const last = units[end - 1];
    if (last === 0x2026 || (last === 0x2e && length > 2 && units[end - 2] === 0x2e && units[end - 3] === 0x2e))
      ellipsis++;
    else if (last === 0x3a || last === 0xff1a) colon++;
    const first = units[start];
    const flag = flags[first];
    if ((flag & U.UPPER) !== 0) upper++;
    else if ((flag & U.LOWER) !== 0) lower++;
    else if ((flag & U.DIGIT) !== 0) digits++;
    else if (first === 0x7c) bars++;
    else if (BULLETS.has(first)) bullets++;
  }
  const mean = share(total, count);
  const sorted = lengths.subarray(0, count).sort();
  const repeated = view.duplicates(lines);
  const paragraphs = view.get(strippedParagraphs);
  let paragraphUnits = 0;
  for (let i = 0; i < paragraphs.count; i++) paragraphUnits += paragraphs.ends[i] - paragraphs.starts[i];
  const repeatedParagraphs = paragraphs.count === count ? repeated : view.duplicates(paragraphs);
  const allLines = view.text.length === 0 ? 0 : view.newlineLines.count;
  out[at++] = Math.log1p(count);
  out[at++] = share(allLines - count, allLines);
  out[at++] = Math.log1p(mean);
  out[at++] = Math.log1p(median(sorted));
  out[at++] = Math.log1p(count === 0 ? 0 : sorted[(count - 1) >> 2]);
  out[at++] = Math.log1p(count === 0 ? 0 : sorted[count - 1]);
  out[at++] = count === 0 ? 0 : Math.sqrt(Math.max(0, squares / count - mean * mean)) / mean;
  out[at++] = share(short, count);
  out[at++] = share(shortUnits, total);
  out[at++] = share(longUnits, total);
  out[at++] = share(ended, count);
  out[at++] = share(endedUnits, total);
  out[at++] = share(ellipsis, count);
  out[at++] = share(colon, count);
  out[at++] = share(bullets, count);
  out[at++] = share(digits, count);
  out[at++] = share(bars, count);
  out[at++] = share(upper, count);
  out[at++] = share(lower, count);
  out[at++] = isLastEnded;
  out[at++] = share(repeated.elements, count);
  out[at++] = share(repeated.chars, total);
  out[at++] = Math.log1p(paragraphs.count);
  out[at++] = Math.log1p(share(paragraphUnits, paragraphs.count));
  out[at++] = share(repeatedParagraphs.elements, paragraphs.count);
}

function median(sorted: Uint32Array): number {
  const { length } = sorted;
  if (length === 0) return 0;
  return (sorted[(length - 1) >> 1] + sorted[length >> 1]) / 2;
}
