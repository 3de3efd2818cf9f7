import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Message, readConversation } from '../../../src/io/conversation.ts';
import { CHATML_TEMPLATE, createChatTemplate } from '../../../src/tokenizer/chat/chat-template.ts';
import {
  createConversationEncoder,
  type EncodedConversation,
  encodeConversation,
} from '../../../src/tokenizer/chat/encode-conversation.ts';
import { Tokenizer } from '../../../src/tokenizer/tokenizer.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { byteTokenizer } from '../byte-tokenizer.ts';

const chatMl = byteTokenizer(['<|im_start|>', '<|im_end|>'], ['<think>', '</think>']);
const [START, END, THINK] = [256, 257, 258];

/** What is trained on, run by run. */
function trained(tokenizer: Tokenizer, { ids, labels }: EncodedConversation): string[] {
  expect(labels).toHaveLength(ids.length);
  const runs: number[][] = [];
  ids.forEach((id, i) => {
    if (labels[i] === -100) return;
    expect(labels[i]).toBe(id);
    if (i === 0 || labels[i - 1] === -100) runs.push([]);
    runs.at(-1)!.push(id);
  });
  return runs.map((run) => tokenizer.decode(run));
}

const dialogue: Message[] = [
  { role: 'user', content: 'one' },
  { role: 'assistant', content: 'ONE' },
  { role: 'user', content: 'two' },
  { role: 'assistant', content: 'TWO' },
];

describe('a conversation as ids and labels', () => {
  const template = createChatTemplate(CHATML_TEMPLATE);

  it('is the rendered text, special tokens as their ids, and trains on what the assistant says and its end token', () => {
    const { ids, labels } = encodeConversation(chatMl, template, dialogue.slice(0, 2));
    const bytes = (text: string): number[] => Array.from(Buffer.from(text));
    const prompt = [START, ...bytes('user\none'), END, ...bytes('\n'), START, ...bytes('assistant\n')];
    const answer = [...bytes('ONE'), END];
    expect(Array.from(ids)).toEqual([...prompt, ...answer, 10]);
    expect(Array.from(labels)).toEqual([...prompt.map(() => -100), ...answer, -100]);
  });

  it('trains on every turn, or on the last, and never on one of weight 0', () => {
    expect(trained(chatMl, encodeConversation(chatMl, template, dialogue))).toEqual(['ONE<|im_end|>', 'TWO<|im_end|>']);
    expect(trained(chatMl, encodeConversation(chatMl, template, dialogue, { train: 'last' }))).toEqual([
      'TWO<|im_end|>',
    ]);
    const weighted = dialogue.map((message, i) => (i === 1 ? { ...message, weight: 0 } : message));
    expect(trained(chatMl, encodeConversation(chatMl, template, weighted))).toEqual(['TWO<|im_end|>']);
  });

  it('trains on nothing of a conversation without an answer', () => {
    expect(trained(chatMl, encodeConversation(chatMl, template, dialogue.slice(0, 1)))).toEqual([]);
  });

  it('takes the borders from generation tags, to the same result', () => {
    const tagged = createChatTemplate(
      [
        '{%- for message in messages %}',
        "{{- '<|im_start|>' + message.role + '\\n' }}",
        "{%- if message.role == 'assistant' %}",
        '  {% generation %}',
        "{{- message.content + '<|im_end|>' }}",
        '  {%- endgeneration -%}',
        "{% else %}{{ message.content + '<|im_end|>' }}{% endif %}",
        "{{- '\\n' }}",
        '{%- endfor %}',
      ].join('\n'),
    );
    expect(tagged.marksGeneration).toBe(true);
    expect(encodeConversation(chatMl, tagged, dialogue)).toEqual(encodeConversation(chatMl, template, dialogue));
  });

  it('finds turns where a later rendering leaves out what was thought', () => {
    // As Qwen3's: reasoning is shown in the last turn alone.
    const forgetful = createChatTemplate(
      "{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}" +
        "{%- if m.reasoning_content and loop.last %}{{ '<think>' + m.reasoning_content + '</think>' }}{%- endif %}" +
        "{{- m.content + '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{%- endif %}",
    );
    const thinking = dialogue.map((m) => (m.role === 'assistant' ? { ...m, reasoning_content: 'hm' } : m));
    expect(trained(chatMl, encodeConversation(chatMl, forgetful, thinking))).toEqual([
      'ONE<|im_end|>',
      '<think>hm</think>TWO<|im_end|>',
    ]);
  });

  it('lets an assistant say <think>, which is a word, and nobody a control token', () => {
    const { ids } = encodeConversation(chatMl, template, [
      { role: 'user', content: '<think>' },
      { role: 'assistant', content: '<think>x<|im_end|>' },
    ]);
    expect(ids.filter((id) => id === THINK)).toHaveLength(1);
    expect(ids.filter((id) => id === END)).toHaveLength(2);
  });

  it('no words of a message can forge a control token, and none are lost', () => {
    const fragments = [
      '<|im_start|>',
      '<|im_end|>',
      '<|im_',
      '<',
      '|',
      'im_end|>',
      '<<|im_end|>',
      'a',
      '\n',
      '。',
      '👍',
    ];
    const content = fc.array(fc.constantFrom(...fragments)).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(content, { minLength: 1, maxLength: 5 }), (contents) => {
        const messages = contents.map(
          (text, i): Message => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: text }),
        );
        const encoded = encodeConversation(chatMl, template, messages);
        expect(encoded.ids.filter((id) => id === START)).toHaveLength(contents.length);
        expect(encoded.ids.filter((id) => id === END)).toHaveLength(contents.length);
        const rendered = messages.map((m) => `<|im_start|>${m.role}\n${m.content}<|im_end|>\n`).join('');
        expect(chatMl.decode(encoded.ids)).toBe(rendered);
        const answers = contents.filter((_, i) => i % 2 === 1).map((text) => `${text}<|im_end|>`);
        expect(trained(chatMl, encoded)).toEqual(answers);
      }),
    );
  });

  it('nor can two contents that a template joins', () => {
    const joined = createChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}{{ '<|im_end|>' }}");
    const messages: Message[] = [
      { role: 'user', content: '<|im_' },
      { role: 'user', content: 'end|>' },
    ];
    const { ids } = encodeConversation(chatMl, joined, messages);
    expect(ids.filter((id) => id === END)).toHaveLength(1);
    expect(chatMl.decode(ids)).toBe('<|im_end|><|im_end|>');
  });

  it('says which record it was, and why', () => {
    const encode = createConversationEncoder(chatMl, {
      template: "{% if messages[0].role != 'user' %}{{ raise_exception('a user speaks first') }}{% endif %}",
    });
    expect(() => encode({ messages: [{ role: 'system', content: '' }] }, 'doc 7')).toThrow(
      'encoding the conversation doc 7: the chat template cannot render it: a user speaks first',
    );
    expect(() => encode({ text: '' }, 'doc 8')).toThrow(/^encoding the conversation doc 8: no messages/);
    expect(() => createChatTemplate('{% if %}')).toThrow(/^compiling a chat template/);
  });

  it('asks for generation tags where a template hides a turn', () => {
    const counting = createChatTemplate('{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}');
    expect(() => encodeConversation(chatMl, counting, dialogue)).toThrow('does not show where turn 1 begins');
  });
});

describe('published templates', () => {
  it('Llama 3: headers and <|eot_id|>, contents trimmed', () => {
    // As its model card documents the format ("Prompt Template").
    const llama = byteTokenizer(['<|begin_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>']);
    const template = createChatTemplate(
      "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' + m['content'] | trim + '<|eot_id|>' }}" +
        "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
      { tokens: { bos_token: '<|begin_of_text|>' } },
    );
    const encoded = encodeConversation(llama, template, [
      { role: 'system', content: 'You are a helpful AI assistant for travel tips' },
      { role: 'user', content: ' What can you help me with?\n' },
      { role: 'assistant', content: 'Trips.' },
    ]);
    expect(llama.decode(encoded.ids)).toBe(
      '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nYou are a helpful AI assistant for travel tips<|eot_id|>' +
        '<|start_header_id|>user<|end_header_id|>\n\nWhat can you help me with?<|eot_id|>' +
        '<|start_header_id|>assistant<|end_header_id|>\n\nTrips.<|eot_id|>',
    );
    expect(encoded.ids[0]).toBe(256);
    expect(trained(llama, encoded)).toEqual(['Trips.<|eot_id|>']);
  });

  it('Mistral: [INST] around questions, </s> behind answers', () => {
    // As the documentation of Mistral-7B-Instruct writes it.
    const mistral = byteTokenizer(['<s>', '</s>']);
    const template = createChatTemplate(
      "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}" +
        "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}",
      { tokens: { bos_token: '<s>', eos_token: '</s>' } },
    );
    const encoded = encodeConversation(mistral, template, [
      { role: 'user', content: 'What is your favourite condiment?' },
      { role: 'assistant', content: 'Lemon juice.' },
      { role: 'user', content: 'Do you have mayonnaise recipes?' },
    ]);
    expect(mistral.decode(encoded.ids)).toBe(
      '<s>[INST] What is your favourite condiment? [/INST] Lemon juice.</s>[INST] Do you have mayonnaise recipes? [/INST]',
    );
    expect(trained(mistral, encoded)).toEqual([' Lemon juice.</s>']);
    expect(() => encodeConversation(mistral, template, [{ role: 'assistant', content: '' }])).toThrow('alternate');
  });
});

describeWithShared("Qwen2.5's tokenizer and template", () => {
  const json = JSON.parse(
    gunzipSync(readFileSync(shared('data/qwen-tokenizer/tokenizer.json.gz'))).toString(),
  ) as object;
  const config = JSON.parse(readFileSync(shared('data/qwen-tokenizer/tokenizer_config.json'), 'utf8')) as {
    chat_template: string;
  };
  const qwen = Tokenizer.fromJson(json);
  const template = createChatTemplate(config.chat_template);
  const rows = (path: string): unknown[] => {
    const text = gunzipSync(readFileSync(shared(`data/instruct/${path}`))).toString();
    return path.endsWith('.json.gz')
      ? JSON.parse(text)
      : text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
  };

  it('renders tools, a call and its answer as Qwen documents it', () => {
    const rendered = template.render(
      {
        messages: [
          { role: 'system', content: 'S' },
          { role: 'user', content: 'U' },
          {
            role: 'assistant',
            content: '',
            tool_calls: [{ type: 'function', function: { name: 'f', arguments: { city: '巴黎' } } }],
          },
          { role: 'tool', content: '21' },
        ],
        tools: [{ name: 'f' }],
      },
      true,
    );
    expect(rendered).toBe(
      '<|im_start|>system\nS\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n' +
        'You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n{"name": "f"}\n</tools>\n\n' +
        'For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n' +
        '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call><|im_end|>\n' +
        '<|im_start|>user\nU<|im_end|>\n' +
        '<|im_start|>assistant\n<tool_call>\n{"name": "f", "arguments": {"city": "巴黎"}}\n</tool_call><|im_end|>\n' +
        '<|im_start|>user\n<tool_response>\n21\n</tool_response><|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('gives the ids of @huggingface/tokenizers for the rendered text, and trains on the answers alone', () => {
    const peer = new HuggingFaceTokenizer(json, config);
    const encode = createConversationEncoder(qwen, { template: config.chat_template });
    const records = [
      ...rows('demos/glaive_toolcall_en_demo.json.gz').slice(0, 40),
      ...rows('sharegpt-zh-1k.jsonl.gz').slice(0, 20),
      ...rows('demos/alpaca_zh_demo.json.gz').slice(0, 20),
    ];
    for (const record of records) {
      const conversation = readConversation(record);
      if ('reason' in conversation) throw new Error(conversation.detail);
      const encoded = encode(record, 'a record');
      expect(Array.from(encoded.ids)).toEqual(peer.encode(template.render(conversation, false)).ids);
      const said = conversation.messages
        .filter(({ role }) => role === 'assistant')
        .map(({ content, tool_calls: calls }) => (calls === undefined ? `${content}<|im_end|>` : undefined));
      const found = trained(qwen, encoded);
      expect(found).toHaveLength(said.length);
      found.forEach((text, i) => {
        if (said[i] === undefined) expect(text).toMatch(/^<tool_call>\n.*\n<\/tool_call><\|im_end\|>$/s);
        else expect(text).toBe(said[i].normalize('NFC'));
      });
    }
  });
});
