/**
 * Records of web archives to documents, synchronously: the worker's half of reading WARC, WET and ARC.
 *
 * A response's text is the source of its page (extract.html makes prose of it) or its plain text; a `conversion` record's
 * (WET) is its content. A document's `id` is the WARC-Record-ID, and its meta holds `url`, `date`, `contentType`,
 * `warcType`, `status` and `charset`; `idField: url` makes the address the id. Records that the input's `warc` options
 * leave out are counted by why (ReadCounters.skipped); what claims to be a response and cannot be read is quarantined.
 */
import { charsetOf, decodePage } from './charset.ts';
import { decodeBody, parseHttpResponse } from './http-message.ts';
import { type ByteChunk, WARC_DEFAULTS, type WarcSelection } from './input.ts';
import { badRecord, CLEAN, deliverRecord, type ReadContext } from './record.ts';
import { excerptOf, textBuffer } from './text-bytes.ts';
import { arcFields, headField, nextRecord } from './warc-records.ts';

/** What a record's own head says. */
export interface RecordHead {
  /** WARC-Type in lower case; `response` for ARC. */
  type: string;
  id: string | undefined;
  url: string | undefined;
  date: string | undefined;
  contentType: string | undefined;
  /** WARC-Identified-Payload-Type. */
  identified: string | undefined;
  arc: boolean;
}

/** Parses every record of a chunk. Nothing is thrown for bad input: each bad record goes to `context.onBad`. */
export function parseWarc(chunk: ByteChunk, context: ReadContext): void {
  const { bytes } = chunk;
  const buffer = textBuffer(bytes);
  for (let at = 0; ; ) {
    const step = nextRecord(bytes, at, bytes.length, true);
    // The cutter lets whole records pass alone.
    if (step.kind !== 'record') return;
    const line = buffer.latin1Slice(step.start, step.content);
    const head = step.arc ? arcHead(line) : warcHead(buffer.utf8Slice(step.start, step.content));
    const made = head && recordOf(head, bytes, step.content, step.contentEnd, context);
    const place = { offset: chunk.offset + step.start, unit: 'byte' as const, length: step.contentEnd - step.start };
    const problem = typeof made === 'object' && 'record' in made ? deliver(made, place, context) : made;
    if (typeof problem === 'string') {
      const skipped = (context.counters.skipped ??= {});
      skipped[problem] = (skipped[problem] ?? 0) + 1;
    } else if (problem !== undefined) {
      context.onBad(badRecord(context, place, problem, excerptOf(bytes, step.start, step.contentEnd)));
    }
    at = step.next;
  }
}

function deliver(
  made: { record: Record<string, unknown>; replaced: boolean },
  place: { offset: number; unit: 'byte'; length: number },
  context: ReadContext,
): { reason: string; detail: string } | undefined {
  return deliverRecord(made.record, place, made.replaced ? { invalidUtf8: true, surrogates: false } : CLEAN, context);
}

function warcHead(head: string): RecordHead {
  const id = headField(head, 'WARC-Record-ID');
  return {
    type: (headField(head, 'WARC-Type') ?? 'unknown').toLowerCase(),
    id: id?.replace(/^<(.*)>$/, '$1'),
    // Wget up to 1.19 puts the address in angle brackets too.
    url: headField(head, 'WARC-Target-URI')?.replace(/^<(.*)>$/, '$1'),
    date: headField(head, 'WARC-Date'),
    contentType: headField(head, 'Content-Type'),
    identified: headField(head, 'WARC-Identified-Payload-Type'),
    arc: false,
  };
}

function arcHead(line: string): RecordHead {
  const fields = arcFields(line);
  const isHeader = fields === undefined || fields.url.startsWith('filedesc:');
  return {
    type: isHeader ? 'warcinfo' : 'response',
    id: undefined,
    url: fields?.url,
    date: fields && arcDate(fields.date),
    contentType: fields?.contentType,
    identified: undefined,
    arc: true,
  };
}

/** `20140216050221` → `2014-02-16T05:02:21Z`; other lengths stay as they are. */
function arcDate(date: string): string {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(date);
  return parts === null ? date : `${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z`;
}

/** The document's columns, a skip's name, or a problem. */
function recordOf(
  head: RecordHead,
  bytes: Uint8Array,
  content: number,
  contentEnd: number,
  context: ReadContext,
): { record: Record<string, unknown>; replaced: boolean } | { reason: string; detail: string } | string {
  const { spec } = context;
  const wanted: WarcSelection = spec.warc ?? WARC_DEFAULTS;
  if (!wanted.records.includes(head.type as never)) return `type: ${head.type}`;
  let body = bytes.subarray(content, contentEnd);
  let declared = head.contentType;
  let status: number | undefined;
  if (head.type === 'response' && isHttp(head)) {
    const response = parseHttpResponse(bytes, content, contentEnd);
    if (response === undefined) {
      if (head.contentType !== undefined && !/^application\/http\b/i.test(head.contentType))
        return 'type: no HTTP response';
      return { reason: 'invalid HTTP response', detail: 'the record does not begin with an HTTP status line' };
    }
    status = response.status;
    if (!statusWanted(status, wanted)) return `status: ${status}`;
    declared = response.fields.get('content-type');
    const type = contentTypeOf(declared, head.identified, response.body);
    if (!wanted.contentTypes.includes(type)) return `content type: ${type || 'none'}`;
    const decoded = decodeBody(response, spec.maxRecordBytes);
    if ('problem' in decoded) return decoded.problem;
    body = decoded.body;
  }
  const type = contentTypeOf(declared, head.identified, body);
  if (!wanted.contentTypes.includes(type)) return `content type: ${type || 'none'}`;
  if (body.length === 0) return 'empty body';
  const { text, charset, replaced } = decodePage(body, charsetOf(declared), type !== 'text/plain');
  const record: Record<string, unknown> = {
    [spec.textField]: text,
    id: head.id,
    url: head.url,
    date: head.date,
    contentType: type,
    warcType: head.type,
    status,
    charset,
  };
  return { record, replaced };
}

/** WARC's other responses are DNS answers and the like. */
function isHttp({ arc, contentType, url = '' }: RecordHead): boolean {
  return arc ? /^https?:/i.test(url) : contentType === undefined || /^application\/http\b/i.test(contentType);
}

function statusWanted(status: number, { status: wanted }: WarcSelection): boolean {
  if (wanted === 'any') return true;
  return wanted === '2xx' ? status >= 200 && status < 300 : wanted.includes(status);
}

/** The media type without parameters, in lower case; where none is declared, what was identified, or the bytes show. */
function contentTypeOf(declared: string | undefined, identified: string | undefined, body: Uint8Array): string {
  const type = mediaType(declared);
  if (type !== '' && type !== 'application/octet-stream' && type !== 'unknown/unknown') return type;
  if (identified !== undefined) return mediaType(identified);
  const start = textBuffer(body).latin1Slice(0, Math.min(body.length, 512)).trimStart().slice(0, 15).toLowerCase();
  return start.startsWith('<!doctype html') || start.startsWith('<html') ? 'text/html' : type;
}

function mediaType(value: string | undefined): string {
  return (value ?? '').split(/[;,]/, 1)[0].trim().toLowerCase();
}
