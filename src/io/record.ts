/**
 * From a record (the columns of a JSON object, a CSV row, a Parquet or Arrow row) to a document: the rules that all
 * formats share. Text must be a string; the id is the id field's string or number, else made from the record's place;
 * `sample` looks at the id alone; the other columns go into `meta`, where `source` is always the input's name.
 *
 * Column names are data: `__proto__` and `constructor` become ordinary own members.
 */
import type { Document, Meta } from '../core/document.ts';
import { sampleFraction } from '../core/random.ts';
import { type StoredText, storedDocument } from '../core/stored-text.ts';
import { CONVERSATION_FIELDS, type Conversation, conversationText, readConversation } from './conversation.ts';
import type { BadRecord, Chunk, InputSpec, ReadCounters } from './input.ts';
import { renderTemplate, templateOf } from './template.ts';

/** Where a record stands, for its made-up id and for the quarantine. */
export interface Place {
  offset: number;
  unit: 'byte' | 'row' | 'file';
  length: number | undefined;
}

/** What one chunk's parser works with. */
export interface ReadContext {
  spec: InputSpec;
  chunk: Chunk;
  counters: ReadCounters;
  onDocument(document: Document): void;
  onBad(bad: BadRecord): void;
}

/** How well-formed the strings of a record are known to be. */
export interface Mending {
  /** Bytes that were not UTF-8 have been replaced in this record. */
  invalidUtf8: boolean;
  /** Strings may hold lone surrogates (only JSON's `\u` escapes can make them). */
  surrogates: boolean;
}

export const CLEAN: Mending = { invalidUtf8: false, surrogates: false };

/** What is wrong with a record, for the quarantine. */
export interface Problem {
  reason: string;
  detail: string;
}

/** What a format may know of a record besides its fields. */
export interface RecordExtras {
  /** The digits of an id that no double can hold. */
  rawId?: () => string | undefined;
  /** The text, where `record` is without it. */
  text?: StoredText | undefined;
}

/**
 * Builds the document of a record and hands it to `onDocument`, unless `sample` leaves it out. Returns why the record
 * cannot become a document, or undefined.
 */
export function deliverRecord(
  record: Record<string, unknown>,
  place: Place,
  mending: Mending,
  context: ReadContext,
  { rawId, text: stored }: RecordExtras = {},
): Problem | undefined {
  const { spec, counters } = context;
  let text: unknown = stored;
  let conversation: Conversation | undefined;
  if (spec.conversations === true) {
    const read = readConversation(record);
    if ('reason' in read) return read;
    conversation = read;
    text = conversationText(read);
  } else if (spec.template !== undefined) {
    const rendered = renderTemplate(templateOf(spec.template), record);
    if (!('text' in rendered)) return rendered;
    text = rendered.text;
  } else if (stored === undefined) {
    text = Object.hasOwn(record, spec.textField) ? record[spec.textField] : undefined;
    if (typeof text !== 'string') return notText(spec.textField, record, text);
  }

  let id = spec.idField !== undefined && Object.hasOwn(record, spec.idField) ? record[spec.idField] : undefined;
  const numericId = typeof id === 'number' || typeof id === 'bigint';
  if (numericId) id = Number.isInteger(id) && !Number.isSafeInteger(id) ? (rawId?.() ?? String(id)) : String(id);
  if (typeof id !== 'string' || id === '') id = `${spec.name}/${context.chunk.relativePath}#${place.offset}`;

  let mended = false;
  if (mending.surrogates) {
    const before = text;
    if (typeof before === 'string') text = before.toWellFormed();
    mended = text !== before || !(id as string).isWellFormed();
    id = (id as string).toWellFormed();
  }
  if (spec.sample !== undefined && sampleFraction(spec.seed, id as string) >= spec.sample) return undefined;
  if (numericId) counters.numericIds++;
  if (mended) counters.loneSurrogates++;
  if (mending.invalidUtf8) counters.invalidUtf8++;
  const meta = metaOf(record, spec);
  if (conversation !== undefined) meta['conversation'] = conversation;
  const mendedMeta = mending.surrogates ? (wellFormed(meta) as Meta) : meta;
  context.onDocument(
    stored === undefined
      ? { id: id as string, text: text as string, meta: mendedMeta }
      : storedDocument(id as string, stored, mendedMeta),
  );
  return undefined;
}

function notText(field: string, record: Record<string, unknown>, value: unknown): Problem {
  if (value === undefined) {
    const names = Object.keys(record).slice(0, 20).join(', ');
    return { reason: 'text field missing', detail: `no field ${JSON.stringify(field)}; the record has: ${names}` };
  }
  const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return { reason: 'text is not a string', detail: `field ${JSON.stringify(field)} holds ${kind}` };
}

function metaOf(record: Record<string, unknown>, spec: InputSpec): Meta {
  const meta: Meta = { source: spec.name };
  const { metaFields } = spec;
  if (metaFields === 'none') return meta;
  const all = metaFields === 'all';
  for (const key in record) {
    if (isTextField(key, spec) || key === spec.idField) continue;
    if (!all && !metaFields.includes(key)) continue;
    const value = record[key];
    if (value === undefined) continue;
    setOwn(meta, key === 'source' ? 'original_source' : key, value);
  }
  return meta;
}

/** Whether the field is the text, or goes into it. */
export function isTextField(
  name: string,
  { textField, template, conversations }: Pick<InputSpec, 'textField' | 'template' | 'conversations'>,
): boolean {
  if (conversations === true) return CONVERSATION_FIELDS.has(name);
  return template === undefined ? name === textField : templateOf(template).fields.has(name);
}

/** Assigns an own member whatever its name. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else target[key] = value;
}

/** The value with every lone surrogate in its strings and names replaced. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value === null || typeof value !== 'object') return value;
  const mended: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) setOwn(mended, key.toWellFormed(), wellFormed(member));
  return mended;
}

/** A quarantine record of this chunk's file. */
export function badRecord(context: ReadContext, place: Place, problem: Problem, excerpt: string): BadRecord {
  return {
    input: context.spec.name,
    file: context.chunk.file,
    offset: place.offset,
    unit: place.unit,
    length: place.length,
    reason: problem.reason,
    detail: problem.detail,
    excerpt,
  };
}

/** `record too long`, as cutter and parser say it. */
export function tooLong(bytes: number, maxRecordBytes: number): Problem {
  const limit = 'maxRecordBytes of the input, or an eighth of run.workerMemoryMiB';
  return { reason: 'record too long', detail: `${bytes} bytes; the limit is ${maxRecordBytes} (${limit})` };
}
