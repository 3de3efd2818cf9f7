/**
 * A pass's task, in a worker: one chunk of input (or one earlier part) through the map chain and past the observers,
 * into one finished part. The part's statistics are written last: a part with them is whole.
 */
import type { Document } from '../core/document.ts';
import type { MapStage, Observer } from '../core/stage.ts';
import { addSize, sizeHistogram } from '../core/stats.ts';
import { textBytes, textOf } from '../core/stored-text.ts';
import { createDocumentEncoder } from '../io/document-batch.ts';
import type { BadRecord, ReadCounters } from '../io/input.ts';
import { parseChunk } from '../io/parse.ts';
import { findArtifact } from './artifacts.ts';
import { type DroppedDocument, droppedDocument, isAudited } from './audit.ts';
import { createMapChain } from './map-chain.ts';
import { chunkPlace, type PartStatistics } from './part-statistics.ts';
import { partFile, readAlive, readPartDocuments, withTextsOfPart } from './parts.ts';
import {
  aliveRanges,
  type ColumnObserver,
  canObserveColumns,
  canObserveTexts,
  observeColumn,
  passColumns,
} from './pass-columns.ts';
import type { ObserveTask, PassSpec, PassTask } from './pass-spec.ts';
import { definitionOf, stageContext } from './stage-ref.ts';
import { writeFeatures, writePart } from './write-part.ts';

let cached: { key: string; maps: Promise<MapStage[]> } | undefined;

/** The map stages, made once per worker; two tasks may ask while the first of them loads a user's stage. */
function mapStages(spec: PassSpec): Promise<MapStage[]> {
  if (cached?.key !== spec.cacheKey) {
    const maps = spec.maps.map(async (ref) => {
      const definition = await definitionOf(ref, 'map');
      const context = {
        ...stageContext(ref, spec.seed, spec.baseDir),
        artifact: (role: string, by?: string) => findArtifact(spec.artifacts, role, by),
      };
      await definition.prepare?.(ref.options, context);
      return definition.create(ref.options, context);
    });
    cached = { key: spec.cacheKey, maps: Promise.all(maps) };
  }
  return cached.maps;
}

function createObservers(spec: PassSpec): Promise<Observer[]> {
  return Promise.all(
    spec.observers.map(async ({ stage }) =>
      (await definitionOf(stage, 'barrier')).createObserver(
        stage.options,
        stageContext(stage, spec.seed, spec.baseDir),
      ),
    ),
  );
}

/** Runs the task and returns the part's statistics, which now also lie beside it. */
export async function runPassTask(task: PassTask): Promise<PartStatistics> {
  const observers = await createObservers(task.spec);
  const { source, spec } = task;
  if ('chunk' in source && spec.maps.length === 0 && canObserveColumns(observers)) {
    return passColumns(task, source.chunk, observers);
  }
  return passDocuments(task, observers);
}

async function passDocuments(task: PassTask, observers: readonly Observer[]): Promise<PartStatistics> {
  const { spec, part } = task;
  const started = performance.now();
  const survivors = createDocumentEncoder();
  const rowLengths: number[] = [];
  const inputOf = new Map(spec.inputs.map((input, i) => [input.name, i]));
  const indexOf = (document: Document): number => inputOf.get(document.meta['source'] as string) ?? 0;
  const kept = { documents: 0, bytes: 0 };
  const maps = await mapStages(spec);
  const instances = spec.maps.map(({ name, stage }) => ({ name, definition: { name: stage } }));
  const bad: BadRecord[] = [];
  const { audit } = spec;
  // What is left of the documents lies in columns in any case.
  const inBlocks = observers.filter(canObserveTexts);
  const singly = observers.filter((observer) => !canObserveTexts(observer));
  const dropped: DroppedDocument[] = [];
  const chain = createMapChain(instances, maps, spec.seed, {
    keep(document, bytes) {
      survivors.add(document);
      rowLengths.push(bytes, indexOf(document));
      kept.documents++;
      kept.bytes += bytes;
      for (const observer of singly) observer.observe(document);
    },
    failed: (document, stage, error) => bad.push(stageFailure(task, document, stage, error)),
    dropped(document, stage, text, bytes, verdict, key) {
      if (audit === undefined || !isAudited(audit, key)) return;
      dropped.push(droppedDocument(audit, stage, document, text, bytes, verdict));
    },
  });

  const read = { documents: 0, bytes: 0 };
  const lengths = sizeHistogram();
  const sources: PartStatistics['sources'] = {};
  const accept = (document: Document): void => {
    const bytes = textBytes(textOf(document));
    read.documents++;
    read.bytes += bytes;
    addSize(lengths, bytes);
    const source = (sources[indexOf(document)] ??= { documents: 0, bytes: 0 });
    source.documents++;
    source.bytes += bytes;
    chain.push(document, bytes);
  };
  let counters: ReadCounters = { invalidUtf8: 0, loneSurrogates: 0, numericIds: 0 };
  if ('chunk' in task.source) {
    counters = await parseChunk(task.source.chunk, spec.inputs, accept, (record) => bad.push(record));
  } else {
    for (const document of await readPartDocuments(task.source.ref)) accept(document);
  }
  observeColumn(survivors.texts.column(), inBlocks);
  const inStages = chain.milliseconds.reduce((sum, each) => sum + each, 0);
  const parsing = performance.now() - started - inStages;

  const encoding = performance.now();
  return writePart(spec, part, {
    documents: survivors.finish(),
    rowInfo: new Uint32Array(rowLengths),
    dropped,
    observers,
    statistics: (droppedBytes) => ({
      rows: kept.documents,
      read,
      kept,
      stages: chain.stages,
      lengths,
      sources,
      bad,
      counters,
      milliseconds: [parsing, ...chain.milliseconds, performance.now() - encoding],
      ...(audit && { audit: { key: audit.key, documents: dropped.length, bytes: droppedBytes } }),
    }),
  });
}

/**
 * Takes features of a part that is already written. Barriers whose features concern single documents see every row,
 * so that features and rows correspond; those that total over the corpus see what earlier decisions left alive.
 */
export async function runObserveTask(task: ObserveTask): Promise<{ rows: number }> {
  const { spec, ref } = task;
  const observers = await createObservers(spec);
  const definitions = await Promise.all(spec.observers.map(({ stage }) => definitionOf(stage, 'barrier')));
  const scopes = definitions.map(({ scope }) => scope);
  const alive = scopes.includes('corpus') ? await readAlive(ref) : undefined;
  if (ref.rows > 0 && ref.edits.length === 0 && canObserveColumns(observers)) {
    const inBlocks: readonly ColumnObserver[] = observers;
    const ofScope = (scope: 'document' | 'corpus') => inBlocks.filter((_, i) => scopes[i] === scope);
    await withTextsOfPart([ref], ref.part, (texts) => {
      observeColumn(texts, ofScope('document'));
      observeColumn(texts, ofScope('corpus'), alive && aliveRanges(alive));
    });
  } else {
    const documents = await readPartDocuments({ ...ref, decisions: [] });
    documents.forEach((document, row) => {
      observers.forEach((observer, i) => {
        if (scopes[i] === 'document' || alive === undefined || alive[row] === 1) observer.observe(document);
      });
    });
  }
  await writeFeatures(spec, ref.part, observers);
  return { rows: ref.rows };
}

/** A stage that throws on a document costs that document, said and counted, and not the run. */
function stageFailure(task: PassTask, document: Document, stage: string, error: unknown): BadRecord {
  const input = String(document.meta['source'] ?? '');
  return {
    input,
    ...chunkOf(task, `${input}/`, document.id),
    reason: 'stage failed',
    detail: `${stage} threw on document ${document.id}: ${error instanceof Error ? error.message : String(error)}`,
    excerpt: document.text.slice(0, 300).toWellFormed(),
  };
}

/** The chunk that held the document, or the text file that it was. */
function chunkOf(
  { source }: PassTask,
  prefix: string,
  id: string,
): Pick<BadRecord, 'file' | 'offset' | 'unit' | 'length'> {
  if ('ref' in source) {
    const { dir, part, rows } = source.ref;
    return { file: partFile(dir, part, 'arrow'), offset: 0, unit: 'row', length: rows };
  }
  const { chunk } = source;
  const text = chunk.kind === 'files' ? chunk.files.find((file) => prefix + file.relativePath === id) : undefined;
  return { file: text?.path ?? chunk.file, ...chunkPlace(chunk), ...(text && { length: text.bytes }) };
}
