/** Files of conversations to examples: shapes, counts of what is left out, lengths. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readExamples } from '../../../src/align/data/examples.ts';
import { readPairs } from '../../../src/align/data/pairs.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { chatFormat, trainedText } from '../chat.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpusmill-examples-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const jsonl = (...records: unknown[]): string =>
  `${records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record))).join('\n')}\n`;
const OPTIONS = { maxTokens: 1000, tooLong: 'truncate' } as const;

describe('readExamples', () => {
  const alpaca = { instruction: 'Add.', input: '1 + 1', output: '2' };

  it('reads JSONL, gzip, and arrays of JSON', async () => {
    const lines = jsonl(alpaca, {
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
      ],
    });
    const paths = [
      file('plain.jsonl', lines),
      file('packed.jsonl.gz', gzipSync(lines)),
      file('list.json', JSON.stringify([alpaca, { question: 'x', answer: 'y' }], null, 2)),
      file('list.json.gz', gzipSync(JSON.stringify([{ prompt: 'x', completion: 'y' }]))),
    ];
    const { lengths, report } = await readExamples(paths, chatFormat(), OPTIONS);
    expect(lengths.length).toBe(7);
    expect(report).toMatchObject({ records: 7, used: 7, skipped: [], truncated: 0 });
  });

  it('leaves out what cannot be learnt from, with counts and the first place', async () => {
    const path = file(
      'broken.jsonl',
      jsonl(
        alpaca,
        '{"instruction": ',
        { instruction: 'Say nothing.', output: '  ' },
        { messages: [{ role: 'user', content: 'only asked' }] },
        { messages: [{ role: 'king', content: 'x' }] },
        { text: 'no conversation' },
        { text: 'another' },
      ),
    );
    const { report } = await readExamples([path], chatFormat(), OPTIONS);
    expect(report).toMatchObject({ records: 7, used: 1 });
    expect(report.skipped.map(({ reason, count }) => [reason, count])).toEqual([
      ['not a conversation', 2],
      ['bad conversation', 1],
      ['broken record', 1],
      ['empty completion', 1],
      ['no answer', 1],
    ]);
    expect(report.skipped[0].first).toMatch(/^broken\.jsonl, record 6: /);
  });

  it('cuts to the row’s length, and leaves out a prompt that fills it', async () => {
    const path = file(
      'long.jsonl',
      jsonl({ prompt: 'q', completion: 'a'.repeat(200) }, { prompt: 'q'.repeat(200), completion: 'a' }),
    );
    const { lengths, report, ids, labels } = await readExamples([path], chatFormat(), { ...OPTIONS, maxTokens: 60 });
    expect(Array.from(lengths)).toEqual([60]);
    expect(report).toMatchObject({ truncated: 1, skipped: [{ reason: 'prompt too long', count: 1 }] });
    expect(trainedText({ ids, labels })).toMatch(/^a+$/);
    await expect(readExamples([path], chatFormat(), { maxTokens: 60, tooLong: 'drop' })).rejects.toThrow(
      'none of 2 records can be used: too long',
    );
  });
});

describe('readPairs', () => {
  it('trains on the completions alone, also where the prompt has answers', async () => {
    const path = file(
      'pairs.jsonl',
      jsonl(
        {
          chosen: '\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: d',
          rejected: '\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: ef',
        },
        { prompt: 'x', chosen: 'same', rejected: 'same' },
      ),
    );
    const { pairs, report } = await readPairs([path], chatFormat(), { ...OPTIONS, endAtLabel: true });
    expect(report).toMatchObject({ used: 1, skipped: [{ reason: 'chosen equals rejected', count: 1 }] });
    expect(trainedText(pairs[0].chosen)).toBe('d<|im_end|>');
    expect(trainedText(pairs[0].rejected)).toBe('ef<|im_end|>');
    expect(pairs[0].rejected.tokens).toBe(3);
    // A reward is read at the token that ends the turn.
    expect(pairs[0].chosen.ids.at(-1)).toBe(258);
  });
});

describe('answers with a label', () => {
  const path = file(
    'labels.jsonl',
    jsonl(
      { prompt: 'a', completion: 'good', label: true },
      {
        messages: [
          { role: 'user', content: 'b' },
          { role: 'assistant', content: 'bad' },
        ],
        label: false,
      },
      { prompt: 'c', completion: 'fine', kto_tag: true },
      { prompt: 'd', completion: ' ', label: false },
      { prompt: 'e', chosen: 'better', rejected: 'worse' },
    ),
  );

  it('stand beside each other, good and bad, where the loss looks at each by itself', async () => {
    const { pairs, report } = await readPairs([path], chatFormat(), { ...OPTIONS, endAtLabel: false, labelled: true });
    expect(pairs.map(({ chosen, rejected }) => [chosen.text, rejected.text])).toEqual([
      ['better', 'worse'],
      ['good', 'bad'],
    ]);
    expect(trainedText(pairs[1].rejected)).toBe('bad<|im_end|>');
    expect(report.records).toBe(5);
    expect(report.skipped.map(({ reason, count }) => [reason, count])).toEqual([
      ['empty completion', 1],
      ['no counterpart', 1],
    ]);
    expect(report.skipped[1].first).toBe('labels.jsonl, record 3: 2 answers are good, 1 bad');
  });

  it('are no pairs for other losses', async () => {
    const { report } = await readPairs([path], chatFormat(), { ...OPTIONS, endAtLabel: false });
    expect(report.skipped).toMatchObject([{ reason: 'not a pair', count: 4 }]);
    expect(report.skipped[0].first).toContain('`loss.kind: kto-pair`');
  });
});

describeWithShared('real files', () => {
  const at = (path: string): string => shared(`data/${path}`);

  it.each([
    ['instruct/sharegpt-zh-1k.jsonl.gz', 1000],
    ['instruct/demos/glaive_toolcall_en_demo.json.gz', 300],
    ['instruct/demos/v1_sft_demo.jsonl.gz', 91],
  ])('%s: conversations are read, and every one that is left out has a reason', async (path) => {
    const { report } = await readExamples([at(path)], { encode: toy }, OPTIONS);
    const left = report.skipped.reduce((sum, { count }) => sum + count, 0);
    expect(report.used + left).toBe(report.records);
    expect(report.used).toBeGreaterThan(0.9 * report.records);
  });

  it.each([
    ['preference/dpo-zh-500.jsonl.gz', 500],
    ['preference/hh-rlhf-harmless.jsonl.gz', 1749],
    ['preference/alpaca-eval-pairs.jsonl.gz', 10_152],
    ['instruct/demos/dpo_en_demo.json.gz', 300],
    ['instruct/demos/v1_dpo_demo.jsonl.gz', 200],
  ])('%s: pairs are read', async (path) => {
    const { report } = await readPairs([at(path)], { encodeCompletion: toy }, { ...OPTIONS, endAtLabel: false });
    expect(report.used).toBeGreaterThan(0.9 * report.records);
  });

  it('instruct/demos/kto_en_demo.json.gz: answers with labels are read', async () => {
    const path = at('instruct/demos/kto_en_demo.json.gz');
    const { report } = await readPairs(
      [path],
      { encodeCompletion: toy },
      { ...OPTIONS, endAtLabel: false, labelled: true },
    );
    // 150 good ones and 150 bad ones.
    expect(report).toMatchObject({ records: 300, used: 300 });
  });

  /** As many tokens as turns have characters, the last turn trained: templates are tested elsewhere. */
  function toy({ messages }: { messages: readonly { content: string }[] }) {
    const text = messages.map(({ content }) => content).join('\n');
    const ids = Uint32Array.from(text.slice(-900), (character) => character.charCodeAt(0));
    return { ids, labels: Int32Array.from(ids) };
  }
});
