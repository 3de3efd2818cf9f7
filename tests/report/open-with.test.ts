import { describe, expect, it } from 'vitest';
import { recipesFor, recipesForArtifact } from '../../src/report/open-with.ts';

const first = (stage: string, path: string) => recipesFor({ stage, path, details: {} })[0].code;

describe('how to open an output', () => {
  it('reads Parquet with DuckDB', () => {
    expect(first('write.parquet', 'clean')).toBe(`duckdb -c "SELECT * FROM 'clean/*.parquet' LIMIT 10"`);
  });

  it('reads JSONL with Hugging Face datasets, compressed or not', () => {
    expect(first('write.jsonl', 'clean')).toContain('load_dataset("json", data_files="clean/*.jsonl*", split="train")');
    expect(first('write', 'out/clean.jsonl.zst')).toContain('data_files="out/clean.jsonl.zst"');
  });

  it('reads shards with Dataset.from_file, shard by shard', () => {
    expect(first('shards', 'shards')).toContain('glob("shards/*.arrow")');
    expect(first('shards', 'shards')).toContain('Dataset.from_file(shard)');
  });

  it('opens a tokenizer by its file, whether the role names the file or its folder', () => {
    expect(recipesForArtifact('tokenizer', 'tokenizer')[0].code).toContain('from_file("tokenizer/tokenizer.json")');
    expect(recipesForArtifact('tokenizer', 'bpe/tokenizer.json')[0].code).toContain('from_file("bpe/tokenizer.json")');
    expect(recipesForArtifact('signatures', 'x')).toEqual([]);
  });

  it('always offers inspect', () => {
    expect(first('something.else', 'out')).toBe('corpusmill inspect out');
  });

  it('quotes a path for the shell and for SQL', () => {
    expect(first('something.else', 'my files')).toBe('corpusmill inspect "my files"');
    expect(first('something.else', '$(rm -rf ~)')).toBe("corpusmill inspect '$(rm -rf ~)'");
    expect(first('something.else', "it's `x`")).toBe("corpusmill inspect 'it'\\''s `x`'");
    expect(first('write.parquet', "it's")).toBe(`duckdb -c "SELECT * FROM 'it''s/*.parquet' LIMIT 10"`);
  });
});
