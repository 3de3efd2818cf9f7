/**
 * Chat templates: a conversation as the text that a model was trained to see, by the Jinja template in a tokenizer's
 * `tokenizer_config.json` or `chat_template.jinja`.
 *
 * Rendering is @huggingface/jinja's, with the settings of transformers (`trim_blocks`, `lstrip_blocks`). It ignores the
 * `{% generation %}` blocks by which a template says what the assistant writes; here they become two marks in the text.
 * Source: transformers `apply_chat_template` and its documentation on writing templates.
 */
import { Template } from '@huggingface/jinja';
import { CorpusmillError } from '../../core/errors.ts';
import type { Conversation } from '../../io/conversation.ts';

/** Marks of `{% generation %}` and `{% endgeneration %}`: noncharacters, which no text for interchange holds. */
export const GENERATION_START = '\ufdd1';
export const GENERATION_END = '\ufdd2';

export interface ChatTemplateOptions {
  /** The tokens that the template gets as `bos_token`, `eos_token` …; absent ones are undefined in it. */
  tokens?: Readonly<Record<string, string>>;
  /** Further variables of the template, such as `enable_thinking` or `date_string`. */
  variables?: Readonly<Record<string, unknown>>;
}

export interface ChatTemplate {
  /** The Jinja source. */
  readonly source: string;
  /** Whether it has `{% generation %}` blocks; their borders are marks in the rendered text. */
  readonly marksGeneration: boolean;
  /** Renders; `generationPrompt` adds what comes before an assistant's turn. Throws INPUT_CORRUPT with the reason. */
  render(conversation: Conversation, generationPrompt: boolean): string;
}

/** Compiles a template. Throws CONFIG_INVALID when it is not one. */
export function createChatTemplate(source: string, options: ChatTemplateOptions = {}): ChatTemplate {
  const marked = source.replaceAll(GENERATION_TAG, (_, left: string, end: string, right: string) => {
    return `{{${left} '${end === '' ? GENERATION_START : GENERATION_END}' ${right}}}`;
  });
  let template: Template;
  try {
    template = new Template(marked);
  } catch (error) {
    throw new CorpusmillError('CONFIG_INVALID', `compiling a chat template: ${(error as Error).message}`, {
      hint: 'It must be Jinja as transformers runs it: the chat_template of a tokenizer_config.json or a chat_template.jinja.',
      cause: error,
    });
  }
  const variables = { ...options.variables, ...options.tokens };
  return {
    source,
    marksGeneration: marked !== source,
    render({ messages, tools }, generationPrompt) {
      try {
        return template.render({
          ...variables,
          messages,
          ...(tools !== undefined && { tools }),
          add_generation_prompt: generationPrompt,
        });
      } catch (error) {
        throw new CorpusmillError('INPUT_CORRUPT', `the chat template cannot render it: ${(error as Error).message}`, {
          cause: error,
        });
      }
    },
  };
}

/** A tag with the line's indent before it and the line's end behind it, which Jinja takes away around blocks. */
const GENERATION_TAG = /(?:^[ \t]*)?\{%(-?)\s*(end|)generation\s*(-?)%\}\n?/gm;

/** ChatML (OpenAI, as Qwen uses it), for tokenizers that have its two tokens. */
export const CHATML_TEMPLATE = [
  '{%- for message in messages -%}',
  "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}",
  '{%- endfor -%}',
  "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}",
].join('');
