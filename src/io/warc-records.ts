/**
 * Where WARC and ARC records begin and end, in bytes alone.
 *
 * A record is a head, a blank line and as many bytes of content as the head says. That length is believed only when the
 * next record (or the end of the file) follows it; where it does not, the record is broken and reading goes on at the
 * next line that begins a record. One indexOf and one small regular expression a record: the content is never walked.
 *
 * Formats: ISO 28500:2017 (WARC 1.0, 1.1); the Internet Archive's ARC file format, versions 1 and 2.
 */
import { type TextBuffer, textBuffer } from './text-bytes.ts';

export type WarcStep =
  /** A whole record: head [start, content), content [content, contentEnd), next record at or after `next`. */
  | { kind: 'record'; start: number; content: number; contentEnd: number; next: number; arc: boolean }
  /** Bytes [start, next) that are no record. */
  | { kind: 'broken'; start: number; next: number; reason: string; detail: string }
  /** The record from `start` needs bytes up to `upTo`, at least; `length` is that of its content where it is known. */
  | { kind: 'more'; start: number; upTo: number; length: number | undefined; arc: boolean }
  | { kind: 'end' };

/** Longest head of a record; heads with `data:` addresses reach some hundred kB. */
const MAX_HEAD_BYTES = 1024 * 1024;
/** What is read past a record to see that another one follows. */
const LOOKAHEAD_BYTES = 32;

/**
 * The record at or after `at`. `final`: no byte follows `end` in the file. Never throws.
 */
export function nextRecord(bytes: Uint8Array, at: number, end: number, final: boolean): WarcStep {
  const buffer = textBuffer(bytes);
  const start = skipLineEnds(buffer, at, end);
  if (start >= end) return { kind: 'end' };
  if (!final && end - start < LOOKAHEAD_BYTES) {
    return { kind: 'more', start, upTo: start + LOOKAHEAD_BYTES, length: undefined, arc: false };
  }
  const arc = !isWarcAt(buffer, start, end);
  const content = arc ? arcHeadEnd(buffer, start, end) : warcHeadEnd(buffer, start, end);
  if (content === -1) {
    const tooFar = end - start > (arc ? MAX_ARC_LINE_BYTES : MAX_HEAD_BYTES);
    if (!final && !tooFar) return { kind: 'more', start, upTo: end + 1, length: undefined, arc };
    const detail = arc ? 'no WARC version line and no ARC record line' : 'its head has no end';
    return broken(buffer, start, start + 1, end, final, 'not a WARC record', detail);
  }
  const length = arc ? arcLength(buffer, start, content) : warcLength(buffer, start, content);
  if (length === NO_ARC_LINE) {
    const detail = 'no WARC version line and no ARC record line';
    return broken(buffer, start, start + 1, end, final, 'not a WARC record', detail);
  }
  if (length < 0) {
    const detail = arc ? 'its record line gives no length' : 'its head gives no valid Content-Length';
    return broken(buffer, start, content - 1, end, final, 'no content length', detail);
  }
  const contentEnd = content + length;
  if (contentEnd > end) {
    if (!final) return { kind: 'more', start, upTo: contentEnd + LOOKAHEAD_BYTES, length, arc };
    const detail = `Content-Length ${length}, but ${end - content} bytes follow`;
    return broken(buffer, start, content - 1, end, true, 'truncated record', detail);
  }
  if (!final && contentEnd + LOOKAHEAD_BYTES > end) {
    return { kind: 'more', start, upTo: contentEnd + LOOKAHEAD_BYTES, length, arc };
  }
  const next = skipLineEnds(buffer, contentEnd, end);
  // A WARC file inside the content cannot mislead: only the place that the length names is looked at. The two line ends
  // that close a record bear the length out too, when what follows them is broken.
  const closed = !arc && buffer.latin1Slice(contentEnd, Math.min(end, contentEnd + 4)) === '\r\n\r\n';
  if (closed || next >= end || isWarcAt(buffer, next, end) || isArcLine(buffer, next, end)) {
    return { kind: 'record', start, content, contentEnd, next, arc };
  }
  const found = JSON.stringify(buffer.latin1Slice(next, Math.min(end, next + 12)));
  const detail = `Content-Length ${length} does not lead to a record: ${found} follows`;
  return broken(buffer, start, content - 1, end, final, 'wrong content length', detail);
}

/** The value of a head's field (case does not matter), or undefined. Folded lines are joined. */
export function headField(head: string, name: string): string | undefined {
  const field = new RegExp(`^${name}[ \\t]*:[ \\t]*(.*(?:\\r?\\n[ \\t].*)*)`, 'im').exec(head);
  return field === null ? undefined : field[1].replace(/\r?\n[ \t]+/g, ' ').trim();
}

/** The fields of an ARC record line: address, IP, date, content type, length. Addresses may hold spaces. */
export function arcFields(
  line: string,
): { url: string; date: string; contentType: string; length: string } | undefined {
  const match = ARC_LINE.exec(line);
  return match === null ? undefined : { url: match[1], date: match[2], contentType: match[3], length: match[4] };
}

/** Version 2 has five more fields between content type and length. */
const ARC_LINE =
  /^([A-Za-z][A-Za-z0-9+.-]*:.*?) (?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]*|-) (\d{8,20}) (\S+)(?: .*)? (\S+)\s*$/;
const MAX_ARC_LINE_BYTES = 64 * 1024;
const NO_ARC_LINE = -2;

function broken(
  buffer: TextBuffer,
  start: number,
  searchFrom: number,
  end: number,
  final: boolean,
  reason: string,
  detail: string,
): WarcStep {
  const next = nextStart(buffer, searchFrom, end);
  if (next !== -1) return { kind: 'broken', start, next, reason, detail };
  if (!final) return { kind: 'more', start, upTo: end + 1, length: undefined, arc: false };
  return { kind: 'broken', start, next: end, reason, detail };
}

/** The next line from `from` on that begins a record, or -1. */
export function nextStart(buffer: TextBuffer, from: number, end: number): number {
  for (let at = Math.max(0, from); ; ) {
    const line = buffer.indexOf(0x0a, at);
    if (line === -1 || line + 1 >= end) return -1;
    at = line + 1;
    if (isWarcAt(buffer, at, end) || isArcLine(buffer, at, end)) return at;
  }
}

function skipLineEnds(buffer: TextBuffer, from: number, end: number): number {
  let at = from;
  while (at < end && (buffer[at] === 0x0d || buffer[at] === 0x0a)) at++;
  return at;
}

/** `WARC/` and a digit. */
function isWarcAt(buffer: TextBuffer, at: number, end: number): boolean {
  return (
    at + 6 <= end &&
    buffer[at] === 0x57 &&
    buffer[at + 1] === 0x41 &&
    buffer[at + 2] === 0x52 &&
    buffer[at + 3] === 0x43 &&
    buffer[at + 4] === 0x2f &&
    buffer[at + 5] >= 0x30 &&
    buffer[at + 5] <= 0x39
  );
}

/** A whole ARC record line. Tested by its first bytes before a string is made of it. */
function isArcLine(buffer: TextBuffer, at: number, end: number): boolean {
  const first = buffer[at] | 0x20;
  if (!(first >= 0x61 && first <= 0x7a)) return false;
  let colon = at + 1;
  while (colon < end && colon < at + 12 && buffer[colon] > 0x2a && buffer[colon] !== 0x3a) colon++;
  if (buffer[colon] !== 0x3a) return false;
  const line = buffer.indexOf(0x0a, at);
  // At the end of what has been read the rest of the line may be missing; what is there has to do.
  const to = line === -1 || line > end ? end : line;
  if (to - at > MAX_ARC_LINE_BYTES) return false;
  const text = buffer.latin1Slice(at, to);
  return ARC_LINE.test(text) || (to === end && !/[\0-\x1f]/.test(text) && !text.includes(': '));
}

function warcHeadEnd(buffer: TextBuffer, start: number, end: number): number {
  const crlf = buffer.indexOf('\r\n\r\n', start, 'latin1');
  // Some writers end lines with a line feed alone; such a head's end comes before any CRLF pair.
  const limit = crlf === -1 || crlf > end ? Math.min(end, start + MAX_HEAD_BYTES) : crlf;
  const lf = buffer.subarray(start, limit).indexOf('\n\n', 0, 'latin1');
  if (lf !== -1) return start + lf + 2;
  return crlf === -1 || crlf + 4 > end ? -1 : crlf + 4;
}

const CONTENT_LENGTH = /^content-length[ \t]*:[ \t]*(\d{1,15})[ \t]*\r?$/im;

function warcLength(buffer: TextBuffer, start: number, content: number): number {
  const match = CONTENT_LENGTH.exec(buffer.latin1Slice(start, content));
  return match === null ? -1 : Number(match[1]);
}

function arcHeadEnd(buffer: TextBuffer, start: number, end: number): number {
  const line = buffer.indexOf(0x0a, start);
  return line === -1 || line >= end || line - start > MAX_ARC_LINE_BYTES ? -1 : line + 1;
}

function arcLength(buffer: TextBuffer, start: number, content: number): number {
  const fields = arcFields(buffer.latin1Slice(start, content));
  if (fields === undefined) return NO_ARC_LINE;
  return /^\d{1,15}$/.test(fields.length) ? Number(fields.length) : -1;
}
