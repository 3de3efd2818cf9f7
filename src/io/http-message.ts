/**
 * An HTTP response as an archive holds it: status line, header fields, body; the body's transfer coding and content
 * coding undone (RFC 9110, 9112). Archives lie: bodies are stored decoded with the header left as it was, so a coding is
 * undone only where the bytes bear it out.
 */
import zlib from 'node:zlib';
import { isUtf8Range, type TextBuffer, textBuffer } from './text-bytes.ts';

export interface HttpResponse {
  status: number;
  /** Names in lower case; of a repeated field, the first. */
  fields: Map<string, string>;
  body: Uint8Array;
}

/** The response in [start, end), or undefined where no status line begins it. */
export function parseHttpResponse(bytes: Uint8Array, start: number, end: number): HttpResponse | undefined {
  const buffer = textBuffer(bytes);
  const statusEnd = lineEnd(buffer, start, Math.min(end, start + 1024));
  const status = /^HTTP\/\d(?:\.\d)? +(\d{3})\b/.exec(buffer.latin1Slice(start, statusEnd));
  if (status === null) return undefined;
  const fields = new Map<string, string>();
  let at = Math.min(end, statusEnd + 1);
  let last: string | undefined;
  while (at < end) {
    const to = lineEnd(buffer, at, end);
    const line = buffer.latin1Slice(at, to).trimEnd();
    at = Math.min(end, to + 1);
    if (line === '') break;
    if ((line[0] === ' ' || line[0] === '\t') && last !== undefined) {
      fields.set(last, `${fields.get(last)} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    last = fields.has(name) ? undefined : name;
    if (last !== undefined) fields.set(last, line.slice(colon + 1).trim());
  }
  return { status: Number(status[1]), fields, body: bytes.subarray(at, end) };
}

function lineEnd(buffer: TextBuffer, from: number, end: number): number {
  const at = buffer.indexOf(0x0a, from);
  return at === -1 || at > end ? end : at;
}

export type DecodedBody = { body: Uint8Array } | { problem: { reason: string; detail: string } };

/**
 * The body without transfer coding and content codings (gzip, deflate, br). Of a body that ends early, what can be had.
 * `maxBytes` bounds what it may expand to.
 */
export function decodeBody(response: HttpResponse, maxBytes: number): DecodedBody {
  let { body } = response;
  if (/\bchunked\b/i.test(response.fields.get('transfer-encoding') ?? '')) body = withoutChunks(body);
  const codings = (response.fields.get('content-encoding') ?? '').toLowerCase().split(/[\s,]+/);
  for (const coding of codings.reverse()) {
    if (coding === '' || coding === 'identity' || body.length === 0) continue;
    const decoded = undoCoding(body, coding, maxBytes);
    if ('problem' in decoded) return decoded;
    body = decoded.body;
  }
  return { body };
}

function undoCoding(body: Uint8Array, coding: string, maxBytes: number): DecodedBody {
  // What is there of a stream that was cut off is better than nothing.
  const options = { maxOutputLength: maxBytes, finishFlush: zlib.constants.Z_SYNC_FLUSH };
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip':
        return body[0] === 0x1f && body[1] === 0x8b ? { body: zlib.gunzipSync(body, options) } : { body };
      case 'deflate':
        if (looksLikeText(body)) return { body };
        // Both are sent under this name: zlib's wrapping, and bare deflate.
        return { body: isZlib(body) ? zlib.inflateSync(body, options) : zlib.inflateRawSync(body, options) };
      case 'br': {
        if (looksLikeText(body)) return { body };
        const flush = zlib.constants.BROTLI_OPERATION_FLUSH;
        return { body: zlib.brotliDecompressSync(body, { maxOutputLength: maxBytes, finishFlush: flush }) };
      }
      default:
        return looksLikeText(body)
          ? { body }
          : { problem: { reason: 'unsupported content encoding', detail: `Content-Encoding ${coding}` } };
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const detail = `Content-Encoding ${coding}: ${body.length} bytes expand to more than ${maxBytes}`;
      return { problem: { reason: 'expansion limit', detail } };
    }
    if (looksLikeText(body)) return { body };
    const detail = `Content-Encoding ${coding}: ${(error as Error).message}`;
    return { problem: { reason: 'corrupt content encoding', detail } };
  }
}

function isZlib(body: Uint8Array): boolean {
  return (body[0] & 0x0f) === 8 && ((body[0] << 8) | body[1]) % 31 === 0;
}

/** Begins with `<` or with text: a coded stream's first bytes hold control characters soon. */
function looksLikeText(body: Uint8Array): boolean {
  const to = Math.min(body.length, 64);
  for (let i = 0; i < to; i++) {
    const byte = body[i];
    if (byte < 9 || (byte > 13 && byte < 32) || byte === 127) return false;
  }
  if (to === body.length && !isUtf8Range(body, 0, to)) return false;
  return body[0] === 0x3c || body[0] < 0x80;
}

/**
 * Chunks joined (RFC 9112, 7.1). A body that is not chunked stays; where a chunk's size cannot be read, the rest is
 * taken as it is.
 */
function withoutChunks(body: Uint8Array): Uint8Array {
  const buffer = textBuffer(body);
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at < body.length) {
    const line = buffer.indexOf(0x0a, at);
    const size =
      line === -1
        ? null
        : /^[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?\r?$/.exec(buffer.latin1Slice(at, Math.min(line, at + 256)));
    if (size === null) {
      if (parts.length === 0) return body;
      parts.push(body.subarray(at));
      break;
    }
    const bytes = Number.parseInt(size[1], 16);
    if (bytes === 0) break;
    parts.push(body.subarray(line + 1, line + 1 + bytes));
    at = line + 1 + bytes;
    if (body[at] === 0x0d) at++;
    if (body[at] === 0x0a) at++;
  }
  if (parts.length === 1) return parts[0];
  return Buffer.concat(parts);
}
