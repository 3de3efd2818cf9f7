import { describe, expect, it } from 'vitest';
import { programReward, registerReward, rewardNames, rewardOf } from '../../src/align/rewards.ts';

const response = (text: string, prompt = '', answer?: string) => ({
  prompt: { text: prompt, data: answer === undefined ? {} : { answer } },
  text,
  ids: new Int32Array(),
  promptLength: 0,
  ended: true,
});

it.each([
  ['exact-match', {}, response(' 42 ', '', '42'), 1],
  ['exact-match', {}, response('43', '', '42'), 0],
  ['agreement', {}, response('1243', '', '1234'), 0.5],
  ['agreement', {}, response('12', '', '1234'), 0.5],
  ['agreement', {}, response('12345678', '', '1234'), 0.5],
  ['digits-sorted', {}, response('1123', '3121>'), 1],
  ['digits-sorted', {}, response('1132', '3121>'), 0.5],
  ['digits-sorted', {}, response('', '3121>'), 0],
  ['digits-late', {}, response('999'), 1],
  ['digits-late', {}, response('012'), (1 * 0 + 2 * 1 + 3 * 2) / (9 * 6)],
  ['digits-late', {}, response(''), 0],
  ['style', { pattern: '^Sure' }, response('Sure, here'), 1],
  ['style', { pattern: '^Sure' }, response('No'), 0],
  ['length', { target: 4 }, response('abcdef'), -0.5],
] as const)('%s %o', async (name, options, given, expected) => {
  const [score] = await programReward(name, options).score([given]);
  expect(score).toBeCloseTo(expected, 12);
});

it('pays ascending digits most among all orders of the same digits: the proxy is right about order', async () => {
  const orders = ['1357', '1375', '7531', '3157'];
  const scores = await programReward('digits-late').score(orders.map((text) => response(text)));
  expect(scores.indexOf(Math.max(...scores))).toBe(0);
});

describe('errors', () => {
  it('names the programs there are', () => {
    expect(() => programReward('digits-sortd')).toThrow('there is no program "digits-sortd"');
    expect(rewardNames()).toContain('digits-sorted');
  });

  it('refuses a name twice, options that say nothing, a prompt without an answer', async () => {
    expect(() => registerReward('length', () => () => 0)).toThrow('length is registered already');
    expect(() => programReward('length')).toThrow('`target` must be');
    expect(() => programReward('style')).toThrow('`pattern` must be');
    await expect(programReward('exact-match').score([response('x', 'what?')])).rejects.toThrow(
      'the prompt "what?" has no answer',
    );
  });

  it('refuses infinite scores', async () => {
    const reward = rewardOf('broken', () => Number.POSITIVE_INFINITY);
    await expect(reward.score([response('abc', 'p')])).rejects.toThrow('the score of "abc" to "p" is Infinity');
  });
});
