/**
 * What lies beside a vocabulary: `tokenizer_config.json`, `special_tokens_map.json` and `chat_template.jinja`, read for
 * the tokens that play a part (bos, eos, pad, unk), the chat template and the tokens that were added.
 * Source: transformers, `tokenization_utils_base.py` (a template in a file of its own comes before one in the config).
 */
import { CorpusmillError } from '../../core/errors.ts';

/** Files that go wherever the tokenizer goes. */
export const COMPANIONS = ['tokenizer_config.json', 'special_tokens_map.json', 'chat_template.jinja'] as const;

export interface TokenizerConfig {
  /** `bos_token`, `eos_token`, `pad_token`, `unk_token` … where they are set. */
  tokens: Record<string, string>;
  /** Jinja source of the chat template, and of the one for conversations with tools where they differ. */
  chatTemplate: string | undefined;
  toolTemplate: string | undefined;
  /** `tokenizer_class` without `Fast`: `Qwen2Tokenizer`. */
  tokenizerClass: string | undefined;
  added: { id: number; content: string; special: boolean }[];
}

const PART = /^(bos|eos|pad|unk|cls|sep|mask)_token$/;

/** Reads the texts of the files, by name; `folder` names them in messages. Throws INPUT_CORRUPT for broken JSON. */
export function readTokenizerConfig(files: Readonly<Record<string, string>>, folder: string): TokenizerConfig {
  const parse = (name: string): Record<string, unknown> => {
    if (files[name] === undefined) return {};
    try {
      const json: unknown = JSON.parse(files[name]);
      if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
      throw new Error('it is not an object');
    } catch (error) {
      throw new CorpusmillError('INPUT_CORRUPT', `reading ${name} of ${folder}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
  const config = parse('tokenizer_config.json');
  const tokens: Record<string, string> = {};
  for (const [key, value] of Object.entries({ ...parse('special_tokens_map.json'), ...config })) {
    const content = contentOf(value);
    if (PART.test(key) && content !== undefined) tokens[key] = content;
  }
  const templates = templatesOf(config['chat_template']);
  const tokenizerClass = config['tokenizer_class'];
  return {
    tokens,
    chatTemplate: files['chat_template.jinja'] ?? templates['default'],
    toolTemplate: files['chat_template.jinja'] === undefined ? templates['tool_use'] : undefined,
    tokenizerClass: typeof tokenizerClass === 'string' ? tokenizerClass.replace(/Fast$/, '') : undefined,
    added: addedOf(config['added_tokens_decoder']),
  };
}

/** A token is a text or an object with `content`. */
function contentOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const content = (value as { content?: unknown } | null)?.content;
  return typeof content === 'string' ? content : undefined;
}

/** One template, or a list of named ones. */
function templatesOf(value: unknown): Record<string, string | undefined> {
  if (typeof value === 'string') return { default: value };
  if (!Array.isArray(value)) return {};
  return Object.fromEntries(
    value.flatMap((entry: { name?: unknown; template?: unknown } | null) =>
      typeof entry?.name === 'string' && typeof entry.template === 'string' ? [[entry.name, entry.template]] : [],
    ),
  );
}

function addedOf(decoder: unknown): TokenizerConfig['added'] {
  if (typeof decoder !== 'object' || decoder === null) return [];
  return Object.entries(decoder).flatMap(([id, token]: [string, unknown]) => {
    const content = contentOf(token);
    if (content === undefined || !/^\d+$/.test(id)) return [];
    return [{ id: Number(id), content, special: (token as { special?: unknown }).special === true }];
  });
}
