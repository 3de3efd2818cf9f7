/**
 * What looks below the document, and SimHash, on web-mix: speed of the observers, which run while the filters do, and of the
 * decision, in CPU time of one core; what is taken out.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Document } from '../src/core/document.ts';
import type { BarrierContext, BarrierDefinition, FeaturePart } from '../src/core/stage.ts';
import { columnOf, type Utf8Column } from '../src/core/utf8-column.ts';
import { lines, paragraphs, sentences } from '../src/dedup/pieces/stages.ts';
import { simhash } from '../src/dedup/simhash/stage.ts';
import { canObserveTexts, observeColumn } from '../src/pipeline/pass-columns.ts';
import type { Bench } from './bench.ts';
import { webMixPath } from './web-mix.ts';

const PART_ROWS = 1400;
const RUNS = 3;

export const dedupLines: Bench = {
  name: 'dedup-lines',
  summary: 'speed of dedup.lines, dedup.paragraphs, dedup.sentences and dedup.simhash on web-mix',
  async run() {
    const rows = gunzipSync(readFileSync(webMixPath())).toString('utf8').trimEnd().split('\n');
    const documents = rows.map((row) => {
      const { id, text } = JSON.parse(row) as { id: string; text: string };
      return { id, text, meta: {} };
    });
    const megabytes = documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / 1e6;
    const columns: Utf8Column[] = [];
    for (let first = 0; first < documents.length; first += PART_ROWS) {
      columns.push(columnOf(documents.slice(first, first + PART_ROWS).map(({ text }) => text)));
    }
    const table: (string | number)[][] = [
      ['stage', 'observer MB/s', 'decide s', 'features bytes/byte', 'documents edited', 'dropped', 'MB taken out'],
    ];
    const figures: Record<string, number> = {};
    const stages: [string, BarrierDefinition, object][] = [
      ['lines', lines, {}],
      ['linesBloom', lines, { index: 'bloom', minDocuments: 2 }],
      ['paragraphs', paragraphs, {}],
      ['sentences', sentences, {}],
      ['simhash', simhash, {}],
    ];
    for (const [name, definition, options] of stages) {
      const { observeSeconds, decideSeconds, featureBytes, details } = await measure(
        definition,
        options,
        documents,
        columns,
      );
      const speed = megabytes / observeSeconds;
      figures[`${name}MbPerSecond`] = Number(speed.toFixed(1));
      figures[`${name}DecideSeconds`] = Number(decideSeconds.toFixed(2));
      const removed = details['bytesRemoved'];
      table.push([
        `${name}`,
        speed.toFixed(0),
        decideSeconds.toFixed(2),
        (featureBytes / megabytes / 1e6).toFixed(3),
        String(details['edited'] ?? ''),
        String(details['dropped'] ?? details['duplicates'] ?? ''),
        typeof removed === 'number' ? (removed / 1e6).toFixed(2) : '',
      ]);
    }
    return { table, figures };
  },
};

/** Best of a few runs of each side; `columns` hold the texts of PART_ROWS documents each. */
async function measure(
  definition: BarrierDefinition,
  given: object,
  documents: readonly Document[],
  columns: readonly Utf8Column[],
) {
  const options = definition.options.parse(given);
  const stage = { name: definition.name, seed: 1, baseDir: '.' };
  let observeSeconds = Number.POSITIVE_INFINITY;
  let decideSeconds = Number.POSITIVE_INFINITY;
  let featureBytes = 0;
  let details: Record<string, unknown> = {};
  for (let run = 0; run < RUNS; run++) {
    const parts: FeaturePart[] = [];
    let start = process.cpuUsage();
    featureBytes = 0;
    for (let first = 0; first < documents.length; first += PART_ROWS) {
      const part = documents.slice(first, first + PART_ROWS);
      const observer = definition.createObserver(options, stage);
      // As a pass does.
      if (canObserveTexts(observer)) observeColumn(columns[first / PART_ROWS], [observer]);
      else for (const document of part) observer.observe(document);
      const blob = observer.finish();
      featureBytes += blob.length;
      parts.push({
        part: parts.length,
        rows: part.length,
        firstOrdinal: first,
        alive: undefined,
        features: async ({ offset, length } = { offset: 0, length: blob.length }) =>
          blob.subarray(offset, offset + length),
        rowInfo: async () => new Uint32Array(2 * part.length),
      });
    }
    observeSeconds = Math.min(observeSeconds, secondsSince(start));
    const context: BarrierContext = {
      ...stage,
      parts,
      rows: documents.length,
      inputs: ['web-mix'],
      outputDir: '.',
      workDir: '.',
      memoryBytes: 2 ** 30,
      readDocuments: async (ordinals) => ordinals.map((ordinal) => documents[ordinal]),
      readTexts: async (ordinals) => ordinals.map((ordinal) => documents[ordinal].text),
      withTexts: async () => {},
      progress: () => {},
      signal: new AbortController().signal,
    };
    start = process.cpuUsage();
    const result = await definition.decide(options, context);
    decideSeconds = Math.min(decideSeconds, secondsSince(start));
    details = result.details ?? {};
  }
  return { observeSeconds, decideSeconds, featureBytes, details };
}

function secondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}
