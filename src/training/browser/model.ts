/** A model of a folder of a page or of the web (src/io/web-folder.ts), ready to write texts. */
import { CorpusmillError } from '../../core/errors.ts';
import { type FileFolder, readFileOf } from '../../io/byte-source.ts';
import { openCheckpointIn, readConfigOf } from '../../models/checkpoint/opened.ts';
import { weightsOf } from '../../models/checkpoint/opened-weights.ts';
import type { ModelConfig } from '../../models/config.ts';
import type { ModelWeights } from '../../models/weights.ts';
import type { Backend } from '../../tensor/backend.ts';
import { COMPANIONS, readTokenizerConfig } from '../../tokenizer/formats/tokenizer-config.ts';
import { tokenizerFromJson } from '../../tokenizer/formats/tokenizer-json.ts';
import type { TextTokenizer } from '../../tokenizer/text-tokenizer.ts';
import {
  checkVocabulary,
  type GenerationDefaults,
  readGenerationDefaults,
  type TokenizerWithFiles,
  textStart,
} from '../generation/model-files.ts';

export interface BrowserModel {
  /** The folder's address or name. */
  readonly name: string;
  readonly config: ModelConfig;
  readonly weights: ModelWeights;
  readonly tokenizer: TextTokenizer;
  /** How the folder's generation_config.json wants it to be asked. */
  readonly defaults: GenerationDefaults;
  /**
   * Ids of a prompt, behind the token that begins every text where the tokenizer has one; an empty prompt is that token. Throws
   * USAGE for an empty prompt where there is no such token.
   */
  encode(prompt: string): Uint32Array;
  dispose(): void;
}

/**
 * Reads config.json, tokenizer.json, generation_config.json where there is one, and the weights, into the backend's memory.
 * `onProgress` is told the share of the weights that is there. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_CORRUPT and
 * CONFIG_INVALID, each naming the file.
 */
export async function openBrowserModel(
  backend: Backend,
  folder: FileFolder,
  options: { onProgress?: (share: number) => void } = {},
): Promise<BrowserModel> {
  // What is small and may be wrong comes before the weights.
  await readConfigOf(folder);
  const files = await tokenizerOf(folder);
  const opened = await openCheckpointIn(folder);
  try {
    const { config } = opened;
    const { tokenizer } = files;
    checkVocabulary(
      { path: folder.pathOf('tokenizer.json'), vocabSize: tokenizer.vocabSize },
      { folder: folder.name, vocabSize: config.vocabSize },
    );
    const defaults = readGenerationDefaults(
      await textOf(folder, 'generation_config.json'),
      folder.pathOf('generation_config.json'),
      config,
    );
    const weights = await weightsOf(backend, opened, options.onProgress);
    const start = textStart(files);
    return {
      name: folder.name,
      config,
      weights,
      tokenizer,
      defaults,
      encode(prompt) {
        const ids = tokenizer.encode(prompt);
        if (start !== undefined) return Uint32Array.of(start, ...ids);
        if (ids.length > 0) return ids;
        const first = config.bosTokenId ?? config.eosTokenIds[0];
        if (first !== undefined) return Uint32Array.of(first);
        throw new CorpusmillError('USAGE', 'the prompt is empty, and the model has no token that begins a text', {
          hint: 'Give at least one character.',
        });
      },
      dispose: () => weights.dispose(),
    };
  } finally {
    await opened.close();
  }
}

async function tokenizerOf(folder: FileFolder): Promise<TokenizerWithFiles> {
  const path = folder.pathOf('tokenizer.json');
  const bytes = await readFileOf(folder, 'tokenizer.json');
  if (bytes === undefined) {
    throw new CorpusmillError('INPUT_NOT_FOUND', `reading the tokenizer ${path}: there is no such file`, {
      hint: 'A browser opens tokenizer.json alone: `corpusmill tokenizer convert` makes one of the other forms.',
    });
  }
  const files = new Map<string, Uint8Array>([['tokenizer.json', bytes]]);
  const texts: Record<string, string> = {};
  for (const name of COMPANIONS) {
    const companion = await readFileOf(folder, name);
    if (companion === undefined) continue;
    files.set(name, companion);
    texts[name] = new TextDecoder().decode(companion);
  }
  return {
    tokenizer: tokenizerFromJson(bytes, path).tokenizer,
    config: readTokenizerConfig(texts, folder.name),
    files,
  };
}

async function textOf(folder: FileFolder, name: string): Promise<string | undefined> {
  const bytes = await readFileOf(folder, name);
  return bytes && new TextDecoder().decode(bytes);
}
