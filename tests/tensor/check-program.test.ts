/** Checking programs: mutated ones are refused as the native backend refuses them, and what passes runs or fails by name. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import type { Backend, Buffer, Instruction, Place, Program } from '../../src/tensor/backend.ts';
import { checkProgram } from '../../src/tensor/check-program.ts';
import { createNativeBackend } from '../../src/tensor/native/backend.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { endingOf, mutations, programsOf } from './mutated-programs.ts';

const MODELS = ['qwen2-moe', 'gpt2', 'qwen3'];

describe.skipIf(native === undefined)('beside the native checks', () => {
  const backend = native && (createNativeBackend({ threads: 1 }) as Backend);
  afterAll(() => backend?.dispose());

  it('mutated programs are refused by both or by neither, at the same instruction, for the same reason', () => {
    const programs = MODELS.flatMap((model) => programsOf(backend!, model));
    let refusals = 0;
    const property = fc.property(mutations(programs), ({ program }) => {
      // To the add-on a slot of −1 is an absent operand.
      if (program.instructions.some(({ inputs, outputs }) => [...inputs, ...outputs].some((p) => p?.slot === -1)))
        return;
      const ours = refusal(() => checkProgram(program));
      const theirs = refusal(() => backend!.compile(program).dispose());
      if (ours !== undefined) refusals++;
      expect(ours).toBe(theirs);
    });
    fc.assert(property, { numRuns: 2500 });
    expect(refusals).toBeGreaterThan(500);
  });
});

/** Why a program is refused, numbers that are written otherwise and names of operands left out. */
function refusal(call: () => void): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    const text = (error as Error).message;
    const [, place = text, why = ''] = /^(program .*: instruction \d+ \(\w+\)): (.*)$/s.exec(text) ?? [];
    const kind =
      /absent|wrong type|overlaps|lies at|no buffer|no such thing|entries, the attributes say|want|must|need/;
    return `${place}: ${kind.exec(why)?.[0] ?? why}`;
  }
}

describe('mutated programs on the reference backend', () => {
  it('are refused, fail by name or run', async () => {
    const backend = createReferenceBackend();
    const programs = MODELS.flatMap((model) => programsOf(backend, model));
    const count = { refused: 0, failed: 0, ran: 0 };
    const property = fc.asyncProperty(mutations(programs), async (mutated) => {
      const { ending, error } = await endingOf(backend, mutated);
      count[ending]++;
      if (ending === 'refused') expect(error).toMatch(/^RangeError: program .*: instruction \d+/);
      if (ending === 'failed') expect(error).toMatch(/^RangeError: program .*, instruction \d+, \w+\(/);
    });
    await fc.assert(property, { numRuns: 300 });
    expect(Math.min(count.refused, count.ran), JSON.stringify(count)).toBeGreaterThan(0);
  }, 120_000);
});

describe('an instruction', () => {
  const buffers: Buffer[] = [
    { dtype: 'f32', length: 12, name: 'x' },
    { dtype: 'i32', length: 4, name: 'ids' },
  ];
  const f32 = (offset: number, length: number, slot = 1): Place => ({ slot, offset, length, dtype: 'f32' });
  const program = (instruction: Partial<Instruction>): Program => ({
    name: 'p',
    buffers,
    arenaLength: 8,
    instructions: [
      { operation: 'affine', inputs: [f32(0, 4)], outputs: [f32(0, 4, 0)], attributes: [4, 2, 0], ...instruction },
    ],
  });
  const wrong =
    (instruction: Partial<Instruction>): (() => void) =>
    () =>
      checkProgram(program(instruction));

  it('that is right passes, also in place', () => {
    expect(wrong({})).not.toThrow();
    expect(wrong({ outputs: [f32(0, 4)] })).not.toThrow();
  });

  it.each<[string, Partial<Instruction>, string]>([
    [
      'an operation that there is not',
      { operation: 'constructor' as never },
      'instruction 0: there is no such operation',
    ],
    ['too few inputs', { inputs: [] }, '(affine): has 0 inputs, want 1'],
    ['an absent input', { inputs: [undefined] }, 'x is absent'],
    ['too many attributes', { attributes: [4, 2, 0, 0] }, 'has 4 attributes, want 3'],
    ['a buffer that there is not', { inputs: [f32(0, 4, 3)] }, 'an operand lies in no buffer of the program'],
    ['a negative offset', { inputs: [f32(-1, 4)] }, "an operand's offset, length or type is no such thing"],
    ['integers for numbers', { inputs: [{ ...f32(0, 4, 2), dtype: 'i32' }] }, 'x is of the wrong type, want f32'],
    ['numbers in a buffer of integers', { inputs: [f32(0, 4, 2)] }, 'x is of another type than its buffer'],
    ['a place beyond its buffer', { inputs: [f32(9, 4)] }, 'x lies at 9 to 13 of buffer x, which has 12 entries'],
    ['a place beyond the arena', { outputs: [f32(5, 4, 0)] }, 'y lies at 5 to 9 of the arena, which has 8 entries'],
    ['an output half over its input', { outputs: [f32(2, 4)] }, 'y overlaps x'],
    ['a length that is another', { attributes: [5, 2, 0] }, 'x has 4 entries, the attributes say [5]'],
    ['a length that is none', { attributes: [Number.NaN, 2, 0] }, 'length is NaN, want a count'],
    ['a kind that there is not', { operation: 'unary', attributes: [4, 99] }, 'kind is 99, want an integer below 15'],
    [
      'rows of nothing without an end',
      { operation: 'broadcast', inputs: [f32(0, 0)], outputs: [f32(0, 0, 0)], attributes: [2 ** 40, 0, 2] },
      'out has 0 entries, the attributes say [1099511627776, 0]',
    ],
  ])('%s', (_, instruction, message) => {
    expect(wrong(instruction)).toThrow(RangeError);
    expect(wrong(instruction)).toThrow(message);
  });
});
