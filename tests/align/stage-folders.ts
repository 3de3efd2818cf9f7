/** A folder for stages on files: a tokenizer of bytes with ChatML's tokens, conversations, pairs, and a model small enough for any backend. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALIGN_SCHEMAS, type OfflineStage } from '../../src/align/config/schema.ts';
import { withAbsoluteStagePaths } from '../../src/align/config/stage-files.ts';
import { prepareStage } from '../../src/align/prepare-stage.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { writeTokenizerFiles } from '../../src/tokenizer/tokenizer-files.ts';
import type { LogRecord } from '../../src/training/log.ts';
import { byteTables } from '../tokenizer/byte-tokenizer.ts';

export const jsonl = (records: readonly unknown[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** The folder's path; whoever asks for it removes it. */
export async function stageFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'corpusmill-stage-'));
  mkdirSync(join(folder, 'tokenizer'));
  await writeTokenizerFiles(byteTables(['<|endoftext|>', '<|im_start|>', '<|im_end|>']), join(folder, 'tokenizer'));
  const numbers = Array.from({ length: 24 }, (_, i) => i);
  writeFileSync(
    join(folder, 'conversations.jsonl'),
    jsonl(numbers.map((i) => ({ prompt: `say ${i}`, completion: `${i} it is` }))),
  );
  writeFileSync(
    join(folder, 'pairs.jsonl'),
    jsonl(numbers.map((i) => ({ prompt: `say ${i}`, chosen: `please ${i}`, rejected: `no ${i * 7}`, margin: 0.5 }))),
  );
  const config = {
    model_type: 'qwen3',
    vocab_size: 259,
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: 8,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
    eos_token_id: 256,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  return folder;
}

/** Runs a stage in a folder of `stageFolder` to its end; returns what it logged. */
export async function runStage<S extends OfflineStage>(
  stage: S,
  folder: string,
  given: Record<string, unknown>,
  backend?: Backend,
): Promise<LogRecord[]> {
  const { data, ...rest } = given;
  const raw = {
    model: 'config.json',
    output: `out/${stage}`,
    batch: { rows: 2, sequenceLength: 64 },
    data: { tokenizer: 'tokenizer', ...(data as object) },
    optimizer: { learningRate: 0.01 },
    samples: { every: 0 },
    tensorboard: false,
    ...rest,
  };
  const config = withAbsoluteStagePaths<S>(ALIGN_SCHEMAS[stage].parse(raw) as never, {
    folder,
    name: stage,
    cwd: folder,
  });
  const prepared = await prepareStage(stage, config, backend === undefined ? {} : { backend });
  const records: LogRecord[] = [];
  try {
    await prepared.run({ onRecord: (record) => void records.push(record) });
  } finally {
    await prepared.close();
  }
  return records;
}
