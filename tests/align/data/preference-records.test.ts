/** Shapes of preference records, and what is left out. */
import { describe, expect, it } from 'vitest';
import { readPreference, transcript } from '../../../src/align/data/preference-records.ts';
import type { Message } from '../../../src/io/conversation.ts';

const said = (messages: readonly Message[]): string =>
  messages.map(({ role, content }) => `${role}: ${content}`).join(' | ');

const SHAPES: [string, Record<string, unknown>][] = [
  ['transcripts', { chosen: '\n\nHuman: q\n\nAssistant: good', rejected: '\n\nHuman: q\n\nAssistant: bad' }],
  ['prompt and texts', { prompt: 'q', chosen: 'good', rejected: 'bad' }],
  [
    'prompt of messages',
    {
      prompt: [{ role: 'user', content: 'q' }],
      chosen: [{ role: 'assistant', content: 'good' }],
      rejected: [{ role: 'assistant', content: 'bad' }],
    },
  ],
  [
    'dialogues',
    {
      prompt: 'q',
      chosen: [
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 'good' },
      ],
      rejected: [
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 'bad' },
      ],
    },
  ],
  [
    'ShareGPT',
    {
      conversations: [{ from: 'human', value: 'q' }],
      chosen: { from: 'gpt', value: 'good' },
      rejected: { from: 'gpt', value: 'bad' },
    },
  ],
  [
    'chosen_messages',
    {
      chosen_messages: [
        { role: 'user', content: [{ type: 'text', value: 'q' }] },
        { role: 'assistant', content: 'good' },
      ],
      rejected_messages: [
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 'bad' },
      ],
    },
  ],
  ['Alpaca', { instruction: 'q', input: '', chosen: 'good', rejected: 'bad' }],
  ['a comparison', { prompt: 'q', output_1: 'bad', output_2: 'good', preferred: '2' }],
];

it.each(SHAPES)('%s', (_, record) => {
  const pair = readPreference(record);
  if ('reason' in pair) throw new Error(pair.detail);
  expect([said(pair.prompt), said(pair.chosen), said(pair.rejected)]).toEqual([
    'user: q',
    'assistant: good',
    'assistant: bad',
  ]);
});

it('what both dialogues have in common is the prompt; where they part, everything after it is compared', () => {
  const pair = readPreference({
    chosen: '\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: d',
    rejected: '\n\nHuman: a\n\nAssistant: b\n\nHuman: other\n\nAssistant: e',
  });
  if ('reason' in pair) throw new Error(pair.detail);
  expect(said(pair.prompt)).toBe('user: a | assistant: b');
  expect(said(pair.chosen)).toBe('user: c | assistant: d');
});

it('a margin is the record’s, or the difference of its scores', () => {
  const record = { prompt: 'q', chosen: 'good', rejected: 'bad' };
  expect(readPreference({ ...record, score_chosen: 8, score_rejected: 5.5 })).toMatchObject({ margin: 2.5 });
  expect(readPreference({ ...record, margin: 1 })).toMatchObject({ margin: 1 });
});

describe('left out', () => {
  it.each([
    ['chosen equals rejected', { prompt: 'q', chosen: 'same', rejected: 'same ' }],
    ['empty completion', { prompt: 'q', chosen: '', rejected: 'bad' }],
    ['not a pair', { prompt: 'q', chosen: 'good' }],
    ['no answer', { chosen: '\n\nHuman: q', rejected: '\n\nHuman: q\n\nAssistant: bad' }],
    ['bad conversation', { prompt: 'q', chosen: [{ role: 'robot', content: 'x' }], rejected: 'bad' }],
    ['bad conversation', { chosen: 'Assistant said', rejected: 'x', prompt: 5 }],
  ])('%s', (reason, record) => {
    expect(readPreference(record)).toMatchObject({ reason });
  });
});

it('a transcript keeps blank lines within what is said', () => {
  const read = transcript('\n\nHuman: a\n\nb\n\nAssistant: c');
  expect(read).toEqual({
    messages: [
      { role: 'user', content: 'a\n\nb' },
      { role: 'assistant', content: 'c' },
    ],
  });
});
