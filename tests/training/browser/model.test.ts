/** Model folders as a page opens them: the same model, the same texts, and words for what is wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobFolder, type NamedBlob } from '../../../src/io/web-folder.ts';
import { readCheckpoint } from '../../../src/models/checkpoint/read.ts';
import { writeCheckpoint } from '../../../src/models/checkpoint/write.ts';
import { createReferenceBackend } from '../../../src/tensor/reference/backend.ts';
import { tokenizerJsonText } from '../../../src/tokenizer/tokenizer.ts';
import { openBrowserModel } from '../../../src/training/browser/model.ts';
import { SMALL, wavyParameters } from '../../models/small-models.ts';
import { byteTokenizer } from '../../tokenizer/byte-tokenizer.ts';
import { tinyConfig } from '../tiny-training.ts';

const config = tinyConfig(260);
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-page-model-'));
  const parameters = wavyParameters(config);
  await writeCheckpoint(dir, {
    config,
    values: (name) => parameters.get(name)!,
    maxShardBytes: 3000,
    generation: { do_sample: true, temperature: 0.7, top_p: 0.8, eos_token_id: 257 },
  });
  const json = byteTokenizer(['<s>', '</s>']).toJson() as Record<string, unknown>;
  await writeFile(join(dir, 'tokenizer.json'), tokenizerJsonText(json));
});
afterAll(() => rm(dir, { recursive: true }));

/** The folder's files as a page has them, some changed or (undefined) left out. */
function chosen(changes: Readonly<Record<string, string | undefined>> = {}): NamedBlob[] {
  const contents = new Map<string, string | Uint8Array<ArrayBuffer> | undefined>(
    readdirSync(dir).map((name) => [name, new Uint8Array(readFileSync(join(dir, name)))]),
  );
  for (const [name, content] of Object.entries(changes)) contents.set(name, content);
  return [...contents].flatMap(([name, content]) =>
    content === undefined ? [] : [Object.assign(new Blob([content]), { name, webkitRelativePath: `tiny/${name}` })],
  );
}

const open = (changes: Readonly<Record<string, string | undefined>> = {}) =>
  openBrowserModel(createReferenceBackend(), blobFolder(chosen(changes)));

describe('a model folder of a page', () => {
  it('is the model that the disk has, from several tensor files', async () => {
    expect(readdirSync(dir).filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(1);
    const shares: number[] = [];
    const folder = blobFolder(chosen());
    const model = await openBrowserModel(createReferenceBackend(), folder, {
      onProgress: (share) => shares.push(share),
    });
    const onDisk = await readCheckpoint(dir);
    expect(model.config).toEqual(onDisk.config);
    for (const [name, values] of onDisk.parameters) expect(await model.weights.read(name), name).toEqual(values);
    expect(shares.at(-1)).toBe(1);
    expect(model.name).toBe('tiny');
  });

  it('says how it wants to be asked', async () => {
    const { defaults, encode } = await open();
    expect(defaults.sampling).toMatchObject({ temperature: 0.7, topP: 0.8 });
    expect(defaults.stopTokens).toEqual([257]);
    expect([...encode('Hé')]).toEqual([0x48, 0xc3, 0xa9]);
  });

  it('begins every text with the token that its tokenizer puts there', async () => {
    const { encode } = await open({
      'tokenizer_config.json': JSON.stringify({ add_bos_token: true, bos_token: '<s>' }),
    });
    expect([...encode('H')]).toEqual([256, 0x48]);
    expect([...encode('')]).toEqual([256]);
  });

  it('has no text that begins with nothing', async () => {
    const { encode } = await open();
    expect(() => encode('')).toThrow('the prompt is empty');
  });

  it.each([
    [
      'no configuration',
      { 'config.json': undefined },
      'reading the model configuration tiny/config.json: there is no such file',
    ],
    [
      'a configuration that is none',
      { 'config.json': 'hello' },
      'the model configuration tiny/config.json: it is not JSON',
    ],
    ['an unknown architecture', { 'config.json': '{"model_type":"t5"}' }, 'model_type is "t5"'],
    [
      'no tokenizer',
      { 'tokenizer.json': undefined },
      'reading the tokenizer tiny/tokenizer.json: there is no such file',
    ],
    ['a page for a tokenizer', { 'tokenizer.json': '<!doctype html>' }, 'tiny/tokenizer.json: it is a web page'],
    [
      'no weights',
      { 'model.safetensors.index.json': undefined },
      'reading tiny/model.safetensors: there is no such file',
    ],
    [
      'weights that are none',
      { 'model.safetensors': 'nothing of the kind' },
      'reading the tensors of tiny/model.safetensors',
    ],
    [
      'weights of another model',
      { 'config.json': JSON.stringify({ ...SMALL['qwen3'], vocab_size: 300 }) },
      'reading the checkpoint tiny: ',
    ],
  ])('names what is wrong: %s', async (_, changes, message) => {
    await expect(open(changes)).rejects.toThrow(message);
  });
});
