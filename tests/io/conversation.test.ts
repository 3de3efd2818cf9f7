import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Conversation, conversationText, readConversation } from '../../src/io/conversation.ts';
import { describeWithShared, shared } from '../shared.ts';

function read(record: unknown): Conversation {
  const conversation = readConversation(record);
  if ('reason' in conversation) throw new Error(conversation.detail);
  return conversation;
}

const turns = (record: unknown): string[] => read(record).messages.map(({ role, content }) => `${role}: ${content}`);

describe('a record as a conversation', () => {
  it('reads messages as OpenAI has them, contents as text, as parts or absent', () => {
    expect(
      turns({
        messages: [
          { role: 'system', content: 'Be brief.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Two ' },
              { type: 'text', text: 'parts' },
            ],
          },
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
        ],
      }),
    ).toEqual(['system: Be brief.', 'user: Two parts', 'assistant: ']);
  });

  it('parses the JSON text of arguments and of tools, as templates write them with tojson', () => {
    const { messages, tools } = read({
      messages: [
        { role: 'assistant', tool_calls: [{ id: 'a1', function: { name: 'add', arguments: '{"x": 1, "y": [2]}' } }] },
      ],
      tools: '[{"name": "add"}]',
    });
    expect(messages[0].tool_calls).toEqual([
      { type: 'function', id: 'a1', function: { name: 'add', arguments: { x: 1, y: [2] } } },
    ]);
    expect(tools).toEqual([{ name: 'add' }]);
  });

  it('reads ShareGPT with its system prompt, function calls and observations', () => {
    const record = {
      system: 'S',
      conversations: [
        { from: 'human', value: 'H' },
        { from: 'function_call', value: '{"name": "f", "arguments": {"a": 1}}' },
        { from: 'observation', value: 'O' },
        { from: 'gpt', value: 'G' },
      ],
    };
    expect(turns(record)).toEqual(['system: S', 'user: H', 'assistant: ', 'tool: O', 'assistant: G']);
    expect(read(record).messages[2].tool_calls?.[0].function).toEqual({ name: 'f', arguments: { a: 1 } });
  });

  it.each([
    ['Alpaca', { instruction: 'I', input: 'in', output: 'O' }, ['user: I\nin', 'assistant: O']],
    ['Alpaca without input', { instruction: 'I', input: '', output: 'O' }, ['user: I', 'assistant: O']],
    [
      'Alpaca with a history',
      { instruction: 'I', output: 'O', system: 'S', history: [['q', 'a']] },
      ['system: S', 'user: q', 'assistant: a', 'user: I', 'assistant: O'],
    ],
    ['prompt and completion', { prompt: 'P', completion: 'C' }, ['user: P', 'assistant: C']],
    ['question and answer', { question: 'Q', answer: 'A' }, ['user: Q', 'assistant: A']],
    [
      'prompt and completion as messages',
      { prompt: [{ role: 'user', content: 'P' }], completion: [{ role: 'assistant', content: 'C' }] },
      ['user: P', 'assistant: C'],
    ],
    [
      'a preference, its chosen answer',
      { conversations: [{ from: 'human', value: 'H' }], chosen: { from: 'gpt', value: 'yes' }, rejected: 'no' },
      ['user: H', 'assistant: yes'],
    ],
    [
      "what is in a document's meta",
      { source: 'web', conversation: { messages: [{ role: 'user', content: 'U' }] } },
      ['user: U'],
    ],
  ])('reads %s', (_, record, expected) => {
    expect(turns(record)).toEqual(expected);
  });

  it('reads reasoning, calls and weights of parts', () => {
    const { messages } = read({
      messages: [
        {
          role: 'assistant',
          loss_weight: 0,
          content: [
            { type: 'reasoning', value: 'hm' },
            { type: 'text', value: 'T' },
            { type: 'tool_call', value: '{"name": "f", "arguments": {}}' },
          ],
        },
      ],
    });
    expect(messages[0]).toEqual({
      role: 'assistant',
      content: 'T',
      reasoning_content: 'hm',
      tool_calls: [{ type: 'function', function: { name: 'f', arguments: {} } }],
      weight: 0,
    });
  });

  it.each([
    [[1], 'not a conversation', 'the record is a list'],
    [
      { text: 'x' },
      'not a conversation',
      'no messages, conversations, instruction, prompt or question; the record has: text',
    ],
    [{ messages: [] }, 'bad conversation', 'it has no turns'],
    [{ messages: 'x' }, 'bad conversation', 'messages is a string, expected a list'],
    [
      { messages: [{ role: 'bot', content: 'x' }] },
      'bad conversation',
      'messages[0].role is "bot", expected one of system, developer, user, assistant, tool',
    ],
    [
      { messages: [{ role: 'user', content: 3 }] },
      'bad conversation',
      'messages[0].content is a number, expected text',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      'bad conversation',
      'messages[0].content[0] is a part of type "image_url"; only text can be read',
    ],
    [
      { conversations: [{ from: '__proto__', value: '' }] },
      'bad conversation',
      'conversations[0].from is "__proto__", expected one of human, user, gpt, chatgpt, assistant, model, system, observation, tool, function_call',
    ],
    [
      { conversations: [{ from: 'function_call', value: 'no JSON' }] },
      'bad conversation',
      'conversations[0].value is no function call: "no JSON"',
    ],
    [{ instruction: 'I', output: null }, 'bad conversation', 'output is null, expected text'],
  ])('says what is wrong with %j', (record, reason, detail) => {
    expect(readConversation(record)).toEqual({ reason, detail });
  });

  it('has as its text what is said, line by line', () => {
    expect(
      conversationText({
        messages: [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: '', tool_calls: [{ type: 'function', function: { name: 'f', arguments: 1 } }] },
          { role: 'assistant', content: 'b' },
        ],
      }),
    ).toBe('a\n{"name":"f","arguments":1}\nb');
  });
});

describeWithShared('real instruction data', () => {
  const records = (path: string): unknown[] => {
    const text = gunzipSync(readFileSync(shared(`data/${path}`))).toString();
    return path.endsWith('.json.gz')
      ? JSON.parse(text)
      : text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
  };

  it.each([
    ['instruct/demos/glaive_toolcall_en_demo.json.gz', 300],
    ['instruct/demos/reason_tool_use_demo_50.jsonl.gz', 50],
    ['instruct/demos/v1_sft_demo.jsonl.gz', 500],
    ['instruct/demos/dpo_zh_demo.json.gz', 300],
    ['instruct/sharegpt-zh-1k.jsonl.gz', 1000],
    ['instruct/gsm8k-train.jsonl.gz', 7473],
    ['preference/dpo-zh-500.jsonl.gz', 500],
  ])('%s is read to the last record', (path, count) => {
    const all = records(path);
    expect(all).toHaveLength(count);
    for (const record of all) expect(read(record).messages[0].role).toMatch(/^(system|user)$/);
  });
});
