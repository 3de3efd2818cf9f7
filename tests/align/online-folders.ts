/** Folders for runs of online stages: a policy with a tokenizer of digits, prompts, and a reward model. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCheckpoint } from '../../src/models/checkpoint/write.ts';
import { createWeights } from '../../src/models/weights.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { writeHfTokenizer } from '../../src/tokenizer/hf-json.ts';
import { characterTables } from '../../src/training/data/text-tokens.ts';
import { runShards } from '../shards/context.ts';
import { tinyConfig } from '../training/tiny-training.ts';
import { STRONG } from './tiny-alignment.ts';

const CHARACTERS = '>0123456789';
export const END_TOKEN = '<|end|>';

function writeTokenizer(folder: string, characters: string): number {
  mkdirSync(folder, { recursive: true });
  const tables = characterTables(characters);
  const id = tables.vocabSize;
  const tokens = [...tables.tokens, new TextEncoder().encode(END_TOKEN)];
  const added = [{ id, content: END_TOKEN, special: true }];
  const json = writeHfTokenizer({ ...tables, vocabSize: id + 1, tokens, added });
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(json));
  return id + 1;
}

/** A model folder under `root`; a reward model with `head`. */
export async function modelFolder(
  root: string,
  name: string,
  { head, characters = CHARACTERS, seed = 5 }: { head?: 'score'; characters?: string; seed?: number } = {},
): Promise<string> {
  const folder = join(root, name);
  const vocabSize = writeTokenizer(join(root, `${name}-tokenizer`), characters);
  const config = { ...tinyConfig(vocabSize, { ...STRONG, eos_token_id: vocabSize - 1 }), ...(head && { head }) };
  const weights = createWeights(createReferenceBackend(), config);
  weights.initialize(seed);
  const values = (parameter: string): Promise<Float32Array> => weights.read(parameter);
  await writeCheckpoint(folder, { config, values, tokenizer: join(root, `${name}-tokenizer`) });
  return folder;
}

/** Prompts of some digits and one that is too long. */
export function promptFile(root: string): string {
  const path = join(root, 'prompts.jsonl');
  const prompts = ['31>', '20>', '975>', '1234567890123456>'].map((prompt) => ({
    prompt,
    answer: [...prompt.slice(0, -1)].sort().join(''),
  }));
  writeFileSync(path, prompts.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return path;
}

/** Packed shards of short texts of digits, in the tokenizer of a model folder; rows hold several. */
export async function digitShards(root: string, model: string, name = 'shards', contextLength = 8): Promise<string> {
  const dir = join(root, `${name}-run`);
  mkdirSync(dir);
  const documents = Array.from({ length: 40 }, (_, i) => ({
    id: `d${i}`,
    text: `${i % 10}${(i * 3) % 10}${'>12'.slice(0, i % 4)}`,
    meta: {},
  }));
  const { outputDir } = await runShards({
    dir,
    parts: [documents],
    tokenizer: join(model, 'tokenizer.json'),
    options: { contextLength, eosToken: END_TOKEN, padToken: END_TOKEN },
  });
  return outputDir;
}
