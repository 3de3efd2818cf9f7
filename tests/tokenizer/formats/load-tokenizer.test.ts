import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/core/package-root.ts';
import { convertTokenizer } from '../../../src/tokenizer/formats/convert-tokenizer.ts';
import { loadTokenizer, openTokenizer, tokenizerFiles } from '../../../src/tokenizer/formats/load-tokenizer.ts';
import { writeTiktoken } from '../../../src/tokenizer/formats/tiktoken.ts';
import { writeHfTokenizer } from '../../../src/tokenizer/hf-json.ts';
import { writeTokenizerFiles } from '../../../src/tokenizer/tokenizer-files.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { byteTables } from '../byte-tokenizer.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corpusmill-formats-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A folder of files; returns its path. */
function made(name: string, files: Record<string, string | Uint8Array>): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
  return path;
}

const tables = byteTables(['<|endoftext|>', '<|im_start|>', '<|im_end|>']);
const json = JSON.stringify(writeHfTokenizer(tables));

describe('the one door', () => {
  it('opens a folder, a tokenizer.json, one that is gzipped', () => {
    const path = made('hf', { 'tokenizer.json': json, 'other.json.gz': gzipSync(json) });
    for (const one of [path, join(path, 'tokenizer.json'), join(path, 'other.json.gz')]) {
      const { tokenizer, format } = openTokenizer(one);
      expect(format).toBe('hf');
      expect(tokenizer.specialId('<|im_end|>')).toBe(258);
      expect(Array.from(tokenizer.encode('Aé'))).toEqual([0x41, 0xc3, 0xa9]);
    }
  });

  it('opens what the training stage writes, every file of it, to the same ids', async () => {
    const path = made('trained', {});
    await writeTokenizerFiles(tables, path);
    const whole = openTokenizer(path);
    expect(whole.config.tokens).toEqual({ eos_token: '<|endoftext|>', pad_token: '<|endoftext|>' });
    expect(whole.config.chatTemplate).toContain('<|im_start|>');
    const ranks = loadTokenizer(join(path, 'tokenizer.tiktoken'), { pattern: 'gpt2' });
    expect(ranks.encode('Hello')).toEqual(whole.tokenizer.encode('Hello'));
  });

  it('reads the chat template of a file of its own before that of the config', () => {
    const config = {
      eos_token: { content: '<|im_end|>', lstrip: false },
      chat_template: [
        { name: 'default', template: 'D' },
        { name: 'tool_use', template: 'T' },
      ],
    };
    const files = { 'tokenizer.json': json, 'tokenizer_config.json': JSON.stringify(config) };
    const named = openTokenizer(made('named', files)).config;
    expect([named.chatTemplate, named.toolTemplate]).toEqual(['D', 'T']);
    expect(named.tokens).toEqual({ eos_token: '<|im_end|>' });
    expect(openTokenizer(made('jinja', { ...files, 'chat_template.jinja': 'J' })).config.chatTemplate).toBe('J');
  });

  it("opens GPT-2's two files by either of them, and knows special tokens by what no merge makes", () => {
    const vocab = JSON.stringify({ a: 0, b: 1, ab: 2, '<|endoftext|>': 3, Ġ: 4 });
    const path = made('gpt2', { 'vocab.json': vocab, 'merges.txt': '#version: 0.2\na b\n' });
    for (const one of [path, join(path, 'vocab.json'), join(path, 'merges.txt')]) {
      const { tokenizer, format } = openTokenizer(one);
      expect(format).toBe('gpt2');
      expect(Array.from(tokenizer.encode('ab ba'))).toEqual([2, 4, 1, 0]);
      expect(tokenizer.addedTokens).toEqual([{ id: 3, content: '<|endoftext|>', special: true }]);
    }
  });

  it("takes a config's class and added tokens for what GPT-2's files leave open", () => {
    const vocab = Object.fromEntries(tables.tokens.slice(0, 256).map((_, id) => [String.fromCharCode(0x100 + id), id]));
    const path = made('qwen2', {
      'vocab.json': JSON.stringify({ ...vocab, e: 300, '1': 301 }),
      'merges.txt': '#version: 0.2\n',
      'tokenizer_config.json': JSON.stringify({
        tokenizer_class: 'Qwen2Tokenizer',
        added_tokens_decoder: { '400': { content: '<|im_end|>', special: true }, '401': { content: '<think>' } },
      }),
    });
    expect(() => openTokenizer(path)).toThrow(/outside the byte alphabet/);
    writeFileSync(join(path, 'vocab.json'), JSON.stringify({ e: 0, '1': 1 }));
    const opened = openTokenizer(path);
    expect(opened.readTables()?.normalization).toBe('nfc');
    expect(Array.from(opened.tokenizer.encode('11'))).toEqual([1, 1]);
    expect(opened.tokenizer.addedTokens).toEqual([
      { id: 400, content: '<|im_end|>', special: true },
      { id: 401, content: '<think>', special: false },
    ]);
  });

  it('knows ranks by the name of their file', () => {
    const path = made('ranks', { 'gpt2.tiktoken': 'YQ== 0\nYg== 1\nYWI= 2\n' });
    const { tokenizer, format, files } = openTokenizer(path);
    expect(format).toBe('tiktoken');
    expect(tokenizer.specialId('<|endoftext|>')).toBe(50_256);
    // The copy for other programs is a tokenizer.json, since ranks do not say all.
    expect([...files.keys()]).toEqual(['tokenizer.json']);
    const copy = made('copy', { 'tokenizer.json': files.get('tokenizer.json')! });
    expect(loadTokenizer(copy).encode('abba')).toEqual(tokenizer.encode('abba'));
  });

  it('tells SentencePiece from ranks in a tokenizer.model', () => {
    const path = made('sp', {});
    const model = join(packageRoot(), 'tests', 'tokenizer', 'formats', 'fixtures', 'bpe.model');
    copyFileSync(model, join(path, 'tokenizer.model'));
    const { format, files } = openTokenizer(path);
    expect(format).toBe('sentencepiece');
    expect(files.get('tokenizer.model')).toEqual(readFileSync(model));
    const ranks = made('llama', { 'tokenizer.model': 'YQ== 0\nYg== 1\n' });
    expect(() => openTokenizer(ranks)).toThrow(/does not say by which pattern/);
    expect(openTokenizer(ranks, { encoding: 'llama3' }).tokenizer.specialId('<|eot_id|>')).toBe(128_009);
    expect(openTokenizer(ranks, { encoding: 'llama3.1' }).tokenizer.specialId('<|python_tag|>')).toBe(128_010);
  });

  it.each([
    ['nothing', '', /it is empty/],
    ['a zip archive', 'PK\x03\x04rest', /it is a zip archive/],
    ['a Parquet file', 'PAR1....', /it is a Parquet file/],
    ['a GGUF model', 'GGUF\x03\0\0\0', /it is a GGUF model file/],
    ['safetensors', '\x10\0\0\0\0\0\0\0{"a":{}}', /it is a safetensors file/],
    ['a web page', '<!DOCTYPE html>', /it is a web page/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', /it is a Git LFS pointer/],
    ['bytes', '\x00\x01\x02', /it is a binary file of unknown kind/],
    ['words', 'hello', /Unexpected token/],
    ['other JSON', '{"a": 1}', /it has no "model"/],
    ['WordPiece', '{"model": {"type": "WordPiece"}}', /the model type is "WordPiece"/],
    ['unigram in JSON', '{"model": {"type": "Unigram"}}', /the model type is "Unigram"/],
  ])('names what it found instead of a tokenizer: %s', (name, content, message) => {
    const path = join(made(`bad-${name}`, { 'tokenizer.json': Buffer.from(content, 'latin1') }), 'tokenizer.json');
    expect(() => openTokenizer(path)).toThrow(message);
  });

  it('names the files that a path stands for, those that lie beside it included', () => {
    const gpt2 = made('pair', { 'vocab.json': '{}', 'merges.txt': '', 'readme.md': '' });
    const both = [join(gpt2, 'vocab.json'), join(gpt2, 'merges.txt')];
    expect(tokenizerFiles('pair', folder)).toEqual(both);
    expect(tokenizerFiles('pair/merges.txt', folder)).toEqual(both);
    const ranks = made('only-ranks', { 'cl100k_base.tiktoken': '', 'chat_template.jinja': 'x' });
    const withTemplate = [join(ranks, 'cl100k_base.tiktoken'), join(ranks, 'chat_template.jinja')];
    expect(tokenizerFiles(ranks, '/elsewhere')).toEqual(withTemplate);
    expect(tokenizerFiles(withTemplate[0], '/elsewhere')).toEqual(withTemplate);
    const model = made('other-model', { 'sentencepiece.bpe.model': '' });
    expect(tokenizerFiles(model, '/')).toEqual([join(model, 'sentencepiece.bpe.model')]);
    expect(tokenizerFiles('gone/tokenizer.json', folder)).toEqual([join(folder, 'gone/tokenizer.json')]);
    expect(tokenizerFiles(undefined, folder)).toEqual([]);
    expect(() => tokenizerFiles(made('no-tokenizer', { 'model.safetensors': '' }), '/')).toThrow(/there is none in it/);
  });

  it('says what a folder holds, and that there is no file', () => {
    expect(() => openTokenizer(made('empty', {}))).toThrow(/there is none in it; it has nothing/);
    expect(() => openTokenizer(made('weights', { 'model.safetensors': '' }))).toThrow(/it has model\.safetensors/);
    expect(() => openTokenizer(join(folder, 'gone.json'))).toThrow(/gone\.json: there is no such file/);
  });
});

describe('converting', () => {
  it('gives the same ids in every form', () => {
    const source = openTokenizer(made('source', { 'tokenizer.json': json }));
    for (const form of ['hf', 'gpt2'] as const) {
      const path = made(`as-${form}`, convertTokenizer(source, form));
      expect(loadTokenizer(path).encode('Hello 世界!')).toEqual(source.tokenizer.encode('Hello 世界!'));
      expect(loadTokenizer(path).specialId('<|im_end|>')).toBe(258);
    }
    const path = made('as-ranks', convertTokenizer(source, 'tiktoken'));
    expect(loadTokenizer(path, { pattern: 'gpt2' }).encode('Hi')).toEqual(source.tokenizer.encode('Hi'));
  });

  it('keeps the files that lie beside it, and the tokenizer.json byte for byte', () => {
    const config = '{"eos_token": "<|im_end|>"}';
    const source = made('kept', { 'tokenizer.json': json, 'tokenizer_config.json': config });
    const files = convertTokenizer(openTokenizer(source), 'hf');
    expect(Buffer.from(files['tokenizer.json']).toString()).toBe(json);
    expect(Buffer.from(files['tokenizer_config.json']).toString()).toBe(config);
  });

  it('refuses SentencePiece, and ranks that would give other ids', () => {
    const model = join(packageRoot(), 'tests', 'tokenizer', 'formats', 'fixtures', 'bpe.model');
    expect(() => convertTokenizer(openTokenizer(model), 'hf')).toThrow(/it is no byte-level BPE/);
    const vocab = JSON.stringify({ a: 0, b: 1, ba: 2, ab: 3 });
    const late = made('late', { 'vocab.json': vocab, 'merges.txt': 'a b\nb a\n' });
    expect(() => convertTokenizer(openTokenizer(late), 'tiktoken')).toThrow(/merge 1 makes the token 2/);
  });
});

describeWithShared("GPT-2's released files", () => {
  it('are read through gzip and written again as they were', () => {
    const opened = openTokenizer(shared('data/bpe-reference/gpt2_vocab.json.gz'));
    expect(opened.tokenizer.vocabSize).toBe(50_257);
    // OpenAI's own example: "Hello world" is 15496, 995.
    expect(Array.from(opened.tokenizer.encode('Hello world'))).toEqual([15_496, 995]);
    const files = convertTokenizer(opened, 'gpt2');
    const merges = gunzipSync(readFileSync(shared('data/bpe-reference/gpt2_merges.txt.gz'))).toString();
    expect(files['merges.txt']).toBe(`#version: 0.2\n${merges}`);
    const vocab: unknown = JSON.parse(
      gunzipSync(readFileSync(shared('data/bpe-reference/gpt2_vocab.json.gz'))).toString(),
    );
    expect(JSON.parse(files['vocab.json'] as string)).toEqual(vocab);
    expect(writeTiktoken(opened.readTables()!).split('\n')).toHaveLength(50_257);
  });
});
