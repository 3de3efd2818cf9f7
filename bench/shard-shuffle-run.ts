/**
 * Shuffles, packs and writes made-up documents in a process of its own, for the bench `shard-shuffle`:
 * node shard-shuffle-run.js FOLDER DOCUMENTS MEMORY_MIB. Documents have 2 to 14 tokens, so that rows of 8 are many; parts
 * hold 50,000. All steps of the shards sink but the encoder, task after task. Prints JSON: what it took, and its peak.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { collectGarbage } from '../src/core/memory.ts';
import { mix32 } from '../src/core/random.ts';
import type { SinkContext, SinkStep, SinkTaskContext } from '../src/core/stage.ts';
import { dealStep } from '../src/shards/deal-step.ts';
import type { EncodedCorpus } from '../src/shards/encode-step.ts';
import { encodedPartName, writeEncodedPart } from '../src/shards/encoded-part.ts';
import type { ShardEntry } from '../src/shards/manifest.ts';
import { type ShardOptions, shardOptions } from '../src/shards/options.ts';
import { packStep } from '../src/shards/pack-step.ts';
import { routeStep } from '../src/shards/route-step.ts';
import { splitStep } from '../src/shards/split-step.ts';
import { writeStep } from '../src/shards/write-step.ts';

/** What this process says. */
export interface ShuffleCost {
  rows: number;
  tokens: number;
  peakMiB: number;
  /** CPU seconds of each step. */
  seconds: Record<string, number>;
}

const PART_DOCUMENTS = 50_000;

const [folder, documents, memoryMiB] = process.argv.slice(2);
const options = shardOptions.parse({ contextLength: 8, shuffleMemoryMiB: Number(memoryMiB) });
const workDir = join(folder, 'work');
const outputDir = join(folder, 'out');
for (const dir of [workDir, outputDir]) mkdirSync(dir, { recursive: true });
const special = { token: '<|endoftext|>', id: 0 };
const corpus: EncodedCorpus = {
  type: 'uint16',
  vocabSize: 65_536,
  bos: null,
  eos: special,
  pad: special,
  fim: null,
  parts: [],
  documents: 0,
  tokens: 0,
  counts: { rearranged: 0, truncated: 0, dropped: 0 },
  textBytes: 0,
};
while (corpus.documents < Number(documents)) await addPart();

const shared = { name: 'shards', seed: 1, baseDir: folder, outputDir, workDir, artifact: () => undefined };
const context: SinkContext = { ...shared, parts: [], pipelineHash: '' };
// No step but the encoder reads documents.
const noDocuments = (): never => {
  throw new Error('documents are read');
};
const taskContext: SinkTaskContext = { ...shared, pipelineHash: '', readPart: noDocuments, withColumns: noDocuments };
const earlier: unknown[] = [corpus];
const cost: ShuffleCost = { rows: 0, tokens: 0, peakMiB: 0, seconds: {} };
for (const step of [splitStep, dealStep, packStep, routeStep, writeStep] as readonly SinkStep<ShardOptions>[]) {
  const before = process.cpuUsage();
  const results: unknown[] = [];
  for (const task of await step.plan(options, context, earlier)) {
    results.push(await step.run(options, task as never, taskContext));
    collectGarbage();
  }
  // The last step's merge copies a tokenizer, of which there is none.
  if (step === writeStep) for (const { rows, tokens } of results as ShardEntry[]) add(rows, tokens);
  else earlier.push(await step.merge(options, results as never[], context, earlier));
  const { user, system } = process.cpuUsage(before);
  cost.seconds[step.name] = (user + system) / 1e6;
}
cost.peakMiB = process.resourceUsage().maxRSS / 1024;
rmSync(folder, { recursive: true });
process.stdout.write(JSON.stringify(cost));

function add(rows: number, tokens: number): void {
  cost.rows += rows;
  cost.tokens += tokens;
}

async function addPart(): Promise<void> {
  const part = corpus.parts.length;
  const first = corpus.documents;
  const lengths = new Uint32Array(PART_DOCUMENTS).map((_, d) => 2 + (mix32(first + d) % 13));
  const tokens = new Uint16Array(lengths.reduce((sum, length) => sum + length, 0)).map((_, i) => i);
  const ids = Array.from(lengths, (_, d) => `made/${first + d}`);
  const sources = ids.map(() => 'made');
  await writeEncodedPart(join(workDir, encodedPartName(part)), { lengths, ids, tokens }, { sources }, 0);
  corpus.parts.push({ part, documents: lengths.length, tokens: tokens.length });
  corpus.documents += lengths.length;
  corpus.tokens += tokens.length;
}
