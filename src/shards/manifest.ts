/**
 * `manifest.json` of a shard folder: what the shards hold, how they were made, and a checksum of each, so that a folder
 * copied to another machine can be verified, traced to its pipeline and read without this program. The schema below is
 * the published one (`shardManifestJsonSchema`). Nothing in it depends on the clock or the number of workers.
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import { PACKINGS, TOO_LONG } from './packing.ts';
import { SPLIT_NAMES } from './split.ts';

export const MANIFEST_NAME = 'manifest.json';

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** A plain name, so that a manifest cannot point outside its folder. */
const fileName = z.string().regex(/^(?!\.\.?$)[^/\\]+$/, 'expected a file name without folders');
const specialToken = z.object({ token: z.string(), id: count });

export const shardManifestSchema = z.object({
  schemaVersion: z.literal(2),
  kind: z.literal('corpusmill-shards'),
  pipelineHash: z.string().describe('Hash of the stages and inputs that made the documents'),
  split: z
    .object({
      name: z.enum(SPLIT_NAMES),
      below: z.number().describe('Texts whose xxHash64, as a number in [0, 1), is below it are held out'),
      leftOut: count.describe('Training documents left out because a held-out document has their id'),
    })
    .nullable()
    .describe('Which side of a split this is; null where all documents are in one set'),
  contextLength: z.int().positive().describe('Tokens per row, padding included'),
  dtype: z.enum(['uint16', 'uint32']).describe('Integer type of input_ids'),
  rows: count,
  tokens: count.describe('Tokens of documents in all rows: special tokens included, padding not'),
  documents: count,
  documentsEmpty: count.describe('Documents without a token; they are in no row'),
  padding: z.object({ tokens: count, percent: z.number().describe('Of all places in rows') }),
  cut: z.object({
    documents: count.describe('Documents that lie in more than one piece'),
    avoidably: count.describe('Of those, the ones that would have fitted a row'),
  }),
  packing: z.object({
    strategy: z.enum(PACKINGS),
    windows: count.describe('Windows of documents packed on their own'),
    shuffled: z.boolean().describe('Whether documents and rows were shuffled over the whole set with the seed'),
  }),
  seed: z.int(),
  bos: specialToken.nullable().describe('Put before every document'),
  eos: specialToken.nullable().describe('Put after every document'),
  pad: specialToken.describe("Fills a row's end"),
  tokenizer: z.object({
    file: fileName.describe('The copy beside the shards'),
    sha256,
    vocabSize: count,
  }),
  fillInTheMiddle: z
    .object({
      rate: z.number().describe('Share of the documents that may be rearranged'),
      spmRate: z
        .number()
        .describe('Share of those in the order suffix, prefix, middle; the rest: prefix, suffix, middle'),
      prefix: specialToken,
      middle: specialToken,
      suffix: specialToken,
      documents: count.describe('Documents of the whole run, both sides of a split, that were rearranged'),
    })
    .nullable(),
  conversations: z
    .object({
      tooLong: z.enum(TOO_LONG).describe('What becomes of conversations longer than a row'),
      truncated: count.describe('Conversations of the whole run, both sides of a split, that were cut to a row'),
      dropped: count.describe('And those that were left out because they are longer'),
    })
    .nullable()
    .describe('Of rows with labels'),
  sources: z
    .array(z.object({ name: z.string(), documents: count, tokens: count }))
    .describe('Documents and tokens of each input, by name'),
  columns: z.record(z.string(), z.string()).describe('Arrow type and meaning of each column'),
  pieceColumns: z
    .record(z.string(), z.string())
    .nullable()
    .describe('The same of the tables of pieces; null: there are none'),
  shards: z.array(
    z.object({
      file: fileName,
      rows: count,
      tokens: count,
      bytes: count,
      sha256,
      pieces: z.object({ file: fileName, bytes: count, sha256 }).nullable().describe('The table beside the shard'),
    }),
  ),
});

export type ShardManifest = z.output<typeof shardManifestSchema>;
export type ShardEntry = ShardManifest['shards'][number];

/** JSON Schema of `manifest.json`. */
export function shardManifestJsonSchema(): unknown {
  return z.toJSONSchema(shardManifestSchema);
}

/** What the columns of shards are; goes into the manifest. */
export function describeColumns(
  contextLength: number,
  dtype: ShardManifest['dtype'],
  hasLabels: boolean,
): Record<string, string> {
  return {
    input_ids: `fixed_size_list<${dtype}>[${contextLength}]: pieces of documents end to end, then padding`,
    seq_lengths: `list<int32>: tokens of each piece; padding, where a row has any, is the last entry, so that a row's entries add up to ${contextLength}`,
    padding: "int32: places at the row's end that hold no token of a document",
    ...(hasLabels && {
      labels: `fixed_size_list<int32>[${contextLength}]: the token, or -100 where no loss is taken; not shifted`,
    }),
  };
}

/** What the columns of the tables of pieces are. */
export const PIECE_COLUMNS: Record<string, string> = {
  row: 'int32: row of the shard set, the rows of earlier shards counted',
  piece: 'int32: number of the piece within the row',
  doc_id: 'string: id of the document',
  source: 'string: input that the document came from',
  start: 'int32: token of the document at which the piece begins, added tokens counted',
  tokens: 'int32: tokens of the piece',
};

/**
 * Reads the manifest of a shard folder, given the folder or the manifest itself. Throws CorpusmillError:
 * INPUT_NOT_FOUND without one, INPUT_CORRUPT when it is not a manifest.
 */
export async function readManifest(path: string): Promise<{ dir: string; manifest: ShardManifest }> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const file = isFolder ? join(path, MANIFEST_NAME) : path;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new CorpusmillError('INPUT_NOT_FOUND', `opening shards: ${file} cannot be read (${systemCode(error)})`, {
      hint: 'Give the folder that the shards stage wrote, or its manifest.json; of a split, one of its two folders.',
      cause: error,
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw corrupt(file, `it is not JSON: ${(error as Error).message}`);
  }
  const parsed = shardManifestSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw corrupt(file, `at ${issue.path.join('.') || 'the top'}: ${issue.message}`);
  }
  return { dir: dirname(file), manifest: parsed.data };
}

function corrupt(file: string, found: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `opening shards: ${file} is not a shard manifest; ${found}`, {
    hint: 'Run the shards stage again, or copy the folder again from where it was made.',
  });
}
