/**
 * Keep documents by their number of tokens, counted with any tokenizer: what a document costs in training, whatever
 * its language.
 *
 * Source: Data-Juicer's token_num_filter (10 tokens at least), NeMo Curator's TokenCountFilter. Special tokens are not counted.
 * Cost: that of encoding, which is far above any rule on characters: put it last.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { defineMap, drop, KEEP } from '../core/stage.ts';
import { loadTokenizer, tokenizerFiles } from './formats/load-tokenizer.ts';

const options = z.strictObject({
  tokenizer: z
    .string()
    .min(1)
    .describe('A tokenizer.json, .tiktoken or SentencePiece .model file, relative to the pipeline file'),
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
  keyFiles: ({ tokenizer }, baseDir) => tokenizerFiles(tokenizer, baseDir),
  reasons: {
    too_few_tokens: 'fewer tokens than minTokens',
    too_many_tokens: 'more tokens than maxTokens',
  },
  create({ tokenizer: path, minTokens, maxTokens, annotate }, { name, baseDir }) {
    const tokenizer = loadTokenizer(resolve(baseDir, path));
    const count = (text: string): number => tokenizer.encode(text).length;
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
