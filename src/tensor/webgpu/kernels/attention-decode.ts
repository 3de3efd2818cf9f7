/**
 * Attention of few queries over many keys, as when text is generated: what takes time is reading the keys and values
 * once, so a workgroup takes all query heads that share them (up to eight rows), and the keys are split over many
 * workgroups, whose parts attention-merge.ts puts together (flash decoding).
 *
 * How many keys are in use the kernel learns from its masks when it runs: it splits those, in steps of 128, so that a long
 * cache that is nearly empty costs no more than a short one. Of 128 keys each thread scores one, for all rows; then a
 * thread's numbers of the head are summed over the keys.
 */
import { type KernelSource, reads, writes } from '../kernel.ts';
import type { AdapterLimits } from '../lowering.ts';
import { UNSEEN } from './attention-forward.ts';
import { each, headReader, headWriter, quadWriter } from './attention-tiles.ts';
import { hullDeclarations, hullStatements, type Visibility } from './attention-visibility.ts';

/** Keys of a step, and threads. */
export const DECODE_KEYS = 128;
/** Partial results of a reduction that every thread reads. */
const PARTIALS = 16;

export const DECODE_PARAMETERS = {
  groups: 'u32',
  splits: 'u32',
  row_tiles: 'u32',
  key_heads: 'u32',
  heads_per_key: 'u32',
  rows: 'u32',
  scale: 'f32',
  first_key: 'u32',
  end_key: 'u32',
  /** As in forwardKernel. */
  q_batch: 'u32',
  q_row: 'u32',
  k_batch: 'u32',
  k_row: 'u32',
  head: 'u32',
} as const;

/** Rows of a tile: four or eight, as there are and as workgroup memory allows. */
export function decodeRows(headDim: number, rows: number, limits: AdapterLimits, isDualChunk: boolean): 4 | 8 {
  return rows > 4 && decodeBytes(headDim, 8, isDualChunk) <= limits.maxWorkgroupBytes ? 8 : 4;
}

function decodeBytes(headDim: number, rows: number, isDualChunk: boolean): number {
  const queries = (isDualChunk ? 3 : 1) * rows * Math.ceil(headDim / 4);
  return 16 * (queries + (rows / 4) * (DECODE_KEYS + PARTIALS)) + 64;
}

/** Parts [splits, batch, key heads, row tiles · tileRows, headDim] and their lse, as forwardKernel; row t·group + head. */
export function decodeKernel(
  headDim: number,
  tileRows: 4 | 8,
  visibility: Visibility,
  vectors: boolean,
  isDualChunk: boolean,
): KernelSource {
  const headVectors = Math.ceil(headDim / 4);
  const quads = tileRows / 4;
  const keyLanes = Math.floor(DECODE_KEYS / headVectors);
  const names = isDualChunk ? ['q', 'q_successive', 'q_inter'] : ['q'];
  /** For each vector of four rows, and for each row. */
  const byQuad = (text: (i: number) => string): string => each(quads, text, '\n    ');
  const byRow = (text: (r: number, quad: number, i: number) => string): string =>
    each(tileRows, (r) => text(r, Math.floor(r / 4), r % 4), '\n    ');
  /** Declares `result` of `value`, both of each quad: over all threads. */
  const reduce = (result: string, value: string, combine: (a: string, b: string) => string): string => `
    workgroupBarrier();
    ${byQuad((i) => `shared_numbers[lane * ${quads}u + ${i}u] = ${value}${i};`)}
    workgroupBarrier();
    if (lane < ${PARTIALS}u) {
      ${byQuad((i) => `var part${i} = shared_numbers[lane * ${quads}u + ${i}u];`)}
      for (var n = lane + ${PARTIALS}u; n < ${DECODE_KEYS}u; n += ${PARTIALS}u) {
        ${byQuad((i) => `part${i} = ${combine(`part${i}`, `shared_numbers[n * ${quads}u + ${i}u]`)};`)}
      }
      ${byQuad((i) => `partials[lane * ${quads}u + ${i}u] = part${i};`)}
    }
    workgroupBarrier();
    ${byQuad((i) => `var ${result}${i} = partials[${i}];`)}
    for (var n = 1u; n < ${PARTIALS}u; n++) {
      ${byQuad((i) => `${result}${i} = ${combine(`${result}${i}`, `partials[n * ${quads}u + ${i}u]`)};`)}
    }`;
  const kind = (r: number): string =>
    `let kind${r} = u32(clamp(chunk${r} - i32(key / p.chunk_length), 0, 2)) * ${tileRows * headVectors}u;`;
  return {
    name: `${isDualChunk ? 'dual chunk ' : ''}attention of few d${headDim} r${tileRows} ${visibility.name}${vectors ? ' 4' : ''}`,
    operands: [
      ...names.map((name) => reads(name)),
      reads('k'),
      reads('v'),
      ...visibility.operands,
      writes('out'),
      writes('lse'),
    ],
    parameters: {
      ...DECODE_PARAMETERS,
      ...(isDualChunk && { chunk_length: 'u32' as const }),
      ...visibility.parameters,
    },
    workgroupSize: [DECODE_KEYS],
    vectors,
    declarations: [
      ...[...names, 'k', 'v'].map((name) => headReader(name, headDim, vectors)),
      headWriter('out', headDim, vectors),
      quadWriter('lse', vectors),
      visibility.declarations(vectors),
      hullDeclarations(visibility),
      `var<workgroup> queries: array<vec4f, ${names.length * tileRows * headVectors}>;
var<workgroup> shared_numbers: array<vec4f, ${DECODE_KEYS * quads}>;
var<workgroup> partials: array<vec4f, ${PARTIALS * quads}>;`,
    ].join('\n'),
    body: `if (group >= p.groups) { return; }
  let split = group % p.splits;
  let row_tile = (group / p.splits) % p.row_tiles;
  let key_head = (group / (p.splits * p.row_tiles)) % p.key_heads;
  let b = group / (p.splits * p.row_tiles * p.key_heads);
  let first_row = row_tile * ${tileRows}u;
  let last_row = min(first_row + ${tileRows - 1}u, p.rows - 1u);
  let part = ((split * (p.groups / (p.splits * p.row_tiles * p.key_heads)) + b) * p.key_heads + key_head) * p.row_tiles + row_tile;
  ${hullStatements(visibility, 'b', 'first_row / p.heads_per_key', 'last_row / p.heads_per_key')}
  let first = max(select(hull.z, min(hull.x, hull.z), hull.x < hull.y), p.first_key);
  let end = min(max(hull.y, hull.w), p.end_key);
  let used = max(end, first) - first;
  let step = ((used + ${DECODE_KEYS - 1}u) / ${DECODE_KEYS}u + p.splits - 1u) / p.splits * ${DECODE_KEYS}u;
  let split_end = min(end, first + (split + 1u) * step);
  var start = first + split * step;
  if (start >= split_end) {
    if (lane < ${quads}u) { write_lse(part * ${tileRows}u + 4u * lane, vec4f(${UNSEEN})); }
    return;
  }
  for (var i = lane; i < ${names.length * tileRows * headVectors}u; i += ${DECODE_KEYS}u) {
    let d = i % ${headVectors}u;
    let row = first_row + (i / ${headVectors}u) % ${tileRows}u;
    var v = vec4f();
    if (row < p.rows) {
      let head = key_head * p.heads_per_key + row % p.heads_per_key;
      let at = b * p.q_batch + row / p.heads_per_key * p.q_row + head * p.head;
      ${names.map((name, i) => `if (i / ${tileRows * headVectors}u == ${i}u) { v = read_${name}(at, d); }`).join('\n      ')}
    }
    queries[i] = v;
  }
  ${byRow(
    (r) => `var keys${r} = vec4u();
    if (first_row + ${r}u < p.rows) { keys${r} = visible(b, (first_row + ${r}u) / p.heads_per_key); }
    ${isDualChunk ? `let chunk${r} = max(place_of(b, (first_row + ${r}u) / p.heads_per_key), 0) / i32(p.chunk_length);` : ''}`,
  )}
  workgroupBarrier();
  let k_head = b * p.k_batch + key_head * p.head;
  let column = lane % ${headVectors}u;
  let key_lane = lane / ${headVectors}u;
  ${byQuad((i) => `var most${i} = vec4f(${UNSEEN}); var sum${i} = vec4f();`)}
  ${byRow((r) => `var o${r} = vec4f();`)}
  for (; start < split_end; start += ${DECODE_KEYS}u) {
    // Between the prefix and the window.
    if (start >= hull.y && start + ${DECODE_KEYS}u <= hull.z) { continue; }
    let key = start + lane;
    ${byQuad((i) => `var s${i} = vec4f(); var seen${i} = vec4<bool>();`)}
    if (key < split_end) {
      let at = k_head + (key - p.first_key) * p.k_row;
      ${isDualChunk ? byRow(kind) : ''}
      for (var d = 0u; d < ${headVectors}u; d++) {
        let k = read_k(at, d);
        ${byQuad((i) => `s${i} += vec4f(${each(4, (n) => `dot(k, queries[${isDualChunk ? `kind${4 * i + n} + ` : ''}${(4 * i + n) * headVectors}u + d])`, ', ')});`)}
      }
      ${byRow((r, quad, i) => `seen${quad}[${i}] = (key - keys${r}.x < keys${r}.y) | (key - keys${r}.z < keys${r}.w);`)}
    }
    ${byQuad((i) => `s${i} = select(vec4f(${UNSEEN}), s${i} * p.scale, seen${i});`)}
    ${reduce('highest', 's', (a, b) => `max(${a}, ${b})`)}
    ${byQuad(
      (i) => `highest${i} = max(highest${i}, most${i});
    let shrink${i} = exp2(most${i} - highest${i});
    most${i} = highest${i};
    s${i} = select(vec4f(), exp2(s${i} - most${i}), seen${i});
    sum${i} = sum${i} * shrink${i} + s${i};
    shared_numbers[lane * ${quads}u + ${i}u] = s${i};`,
    )}
    ${byRow((r, quad, i) => `o${r} *= shrink${quad}[${i}];`)}
    workgroupBarrier();
    if (key_lane < ${keyLanes}u) {
      let count = min(split_end - start, ${DECODE_KEYS}u);
      for (var n = key_lane; n < count; n += ${keyLanes}u) {
        let v = read_v(k_head + (start + n - p.first_key) * p.k_row, column);
        ${byQuad((i) => `let w${i} = shared_numbers[n * ${quads}u + ${i}u];`)}
        ${byRow((r, quad, i) => `o${r} += w${quad}[${i}] * v;`)}
      }
    }
  }
  ${reduce('weight', 'sum', (a, b) => `${a} + ${b}`)}
  if (lane == 0u) {
    ${byQuad((i) => `write_lse(part * ${tileRows}u + ${4 * i}u, select(most${i} + log2(weight${i}), vec4f(${UNSEEN}), weight${i} == vec4f()));`)}
  }
  // A loop, which compiles sooner; what it indexes is read once.
  let totals = array<vec4f, ${tileRows}>(${each(tileRows, (r) => `o${r}`, ', ')});
  let weights = array<vec4f, ${quads}>(${each(quads, (i) => `weight${i}`, ', ')});
  for (var r = 0u; r <= last_row - first_row; r++) {
    workgroupBarrier();
    shared_numbers[lane] = totals[r];
    workgroupBarrier();
    let weight = weights[r / 4u][r % 4u];
    if ((key_lane == 0u) & (weight != 0.0)) {
      var v = shared_numbers[lane];
      for (var n = 1u; n < ${keyLanes}u; n++) { v += shared_numbers[n * ${headVectors}u + lane]; }
      write_out((part * ${tileRows}u + r) * p.head, column, v / weight);
    }
  }`,
  };
}
