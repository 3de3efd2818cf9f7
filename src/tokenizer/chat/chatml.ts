/** ChatML (OpenAI, as Qwen uses it), for tokenizers that have its two tokens. */
export const CHATML_TEMPLATE = [
  '{%- for message in messages -%}',
  "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}",
  '{%- endfor -%}',
  "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}",
].join('');
