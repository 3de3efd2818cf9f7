/**
 * The memory of a run before it is taken: the programs are planned on a backend that has no memory, and the plan says what each
 * part needs, to the byte. What kernels need besides (scratch) is known once the real backend has compiled them; until
 * then it counts as nothing, and is a few percent.
 */
import { CorpusmillError } from '../core/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import { createWeights } from '../models/weights.ts';
import type { Backend, Buffer } from '../tensor/backend.ts';
import { createTrainStep, type TrainStepMemory, type TrainStepOptions } from './train-step.ts';

/** What a step of this model, objective and form would take, in bytes. */
export function forecastMemory(config: ModelConfig, options: TrainStepOptions): TrainStepMemory {
  const backend = createPlanningBackend();
  const weights = createWeights(backend, config);
  return createTrainStep(backend, weights, options).memory;
}

export function totalOf({ weights, gradients, moments, arena, scratch }: TrainStepMemory): number {
  return weights + gradients + moments + arena + scratch;
}

/** Bytes that this process may still take: of the machine, or of the container that it is in. */
export function availableMemory(): number {
  return process.availableMemory();
}

/** What the rest of the process needs: Node itself, batches read ahead, a tensor on its way into a checkpoint. */
const HEADROOM_BYTES = 128 * 2 ** 20;

/**
 * Throws CONFIG_INVALID with advice when the run would need more than there is.
 *
 * @param form what could be changed: rows of a micro-batch, and whether activations are recomputed already
 */
export function refuseTooLarge(
  memory: TrainStepMemory,
  available: number,
  form: { rows: number; recompute: boolean },
): void {
  const needed = totalOf(memory) + HEADROOM_BYTES;
  if (needed <= available) return;
  const { arena } = memory;
  const fixed = needed - arena;
  const advice: string[] = [];
  if (fixed > available) {
    advice.push(
      `Weights, gradients and moments alone need ${formatBytes(fixed)}: choose a smaller model or a larger machine.`,
    );
  } else {
    if (!form.recompute) advice.push('Set `recompute: true`, which keeps fewer activations.');
    const fitting = Math.floor((form.rows * (available - fixed)) / arena);
    if (fitting >= 1) {
      advice.push(`Set \`batch.rows: ${fitting}\` and a larger \`batch.accumulation\`, which gives the same steps.`);
    }
    if (advice.length === 0) advice.push('Shorten `batch.sequenceLength` or choose a smaller model.');
  }
  throw new CorpusmillError(
    'CONFIG_INVALID',
    `this run would need ${formatBytes(needed)} of memory (${formatBytes(arena)} of it for activations), ${formatBytes(available)} are free`,
    { hint: advice.join(' ') },
  );
}

/** `1.5 GiB`, `12 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A backend that plans and never runs. */
export function createPlanningBackend(): Backend {
  const refuse = (): never => {
    throw new TypeError('the planning backend has no memory and runs nothing');
  };
  return {
    name: 'reference',
    createBuffer: (dtype, length, name): Buffer => ({ dtype, length, name }),
    write: () => {},
    read: refuse,
    compile: ({ arenaLength }) => ({ arenaLength, scratchBytes: 0, run: refuse, profile: refuse, dispose() {} }),
    disposeBuffer: () => {},
    dispose: async () => {},
  };
}
