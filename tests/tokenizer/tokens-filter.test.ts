import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tokensFilter } from '../../src/tokenizer/tokens-filter.ts';
import { stageOf } from '../filters/process.ts';
import { describeWithShared, shared } from '../shared.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corpusmill-tokens-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describeWithShared('filter.tokens with the Qwen2.5 tokenizer', () => {
  const path = () => join(folder, 'tokenizer.json');
  beforeAll(() => {
    writeFileSync(path(), gunzipSync(readFileSync(shared('data/qwen-tokenizer/tokenizer.json.gz'))));
  });

  it('counts the tokens that the released tokenizer gives', () => {
    const rows = readFileSync(shared('data/qwen-tokenizer/vectors-llamacpp-qwen2.jsonl'), 'utf8').trimEnd().split('\n');
    const vectors = rows.map((row) => JSON.parse(row) as { text: string; ids_hf_js: number[] });
    expect(vectors.length).toBeGreaterThan(10);
    const count = stageOf(tokensFilter, { tokenizer: path(), minTokens: null, annotate: true });
    const counted = vectors.map(({ text }) => count(text).document.meta['filter.tokens']);
    expect(counted).toEqual(vectors.map(({ ids_hf_js }) => ({ tokens: ids_hf_js.length })));
  });

  it('drops what has fewer or more than the limits, and says how many', () => {
    const judge = stageOf(tokensFilter, { tokenizer: path(), minTokens: 2, maxTokens: 4 });
    expect(judge('Hello')).toMatchObject({ verdict: 'too_few_tokens', value: 1, threshold: 2 });
    expect(judge('Hello world').verdict).toBe('keep');
    expect(judge('one two three four five')).toMatchObject({ verdict: 'too_many_tokens', value: 5, threshold: 4 });
    expect(judge('Hello world').document.meta).toEqual({});
  });

  it('says which file is missing', () => {
    expect(() => stageOf(tokensFilter, { tokenizer: join(folder, 'gone.json') })).toThrow(
      /gone\.json: there is no such file/,
    );
  });
});
