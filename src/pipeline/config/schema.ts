/**
 * The fixed part of a pipeline file: everything but the stages' own options, which the stages declare, and what trains
 * (training-part.ts). Each member's description is what an editor shows, so it says unit and default.
 */
import { z } from 'zod';
import { INPUT_FORMATS, WARC_DEFAULTS, WARC_RECORD_TYPES } from '../../io/input.ts';
import { compileTemplate } from '../../io/template.ts';

/** Names become folders and meta keys: letters and digits of any script, then also `.`, `_` and `-`. */
export const NAME_PATTERN = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}$/u;

const name = z
  .string()
  .regex(NAME_PATTERN)
  // The name of this member is what VS Code's JSON and YAML extensions look for.
  .meta({ patternErrorMessage: "a name of letters, digits, '.', '_' and '-' that begins with a letter or digit" });

export const warcSchema = z.object({
  records: z
    .array(z.enum(WARC_RECORD_TYPES))
    .min(1)
    .default([...WARC_DEFAULTS.records])
    .describe('WARC-Type of the records to read: response (crawled pages), resource, conversion (WET text).'),
  status: z
    .union([z.enum(['2xx', 'any']), z.array(z.int().min(100).max(999)).min(1)])
    .default('2xx')
    .describe('HTTP status codes of the responses to read: 2xx, any or a list.'),
  contentTypes: z
    .array(z.string().regex(/^[^\s;A-Z]+\/[^\s;A-Z]+$/))
    .min(1)
    .default([...WARC_DEFAULTS.contentTypes])
    .describe('Media types to read, in lower case; records of other types are skipped and counted.'),
});

export const inputSchema = z.object({
  name: name
    .optional()
    .describe('Name of the input, unique; `meta.source` of its documents. Default: the file name without extensions.'),
  path: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe('Files, folders or globs, one or a list. Relative to the folder of this pipeline file.'),
  format: z
    .enum(['auto', ...INPUT_FORMATS])
    .default('auto')
    .describe('File format. auto: by extension (.gz and .zst are seen through), then by the first bytes.'),
  textField: z.string().min(1).default('text').describe('Field or column that holds the text.'),
  template: z
    .string()
    .min(1)
    .superRefine((text, context) => {
      try {
        compileTemplate(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
      }
    })
    .optional()
    .describe(
      'Text made of several fields, in place of textField: "{instruction}\\n{input?}\\n{output}"; {name?} may be absent.',
    ),
  conversations: z
    .boolean()
    .default(false)
    .describe(
      'Records are conversations (OpenAI messages, ShareGPT, Alpaca, prompt and completion): the text is what is said, the turns go into meta.conversation.',
    ),
  idField: z
    .string()
    .min(1)
    .default('id')
    .describe('Field or column with a unique id; records without it are named by file and position.'),
  metaFields: z
    .union([z.enum(['all', 'none']), z.array(z.string().min(1))])
    .default('all')
    .describe("Which other fields are kept as the document's meta: all, none or a list."),
  limit: z.int().min(1).optional().describe('Read at most this many records. Default: all.'),
  sample: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('Keep this fraction, chosen by a hash of seed and document id: the same documents every time.'),
  maxRecordBytes: z
    .int()
    .min(1)
    .default(128 * 2 ** 20)
    .describe(
      'Longer records are set aside in the quarantine file; also those above an eighth of run.workerMemoryMiB.',
    ),
  maxExpansionRatio: z
    .number()
    .min(1)
    .default(200)
    .describe('A compressed file may not grow to more than this many times its size (guards against gzip bombs).'),
  warc: warcSchema.optional().describe('Web archives (format warc): which records become documents.'),
});

export const runSchema = z.object({
  workers: z
    .int()
    .min(0)
    .max(1024)
    .default(0)
    .describe('Worker threads; 0: one for each core. A small input is read by fewer. Never changes output.'),
  chunkBytes: z
    .int()
    .min(1)
    .default(4 * 2 ** 20)
    .describe('Input is cut into pieces of about this size, one task for a worker each.'),
  maxBadRecords: z.int().min(0).default(100).describe('The run fails when more records than this cannot be read.'),
  workerMemoryMiB: z
    .int()
    .min(64)
    .default(1024)
    .describe('Heap limit of a worker in MiB; a worker that passes it is replaced. A record may have an eighth of it.'),
  decideMemoryMiB: z
    .int()
    .min(16)
    .default(1024)
    .describe(
      'Memory in MiB for the tables in which duplicates are matched; less means more passes over what is on disk, and ' +
        'the same result.',
    ),
  audit: z
    .enum(['off', 'sampled', 'full'])
    .default('sampled')
    .describe('Which dropped documents are written to `dropped/` with stage, reason, value and threshold.'),
  auditFraction: z
    .number()
    .gt(0)
    .max(1)
    .default(0.05)
    .describe('With `audit: sampled`: the share kept, chosen by a hash of seed and document id.'),
  auditText: z
    .enum(['excerpt', 'whole'])
    .default('excerpt')
    .describe('How much text of a dropped document is written: its first 600 characters, or all of it.'),
});

/** What a pipeline without models has; the members that train may be anything, so that they are known by name. */
export const documentsSchema = z.object({
  name: name.optional().describe('Name of the pipeline. Default: the file name without extension.'),
  seed: z
    .int()
    .min(0)
    .max(0xffffffff)
    .default(0)
    .describe('Seed of every random draw. Same input, same seed: same bytes.'),
  output: z
    .string()
    .min(1)
    .optional()
    .describe('Run directory, relative to the folder of this file. Default: runs/<name> under the current directory.'),
  inputs: z.array(inputSchema).min(1).meta({
    title: 'a list of inputs',
    description: 'Where documents come from, read in this order.',
  }),
  stages: z.array(z.unknown()).min(1).meta({
    title: 'a list of stages',
    description: 'What happens to documents, in this order.',
  }),
  train: z.unknown().optional(),
  align: z.unknown().optional(),
  prompts: z.unknown().optional(),
  run: runSchema.prefault({}).describe('How to run: the same documents come out whatever stands here.'),
});

/** Members that train. */
export const TRAINING_MEMBERS = ['train', 'align', 'prompts'] as const;

/** Keys of a stage entry that are not options of the stage. */
export const RESERVED_STAGE_KEYS: readonly string[] = ['stage', 'name'];

export const stageNameSchema = name
  .optional()
  .describe('Name of this instance, unique in the pipeline. Default: the name of the stage.');

export type InputFields = z.output<typeof inputSchema>;
