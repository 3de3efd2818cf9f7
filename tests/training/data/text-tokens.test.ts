/** Tokenizers of characters and bytes: ids as nanoGPT has them, files that HF's own library opens. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { afterAll, expect, it } from 'vitest';
import { loadTokenizer } from '../../../src/tokenizer/formats/load-tokenizer.ts';
import { writeHfTokenizer } from '../../../src/tokenizer/hf-json.ts';
import { tokenizerJsonText } from '../../../src/tokenizer/tokenizer.ts';
import { byteTables, characterIds, characterTables } from '../../../src/training/data/text-tokens.ts';
import { describeWithShared, shared } from '../../shared.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpusmill-characters-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(tables: ReturnType<typeof byteTables>, name: string): string {
  const path = join(folder, name);
  writeFileSync(path, tokenizerJsonText(writeHfTokenizer(tables)));
  return path;
}

const TEXT = 'First Citizen:\nBefore we proceed, 你好 — naïve 🙂 e\u0301!';

it('a tokenizer of characters encodes and decodes as the lookup does, here and in @huggingface/tokenizers', () => {
  const path = written(characterTables(TEXT), 'characters.json');
  const ids = [...characterIds(TEXT)];
  const own = loadTokenizer(path);
  expect([...own.encode(TEXT)]).toEqual(ids);
  expect(own.decode(ids)).toBe(TEXT);
  const hf = new HfTokenizer(JSON.parse(readFileSync(path, 'utf8')), {});
  expect(hf.encode(TEXT).ids).toEqual(ids);
});

it('a tokenizer of bytes gives the bytes of UTF-8', () => {
  const own = loadTokenizer(written(byteTables(), 'bytes.json'));
  expect([...own.encode(TEXT)]).toEqual([...Buffer.from(TEXT)]);
  expect(own.decode([...Buffer.from(TEXT)])).toBe(TEXT);
});

describeWithShared('tinyshakespeare', () => {
  it("has nanoGPT's 65 characters in its order (data/shakespeare_char/prepare.py)", () => {
    const text = readFileSync(shared('data/tinyshakespeare.txt'), 'utf8');
    const { tokens, vocabSize } = characterTables(text);
    expect(vocabSize).toBe(65);
    expect(tokens.map((bytes) => String.fromCharCode(bytes![0])).join('')).toBe(
      "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    );
  });
});
