/**
 * Whether a program is one: every instruction an operation with the operands of its table (operations.ts), each present one of
 * its type and within its buffer, memory shared only where the operation allows it, and lengths those that the attributes say
 * (operand-lengths.ts). A backend whose kernels trust all this checks it once, when it compiles; what is left to kernels are
 * the values in memory, such as ids.
 *
 * The native backend does the same in C++ (native/tensor/program.cc), which trusts nothing that comes from JavaScript.
 */
import type { Instruction, Place, Program } from './backend.ts';
import { inputName } from './graph.ts';
import { OPERAND_LENGTHS, type OperandCheck } from './operand-lengths.ts';
import { OPERATIONS, type OperationSpec, operationSpec } from './operations.ts';

/** Offsets, lengths and sizes beyond this are no memory of anyone. */
const MOST = 2 ** 40;
/** Nothing at all may have many rows, but not so many that a loop over them does not end. */
const MOST_OF_NOTHING = 2 ** 31;

/** Throws a RangeError that names the instruction and what is wrong with it. */
export function checkProgram(program: Program): void {
  program.instructions.forEach((instruction, index) => {
    const { operation } = instruction;
    if (!Object.hasOwn(OPERATIONS, operation)) {
      throw new RangeError(`program ${program.name}: instruction ${index}: there is no such operation`);
    }
    const wrong = whatIsWrong(program, instruction);
    if (wrong === undefined) return;
    throw new RangeError(`program ${program.name}: instruction ${index} (${operation}): ${wrong}`);
  });
}

function whatIsWrong(program: Program, instruction: Instruction): string | undefined {
  const spec = operationSpec(instruction.operation);
  return (
    wrongNumber(program, instruction) ??
    wrongOperand(instruction, spec) ??
    wrongPlace(program, instruction, spec) ??
    wrongOverlap(instruction, spec) ??
    wrongLength(instruction, spec)
  );
}

const isInteger = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;

/** Slots, offsets and lengths that are no such thing. */
function wrongNumber({ buffers }: Program, { inputs, outputs }: Instruction): string | undefined {
  for (const place of [...inputs, ...outputs]) {
    if (place === undefined) continue;
    if (!isInteger(place.slot, 0, buffers.length)) return 'an operand lies in no buffer of the program';
    const { offset, length, dtype } = place;
    if (!isInteger(offset, 0, MOST) || !isInteger(length, 0, MOST) || (dtype !== 'f32' && dtype !== 'i32')) {
      return "an operand's offset, length or type is no such thing";
    }
  }
  return undefined;
}

/** How many there are, which are present, and their types. */
function wrongOperand(
  { operation, inputs, outputs, attributes }: Instruction,
  spec: OperationSpec,
): string | undefined {
  const [names, repeats] = [spec.inputs.length, spec.variadic ?? 0];
  const fits =
    repeats === 0
      ? inputs.length === names
      : inputs.length + repeats >= names && (inputs.length + repeats - names) % repeats === 0;
  if (!fits) return `has ${inputs.length} inputs, want ${names}`;
  if (outputs.length !== spec.outputs.length) return `has ${outputs.length} outputs, want ${spec.outputs.length}`;
  const wanted = spec.attributes.length;
  if (repeats === 0 ? attributes.length !== wanted : attributes.length < wanted) {
    return `has ${attributes.length} attributes, want ${wanted}`;
  }
  const wrong = (place: Place | undefined, name: string): string | undefined => {
    if (place === undefined) return name.includes('?') ? undefined : `${plain(name)} is absent`;
    const dtype = name.endsWith(':i32') ? 'i32' : 'f32';
    // A copy takes words of either type.
    if (place.dtype === dtype || operation === 'copy') return undefined;
    return `${plain(name)} is of the wrong type, want ${dtype}`;
  };
  for (const [i, place] of inputs.entries()) {
    const found = wrong(place, inputName(spec, i));
    if (found !== undefined) return found;
  }
  for (const [i, place] of outputs.entries()) {
    const found = wrong(place, spec.outputs[i]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Places outside their buffers. */
function wrongPlace(
  { buffers, arenaLength }: Program,
  { inputs, outputs }: Instruction,
  spec: OperationSpec,
): string | undefined {
  const wrong = (place: Place | undefined, label: () => string): string | undefined => {
    if (place === undefined) return undefined;
    const { slot, offset, length } = place;
    const buffer = slot === 0 ? undefined : buffers[slot - 1];
    const whole = buffer === undefined ? arenaLength : buffer.length;
    if (offset + length > whole) {
      const where = buffer === undefined ? 'the arena' : `buffer ${buffer.name}`;
      return `${label()} lies at ${offset} to ${offset + length} of ${where}, which has ${whole} entries`;
    }
    if (buffer !== undefined && buffer.dtype !== place.dtype) return `${label()} is of another type than its buffer`;
    return undefined;
  };
  for (const [i, place] of inputs.entries()) {
    const found = wrong(place, () => inputLabel(spec, i));
    if (found !== undefined) return found;
  }
  for (const [i, place] of outputs.entries()) {
    const found = wrong(place, () => plain(spec.outputs[i]));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Memory that two operands share where the operation does not allow it. */
function wrongOverlap({ inputs, outputs }: Instruction, spec: OperationSpec): string | undefined {
  const outputLabel = (o: number): string => plain(spec.outputs[o]);
  for (const [o, output] of outputs.entries()) {
    for (let p = 0; p < o; p++) {
      if (meet(output, outputs[p])) return `${outputLabel(o)} overlaps ${outputLabel(p)}`;
    }
    for (const [i, input] of inputs.entries()) {
      if (!meet(output, input)) continue;
      const isAllowed = spec.inPlace?.some(([mine, theirs]) => mine === o && theirs === i) === true;
      if (isAllowed && output?.offset === input?.offset && output?.length === input?.length) continue;
      return `${outputLabel(o)} overlaps ${inputLabel(spec, i)}`;
    }
  }
  if (spec.mutates === undefined) return undefined;
  for (const [m, mutated] of inputs.entries()) {
    if (!spec.mutates.includes(nameIndex(spec, m))) continue;
    for (const [i, input] of inputs.entries()) {
      if (i !== m && meet(mutated, input)) return `${inputLabel(spec, m)} overlaps ${inputLabel(spec, i)}`;
    }
  }
  return undefined;
}

function meet(a: Place | undefined, b: Place | undefined): boolean {
  if (a === undefined || b === undefined || a.slot !== b.slot || a.length === 0 || b.length === 0) return false;
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

/** Attributes out of range, and lengths that are not what they say. */
function wrongLength({ operation, inputs, outputs, attributes }: Instruction, spec: OperationSpec): string | undefined {
  let wrong: string | undefined;
  const fail = (text: string): void => {
    wrong ??= text;
  };
  const compare = (place: Place | undefined, label: string, shape: readonly number[]): void => {
    if (place === undefined || wrong !== undefined) return;
    // Beyond 2^53 a product is no longer exact, and no length either.
    const entries = shape.reduce((product, size) => product * size, 1);
    const isEndless = entries === 0 && Math.max(...shape) > MOST_OF_NOTHING;
    if (place.length === entries && !isEndless) return;
    fail(`${label} has ${place.length} entries, the attributes say [${shape.join(', ')}]`);
  };
  const check: OperandCheck = {
    attributes: attributes.length,
    inputs: inputs.length,
    attribute: (index) => attributes[index],
    size(index, least = 0) {
      const value = attributes[index];
      if (isInteger(value, least, MOST)) return value;
      const wanted = isInteger(value, 0, MOST) ? `at least ${least}` : 'a count';
      fail(`${spec.attributes[index]} is ${value}, want ${wanted}`);
      return least;
    },
    kind(index, count) {
      const value = attributes[index];
      if (isInteger(value, 0, count - 1)) return value;
      fail(`${spec.attributes[index]} is ${value}, want an integer below ${count}`);
      return 0;
    },
    lengthOf: (index) => inputs[index]?.length ?? 0,
    has: (name) => placeOf(name) !== undefined,
    operand: (name, ...shape) => compare(placeOf(name), name, shape),
    input: (index, ...shape) => compare(inputs[index], inputLabel(spec, index), shape),
    require(condition, otherwise) {
      if (!condition) fail(otherwise);
    },
  };
  function placeOf(name: string): Place | undefined {
    const input = spec.inputs.findIndex((own) => plain(own) === name);
    if (input >= 0) return inputs[input];
    return outputs[spec.outputs.findIndex((own) => plain(own) === name)];
  }
  OPERAND_LENGTHS[operation](check);
  return wrong;
}

/** A name without its marks. */
function plain(name: string): string {
  return name.replace(/[?:].*$/, '');
}

/** The place of input `i` among the operation's names, those that repeat included. */
function nameIndex(spec: OperationSpec, i: number): number {
  const repeats = spec.variadic ?? 0;
  const fixed = spec.inputs.length - repeats;
  return i < fixed || repeats === 0 ? i : fixed + ((i - fixed) % repeats);
}

/** `gradient 3` where names repeat. */
function inputLabel(spec: OperationSpec, i: number): string {
  const fixed = spec.inputs.length - (spec.variadic ?? 0);
  const name = plain(spec.inputs[nameIndex(spec, i)]);
  return spec.variadic === undefined || i < fixed ? name : `${name} ${Math.floor((i - fixed) / spec.variadic)}`;
}
