import { describe, expect, it } from 'vitest';
import { createWeights } from '../../src/models/weights.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { forecastMemory, formatBytes, refuseTooLarge } from '../../src/training/memory.ts';
import { pretrainingObjective } from '../../src/training/objective.ts';
import { createTrainStep } from '../../src/training/train-step.ts';
import { tinyConfig } from './tiny-training.ts';

const options = {
  objective: pretrainingObjective({ batch: 4, time: 16, packed: true }),
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.1,
  clipNorm: 1,
  maxPositions: 16,
};

describe('the forecast of memory', () => {
  it('is what the step then takes, to the byte', () => {
    const backend = createReferenceBackend();
    const step = createTrainStep(backend, createWeights(backend, tinyConfig()), options);
    expect(forecastMemory(tinyConfig(), options)).toEqual(step.memory);
  });

  it('four bytes a weight and a gradient, eight for two moments', () => {
    const { weights, gradients, moments } = forecastMemory(tinyConfig(), options);
    expect([gradients, moments]).toEqual([weights, 2 * weights]);
  });
});

describe('a run that is too large', () => {
  const MiB = 2 ** 20;
  const memory = { weights: MiB, gradients: MiB, moments: 2 * MiB, arena: 800 * MiB, scratch: 0 };
  const form = { rows: 8, recompute: false };

  it('passes where there is room', () => {
    expect(() => refuseTooLarge(memory, 2048 * MiB, form)).not.toThrow();
  });

  it('is refused with the figures and what would fit', () => {
    let caught: { code?: string; message?: string; hint?: string } = {};
    try {
      refuseTooLarge(memory, 532 * MiB, form);
    } catch (error) {
      caught = error as typeof caught;
    }
    expect(caught.code).toBe('CONFIG_INVALID');
    expect(caught.message).toBe(
      'this run would need 932 MiB of memory (800 MiB of it for activations), 532 MiB are free',
    );
    // 400 of 800 MiB are left for activations: four of eight rows.
    expect(caught.hint).toContain('Set `recompute: true`');
    expect(caught.hint).toContain('Set `batch.rows: 4`');
  });

  it('with weights alone too large, names a smaller model', () => {
    expect(() => refuseTooLarge({ ...memory, weights: 900 * MiB }, 532 * MiB, form)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('choose a smaller model') }),
    );
  });
});

it.each([
  [512, '512 B'],
  [1536, '1.50 KiB'],
  [12.34 * 2 ** 20, '12.3 MiB'],
  [2 ** 40, '1.00 TiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
