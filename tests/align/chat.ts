/** A tokenizer of bytes with ChatML's tokens, and conversations in it, for tests of the alignment stages. */

import { type ChatFormat, createChatFormat } from '../../src/align/data/chat-format.ts';
import type { Mask } from '../../src/align/data/masks.ts';
import { CHATML_TEMPLATE } from '../../src/tokenizer/chat/chatml.ts';
import type { OpenedTokenizer } from '../../src/tokenizer/formats/load-tokenizer.ts';
import { byteTokenizer } from '../tokenizer/byte-tokenizer.ts';

/** `<|endoftext|>` 256, `<|im_start|>` 257, `<|im_end|>` 258. */
export const tokenizer = byteTokenizer(['<|endoftext|>', '<|im_start|>', '<|im_end|>']);

export const opened: OpenedTokenizer = {
  tokenizer,
  format: 'hf',
  path: 'bytes',
  readTables: () => undefined,
  config: {
    tokens: { eos_token: '<|endoftext|>' },
    chatTemplate: CHATML_TEMPLATE,
    toolTemplate: undefined,
    tokenizerClass: undefined,
    added: [],
  },
  files: new Map(),
};

export function chatFormat(mask: Mask = 'assistant-only', template = CHATML_TEMPLATE): ChatFormat {
  return createChatFormat(opened, mask, template);
}

/** What is trained as text, with ¦ between stretches. */
export function trainedText({ ids, labels }: { ids: ArrayLike<number>; labels: ArrayLike<number> }): string {
  const stretches: number[][] = [];
  for (let i = 0; i < ids.length; i++) {
    if (labels[i] < 0) continue;
    if (i === 0 || labels[i - 1] < 0) stretches.push([]);
    stretches[stretches.length - 1].push(ids[i]);
  }
  return stretches.map((stretch) => tokenizer.decode(stretch)).join('¦');
}
