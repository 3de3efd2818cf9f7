/**
 * Operations entry by entry: one WGSL function, applied to vectors of four entries where lengths and places allow, else to
 * single ones. Inside the function `T` is the type of either.
 */
import { areVectors, type Dispatch, type KernelPlace, type KernelSource, part, reads, writes } from '../kernel.ts';
import type { LoweringContext } from '../lowering.ts';

const GROUP = 256;

/** What is computed for each entry: of T (f32 or vec4f), B (bool or vectors of it) and U (u32 or vec4u). */
export interface EntryFunction {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly parameters?: Readonly<Record<string, number>>;
  /** Functions that `compute` calls. */
  readonly declarations?: string;
  /** WGSL from `x_` of each input x, a T, to a `y_` for each output y. */
  readonly compute: string | ((isVector: boolean) => string);
  /** Of all operands; T is then i32 or vec4i. */
  readonly type?: 'i32';
}

function entryKernel(what: EntryFunction, isVector: boolean): KernelSource {
  const { name, inputs, outputs, parameters = {}, declarations = '', compute, type = 'f32' } = what;
  const suffix = isVector ? '4' : '';
  const lines = [
    'if (entry >= p.count) { return; }',
    ...inputs.map((input) => `  let ${input}_ = in_${input}${suffix}(entry);`),
    typeof compute === 'string' ? compute : compute(isVector),
    ...outputs.map((output) => `  set_out_${output}${suffix}(entry, ${output}_);`),
  ];
  const [t, b, u] = isVector ? [`vec4<${type}>`, 'vec4<bool>', 'vec4u'] : [type, 'bool', 'u32'];
  return {
    name: `${name}${suffix}`,
    operands: [
      ...inputs.map((input) => reads(`in_${input}`, type)),
      ...outputs.map((output) => writes(`out_${output}`, type)),
    ],
    parameters: { count: 'u32', ...Object.fromEntries(Object.keys(parameters).map((key) => [key, 'f32'])) },
    workgroupSize: [GROUP],
    vectors: isVector,
    declarations: `alias T = ${t};\nalias B = ${b};\nalias U = ${u};\n${declarations}`,
    body: lines.join('\n'),
  };
}

/** Dispatches of an entry function over places of one length, cut where a binding does not hold them. */
export function entrywise(
  context: LoweringContext,
  what: EntryFunction,
  places: { readonly inputs: readonly KernelPlace[]; readonly outputs: readonly KernelPlace[] },
  length: number,
): Dispatch[] {
  const all = [...places.inputs, ...places.outputs];
  const isVector = length % 4 === 0 && areVectors(...all);
  const kernel = entryKernel(what, isVector);
  // A place may begin inside an alignment.
  const most = context.limits.maxBindingWords - 2 * context.limits.alignmentWords;
  const dispatches: Dispatch[] = [];
  for (let start = 0; start < length; start += most) {
    const count = Math.min(most, length - start);
    const entries = isVector ? count / 4 : count;
    dispatches.push({
      kernel,
      places: Object.fromEntries([
        ...what.inputs.map((name, i) => [`in_${name}`, part(places.inputs[i], start, count)] as const),
        ...what.outputs.map((name, i) => [`out_${name}`, part(places.outputs[i], start, count)] as const),
      ]),
      parameters: { count: entries, ...what.parameters },
      workgroups: context.grid(Math.ceil(entries / GROUP)),
    });
  }
  return dispatches;
}
