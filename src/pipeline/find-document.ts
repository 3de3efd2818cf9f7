/**
 * Finds one document by its id in the inputs of a pipeline, as `corpusmill explain` needs it.
 *
 * Chunks of bytes are searched for the id before they are parsed, so that a scan costs little more than reading; an id
 * that corpusmill made (`web/a.jsonl#1234`) leads to its file and place at once. Only when nothing is found is
 * everything parsed: then an id that stands escaped in the file is found too, and near ids are known for the hint.
 */
import { distance } from 'fastest-levenshtein';
import type { Document } from '../core/document.ts';
import { sampleFraction } from '../core/random.ts';
import { readChunks, releaseChunk } from '../io/chunks.ts';
import type { Chunk, InputFile, InputSpec } from '../io/input.ts';
import { parseChunk } from '../io/parse.ts';

export interface FoundDocument {
  document: Document;
  /** The file it stands in. */
  file: string;
  /** Why a run does not read it although its input holds it. */
  leftOut: 'limit' | 'sample' | undefined;
}

export interface FindResult {
  found: FoundDocument | undefined;
  /** Ids most like the one asked for, nearest first; of a failed search. */
  near: string[];
}

/** Looks for `id`; of several documents with it the first in input order is given. */
export async function findDocument(
  inputs: readonly InputSpec[],
  files: readonly InputFile[],
  id: string,
  options: { chunkBytes: number; signal?: AbortSignal },
): Promise<FindResult> {
  const quick = await scan(inputs, madeIn(files, inputs, id) ?? files, id, options, true);
  if (quick.found !== undefined) return quick;
  const whole = await scan(inputs, files, id, options, false);
  if (whole.found !== undefined || inputs.every(({ limit }) => limit === undefined)) return whole;
  const beyond = await scan(
    inputs.map((spec) => ({ ...spec, limit: undefined })),
    files,
    id,
    options,
    true,
  );
  return beyond.found === undefined ? whole : { found: { ...beyond.found, leftOut: 'limit' }, near: [] };
}

/** The file that a made-up id names: `<input>/<relative path>#<place>`, or without a place for whole files. */
function madeIn(files: readonly InputFile[], inputs: readonly InputSpec[], id: string): InputFile[] | undefined {
  const named = files.filter(({ input, relativePath }) => {
    const prefix = `${inputs[input].name}/${relativePath}`;
    return id === prefix || id.startsWith(`${prefix}#`);
  });
  return named.length === 0 ? undefined : named;
}

async function scan(
  inputs: readonly InputSpec[],
  files: readonly InputFile[],
  id: string,
  options: { chunkBytes: number; signal?: AbortSignal },
  quick: boolean,
): Promise<FindResult> {
  // `sample` is decided by the id, so a document that it leaves out is found all the same, and said to be left out.
  const specs = inputs.map((spec) => ({ ...spec, sample: undefined }));
  const near = nearestIds(id);
  let found: FoundDocument | undefined;
  for await (const chunk of readChunks([...files], specs, options)) {
    if (!quick || mayHold(chunk, id, inputs)) {
      await parseChunk(
        chunk,
        specs,
        (document) => {
          if (document.id === id && found === undefined) found = { document, file: chunk.file, leftOut: undefined };
          if (!quick) near.offer(document.id);
        },
        () => {},
      );
    }
    releaseChunk(chunk);
    if (found !== undefined) break;
  }
  if (found === undefined) return { found, near: near.list() };
  const { sample, seed } = inputs.find(({ name }) => name === found!.document.meta['source'])!;
  const leftOut = sample !== undefined && sampleFraction(seed, id) >= sample ? ('sample' as const) : undefined;
  return { found: { ...found, leftOut }, near: [] };
}

/** Whether a chunk can hold the id without an escape, as nearly every one stands in its file. */
function mayHold(chunk: Chunk, id: string, inputs: readonly InputSpec[]): boolean {
  if (chunk.kind === 'bad') return false;
  if (chunk.kind === 'files') return true;
  const prefix = `${inputs[chunk.input].name}/${chunk.relativePath}#`;
  const place = id.startsWith(prefix) ? Number(id.slice(prefix.length)) : Number.NaN;
  if (chunk.kind === 'rows') {
    return Number.isNaN(place) || (place >= chunk.rowStart && place < chunk.rowEnd);
  }
  if (place >= chunk.offset && place < chunk.offset + chunk.bytes.byteLength) return true;
  const { buffer, byteOffset, byteLength } = chunk.bytes;
  return Buffer.from(buffer, byteOffset, byteLength).includes(id);
}

const NEAR = 3;

/** Keeps the ids nearest to the one wanted. */
function nearestIds(wanted: string): { offer(id: string): void; list(): string[] } {
  let best: { id: string; far: number }[] = [];
  const most = Math.max(2, Math.ceil(wanted.length / 3));
  return {
    offer(id) {
      if (Math.abs(id.length - wanted.length) > most || id.length > 500) return;
      const far = distance(id, wanted);
      if (far > (best.length < NEAR ? most : best[NEAR - 1].far - 1)) return;
      if (best.some((other) => other.id === id)) return;
      best.push({ id, far });
      best = best.sort((a, b) => a.far - b.far).slice(0, NEAR);
    },
    list: () => best.map(({ id }) => id),
  };
}
