/**
 * The form of a WebGPU kernel: WGSL over named operands, without a word about where they lie.
 *
 * WebGPU forbids a dispatch to bind a buffer twice when either binding may write, and most tensors of a program lie in one
 * buffer, the arena. So a kernel does not bind its operands: it names them, and this file writes the functions by which its
 * body reads and writes them, for whatever buffers they turn out to share (bindings.ts). Buffers are bound as 32-bit words,
 * and each operand's first word is a uniform, so that one pipeline serves all shapes and places of a kernel.
 *
 * For an operand `x` of kind f32 the body has `x(i)`, and where it may be written `set_x(i, value)`. A kernel with
 * `vectors` sees its buffers as vectors of four words: `x4(i)` and `set_x4(i, value)` are the i-th vector, `x(i)` the i-th
 * entry, and there is no `set_x`, because writing a part of a vector may write all of it.
 */
import type { Place } from '../backend.ts';

export interface Operand {
  readonly name: string;
  readonly type: 'f32' | 'i32';
  readonly access: 'read' | 'write' | 'readWrite';
}

export type ParameterType = 'u32' | 'i32' | 'f32';

export interface KernelSource {
  /** Says what the WGSL is: kernels of one name and other text must differ in it. */
  readonly name: string;
  readonly operands: readonly Operand[];
  /** Uniforms: in the body `p.rows` and so on. */
  readonly parameters: Readonly<Record<string, ParameterType>>;
  readonly workgroupSize: readonly [x: number, y?: number, z?: number];
  /** Buffers are seen as vectors. Places of operands that are used as such are multiples of four words, others anywhere. */
  readonly vectors?: boolean;
  /** The body may call `fault(entry)`: the instruction fails, naming the lowest such entry of its operand `blames`. */
  readonly faults?: boolean;
  /** WGSL extensions that it needs, such as `f16`; with `subgroups` the body sees `subgroup_lane` and `subgroup_size`. */
  readonly enables?: readonly string[];
  /** WGSL of module scope: workgroup memory, functions. */
  readonly declarations?: string;
  /**
   * WGSL of `main`. It sees `workgroup` and `workgroups` (vec3u), `local` (vec3u), `lane` (local index), `group` (linear
   * index of the workgroup over x and y), and `entry` = group · size of a workgroup + lane.
   */
  readonly body: string;
}

/** One kernel over places. */
export interface Dispatch {
  readonly kernel: KernelSource;
  /** By the operands' names. */
  readonly places: Readonly<Record<string, KernelPlace>>;
  /** By the parameters' names. */
  readonly parameters: Readonly<Record<string, number>>;
  readonly workgroups: readonly [x: number, y: number, z: number];
}

/** Where words lie: a place of the program, or the memory that kernels share within an instruction. */
export type KernelPlace = Pick<Place, 'slot' | 'offset' | 'length'>;

/** The slot of scratch memory. */
export const SCRATCH = -1;

/** An operand in the arguments of a kernel, to be read. */
export const reads = (name: string, type: Operand['type'] = 'f32'): Operand => ({ name, type, access: 'read' });
export const writes = (name: string, type: Operand['type'] = 'f32'): Operand => ({ name, type, access: 'write' });
export const updates = (name: string, type: Operand['type'] = 'f32'): Operand => ({ name, type, access: 'readWrite' });

/** The place of `count` words from entry `start` of another place. */
export function part(place: KernelPlace, start: number, count: number): KernelPlace {
  return { slot: place.slot, offset: place.offset + start, length: count };
}

/** Whether all places begin at a multiple of four words: what a kernel with `vectors` asks. */
export function areVectors(...places: readonly (KernelPlace | undefined)[]): boolean {
  return places.every((place) => place === undefined || place.offset % 4 === 0);
}

/**
 * The whole module of a kernel. `bindingOf` gives the binding of each operand; operands in one buffer share one.
 * Binding 0 holds the uniforms, the words of operand `x` begin at word `at_x` of its binding.
 */
export function moduleOf(kernel: KernelSource, bindingOf: readonly number[]): string {
  const { operands, parameters, vectors = false, faults = false, workgroupSize } = kernel;
  const word = vectors ? 'vec4u' : 'u32';
  const count = Math.max(-1, ...bindingOf) + 1;
  const [x, y = 1, z = 1] = workgroupSize;
  const lines = (kernel.enables ?? []).map((name) => `enable ${name};`);
  lines.push('struct Parameters {');
  for (const { name } of operands) lines.push(`  at_${name}: u32,`);
  if (faults) lines.push('  fault_at: u32,');
  for (const [name, type] of Object.entries(parameters)) lines.push(`  ${name}: ${type},`);
  // A uniform structure must not be empty.
  if (operands.length === 0 && Object.keys(parameters).length === 0) lines.push('  unused: u32,');
  lines.push('}', '@group(0) @binding(0) var<uniform> p: Parameters;');
  for (let i = 0; i < count; i++)
    lines.push(`@group(0) @binding(${i + 1}) var<storage, read_write> memory${i}: array<${word}>;`);
  if (faults)
    lines.push(
      `@group(0) @binding(${count + 1}) var<storage, read_write> faults: array<atomic<u32>>;`,
      'fn fault(entry: u32) { atomicMin(&faults[p.fault_at], entry); }',
    );
  operands.forEach((operand, i) => {
    lines.push(...accessors(operand, `memory${bindingOf[i]}`, vectors));
  });
  if (kernel.declarations !== undefined) lines.push(kernel.declarations);
  lines.push(
    `@compute @workgroup_size(${x}, ${y}, ${z})`,
    'fn main(',
    '  @builtin(workgroup_id) workgroup: vec3u,',
    '  @builtin(num_workgroups) workgroups: vec3u,',
    '  @builtin(local_invocation_id) local: vec3u,',
    '  @builtin(local_invocation_index) lane: u32,',
    ...(kernel.enables?.includes('subgroups') === true
      ? ['  @builtin(subgroup_invocation_id) subgroup_lane: u32,', '  @builtin(subgroup_size) subgroup_size: u32,']
      : []),
    ') {',
    '  let group = workgroup.y * workgroups.x + workgroup.x;',
    `  let entry = group * ${x * y * z}u + lane;`,
    kernel.body,
    '}',
  );
  return lines.join('\n');
}

function accessors({ name, type, access }: Operand, memory: string, vectors: boolean): string[] {
  const lines: string[] = [];
  const [read, written] = [access !== 'write', access !== 'read'];
  if (vectors) {
    const vector = type === 'f32' ? 'vec4f' : 'vec4i';
    const at = `(p.at_${name} >> 2u) + i`;
    if (read) {
      lines.push(`fn ${name}4(i: u32) -> ${vector} { return bitcast<${vector}>(${memory}[${at}]); }`);
      lines.push(
        `fn ${name}(i: u32) -> ${type} { let n = p.at_${name} + i; return bitcast<${type}>(${memory}[n >> 2u][n & 3u]); }`,
      );
    }
    if (written) lines.push(`fn set_${name}4(i: u32, v: ${vector}) { ${memory}[${at}] = bitcast<vec4u>(v); }`);
    return lines;
  }
  const at = `${memory}[p.at_${name} + i]`;
  if (read) lines.push(`fn ${name}(i: u32) -> ${type} { return bitcast<${type}>(${at}); }`);
  if (written) lines.push(`fn set_${name}(i: u32, v: ${type}) { ${at} = bitcast<u32>(v); }`);
  return lines;
}
