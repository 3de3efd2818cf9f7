/**
 * The texts of a chunk of JSON Lines as UTF-8, by the native kernel (native/jsonl.cc), with what is left of each record for
 * JSON.parse. Texts are most of the bytes, and making strings of them to write those as UTF-8 again was most of the work. The
 * kernel alone reads 60 MB of web text at 1.6 GB/s.
 */
import { largeBytes } from '../core/large-pages.ts';
import { native } from '../core/native.ts';
import type { StoredText } from '../core/stored-text.ts';

/** One line of the chunk, without its line feed. */
export interface TextLine {
  from: number;
  end: number;
  /** Undefined: nothing is known of the record, and all of it is to be parsed. */
  text: StoredText | undefined;
  /** With a text: the record without it is the bytes [from, cutFrom) and [cutEnd, end). */
  cutFrom: number;
  cutEnd: number;
}

const ROW_WORDS = 7;
const ROWS_AT_ONCE = 1024;
/** Room that the kernel needs behind the texts; offsets are 32 bits. */
const PADDING = 16;
const MOST_BYTES = 0xffffffff - 2 * PADDING;

const rows = new Uint32Array(ROW_WORDS * ROWS_AT_ONCE);

/** Whether `eachTextLine` can be used: the add-on is there, and nothing about the field's name or the size is out of the way. */
export function canReadTexts(bytes: Uint8Array, field: string): boolean {
  return native !== undefined && bytes.length <= MOST_BYTES && JSON.stringify(field) === `"${field}"`;
}

/** Calls `take` with every line of `bytes`, which are UTF-8; the line is good until it returns, its text for longer. */
export function eachTextLine(bytes: Uint8Array, field: string, take: (line: TextLine) => void): void {
  const texts = largeBytes(bytes.length + PADDING);
  const name = Buffer.from(field);
  const line: TextLine = { from: 0, end: 0, text: undefined, cutFrom: 0, cutEnd: 0 };
  for (let start = 0, textStart = 0; start < bytes.length; ) {
    const count = native!.readJsonlTexts(bytes, start, name, texts, textStart, rows);
    for (let at = 0; at < count * ROW_WORDS; at += ROW_WORDS) {
      line.from = rows[at];
      line.end = rows[at + 1];
      line.cutFrom = rows[at + 4];
      line.cutEnd = rows[at + 5];
      line.text = undefined;
      if (line.cutEnd !== 0) {
        textStart = rows[at + 3];
        line.text = { bytes: texts, start: rows[at + 2], end: textStart, units: rows[at + 6] };
      }
      start = line.end + 1;
      take(line);
    }
  }
}
