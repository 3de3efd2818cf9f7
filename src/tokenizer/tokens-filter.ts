/**
 * Keep documents by their number of tokens, counted with any tokenizer.json: what a document costs in training, whatever
 * its language.
 *
 * Source: Data-Juicer's token_num_filter (10 tokens at least), NeMo Curator's TokenCountFilter. Special tokens are not counted.
 * Cost: that of encoding, which is far above any rule on characters: put it last.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import { defineMap, drop, KEEP } from '../core/stage.ts';
import { Tokenizer } from './tokenizer.ts';

const options = z.strictObject({
  tokenizer: z.string().min(1).describe('Path of a tokenizer.json (byte-level BPE), relative to the pipeline file'),
  minTokens: z
    .int()
    .min(0)
    .nullable()
    .default(10)
    .describe('Fewest tokens (Data-Juicer token_num_filter); null: no limit'),
  maxTokens: z.int().min(0).nullable().default(null).describe('Most tokens; null: no limit'),
  annotate: z.boolean().default(false).describe('Write the number of tokens into meta, under the name of the stage'),
});

export const tokensFilter = defineMap({
  kind: 'map',
  name: 'filter.tokens',
  summary: 'Drop documents with too few or too many tokens of your tokenizer.',
  source: 'Data-Juicer token_num_filter; NeMo Curator TokenCountFilter',
  version: 1,
  options,
  optionFiles: ({ tokenizer }) => [tokenizer],
  reasons: {
    too_few_tokens: 'fewer tokens than minTokens',
    too_many_tokens: 'more tokens than maxTokens',
  },
  create({ tokenizer: path, minTokens, maxTokens, annotate }, { name, baseDir }) {
    const tokenizer = readTokenizer(isAbsolute(path) ? path : resolve(baseDir, path), path);
    let scratch = new Uint32Array(1 << 14);
    const count = (text: string): number => {
      // Six ids a unit is the most there can be: see Tokenizer.encodeInto.
      const most = text.length * 6;
      if (most > MAX_SCRATCH) return tokenizer.encode(text).length;
      if (scratch.length < most) scratch = new Uint32Array(2 ** Math.ceil(Math.log2(most)));
      return tokenizer.encodeInto(text, scratch, 0);
    };
    return {
      process(document) {
        const tokens = count(document.text);
        if (annotate) document.meta[name] = { tokens };
        if (minTokens !== null && tokens < minTokens) return drop('too_few_tokens', tokens, minTokens);
        if (maxTokens !== null && tokens > maxTokens) return drop('too_many_tokens', tokens, maxTokens);
        return KEEP;
      },
      explain(document) {
        const value = count(document.text);
        const isFew = minTokens !== null && value < minTokens;
        const isMany = maxTokens !== null && value > maxTokens;
        return [
          {
            rule: isMany ? 'too_many_tokens' : 'too_few_tokens',
            value,
            ...(minTokens !== null && { min: minTokens }),
            ...(maxTokens !== null && { max: maxTokens }),
            broken: isFew || isMany,
          },
        ];
      },
    };
  },
});

/** Ids of a longer text go into an array of their own. */
const MAX_SCRATCH = 1 << 22;

function readTokenizer(absolute: string, path: string): Tokenizer {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(absolute, 'utf8'));
  } catch (error) {
    const found =
      systemCode(error) === 'ENOENT' ? 'there is no such file' : `it cannot be read (${(error as Error).message})`;
    throw new CorpusmillError('CONFIG_INVALID', `tokenizer: reading ${path}: ${found}`, {
      hint: 'Give the path of a tokenizer.json file, as HF tokenizers and `tokenizer.train` write it.',
      cause: error,
    });
  }
  return Tokenizer.fromJson(json);
}
