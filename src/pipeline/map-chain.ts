/**
 * The map chain: one document through every map stage, counted.
 *
 * Hot path: run once per document in every worker. A stage's text is measured (UTF-8 bytes) only when it changed, and
 * a document that is split continues piece by piece behind the stage that split it.
 */
import type { Document } from '../core/document.ts';
import { isCorpusmillError } from '../core/errors.ts';
import { hashString32 } from '../core/random.ts';
import { drop, KEEP, type MapStage, type Verdict } from '../core/stage.ts';
import {
  countUnder,
  EXCERPT_CHARS,
  mergeSamples,
  SAMPLES_PER_REASON,
  type StageStats,
  stageStats,
} from '../core/stats.ts';
import { type TextSource, textOf, textString } from '../core/stored-text.ts';

const STAGE_FAILED = drop('stage failed');

export interface MapChain {
  /** Runs a document of `bytes` UTF-8 bytes through all stages; `keep` receives what is left of it. */
  push(document: Document, bytes: number): void;
  stages: StageStats[];
  /** Milliseconds spent in each stage. */
  milliseconds: number[];
}

export interface MapChainEnds {
  /** Called for every survivor, in order. */
  keep(document: Document, bytes: number): void;
  /** Called when a stage throws on a document, which is then counted as dropped with reason `stage failed`. */
  failed(document: Document, stageName: string, error: unknown): void;
  /**
   * Called for every document that a stage drops: its text and UTF-8 bytes as it came to the stage, and the hash that
   * samples are drawn by.
   */
  dropped?(document: Document, stageName: string, text: string, bytes: number, verdict: Drop, key: number): void;
}

export type Drop = Extract<Verdict, { action: 'drop' }>;

export function createMapChain(
  instances: readonly { name: string; definition: { name: string } }[],
  created: readonly MapStage[],
  seed: number,
  ends: MapChainEnds,
): MapChain {
  const stages = instances.map((instance) => stageStats(instance.name, instance.definition.name));
  const milliseconds = instances.map(() => 0);

  const run = (document: Document, bytes: number, from: number): void => {
    for (let i = from; i < created.length; i++) {
      const stats = stages[i];
      stats.input.documents++;
      stats.input.bytes += bytes;
      const before = textOf(document);
      const started = performance.now();
      let verdict: Verdict;
      try {
        verdict = created[i].process(document);
      } catch (error) {
        if (isCorpusmillError(error)) throw error;
        ends.failed(document, instances[i].name, error);
        verdict = STAGE_FAILED;
      }
      milliseconds[i] += performance.now() - started;
      const { counted } = created[i];
      if (counted !== undefined && counted.length > 0) {
        for (const name of counted) countUnder(stats, name, 1);
        counted.length = 0;
      }
      if (verdict === KEEP || verdict.action === 'keep') {
        if (isChanged(document, before)) {
          stats.changed++;
          const after = Buffer.byteLength(document.text);
          if (after < bytes) stats.bytesRemoved = (stats.bytesRemoved ?? 0) + bytes - after;
          else stats.bytesAdded = (stats.bytesAdded ?? 0) + after - bytes;
          bytes = after;
        }
        stats.output.documents++;
        stats.output.bytes += bytes;
      } else if (verdict.action === 'drop') {
        const key = hashString32(document.id, seed);
        const text = textOf(document) === before ? document.text : textString(before);
        countDrop(stats, document, text, bytes, verdict, key);
        ends.dropped?.(document, stats.name, text, bytes, verdict, key);
        return;
      } else {
        stats.added += verdict.documents.length - 1;
        for (const piece of verdict.documents) {
          const pieceBytes = Buffer.byteLength(piece.text);
          stats.output.documents++;
          stats.output.bytes += pieceBytes;
          run(piece, pieceBytes, i + 1);
        }
        return;
      }
    }
    ends.keep(document, bytes);
  };
  return { push: (document, bytes) => run(document, bytes, 0), stages, milliseconds };
}

/** Whether the document has another text than before; a text that nobody touched is not read. */
function isChanged(document: Document, before: TextSource): boolean {
  return textOf(document) !== before && document.text !== textString(before);
}

function countDrop(
  stats: StageStats,
  document: Document,
  text: string,
  bytes: number,
  verdict: Drop,
  key: number,
): void {
  const volume = (stats.dropped[verdict.reason] ??= { documents: 0, bytes: 0 });
  volume.documents++;
  volume.bytes += bytes;
  const samples = (stats.samples[verdict.reason] ??= []);
  if (samples.length >= SAMPLES_PER_REASON && key > samples[samples.length - 1].key) return;
  mergeSamples(samples, [
    {
      key,
      id: document.id,
      source: String(document.meta['source'] ?? ''),
      reason: verdict.reason,
      value: verdict.value,
      threshold: verdict.threshold,
      excerpt: text.slice(0, EXCERPT_CHARS).toWellFormed(),
      bytes,
    },
  ]);
}
