/** CSV and TSV rows to documents: the header names the columns, every value is a string. */
import { delimiterOf, isBlankRow, recordEnd, splitFields } from './csv.ts';
import type { ByteChunk } from './input.ts';
import { badRecord, CLEAN, deliverRecord, type Mending, type ReadContext, setOwn, tooLong } from './record.ts';
import { excerptOf, isUtf8Range, textBuffer } from './text-bytes.ts';

/** Parses every row of a chunk; a row with more or fewer fields than the header is bad. */
export function parseCsv(chunk: ByteChunk, context: ReadContext): void {
  const { spec } = context;
  const header = chunk.header ?? [];
  const delimiter = delimiterOf(chunk.format === 'tsv' ? 'tsv' : 'csv');
  const buffer = textBuffer(chunk.bytes);
  const size = buffer.length;
  const allUtf8 = isUtf8Range(buffer, 0, size);
  const damaged: Mending = { invalidUtf8: true, surrogates: false };
  for (let start = 0; start < size; ) {
    const from = start;
    const end = recordEnd(buffer, from, size, delimiter);
    start = end;
    const lineEnd = end > from && buffer[end - 1] === 0x0a ? end - 1 : end;
    if (isBlankRow(buffer, from, lineEnd)) continue;
    const place = { offset: chunk.offset + from, unit: 'byte' as const, length: lineEnd - from };
    let problem: { reason: string; detail: string } | undefined;
    if (lineEnd - from > spec.maxRecordBytes) problem = tooLong(lineEnd - from, spec.maxRecordBytes);
    else {
      const fields = splitFields(buffer, from, end, delimiter);
      if (fields.length !== header.length) {
        const detail = `${fields.length} fields; the header has ${header.length}`;
        problem = { reason: 'wrong number of fields', detail };
      } else {
        const record: Record<string, unknown> = {};
        for (let i = 0; i < header.length; i++) setOwn(record, header[i], fields[i]);
        const mending = allUtf8 || isUtf8Range(buffer, from, end) ? CLEAN : damaged;
        problem = deliverRecord(record, place, mending, context);
      }
    }
    if (problem !== undefined) context.onBad(badRecord(context, place, problem, excerptOf(buffer, from, lineEnd)));
  }
}
