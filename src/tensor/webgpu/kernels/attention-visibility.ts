/**
 * Which keys a query sees, in WGSL: two ranges of keys, one that its prefix gives and one that the causal mask and the
 * window give, both cut to the keys in use and to the query's segment. Segment ids never decrease within a row, so a
 * segment is a range, found by halving.
 *
 * Kernels call `visible(b, t)`, a vec4u of (first, count) of either range, and decide by a `hull`, the ends of all ranges of
 * a tile of queries, which tiles of keys they may pass over. Without segments both are computed where they are needed;
 * with segments a kernel of its own writes them down once per instruction.
 */
import type { Dispatch, KernelPlace, Operand } from '../kernel.ts';
import { part, reads, writes } from '../kernel.ts';
import type { LoweringContext } from '../lowering.ts';

export interface AttentionSizes {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly causal: boolean;
  readonly window: number;
}

export interface MaskPlaces {
  readonly segmentIds?: KernelPlace | undefined;
  readonly prefix?: KernelPlace | undefined;
  readonly keyRange?: KernelPlace | undefined;
}

/** Queries of a tile: hulls are of so many. */
export const QUERY_TILE = 64;

/** How kernels of an instruction learn what is visible. */
export interface Visibility {
  /** What kernels with other WGSL for it differ in. */
  readonly name: string;
  readonly operands: readonly Operand[];
  /** For the rows [first, first + count) of the batch, which kernels count from 0. */
  places(first: number, count: number): Record<string, KernelPlace>;
  readonly parameters: Record<string, 'u32'>;
  readonly values: Record<string, number>;
  /** WGSL of `visible(b, t)` and `tile_hull(b, t, last)`, where `t` is the first query of a tile and `last` its last one. */
  readonly declarations: (vectors: boolean) => string;
  /** Whether `tile_hull` is the same for all threads by WGSL's rules; otherwise one thread must hand it to the others. */
  readonly isUniform: boolean;
  /** Kernels that must have run before. */
  readonly dispatches: readonly Dispatch[];
}

const PARAMETERS = { time_queries: 'u32', time_keys: 'u32', causal: 'u32', window: 'u32' } as const;

function values({ queries, keys, causal, window }: AttentionSizes): Record<string, number> {
  // A window this large hides no key, and leaves room to count in 32 bits.
  const most = 2 ** 29;
  return { time_queries: queries, time_keys: keys, causal: Number(causal), window: Math.min(window, most) };
}

function maskOperands(masks: MaskPlaces): Operand[] {
  const operands: Operand[] = [];
  if (masks.segmentIds !== undefined) operands.push(reads('segment_ids', 'i32'));
  if (masks.prefix !== undefined) operands.push(reads('prefix_end', 'i32'));
  if (masks.keyRange !== undefined) operands.push(reads('key_range', 'i32'));
  return operands;
}

function maskPlaces(masks: MaskPlaces, keys: number, first: number, count: number): Record<string, KernelPlace> {
  const { segmentIds, prefix, keyRange } = masks;
  return {
    ...(segmentIds && { segment_ids: part(segmentIds, first * keys, count * keys) }),
    ...(prefix && { prefix_end: part(prefix, first, count) }),
    ...(keyRange && { key_range: part(keyRange, 2 * first, 2 * count) }),
  };
}

const SEGMENT_START = `
// The first key of batch row b whose segment is at least \`id\`.
fn segment_start(b: u32, id: i32) -> i32 {
  var low = 0u;
  var high = p.time_keys;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (segment_ids(b * p.time_keys + middle) < id) { low = middle + 1u; } else { high = middle; }
  }
  return i32(low);
}`;

/** `visible` from the masks themselves, and `place_of`, the key at which a query stands. */
function computed(masks: MaskPlaces): string {
  const { segmentIds, prefix, keyRange } = masks;
  const keys = 'i32(p.time_keys)';
  const used = (entry: string): string => `clamp(key_range(${entry}), 0, ${keys})`;
  const segment = `  let id = segment_ids(b * p.time_keys + t);
  least = max(least, segment_start(b, id));
  // No id is larger than the largest, and one more than that would not be a number.
  if (id < 0x7fffffff) { most = min(most, segment_start(b, id + 1)); }`;
  return `${segmentIds === undefined ? '' : SEGMENT_START}
fn place_of(b: u32, t: u32) -> i32 {
  return ${keyRange === undefined ? keys : used('2u * b + 1u')} - i32(p.time_queries) + i32(t);
}
fn visible(b: u32, t: u32) -> vec4u {
  let place = place_of(b, t);
  var least = ${keyRange === undefined ? '0' : used('2u * b')};
  var most = ${keyRange === undefined ? keys : used('2u * b + 1u')};
${segmentIds === undefined ? '' : segment}
  var first = least;
  var end = most;
  if (p.causal != 0u) { end = min(end, place + 1); }
  if (p.window != 0u) { first = max(first, place - i32(p.window) + 1); }
  let prefix = ${prefix === undefined ? 'least' : 'min(most, prefix_end(b))'};
  return vec4u(u32(least), u32(max(prefix - least, 0)), u32(first), u32(max(end - first, 0)));
}`;
}

/** Without segments both ends of the second range rise with the query, and the first range is that of all. */
const COMPUTED_HULL = `
fn tile_hull(b: u32, t: u32, last: u32) -> vec4u {
  let low = visible(b, t);
  let high = visible(b, last);
  return vec4u(low.x, low.x + low.y, low.z, high.z + high.w);
}`;

/** One workgroup for a tile of queries: their ranges, and the hull of each (first is above every key where it is empty). */
function rangesDispatch(
  context: LoweringContext,
  sizes: AttentionSizes,
  masks: MaskPlaces,
  ranges: KernelPlace,
  hulls: KernelPlace,
): Dispatch {
  const tiles = Math.ceil(sizes.queries / QUERY_TILE);
  const has = [masks.segmentIds, masks.prefix, masks.keyRange].map((place) => Number(place !== undefined)).join('');
  return {
    kernel: {
      name: `attention ranges ${has}`,
      operands: [...maskOperands(masks), writes('ranges', 'i32'), writes('hulls', 'i32')],
      parameters: { ...PARAMETERS, tiles: 'u32', groups: 'u32' },
      workgroupSize: [QUERY_TILE],
      // Firsts are kept as their complement, whose largest is wanted.
      declarations: `${computed(masks)}
var<workgroup> ends: array<atomic<u32>, 4>;`,
      body: `if (group >= p.groups) { return; }
  let b = group / p.tiles;
  let t = (group % p.tiles) * ${QUERY_TILE}u + lane;
  if (lane < 4u) { atomicStore(&ends[lane], 0u); }
  workgroupBarrier();
  if (t < p.time_queries) {
    let keys = visible(b, t);
    for (var i = 0u; i < 4u; i++) { set_ranges(4u * (b * p.time_queries + t) + i, i32(keys[i])); }
    if (keys.y > 0u) {
      atomicMax(&ends[0], ~keys.x);
      atomicMax(&ends[1], keys.x + keys.y);
    }
    if (keys.w > 0u) {
      atomicMax(&ends[2], ~keys.z);
      atomicMax(&ends[3], keys.z + keys.w);
    }
  }
  workgroupBarrier();
  if (lane < 4u) {
    let end = atomicLoad(&ends[lane]);
    set_hulls(4u * group + lane, bitcast<i32>(select(~end, end, (lane & 1u) == 1u)));
  }`,
    },
    places: { ...maskPlaces(masks, sizes.keys, 0, sizes.batch), ranges, hulls },
    parameters: { ...values(sizes), tiles, groups: sizes.batch * tiles },
    workgroups: context.grid(sizes.batch * tiles),
  };
}

function writtenDown(context: LoweringContext, sizes: AttentionSizes, masks: MaskPlaces): Visibility {
  const { batch, queries } = sizes;
  const tiles = Math.ceil(queries / QUERY_TILE);
  const ranges = context.scratch(4 * batch * queries);
  const hulls = context.scratch(4 * batch * tiles);
  const read = (vectors: boolean, name: string, index: string): string =>
    vectors
      ? `bitcast<vec4u>(${name}4(${index}))`
      : `bitcast<vec4u>(vec4i(${[0, 1, 2, 3].map((i) => `${name}(4u * (${index}) + ${i}u)`).join(', ')}))`;
  return {
    name: 'ranges',
    operands: [reads('ranges', 'i32'), reads('hulls', 'i32')],
    places: (first, count) => ({
      ranges: part(ranges, 4 * first * queries, 4 * count * queries),
      hulls: part(hulls, 4 * first * tiles, 4 * count * tiles),
    }),
    parameters: PARAMETERS,
    values: values(sizes),
    declarations: (vectors) => `
fn visible(b: u32, t: u32) -> vec4u { return ${read(vectors, 'ranges', 'b * p.time_queries + t')}; }
fn tile_hull(b: u32, t: u32, last: u32) -> vec4u {
  let tiles = (p.time_queries + ${QUERY_TILE - 1}u) / ${QUERY_TILE}u;
  return ${read(vectors, 'hulls', `b * tiles + t / ${QUERY_TILE}u`)};
}`,
    isUniform: false,
    dispatches: [rangesDispatch(context, sizes, masks, ranges, hulls)],
  };
}

/**
 * The visibility of an instruction. `isCheap` where kernels may compute it from `prefix` and `keyRange`, which costs them
 * two more bindings; segments are always written down first.
 */
export function visibilityOf(
  context: LoweringContext,
  sizes: AttentionSizes,
  masks: MaskPlaces,
  isCheap: boolean,
): Visibility {
  const { segmentIds, prefix, keyRange } = masks;
  const isPlain = prefix === undefined && keyRange === undefined;
  if (segmentIds !== undefined || !(isPlain || isCheap)) return writtenDown(context, sizes, masks);
  const names = ['plain', 'prefix', 'range', 'prefix range'];
  return {
    name: names[Number(prefix !== undefined) + 2 * Number(keyRange !== undefined)],
    operands: maskOperands(masks),
    places: (first, count) => maskPlaces(masks, sizes.keys, first, count),
    parameters: PARAMETERS,
    values: values(sizes),
    declarations: () => computed(masks) + COMPUTED_HULL,
    isUniform: isPlain,
    dispatches: [],
  };
}

/** WGSL of module scope for `hullStatements`. */
export function hullDeclarations({ isUniform }: Visibility): string {
  return isUniform ? '' : 'var<workgroup> shared_hull: vec4u;';
}

/** WGSL that sets `hull`, alike for all threads. */
export function hullStatements({ isUniform }: Visibility, b: string, first: string, last: string): string {
  const call = `tile_hull(${b}, ${first}, ${last})`;
  if (isUniform) return `let hull = ${call};`;
  return `if (lane == 0u) { shared_hull = ${call}; }
  let hull = workgroupUniformLoad(&shared_hull);`;
}
