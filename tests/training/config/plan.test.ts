import { describe, expect, it } from 'vitest';
import { planTraining } from '../../../src/training/config/plan.ts';
import { type TrainConfigInput, trainSchema } from '../../../src/training/config/schema.ts';

const data = { sequenceLength: 64, tokens: 1_000_000 };

function plan(given: Partial<TrainConfigInput>, of = data) {
  const config = { model: 'tiny-qwen3-1m', data: { shards: 'shards' }, stop: { steps: 1000 }, ...given };
  return planTraining(trainSchema.parse(config), of);
}

describe('the plan of a run', () => {
  it('steps come from steps, tokens or epochs, whichever is first', () => {
    const batch = { rows: 8 };
    expect(plan({ batch }).steps).toBe(1000);
    expect(plan({ batch, stop: { steps: 1000, tokens: 51_200 } }).steps).toBe(100);
    expect(plan({ batch, stop: {}, data: { shards: 's', epochs: 2 } }).steps).toBe(Math.ceil(2e6 / 512));
    expect(plan({ batch, stop: { minutes: 3 }, schedule: { kind: 'constant', warmup: 5 } }).steps).toBeNull();
  });

  it('accumulation follows from the tokens of a step', () => {
    expect(plan({ batch: { rows: 8, tokensPerStep: 4096 } })).toMatchObject({ accumulation: 8, tokensPerStep: 4096 });
    expect(() => plan({ batch: { rows: 8, tokensPerStep: 4000 } })).toThrow(
      /tokensPerStep is 4000, no multiple of the 512 tokens of a micro-batch/,
    );
    expect(() => plan({ batch: { rows: 8, tokensPerStep: 4096, accumulation: 8 } })).toThrow(/both/);
  });

  it('shares of the schedule are of its length, in its unit', () => {
    expect(plan({}).schedule).toEqual({ kind: 'cosine', unit: 'steps', warmup: 20, length: 1000, floor: 0.1 });
    const wsd = plan({ batch: { rows: 8 }, schedule: { kind: 'wsd', unit: 'tokens', warmup: '1%', decay: 0.25 } });
    expect(wsd.schedule).toEqual({
      kind: 'wsd',
      unit: 'tokens',
      warmup: 5120,
      length: 512_000,
      floor: 0.1,
      decay: 128_000,
      shape: 'sqrt',
    });
  });

  it('a run without an end, or a schedule without a length, is refused', () => {
    expect(() => plan({ stop: {} })).toThrow(/nothing ends the run/);
    expect(() => plan({ stop: { minutes: 5 } })).toThrow(/cosine schedule needs a length/);
  });
});
