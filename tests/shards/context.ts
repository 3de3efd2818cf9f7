/** What the tests of the shards room share: a tokenizer whose ids are bytes, and an engine in a few lines. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from '../../src/core/document.ts';
import { createRandom, shuffle } from '../../src/core/random.ts';
import type { SinkContext, SinkStep, SinkTaskContext } from '../../src/core/stage.ts';
import { encodedPartName } from '../../src/shards/encoded-part.ts';
import { type ShardOptions, shardOptions } from '../../src/shards/options.ts';
import type { PieceColumns, PieceRecords } from '../../src/shards/piece-records.ts';
import { forgetScratch, isKept, ScratchFile } from '../../src/shards/scratch-file.ts';
import { shardsStage } from '../../src/shards/stage.ts';
import type { ShardsReport } from '../../src/shards/write-step.ts';
import { bytesToAlphabet } from '../../src/tokenizer/byte-alphabet.ts';
import { documentColumns } from '../document-columns.ts';

export const EOS = 256;
export const PAD = 257;
export const BOS = 258;

/** Writes a tokenizer.json without merges: the id of a byte is the byte. `wide` needs uint32 ids. */
export async function writeByteTokenizer(dir: string, { wide = false } = {}): Promise<string> {
  const vocab = Object.fromEntries(
    Array.from({ length: 256 }, (_, byte) => [bytesToAlphabet(Uint8Array.of(byte)), byte]),
  );
  const special = { '<|endoftext|>': EOS, '<|pad|>': PAD, '<|bos|>': BOS, ...(wide ? { '<|last|>': 70_000 } : {}) };
  const json = {
    version: '1.0',
    added_tokens: Object.entries(special).map(([content, id]) => ({ id, content, special: true })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true },
    model: { type: 'BPE', vocab, merges: [] },
  };
  const path = join(dir, wide ? 'wide.json' : 'tokenizer.json');
  await writeFile(path, JSON.stringify(json));
  return path;
}

export interface RunSetup {
  dir: string;
  /** Documents of each part. */
  parts: readonly (readonly Document[])[];
  tokenizer: string | undefined;
  options?: Partial<ShardOptions>;
  seed?: number;
  /** Order in which a step's tasks run: `undefined` as planned, else shuffled with it, as many workers would. */
  taskOrder?: number;
  /** Called before each task with its step and number; throwing interrupts the run. */
  beforeTask?: (step: string, task: number) => void;
  /** Results of tasks that an interrupted run finished: kept across calls, as the engine keeps them. */
  memory?: Map<string, string>;
  /** Encoded parts go to files, as they do where memory has no room for them. */
  onDisk?: boolean;
}

/** Runs the shards sink as the engine does: plan, tasks in any order, merge; results pass through JSON. */
export async function runShards(setup: RunSetup): Promise<{ report: ShardsReport; outputDir: string }> {
  const { dir, parts, memory = new Map<string, string>() } = setup;
  const outputDir = join(dir, 'out');
  const workDir = join(dir, 'work');
  await mkdir(outputDir, { recursive: true });
  await mkdir(workDir, { recursive: true });
  const options = shardOptions.parse(setup.options ?? {});
  const shared = {
    name: 'shards',
    seed: setup.seed ?? 1,
    baseDir: dir,
    outputDir,
    workDir,
    artifact: (role: string) => (role === 'tokenizer' ? setup.tokenizer : undefined),
    pipelineHash: '0123456789abcdef',
  };
  const context: SinkContext = {
    ...shared,
    parts: parts.map((documents, part) => ({
      part,
      documents: documents.length,
      bytes: documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
    })),
  };
  const taskContext: SinkTaskContext = {
    ...shared,
    readPart: async (part) => structuredClone([...parts[part]]),
    withColumns: async (part, use) => use(documentColumns(parts[part])),
  };
  const earlier: unknown[] = [];
  try {
    for (const step of shardsStage.steps as readonly SinkStep<ShardOptions>[]) {
      const tasks = await step.plan(options, context, earlier);
      const order = Uint32Array.from(tasks.keys());
      if (setup.taskOrder !== undefined) shuffle(order, setup.taskOrder);
      const results: unknown[] = [];
      for (const i of order) {
        const key = `${step.name} ${i}`;
        const known = memory.get(key);
        const isThere = known !== undefined && (step.isThere?.(options, JSON.parse(known) as never, context) ?? true);
        if (!isThere) {
          setup.beforeTask?.(step.name, i);
          const task = JSON.parse(JSON.stringify(tasks[i])) as never;
          memory.set(key, JSON.stringify(await step.run(options, task, taskContext)));
        }
        results[i] = JSON.parse(memory.get(key) as string);
      }
      if (step.name === 'encode' && setup.onDisk) await spill(workDir, parts.length);
      const merged = await step.merge(options, results as never[], context, earlier);
      earlier.push(JSON.parse(JSON.stringify(merged)));
    }
  } finally {
    shardsStage.release?.(workDir);
  }
  return { report: earlier.at(-1) as ShardsReport, outputDir };
}

async function spill(workDir: string, parts: number): Promise<void> {
  for (let part = 0; part < parts; part++) {
    const path = join(workDir, encodedPartName(part));
    if (!isKept(path)) continue;
    const file = new ScratchFile(path, 'spilling');
    await writeFile(path, file.read(0, new Uint8Array(file.size)));
  }
  forgetScratch(workDir);
}

/** Parts of documents with varied lengths and texts; ids and texts include other scripts. */
export function someParts(seed: number, sizes: readonly number[], meanChars = 120): Document[][] {
  const random = createRandom(seed);
  const alphabet = [...'abcdefghij klmno pqrst uvwxyz éü 語料庫 мельница 🌾\n'];
  let n = 0;
  return sizes.map((size) =>
    Array.from({ length: size }, () => {
      const chars = Math.floor(meanChars * (random.float() ** 3 * 4 + 0.02));
      const text = Array.from({ length: chars }, () => alphabet[random.below(alphabet.length)]).join('');
      return { id: `docs/文-${n++}`, text, meta: { source: 'docs' } };
    }),
  );
}

/** The tokens that a document must have in the shards. */
export function expectedTokens(text: string): number[] {
  return [...Buffer.from(text), EOS];
}

/** Pieces as the writer of their table takes them. */
export function asRecords({ documentId, source, ...numbers }: PieceColumns): PieceRecords {
  let end = 0;
  const ends = documentId.map((id) => (end += Buffer.byteLength(id)));
  return {
    ...numbers,
    ids: Buffer.from(documentId.join('')),
    idStart: Float64Array.from([0, ...ends.slice(0, -1)].slice(0, ends.length)),
    idEnd: Float64Array.from(ends),
    source: Uint32Array.from(source, (name) => source.indexOf(name)),
    sources: source,
  };
}
