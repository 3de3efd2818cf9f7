/** Trees of messages: what they become for SFT, for comparisons and as prompts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readExamples } from '../../../src/align/data/examples.ts';
import { readTree, recordsOfTree, type TreeForm, treesOf } from '../../../src/align/data/message-trees.ts';
import { readPairs } from '../../../src/align/data/pairs.ts';
import { readPrompts } from '../../../src/align/data/prompts.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { chatFormat, trainedText } from '../chat.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpusmill-trees-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Reply = [text: string, rank: number | null, ...replies: Reply[]];

/** A question to the root's answers, by turns; ranks of answers alone. */
function tree([text, rank, ...replies]: Reply, role = 'prompter'): Record<string, unknown> {
  const next = role === 'prompter' ? 'assistant' : 'prompter';
  return { text, role, ...(rank !== null && { rank }), replies: replies.map((reply) => tree(reply, next)) };
}

/** q has the answers worse and best; best is asked on with r, which has one answer. */
const TREE: Reply = ['q', null, ['worse', 1], ['best', 0, ['r', null, ['end', null]], ['asked on', null]]];

const rows = (message: Record<string, unknown>, id = '1', parent: string | null = null): Record<string, unknown>[] => {
  const { replies, ...rest } = message;
  const below = (replies as Record<string, unknown>[]).flatMap((reply, i) => rows(reply, `${id}.${i}`, id));
  return [...below, { ...rest, message_id: id, parent_id: parent }];
};

function said(form: TreeForm): unknown[] {
  const root = readTree({ prompt: tree(TREE) });
  if ('problem' in root) throw new Error(root.problem);
  return recordsOfTree(root, form).map(({ messages, prompt, chosen, rejected }) => {
    const text = (turns: unknown): string =>
      (turns as { content: string; weight?: number }[])
        .map(({ content, weight }) => (weight === 0 ? `(${content})` : content))
        .join(' ');
    return messages === undefined ? [prompt, chosen, rejected].map(text) : text(messages);
  });
}

describe('a tree', () => {
  it('becomes a conversation for each leaf with an answer that none before it trains', () => {
    expect(said('threads')).toEqual(['q best r end', 'q worse']);
  });

  it('becomes comparisons of ranked answers', () => {
    expect(said('comparisons')).toEqual([['q', 'best', 'worse']]);
  });

  it('becomes a prompt for each question', () => {
    expect(said('prompts')).toEqual(['q', 'q best r', 'q best asked on']);
  });

  it('trains what two threads share in the first of them', () => {
    const root = readTree({ prompt: tree(['q', null, ['a', 0, ['r', null, ['b', 0], ['c', 1]]]]) });
    if ('problem' in root) throw new Error(root.problem);
    const weights = recordsOfTree(root, 'threads').map(({ messages }) =>
      (messages as { content: string; weight?: number }[]).map(({ content, weight }) => `${content}${weight ?? ''}`),
    );
    expect(weights).toEqual([
      ['q', 'a', 'r', 'b'],
      ['q', 'a0', 'r', 'c'],
    ]);
  });

  it('of three ranks compares neighbours, and not answers of one rank', () => {
    const compared = (...ranks: (number | null)[]): unknown[] => {
      const root = readTree({ prompt: tree(['q', null, ...ranks.map((rank, i): Reply => [`a${i}`, rank])]) });
      if ('problem' in root) throw new Error(root.problem);
      return recordsOfTree(root, 'comparisons').map(({ chosen, rejected }) =>
        [chosen, rejected].map((turns) => (turns as { content: string }[])[0].content).join(' > '),
      );
    };
    expect(compared(2, 0, 1)).toEqual(['a1 > a2', 'a2 > a0']);
    expect(compared(0, 0, null)).toEqual([]);
  });
});

describe('messages one by one', () => {
  it('are the same tree, whatever their order', () => {
    const whole = readTree({ prompt: tree(TREE) });
    expect(treesOf(rows(tree(TREE)))).toEqual({ roots: [whole], orphans: 0 });
  });

  it('without a parent, below a deleted one, or in a ring are counted', () => {
    const lone = { message_id: 'x', parent_id: 'nobody', text: 'lost', role: 'assistant' };
    const ring = ['a', 'b'].map((id, i) => ({ message_id: id, parent_id: 'ba'[i], text: id, role: 'assistant' }));
    const deleted = rows(tree(TREE)).map((row) => (row['text'] === 'best' ? { ...row, deleted: true } : row));
    const { roots, orphans } = treesOf([...deleted, lone, ...ring]);
    expect(roots).toHaveLength(1);
    expect(roots[0].replies.map(({ turn }) => turn.content)).toEqual(['worse']);
    // best, the two questions below it and their answer; the lone one; the ring.
    expect(orphans).toBe(4 + 1 + 2);
  });
});

it('files of them are read as examples, pairs and prompts; what cannot be used is counted', async () => {
  const lines = [
    { message_tree_id: '1', prompt: tree(TREE) },
    { message_tree_id: '2', prompt: tree(['nobody answers', null]) },
    { message_tree_id: '3', prompt: { text: 'q', role: 'robot', replies: [] } },
    { prompt: 'plain', completion: 'too' },
    ...rows(tree(TREE)),
  ];
  const path = join(folder, 'trees.jsonl');
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const options = { maxTokens: 1000, tooLong: 'drop' } as const;
  const { report, ids, labels } = await readExamples([path], chatFormat(), options);
  expect(report.used).toBe(5);
  expect(report.skipped.map(({ reason, count }) => [reason, count])).toEqual([
    ['broken tree', 1],
    ['no answer', 1],
  ]);
  expect(
    trainedText({ ids, labels })
      .split(/<\|im_end\|>¦?/)
      .filter(Boolean),
  ).toEqual(['best', 'end', 'worse', 'too', 'best', 'end', 'worse']);

  const pairs = await readPairs([path], chatFormat(), { ...options, endAtLabel: true });
  expect(pairs.pairs.map(({ chosen }) => chosen.text)).toEqual(['best', 'best']);
  expect(pairs.report.skipped.map(({ reason }) => reason)).toEqual(['broken tree', 'no ranked answers', 'not a pair']);

  const { prompts } = await readPrompts([path], { encode: () => [1], maxTokens: 10 });
  expect(prompts.map(({ text }) => text)).toEqual([
    'q',
    'r',
    'asked on',
    'nobody answers',
    'plain',
    'q',
    'r',
    'asked on',
  ]);
});

describeWithShared('OpenAssistant', () => {
  it('a hundred trees: every answer is trained once, and neighbours in rank are pairs', async () => {
    const path = shared('data/preference/oasst-trees-100.jsonl.gz');
    const options = { maxTokens: 1_000_000, tooLong: 'drop' } as const;
    const count = (labels: ArrayLike<number>): number =>
      Array.from(labels).filter((label) => label === 258 /* the end of a turn */).length;
    const { labels } = await readExamples([path], chatFormat(), options);
    expect(count(labels)).toBe(687);
    const { report } = await readPairs([path], chatFormat(), { ...options, endAtLabel: true });
    // Counted from the file: neighbours in rank among the answers to a question.
    expect(report.used).toBe(429);
  });
});
