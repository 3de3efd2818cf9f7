/**
 * Real programs with wrong numbers in them: those of a training step of several architectures, changed in one to three
 * places, with data that are right, or ids of which none is.
 */
import fc from 'fast-check';
import { readModelConfig } from '../../src/models/hf-config.ts';
import { createWeights } from '../../src/models/weights.ts';
import type { Backend, Instruction, Place, Program } from '../../src/tensor/backend.ts';
import { pretrainingObjective } from '../../src/training/objective.ts';
import { createTrainStep } from '../../src/training/train-step.ts';
import { SMALL } from '../models/small-models.ts';
import { noise, wholeNumbers } from './graph-run.ts';

/** The programs that a training step of `model` compiles. */
export function programsOf(backend: Backend, model: string): Program[] {
  const programs: Program[] = [];
  const recording: Backend = {
    name: backend.name,
    createBuffer: (...all) => backend.createBuffer(...all),
    write: (...all) => backend.write(...all),
    read: (...all) => backend.read(...all),
    disposeBuffer: (buffer) => backend.disposeBuffer(buffer),
    dispose: () => backend.dispose(),
    compile(program) {
      programs.push(program);
      return backend.compile(program);
    },
  };
  const weights = createWeights(recording, readModelConfig(SMALL[model], model));
  createTrainStep(recording, weights, {
    objective: pretrainingObjective({ batch: 2, time: 12, packed: true, zLoss: 1e-4 }),
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-8,
    weightDecay: 0.1,
    clipNorm: 1,
    dropout: 0.1,
    maxPositions: 12,
  });
  return programs;
}

const ODD = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 31, 2 ** 40, 2 ** 53, 1e300];

/** Changes one number of one instruction. */
function mutate(program: Program, which: number, field: number, value: number): Program {
  const at = which % program.instructions.length;
  const instruction = program.instructions[at]!;
  const places = instruction.inputs.length + instruction.outputs.length;
  const slots = 3 * places + instruction.attributes.length;
  let spot = field % slots;
  const change = (list: readonly (Place | undefined)[]): (Place | undefined)[] =>
    list.map((place) => {
      const mine = spot;
      spot -= 3;
      if (mine < 0 || mine > 2) return place;
      if (place === undefined) return { slot: 0, offset: 0, length: Math.abs(value), dtype: 'f32' };
      if (mine === 0) return { ...place, slot: value };
      return mine === 1 ? { ...place, offset: value } : { ...place, length: value };
    });
  const inputs = change(instruction.inputs);
  const outputs = change(instruction.outputs);
  const attributes = instruction.attributes.map((attribute, i) => (i === spot ? value : attribute));
  const changed: Instruction = { ...instruction, inputs, outputs, attributes };
  return { ...program, instructions: program.instructions.with(at, changed) };
}

/** One to three changes of a program of `programs`, and a seed for the data. */
export function mutations(programs: readonly Program[]): fc.Arbitrary<{ program: Program; seed: number }> {
  const change = fc.record({
    which: fc.nat(),
    field: fc.nat(),
    value: fc.oneof(fc.integer({ min: -2, max: 60 }), fc.integer({ min: 0, max: 3000 }), fc.constantFrom(...ODD)),
  });
  return fc
    .tuple(fc.nat(programs.length - 1), fc.array(change, { minLength: 1, maxLength: 3 }), fc.nat(1000))
    .map(([index, changes, seed]) => ({
      program: changes.reduce(
        (changed, { which, field, value }) => mutate(changed, which, field, value),
        programs[index]!,
      ),
      seed,
    }));
}

/** Fills the buffers of a program with noise and ids; mostly ids that are right, now and then none that is. */
export function fillBuffers(backend: Backend, program: Program, seed: number): void {
  for (const buffer of program.buffers) {
    const ids =
      seed % 4 === 0
        ? wholeNumbers(buffer.length, seed, -(2 ** 31), 2 ** 31 - 1)
        : wholeNumbers(buffer.length, seed, -1, 12);
    const data = buffer.dtype === 'i32' ? (seed % 4 === 1 ? ids.sort() : ids) : noise(buffer.length, seed);
    backend.write(buffer, data);
  }
}

export type Ending = 'refused' | 'failed' | 'ran';

/** What becomes of a mutated program; `error` is why it was refused, or failed. */
export async function endingOf(
  backend: Backend,
  { program, seed }: { program: Program; seed: number },
): Promise<{ ending: Ending; error: string }> {
  fillBuffers(backend, program, seed);
  let executable: ReturnType<Backend['compile']>;
  try {
    executable = backend.compile(program);
  } catch (error) {
    return { ending: 'refused', error: String(error) };
  }
  try {
    await executable.run();
    return { ending: 'ran', error: '' };
  } catch (error) {
    return { ending: 'failed', error: String(error) };
  } finally {
    executable.dispose();
  }
}
