/** The project that the documentation speaks of: `web.yaml` of the README, and some data for it. */
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/core/package-root.ts';
import { compress } from '../../src/io/codecs.ts';
import { writeCheckpoint } from '../../src/models/checkpoint/write.ts';
import { sizeOf } from '../../src/models/cost.ts';
import { findConfig } from '../../src/models/known-configs.ts';
import { parametersOf } from '../../src/models/parameters.ts';
import { initialValues } from '../../src/models/weights.ts';
import { createTrainer } from '../../src/quality/training/model-kinds.ts';
import { CHATML_TEMPLATE } from '../../src/tokenizer/chat/chatml.ts';
import { jsonl, madeCorpus } from '../e2e/corpus.ts';
import { byteTokenizer } from '../tokenizer/byte-tokenizer.ts';
import { blocksOf } from './blocks.ts';

const DOCUMENTS = 200;

/** The README's one YAML file. */
export function readmePipeline(): string {
  return blocksOf('README.md').find(({ language }) => language === 'yaml')!.text;
}

/** Makes the project in a new folder and returns it. */
export async function makeProject(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'corpusmill-docs-'));
  const put = (path: string, content: string | Uint8Array): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const documents = madeCorpus(DOCUMENTS).map(({ id, text }) => ({ id, text, lang: 'en' }));
  put('data/web.jsonl.zst', await compress(Buffer.from(jsonl(documents)), 'zstd'));
  put('web.yaml', readmePipeline());
  put('broken/records.jsonl', '{"id":"a","text":"a whole record"}\n{"id":"b","text":"open\n{"id":"c","text":7}\n');
  put('broken.yaml', 'inputs: [broken/*.jsonl]\nstages: [normalize, write]\n');
  put('good.jsonl', jsonl(documents.slice(0, 20)));
  putModel(join(folder, 'quality.bin'), ['negative', 'positive']);
  putModel(join(folder, 'edu.bin'), ['0', '5']);
  // Known by its name until it is read.
  put('wiki.arpa.gz', '');
  put('tokenizer/tokenizer.json', JSON.stringify(byteTokenizer(['<|endoftext|>']).toJson()));
  await putCheckpoint(join(folder, 'checkpoint'));
  await putChatModel(folder);
  put('notes/one.txt', 'A note.\n');
  put('extra/two.txt', 'Another note.\n');
  // As `npm install PATH-OF-THE-CLONE` leaves it.
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
  symlinkSync(packageRoot(), join(folder, 'node_modules', 'corpusmill'));
  for (const name of ['zod', '@types/node']) {
    symlinkSync(join(packageRoot(), 'node_modules', name), join(folder, 'node_modules', name));
  }
  put('package.json', '{ "type": "module", "private": true }\n');
  return folder;
}

/** A model of a million parameters that never learned anything. */
async function putCheckpoint(folder: string): Promise<void> {
  const { config } = findConfig('tiny-qwen2-1m');
  const sizes = new Map(parametersOf(config).map((parameter) => [parameter.name, sizeOf(parameter)]));
  const values = (name: string): Float32Array => new Float32Array(sizes.get(name)!).fill(0.01);
  await writeCheckpoint(folder, { config, values });
}

/** A model of two labels, each of one word. */
function putModel(path: string, labels: readonly string[]): void {
  const trainer = createTrainer('naive-bayes', {}, labels, 1);
  for (let i = 0; i < 20; i++) trainer.add(i % 2 === 0 ? 'dull words' : 'good text', i % 2);
  trainer.finish().save(path);
}

/** Random weights, with a tokenizer of bytes and a chat template. */
async function putChatModel(folder: string): Promise<void> {
  const { config } = findConfig('tiny-qwen2-1m');
  const tokenizer = join(folder, 'chat-tokenizer');
  mkdirSync(tokenizer);
  const controls = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
  writeFileSync(join(tokenizer, 'tokenizer.json'), JSON.stringify(byteTokenizer(controls).toJson()));
  const settings = { eos_token: '<|endoftext|>', chat_template: CHATML_TEMPLATE };
  writeFileSync(join(tokenizer, 'tokenizer_config.json'), JSON.stringify(settings));
  const parameters = new Map(parametersOf(config).map((parameter) => [parameter.name, parameter]));
  const values = (name: string): Float32Array => initialValues(parameters.get(name)!, 1);
  await writeCheckpoint(join(folder, 'story-model'), { config, values, tokenizer });
}
