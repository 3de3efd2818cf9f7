/**
 * Inputs of an evaluation, by what they hold: packed shards, questions with choices, or documents of any format that
 * pipelines read.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';
import { readChunks, releaseChunk } from '../../io/chunks.ts';
import { expandInputs } from '../../io/files.ts';
import type { InputSpec } from '../../io/input.ts';
import { parseChunk } from '../../io/parse.ts';
import { readShardRows } from '../../shards/inspect.ts';
import type { Question } from './multiple-choice.ts';

export type EvaluationInput = 'shards' | 'questions' | 'documents';

/** What a path holds; a file of questions is known by its first record. */
export async function kindOfInput(path: string): Promise<EvaluationInput> {
  if (path.endsWith('.arrow') || existsSync(join(path, 'manifest.json'))) return 'shards';
  if (!/\.jsonl?(\.gz)?$/.test(path) || !existsSync(path)) return 'documents';
  const [first] = (await readText(path)).trimStart().split('\n', 1);
  try {
    const record = JSON.parse(first) as Record<string, unknown> | null;
    return record !== null && 'choices' in record && 'prompt' in record ? 'questions' : 'documents';
  } catch {
    return 'documents';
  }
}

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path);
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
}

const questionSchema = z.object({
  prompt: z.string(),
  choices: z.array(z.string().min(1)).min(2),
  answer: z.union([z.int().nonnegative(), z.string()]),
});

/**
 * Questions of a JSONL file: {prompt, choices, answer}, the answer as the choice's number from 0 or as the choice itself.
 * Throws INPUT_CORRUPT naming the line.
 */
export async function readQuestions(path: string, limit = Number.POSITIVE_INFINITY): Promise<Question[]> {
  const questions: Question[] = [];
  const lines = (await readText(path)).split('\n');
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    if (questions.length >= limit) break;
    const fail = (found: string): never => {
      throw new CorpusmillError('INPUT_CORRUPT', `reading questions of ${path}, line ${i + 1}: ${found}`, {
        hint: 'A line is {"prompt": "…", "choices": ["…", "…"], "answer": 0}.',
      });
    };
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch (error) {
      return fail((error as Error).message);
    }
    const parsed = questionSchema.safeParse(json);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return fail(`${issue.path.join('.')}: ${issue.message}`);
    }
    const { prompt, choices, answer } = parsed.data;
    const number = typeof answer === 'number' ? answer : choices.indexOf(answer);
    if (number < 0 || number >= choices.length) fail(`the answer ${JSON.stringify(answer)} is none of the choices`);
    questions.push({ prompt, choices, answer: number });
  }
  if (questions.length === 0) throw new CorpusmillError('INPUT_CORRUPT', `reading questions of ${path}: it has none`);
  return questions;
}

/** Texts of files, in batches. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, and TOO_MANY_BAD_RECORDS at the first one that cannot be read. */
export async function* readTexts(spec: InputSpec): AsyncGenerator<string[]> {
  const specs = [spec];
  const files = await expandInputs(specs);
  let read = 0;
  for await (const chunk of readChunks(files, specs, { chunkBytes: 1 << 20 })) {
    const texts: string[] = [];
    await parseChunk(
      chunk,
      specs,
      ({ text }) => {
        if (text !== '' && read < (spec.limit ?? Number.POSITIVE_INFINITY)) texts.push(text);
        read++;
      },
      (bad) => {
        throw new CorpusmillError('TOO_MANY_BAD_RECORDS', `reading ${chunk.file}: ${bad.reason}: ${bad.detail}`, {
          hint: 'An evaluation counts every record: take the broken ones out.',
        });
      },
    );
    releaseChunk(chunk);
    if (texts.length > 0) yield texts;
    if (read >= (spec.limit ?? Number.POSITIVE_INFINITY)) return;
  }
}

/** Rows read at a time. */
const ROWS = 256;

/** Pieces of documents in the rows of a shard or a folder of shards, in batches; padding is left out. */
export async function* readPieces(path: string, limit = Number.POSITIVE_INFINITY): AsyncGenerator<ArrayLike<number>[]> {
  let given = 0;
  for (let offset = 0; ; offset += ROWS) {
    const { rows, totalRows } = await readShardRows(path, { limit: ROWS, offset });
    const pieces = rows.flatMap((row) => row.pieces.map(({ tokens }) => tokens)).slice(0, limit - given);
    given += pieces.length;
    if (pieces.length > 0) yield pieces;
    if (offset + ROWS >= totalRows || given >= limit) return;
  }
}
