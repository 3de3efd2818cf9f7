/**
 * Gradients of attention from its result and lse, as in FlashAttention-2 (Dao, arXiv:2307.08691) but without atomic
 * additions, so that every run gives the same bits: one kernel walks, for a tile of keys, over the queries of all heads
 * that read it (dk and dv), another, for a tile of queries, over its keys (dq). Seven products of tiles where atomics
 * would need five. Both need of each query rowsum(dout∘out) and lse in powers of two, which a first kernel prepares.
 */
import { type KernelSource, reads, updates, writes } from '../kernel.ts';
import { seen, seenByRows } from './attention-forward.ts';
import {
  accumulators,
  each,
  eachAccumulator,
  headReader,
  headWriter,
  mix,
  quadReader,
  quadWriter,
  scores,
  setWeights,
  TILE_ROWS,
  type TileShape,
  threadPlaces,
  tileDeclarations,
  tileSource,
} from './attention-tiles.ts';
import { hullDeclarations, hullStatements, type Visibility } from './attention-visibility.ts';

/** Queries and threads to each of them in the kernel of `delta`. */
const DELTA_ROWS = 16;
const DELTA_LANES = 16;

export const DELTA_PARAMETERS = {
  groups: 'u32',
  tiles: 'u32',
  heads: 'u32',
  first_query: 'u32',
  query_count: 'u32',
  q_batch: 'u32',
  q_row: 'u32',
  head: 'u32',
  stat_rows: 'u32',
} as const;

/** Queries that a workgroup of deltaKernel takes. */
export const DELTA_QUERIES = DELTA_ROWS;

/** delta = rowsum(dout∘out) and log_sum = lse / ln 2, both [batch, heads, stat_rows]; log_sum is 0 where lse is −∞. */
export function deltaKernel(headDim: number, vectors: boolean): KernelSource {
  return {
    name: `attention delta d${headDim}${vectors ? ' 4' : ''}`,
    operands: [reads('dout'), reads('out'), reads('lse', 'i32'), writes('delta'), writes('log_sum')],
    parameters: DELTA_PARAMETERS,
    workgroupSize: [DELTA_ROWS * DELTA_LANES],
    vectors,
    declarations: [
      headReader('dout', headDim, vectors),
      headReader('out', headDim, vectors),
      quadWriter('delta', vectors),
      quadWriter('log_sum', vectors),
      `var<workgroup> sums: array<f32, ${DELTA_ROWS * (DELTA_LANES + 1)}>;`,
    ].join('\n'),
    body: `if (group >= p.groups) { return; }
  let head = (group / p.tiles) % p.heads;
  let b = group / (p.tiles * p.heads);
  let first_row = group % p.tiles * ${DELTA_ROWS}u;
  let row = first_row + lane / ${DELTA_LANES}u;
  if (row < p.query_count) {
    let at = b * p.q_batch + row * p.q_row + head * p.head;
    var sum = vec4f();
    for (var d = lane % ${DELTA_LANES}u; d < ${Math.ceil(headDim / 4)}u; d += ${DELTA_LANES}u) {
      sum += read_dout(at, d) * read_out(at, d);
    }
    sums[lane / ${DELTA_LANES}u * ${DELTA_LANES + 1}u + lane % ${DELTA_LANES}u] = sum.x + sum.y + sum.z + sum.w;
  }
  workgroupBarrier();
  // Four rows are a vector.
  let quad = first_row + 4u * lane;
  if (lane < ${DELTA_ROWS / 4}u && quad < p.query_count) {
    var total = vec4f();
    var logs = vec4f();
    for (var r = 0u; r < 4u; r++) {
      if (quad + r >= p.query_count) { break; }
      for (var i = 0u; i < ${DELTA_LANES}u; i++) { total[r] += sums[(4u * lane + r) * ${DELTA_LANES + 1}u + i]; }
      let bits = lse((b * p.query_count + quad + r) * p.heads + head);
      if (bits != -8388608) { logs[r] = bitcast<f32>(bits) * 1.44269504; }
    }
    let to = (b * p.heads + head) * p.stat_rows + p.first_query + quad;
    write_delta(to, total);
    write_log_sum(to, logs);
  }`,
  };
}

/** As in forwardKernel. Of the operands that are cut, queries from first_query and keys from first_key on. */
export const BACKWARD_PARAMETERS = {
  groups: 'u32',
  tiles: 'u32',
  heads: 'u32',
  heads_per_key: 'u32',
  scale: 'f32',
  /** For scores in powers of two. */
  score_scale: 'f32',
  first_query: 'u32',
  query_count: 'u32',
  first_key: 'u32',
  end_key: 'u32',
  q_batch: 'u32',
  q_row: 'u32',
  k_batch: 'u32',
  k_row: 'u32',
  head: 'u32',
  stat_rows: 'u32',
  /** Whether what the results hold is added to. */
  accumulate: 'u32',
} as const;

const q = tileSource('q', 'q_at', 'p.q_row', 'query_rows');
const dout = tileSource('dout', 'q_at', 'p.q_row', 'query_rows');
const k = tileSource('k', 'k_at', 'p.k_row', 'key_rows');
const v = tileSource('v', 'k_at', 'p.k_row', 'key_rows');

function readerLines(shape: TileShape, visibility: Visibility, vectors: boolean, results: readonly string[]): string {
  const { headDim } = shape;
  return [
    ...['q', 'k', 'v', 'dout', ...results].map((name) => headReader(name, headDim, vectors)),
    ...results.map((name) => headWriter(name, headDim, vectors)),
    quadReader('delta', vectors),
    quadReader('log_sum', vectors),
    visibility.declarations(vectors),
    hullDeclarations(visibility),
    tileDeclarations(shape),
  ].join('\n');
}

/** WGSL that writes an accumulator to the thread's rows of `name`, or adds it: one branch each, to compile the sooner. */
function writeRows(shape: TileShape, name: string, at: string, stride: string, count: string): string {
  const last = shape.headVectors - 1;
  const read = eachAccumulator(
    shape,
    name,
    (variable, r, d) =>
      `${variable} += read_${name}(${at} + min(4u * rows + ${r}u, ${count} - 1u) * ${stride}, min(${d}, ${last}u));`,
  );
  const write = eachAccumulator(
    shape,
    name,
    (variable, r, d) =>
      `if ((4u * rows + ${r}u < ${count}) & (${d} <= ${last}u)) { write_${name}(${at} + (4u * rows + ${r}u) * ${stride}, ${d}, ${variable}); }`,
  );
  return `if (p.accumulate != 0u) {\n${read}\n}\n${write}`;
}

/** dq of the queries that its operands hold, over the keys that they hold. */
export function queryGradKernel(shape: TileShape, visibility: Visibility, vectors: boolean): KernelSource {
  const { across, columns, columnsEach } = shape;
  return {
    name: `attention dq ${shape.name} ${visibility.name}${vectors ? ' 4' : ''}`,
    operands: [
      ...['dout', 'q', 'k', 'v', 'delta', 'log_sum'].map((name) => reads(name)),
      ...visibility.operands,
      updates('dq'),
    ],
    parameters: { ...BACKWARD_PARAMETERS, ...visibility.parameters },
    workgroupSize: [shape.threads],
    vectors,
    declarations: readerLines(shape, visibility, vectors, ['dq']),
    body: `if (group >= p.groups) { return; }
  let tile = p.tiles - 1u - group % p.tiles;
  let head = (group / p.tiles) % p.heads;
  let b = group / (p.tiles * p.heads);
  ${threadPlaces(shape)}
  let first_row = tile * ${TILE_ROWS}u;
  let query_rows = min(p.query_count - first_row, ${TILE_ROWS}u);
  let t = p.first_query + first_row;
  let q_at = b * p.q_batch + first_row * p.q_row + head * p.head;
  let k_head = b * p.k_batch + head / p.heads_per_key * p.head;
  ${hullStatements(visibility, 'b', 't', 't + query_rows - 1u')}
  ${seenByRows}
  var deltas = vec4f();
  var logs = vec4f();
  if (4u * rows < query_rows) {
    let at = (b * p.heads + head) * p.stat_rows + t + 4u * rows;
    deltas = read_delta(at);
    logs = read_log_sum(at);
  }
  ${accumulators(shape, 'dq')}
  let end = min(max(hull.y, hull.w), p.end_key);
  var key = max(select(hull.z, min(hull.x, hull.z), hull.x < hull.y), p.first_key);
  loop {
    if (key >= hull.y && key < hull.z) { key = hull.z; }
    if (key >= end) { break; }
    let key_rows = p.end_key - key;
    let k_at = k_head + (key - p.first_key) * p.k_row;
    ${scores(shape, 's', q, k)}
    ${each(
      columnsEach,
      (j) =>
        `s${j} = select(vec4f(), exp2(s${j} * p.score_scale - logs), ${seen('p.end_key', `key + column + ${j * across}u`)});`,
      '\n    ',
    )}
    ${scores(shape, 'g', dout, v)}
    ${setWeights(shape, (j) => `s${j} * (g${j} - deltas) * p.scale`)}
    ${mix(shape, 'dq', k, `min(end - key, ${columns}u)`)}
    key += ${columns}u;
  }
  ${writeRows(shape, 'dq', 'q_at', 'p.q_row', 'query_rows')}`,
  };
}

/** dk and dv of the keys that its operands hold, over the queries that they hold, head by head in order. */
export function keyGradKernel(shape: TileShape, visibility: Visibility, vectors: boolean): KernelSource {
  const { across, columns, columnsEach } = shape;
  return {
    name: `attention dk dv ${shape.name} ${visibility.name}${vectors ? ' 4' : ''}`,
    operands: [
      ...['dout', 'q', 'k', 'v', 'delta', 'log_sum'].map((name) => reads(name)),
      ...visibility.operands,
      updates('dk'),
      updates('dv'),
    ],
    parameters: { ...BACKWARD_PARAMETERS, ...visibility.parameters },
    workgroupSize: [shape.threads],
    vectors,
    declarations: readerLines(shape, visibility, vectors, ['dk', 'dv']),
    body: `if (group >= p.groups) { return; }
  // The first keys are seen by most queries: they go first.
  let tile = group % p.tiles;
  let key_heads = p.heads / p.heads_per_key;
  let key_head = (group / p.tiles) % key_heads;
  let b = group / (p.tiles * key_heads);
  ${threadPlaces(shape)}
  let first_row = tile * ${TILE_ROWS}u;
  let key = p.first_key + first_row;
  let key_rows = min(p.end_key - key, ${TILE_ROWS}u);
  let k_at = b * p.k_batch + first_row * p.k_row + key_head * p.head;
  let keys = vec4u(key + 4u * rows) + vec4u(0u, 1u, 2u, 3u);
  ${accumulators(shape, 'dk')}
  ${accumulators(shape, 'dv')}
  for (var first_query = 0u; first_query < p.query_count; first_query += ${columns}u) {
    let query_rows = min(p.query_count - first_query, ${columns}u);
    let t = p.first_query + first_query;
    ${hullStatements(visibility, 'b', 't', 't + query_rows - 1u')}
    let is_seen = (key < hull.y && key + key_rows > hull.x) || (key < hull.w && key + key_rows > hull.z);
    if (!is_seen) { continue; }
    for (var n = 0u; n < p.heads_per_key; n++) {
      let head = key_head * p.heads_per_key + n;
      let q_at = b * p.q_batch + first_query * p.q_row + head * p.head;
      let stats_at = (b * p.heads + head) * p.stat_rows + t;
      ${scores(shape, 's', k, q)}
      ${each(
        columnsEach,
        (j) => `if (column + ${j * across}u < query_rows) {
        let seen = visible(b, t + column + ${j * across}u);
        let is_visible = (keys - seen.x < vec4u(seen.y)) | (keys - seen.z < vec4u(seen.w));
        s${j} = select(vec4f(), exp2(s${j} * p.score_scale - log_sum(stats_at + column + ${j * across}u)), is_visible);
      } else { s${j} = vec4f(); }`,
        '\n      ',
      )}
      ${setWeights(shape, (j) => `s${j}`)}
      ${mix(shape, 'dv', dout, 'query_rows')}
      ${scores(shape, 'g', v, dout)}
      ${each(
        columnsEach,
        (j) =>
          `if (column + ${j * across}u < query_rows) { s${j} *= (g${j} - delta(stats_at + column + ${j * across}u)) * p.scale; }`,
        '\n      ',
      )}
      ${setWeights(shape, (j) => `s${j}`)}
      ${mix(shape, 'dk', q, 'query_rows')}
    }
  }
  ${writeRows(shape, 'dk', 'k_at', 'p.k_row', 'key_rows')}
  ${writeRows(shape, 'dv', 'k_at', 'p.k_row', 'key_rows')}`,
  };
}
