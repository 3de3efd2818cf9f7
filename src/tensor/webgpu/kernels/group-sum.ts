/**
 * Sums, largest and smallest of the lanes of a workgroup, or of segments of adjacent lanes of it (rows that are short share
 * a workgroup). The order is fixed: it depends on nothing but the lanes, and on the adapter's size of subgroups.
 *
 * With subgroups lanes exchange values by a butterfly, and workgroup memory holds one value for each subgroup. Without
 * them it is a tree of two levels in workgroup memory, which waits thrice where a binary tree of 256 lanes waits nine times.
 *
 * A call waits for the whole workgroup (also once at its end, so that calls may follow one another): it must stand where
 * control flow is uniform, and lanes without a value give 0 or another neutral one. Every lane of a segment gets the result.
 */
import type { LoweringContext } from '../lowering.ts';

export interface GroupReduction {
  /** For `enables` of the kernel. */
  readonly enables: readonly string[];
  /** For `declarations` of the kernel, once for each kind and type. */
  readonly declarations: string;
  /** The WGSL expression of the reduction of `value`, an expression of every lane, in the body of the kernel. */
  of(value: string): string;
}

export interface GroupReductionShape {
  readonly kind: 'sum' | 'max' | 'min';
  readonly type: 'f32' | 'u32' | 'i32' | 'vec2f' | 'vec4f';
  /** The workgroup's size, at most 256. */
  readonly lanes: number;
  /** Lanes that are reduced together, a power of two that divides `lanes`; all of them when absent. */
  readonly segment?: number;
}

/** Entries that one lane adds up in a row where there are no subgroups. */
const WIDTH = 16;
/** WebGPU's smallest subgroup. */
const LEAST_SUBGROUP = 4;

/** A reduction for kernels of this adapter. */
export function groupReduction(
  { features }: Pick<LoweringContext, 'features'>,
  { kind, type, lanes, segment = lanes }: GroupReductionShape,
): GroupReduction {
  const name = `${kind}_${type}`;
  const join = (a: string, b: string): string => (kind === 'sum' ? `${a} + ${b}` : `${kind}(${a}, ${b})`);
  if (segment === 1) return { enables: [], declarations: '', of: (value) => `(${value})` };
  if (features.has('subgroups')) {
    return {
      enables: ['subgroups'],
      declarations: `
var<workgroup> ${name}_parts: array<${type}, ${lanes / Math.min(segment, LEAST_SUBGROUP)}>;
fn ${name}(value: ${type}, lane: u32, subgroup_size: u32) -> ${type} {
  var v = value;
  let within = min(subgroup_size, ${segment}u);
  for (var mask = 1u; mask < within; mask <<= 1u) { v = ${join('v', 'subgroupShuffleXor(v, mask)')}; }
  if ((lane & (within - 1u)) == 0u) { ${name}_parts[lane / within] = v; }
  workgroupBarrier();
  let parts = ${segment}u / within;
  let first = (lane / ${segment}u) * parts;
  v = ${name}_parts[first];
  for (var i = 1u; i < parts; i++) { v = ${join('v', `${name}_parts[first + i]`)}; }
  workgroupBarrier();
  return v;
}`,
      of: (value) => `${name}(${value}, lane, subgroup_size)`,
    };
  }
  const width = Math.min(segment, WIDTH);
  const fold = `
  if ((lane & ${segment - 1}u) < ${width}u) {
    var v = value;
    for (var i = 1u; i < ${segment / width}u; i++) { v = ${join('v', `${name}_parts[lane + ${width}u * i]`)}; }
    ${name}_parts[lane] = v;
  }
  workgroupBarrier();`;
  return {
    enables: [],
    declarations: `
var<workgroup> ${name}_parts: array<${type}, ${lanes}>;
fn ${name}(value: ${type}, lane: u32) -> ${type} {
  ${name}_parts[lane] = value;
  workgroupBarrier();${segment > width ? fold : ''}
  let first = lane & ${0x100000000 - segment}u;
  var total = ${name}_parts[first];
  for (var i = 1u; i < ${width}u; i++) { total = ${join('total', `${name}_parts[first + i]`)}; }
  workgroupBarrier();
  return total;
}`,
    of: (value) => `${name}(${value}, lane)`,
  };
}
