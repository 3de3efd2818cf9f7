import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  explainedVariance,
  generalisedAdvantages,
  groupAdvantages,
  klEstimate,
  leaveOneOutAdvantages,
  tokenRewards,
  whiten,
} from '../../src/align/advantages.ts';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import { describeWithShared, shared } from '../shared.ts';

/** Values worked out in float64 by PyTorch from the definitions: three tokens of one text. */
const LOG_PROBS = [-1, -2, -0.5];
const REFERENCE = [-1.2, -1.5, -0.7];
const VALUES = [0.1, 0.2, 0.3];

const close = (found: ArrayLike<number>, expected: readonly number[], digits = 8): void => {
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, digits);
  });
};

describe('one text', () => {
  it('has the KL estimates k1 and k3 of its tokens', () => {
    const kl = (estimator: 'k1' | 'k3') => LOG_PROBS.map((value, t) => klEstimate(value, REFERENCE[t], estimator));
    close(kl('k1'), [0.2, -0.5, 0.2]);
    close(kl('k3'), [0.01873075, 0.14872127, 0.01873075]);
  });

  it('is paid for KL at each token and for its score at the last', () => {
    close(tokenRewards(LOG_PROBS, REFERENCE, 1, { klCoefficient: 0.04 }), [-0.008, 0.02, 0.992]);
  });

  it('has advantages, returns and whitened advantages', () => {
    const { advantages, returns } = generalisedAdvantages([-0.008, 0.02, 0.992], VALUES, { gamma: 1, lambda: 0.95 });
    close(advantages, [0.83053, 0.7774, 0.692]);
    close(returns, [0.93053, 0.9774, 0.992]);
    close(whiten([advantages])[0], [0.91412019, 0.1539114, -1.06803159]);
  });

  it('has, with λ = 1 and γ = 1, the sum of its rewards to come as return whatever the critic says', () => {
    const rewards = [0.3, -1, 0.25, 2];
    const { returns } = generalisedAdvantages(rewards, [5, -3, 0.5, 9], { gamma: 1, lambda: 1 });
    close(returns, [1.55, 1.25, 2.25, 2]);
  });

  it('has, with λ = 0, the one-step errors of the critic as advantages', () => {
    const { advantages } = generalisedAdvantages([1, 2], [0.5, 0.25], { gamma: 0.9, lambda: 0 });
    close(advantages, [1 + 0.9 * 0.25 - 0.5, 2 - 0.25]);
  });

  it('refuses values of another length', () => {
    expect(() => generalisedAdvantages([1, 2], [1], { gamma: 1, lambda: 1 })).toThrow('2 tokens against 1');
    expect(() => tokenRewards([1], [1, 2], 0, { klCoefficient: 0 })).toThrow(RangeError);
  });
});

describe('whitening', () => {
  it('is over all tokens of all texts together', () => {
    const [a, b] = whiten([
      [1, 2],
      [3, 4, 5],
    ]);
    const all = [...a, ...b];
    expect(all.reduce((sum, x) => sum + x, 0)).toBeCloseTo(0, 12);
    expect(all.reduce((sum, x) => sum + x * x, 0) / 4).toBeCloseTo(1, 7);
  });

  it('can keep the mean', () => {
    const [a] = whiten([[10, 12]], { keepMean: true });
    expect((a[0] + a[1]) / 2).toBeCloseTo(11, 12);
    expect(a[1] - a[0]).toBeCloseTo(Math.SQRT2, 7);
  });

  it('makes 0 of equal values, and of one alone', () => {
    close(whiten([[3, 3, 3]])[0], [0, 0, 0]);
    close(whiten([[7]])[0], [0]);
  });
});

describe('groups', () => {
  it('RLOO compares with the mean of the others', () => {
    close(leaveOneOutAdvantages([1, 2, 3, 6], 4), [-2.66666667, -1.33333333, 0, 4]);
  });

  it('GRPO divides by the deviation', () => {
    close(groupAdvantages([1, 2, 3, 6], 4), [-0.92577724, -0.46288862, 0, 1.38866587]);
  });

  it('GRPO without division is Dr. GRPO, and with that of the batch keeps the ratio between groups', () => {
    close(groupAdvantages([0, 2, 5, 5.5], 2, { scale: 'none' }), [-1, 1, -0.25, 0.25]);
    const [, first, , second] = groupAdvantages([0, 2, 5, 5.5], 2, { scale: 'batch' });
    expect(first / second).toBeCloseTo(4, 10);
  });

  it('groups do not touch each other, and equal scores have no advantage', () => {
    close(leaveOneOutAdvantages([1, 3, 5, 5], 2), [-2, 2, 0, 0]);
    close(groupAdvantages([4, 4, 4, 1, 2, 3], 3), [0, 0, 0, -1 / 1.0001, 0, 1 / 1.0001]);
  });

  it('refuses what is not whole groups', () => {
    expect(() => groupAdvantages([1, 2, 3], 2)).toThrow('3 scores are not whole groups of 2');
    expect(() => leaveOneOutAdvantages([1], 1)).toThrow(RangeError);
  });
});

describe('explained variance', () => {
  it('is 1 for a perfect critic, 0 for a constant one, null where nothing varies', () => {
    expect(explainedVariance([[1, 2], [4]], [[1, 2], [4]])).toBe(1);
    expect(explainedVariance([[3, 3], [3]], [[1, 2], [4]])).toBeCloseTo(0, 12);
    expect(explainedVariance([[1, 2]], [[5, 5]])).toBeNull();
  });
});

describeWithShared('a batch computed with PyTorch', () => {
  it('has its rewards, advantages, returns and whitened advantages', async () => {
    const file = await openSafetensors(shared('goldens/alignment/reference.safetensors'));
    const { ppo } = JSON.parse(readFileSync(shared('goldens/alignment/reference.json'), 'utf8'));
    const mask = await file.readFloat32('completion_mask_chosen');
    const time = mask.length / 4;
    const texts = async (name: string): Promise<number[][]> => {
      const values = await file.readFloat32(name);
      return [0, 1, 2, 3].map((row) =>
        Array.from(values.subarray(row * time, (row + 1) * time)).filter((_, t) => mask[row * time + t] !== 0),
      );
    };
    const [logProbs, reference, values] = await Promise.all(
      ['ppo.old_logprobs', 'ppo.ref_logprobs', 'ppo.old_values'].map(texts),
    );
    const rewards = logProbs.map((text, i) =>
      tokenRewards(text, reference[i], ppo.scores[i], { klCoefficient: ppo.kl_coef }),
    );
    const estimated = rewards.map((text, i) =>
      generalisedAdvantages(text, values[i], { gamma: ppo.gamma, lambda: ppo.lam }),
    );
    const found = {
      'ppo.rewards': rewards,
      'ppo.advantages': estimated.map(({ advantages }) => advantages),
      'ppo.returns': estimated.map(({ returns }) => returns),
      'ppo.whitened_advantages': whiten(estimated.map(({ advantages }) => advantages)),
    };
    for (const [name, rows] of Object.entries(found)) {
      const expected = await texts(name);
      rows.forEach((row, i) => {
        expect(row.length).toBe(expected[i].length);
        expected[i].forEach((value, t) => {
          expect(Math.abs(row[t] - value), `${name} ${i} ${t}`).toBeLessThan(1e-5);
        });
      });
    }
    await file.close();
  });
});
