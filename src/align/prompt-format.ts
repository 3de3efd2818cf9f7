/** How prompts become ids and responses text: by the tokenizer's chat template, or as they are. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../io/atomic.ts';
import type { Message } from '../io/conversation.ts';
import { findConfig } from '../models/known-configs.ts';
import { openTokenizer } from '../tokenizer/formats/load-tokenizer.ts';
import type { TextTokenizer } from '../tokenizer/text-tokenizer.ts';
import type { TrainConfig } from '../training/config/schema.ts';
import { openChat } from './chat-setup.ts';

export interface PromptFormat {
  readonly tokenizer: TextTokenizer;
  /** Of the tokenizer, for messages. */
  readonly path: string;
  /** Folder with the tokenizer's files, which goes into every checkpoint. */
  readonly folder: string;
  readonly vocabSize: number;
  /** Ids that end a response; empty where only the model knows. */
  readonly stopTokens: readonly number[];
  readonly encode: (messages: readonly Message[]) => ArrayLike<number>;
}

export interface PromptFormatOptions {
  readonly model: TrainConfig['model'];
  readonly data: { readonly tokenizer?: string | undefined; readonly template?: string | undefined };
}

/** `output` is the run's folder. Throws what opening a tokenizer throws, and CONFIG_INVALID where there is no template. */
export async function openPromptFormat({ model, data }: PromptFormatOptions, output: string): Promise<PromptFormat> {
  if (data.template !== 'none') {
    const { format, tokenizer, vocabSize } = await openChat({
      model,
      tokenizer: data.tokenizer,
      template: data.template,
      mask: 'assistant-only',
      system: undefined,
      sequenceLength: undefined,
      output,
    });
    return {
      tokenizer: format.opened.tokenizer,
      path: format.opened.path,
      folder: tokenizer,
      vocabSize,
      stopTokens: [format.endOfTurn],
      encode: (messages) => format.encodePrompt(messages),
    };
  }
  const from = typeof model === 'string' ? model : model.from;
  const opened = openTokenizer(data.tokenizer ?? dirname(findConfig(from).path));
  const folder = join(output, 'tokenizer');
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of opened.files) {
    if (!existsSync(join(folder, name))) await writeFileAtomic(join(folder, name), bytes);
  }
  return {
    tokenizer: opened.tokenizer,
    path: opened.path,
    folder,
    vocabSize: opened.tokenizer.vocabSize,
    stopTokens: [],
    encode: (messages) => opened.tokenizer.encode(messages.map(({ content }) => content).join('\n')),
  };
}
