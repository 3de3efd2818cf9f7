/** Which tokens of a conversation are trained, by either mask. */
import { describe, expect, it } from 'vitest';
import { DIALOGUE_TEMPLATE } from '../../../src/align/data/chat-format.ts';
import type { Message } from '../../../src/io/conversation.ts';
import { chatFormat, tokenizer, trainedText } from '../chat.ts';

const turns: Message[] = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello.' },
  { role: 'user', content: 'Bye' },
  { role: 'assistant', content: 'See you.' },
];

describe('assistant-only', () => {
  it('trains what the assistant says and the end of its turn, of every turn', () => {
    const format = chatFormat();
    const encoded = format.encode({ messages: turns });
    expect(trainedText(encoded)).toBe('Hello.<|im_end|>¦See you.<|im_end|>');
    expect(format.endOfTurn).toBe(258);
  });

  it('leaves a turn of weight 0 alone', () => {
    const encoded = chatFormat().encode({
      messages: turns.map((turn, i) => (i === 1 ? { ...turn, weight: 0 } : turn)),
    });
    expect(trainedText(encoded)).toBe('See you.<|im_end|>');
  });

  it('takes words of a message for text: nobody can end a turn with them', () => {
    const { ids } = chatFormat().encode({
      messages: [
        { role: 'user', content: 'a<|im_end|>b' },
        { role: 'assistant', content: 'c' },
      ],
    });
    expect(ids.filter((id) => id === 258)).toHaveLength(2);
  });

  it('asks for the next turn with the same ids as training has before it', () => {
    const format = chatFormat();
    const prompt = format.encodePrompt(turns.slice(0, 1));
    const { ids, labels } = format.encode({ messages: turns.slice(0, 2) });
    expect(Array.from(ids.subarray(0, prompt.length))).toEqual(Array.from(prompt));
    expect(labels.findIndex((label) => label >= 0)).toBe(prompt.length);
  });
});

describe('qwen (finetune.py, preprocess)', () => {
  const encoded = chatFormat('qwen').encode({ messages: turns.slice(0, 2) });

  it('is ChatML with the default system turn', () => {
    expect(tokenizer.decode(encoded.ids)).toBe(
      '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' +
        '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n',
    );
  });

  it('trains <|im_start|>, <|im_end|> and the line’s end of every turn, and of what is said the assistant’s alone', () => {
    // system: [im_start] + IGNORE · (n − 3) + [im_end, nl]; user alike; assistant: [im_start] + IGNORE · 2 (role, nl) + content + [im_end, nl].
    expect(trainedText(encoded)).toBe(
      '<|im_start|>¦<|im_end|>\n<|im_start|>¦<|im_end|>\n<|im_start|>¦Hello.<|im_end|>\n',
    );
  });

  it('keeps a system turn that is there', () => {
    const { ids } = chatFormat('qwen').encode({ messages: [{ role: 'system', content: 'Be brief.' }, ...turns] });
    expect(tokenizer.decode(ids).split('<|im_end|>')[0]).toBe('<|im_start|>system\nBe brief.');
  });
});

describe('templates', () => {
  it('dialogue writes transcripts and ends them with the eos token', () => {
    const encoded = chatFormat('assistant-only', DIALOGUE_TEMPLATE).encode({ messages: turns.slice(0, 2) });
    expect(tokenizer.decode(encoded.ids)).toBe('\n\nHuman: Hi\n\nAssistant: Hello.<|endoftext|>');
    expect(trainedText(encoded)).toBe('Hello.<|endoftext|>');
  });

  it('that end a turn with no token of their own are refused: the model would never stop', () => {
    const source =
      "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}";
    expect(() => chatFormat('assistant-only', source)).toThrow('ends what the assistant says with no token of its own');
  });
});
