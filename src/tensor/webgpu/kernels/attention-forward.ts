/**
 * Attention by tiles of 64 queries: a workgroup walks over the keys that its queries see, a tile at a time, and keeps of
 * each query the largest score so far, the sum of the weights and the weighted sum of the values (online softmax: Milakov
 * and Gimelshein, arXiv:1805.02867; FlashAttention-2: Dao, arXiv:2307.08691). Scores are kept in powers of two.
 *
 * In dual chunk attention (An et al., arXiv:2402.17463) a query has three rotations; a tile of scores is computed for each
 * of those that it needs, mostly one.
 */
import { type KernelSource, reads, writes } from '../kernel.ts';
import {
  accumulators,
  acrossRow,
  each,
  eachAccumulator,
  headReader,
  headWriter,
  mix,
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

/** Of a key that is not seen, and of a query that sees none: less than any score. */
export const UNSEEN = '-1e30';

/** log₂ of the smallest weight sum that can be told from none. */
export const LEAST_LOG = -1e29;

/** Strides are in the kernel's units, vectors or words: from a batch row, head or time to the next. */
export const FORWARD_PARAMETERS = {
  groups: 'u32',
  tiles: 'u32',
  heads: 'u32',
  heads_per_key: 'u32',
  scale: 'f32',
  /** Of the operands q and out, and k and v, among all queries and keys. */
  first_query: 'u32',
  query_count: 'u32',
  first_key: 'u32',
  end_key: 'u32',
  q_batch: 'u32',
  q_row: 'u32',
  k_batch: 'u32',
  k_row: 'u32',
  out_batch: 'u32',
  out_head: 'u32',
  out_row: 'u32',
  head: 'u32',
  lse_rows: 'u32',
} as const;

const CHUNK_KINDS = `
fn read_q_kind(kind: u32, at: u32, d: u32) -> vec4f {
  if (kind == 0u) { return read_q(at, d); }
  if (kind == 1u) { return read_q_successive(at, d); }
  return read_q_inter(at, d);
}`;

/** The place of a query that sees no key may be negative. */
const chunkOf = (place: string): string => `max(${place}, 0) / i32(p.chunk_length)`;

/**
 * `out` and `lse`, in powers of two, [batch, heads, lse_rows], UNSEEN where there is no key. The keys are those of
 * [first_key, end_key): with all of them `out` is the result, with some it is a part to be merged (attention-merge.ts).
 */
export function forwardKernel(
  shape: TileShape,
  visibility: Visibility,
  vectors: boolean,
  isDualChunk: boolean,
): KernelSource {
  const { headDim, headVectors, across, columnsEach } = shape;
  const queries = isDualChunk ? ['q', 'q_successive', 'q_inter'] : ['q'];
  const q = tileSource('q', 'q_at', 'p.q_row', 'query_rows');
  const k = tileSource('k', 'k_at', 'p.k_row', 'key_rows');
  const v = tileSource('v', 'k_at', 'p.k_row', 'key_rows');
  const dualScores = `${each(columnsEach, (j) => `var s${j} = vec4f();`, ' ')}
  // Chunks between the tiles' ends: other kinds of distance than these do not occur.
  let least_chunks = first_chunk - i32((key + min(key_rows, ${shape.columns}u) - 1u) / p.chunk_length);
  let most_chunks = last_chunk - i32(key / p.chunk_length);
  for (var kind = 0u; kind < 3u; kind++) {
    if (i32(kind) < min(least_chunks, 2) || i32(kind) > max(most_chunks, 0)) { continue; }
    ${scores(shape, 'of_kind', { ...q, read: (at, d) => `read_q_kind(kind, ${at}, ${d})` }, k)}
    ${each(
      columnsEach,
      (j) =>
        `s${j} = select(s${j}, of_kind${j}, clamp(chunks - vec4i(i32((key + column + ${j * across}u) / p.chunk_length)), vec4i(0), vec4i(2)) == vec4i(i32(kind)));`,
      '\n    ',
    )}
  }`;
  const places = each(4, (r) => chunkOf(`place_of(b, t + 4u * rows + ${r}u)`), ', ');
  const dualChunks = `let chunks = vec4i(${places});
  if (lane == 0u) { shared_chunks = vec2i(${chunkOf('place_of(b, t)')}, ${chunkOf('place_of(b, last)')}); }
  let tile_chunks = workgroupUniformLoad(&shared_chunks);
  let first_chunk = tile_chunks.x;
  let last_chunk = tile_chunks.y;`;
  return {
    name: `${isDualChunk ? 'dual chunk ' : ''}attention ${shape.name} ${visibility.name}${vectors ? ' 4' : ''}`,
    operands: [
      ...queries.map((name) => reads(name)),
      reads('k'),
      reads('v'),
      ...visibility.operands,
      writes('out'),
      writes('lse'),
    ],
    parameters: {
      ...FORWARD_PARAMETERS,
      ...(isDualChunk && { chunk_length: 'u32' as const }),
      ...visibility.parameters,
    },
    workgroupSize: [shape.threads],
    vectors,
    declarations: [
      ...[...queries, 'k', 'v'].map((name) => headReader(name, headDim, vectors)),
      headWriter('out', headDim, vectors),
      quadWriter('lse', vectors),
      isDualChunk ? `${CHUNK_KINDS}\nvar<workgroup> shared_chunks: vec2i;` : '',
      visibility.declarations(vectors),
      hullDeclarations(visibility),
      tileDeclarations(shape),
    ].join('\n'),
    body: `if (group >= p.groups) { return; }
  // The last queries see most keys: they go first, so that the work ends evenly.
  let tile = p.tiles - 1u - group % p.tiles;
  let head = (group / p.tiles) % p.heads;
  let b = group / (p.tiles * p.heads);
  ${threadPlaces(shape)}
  let first_row = tile * ${TILE_ROWS}u;
  let query_rows = min(p.query_count - first_row, ${TILE_ROWS}u);
  let t = p.first_query + first_row;
  let last = t + query_rows - 1u;
  let q_at = b * p.q_batch + first_row * p.q_row + head * p.head;
  let k_head = b * p.k_batch + head / p.heads_per_key * p.head;
  ${hullStatements(visibility, 'b', 't', 'last')}
  ${isDualChunk ? dualChunks : ''}
  ${seenByRows}
  ${accumulators(shape, 'o')}
  var most = vec4f(${UNSEEN});
  var sum = vec4f();
  let end = min(max(hull.y, hull.w), p.end_key);
  var key = max(select(hull.z, min(hull.x, hull.z), hull.x < hull.y), p.first_key);
  loop {
    if (key >= hull.y && key < hull.z) { key = hull.z; }
    if (key >= end) { break; }
    let key_rows = p.end_key - key;
    let k_at = k_head + (key - p.first_key) * p.k_row;
    ${isDualChunk ? dualScores : scores(shape, 's', q, k)}
    ${each(
      columnsEach,
      (j) => `let seen${j} = ${seen('p.end_key', `key + column + ${j * across}u`)};
    s${j} = select(vec4f(${UNSEEN}), s${j} * p.scale, seen${j});`,
      '\n    ',
    )}
    var highest = s0;
    ${each(columnsEach - 1, (j) => `highest = max(highest, s${j + 1});`, '\n    ')}
    ${acrossRow(shape, 'row_highest', 'highest', (a, b) => `max(${a}, ${b})`)}
    row_highest = max(row_highest, most);
    let shrink = exp2(most - row_highest);
    most = row_highest;
    sum *= shrink;
    ${eachAccumulator(shape, 'o', (o, r) => `${o} *= shrink[${r}];`)}
    ${each(columnsEach, (j) => `s${j} = select(vec4f(), exp2(s${j} - most), seen${j}); sum += s${j};`, '\n    ')}
    ${setWeights(shape, (j) => `s${j}`)}
    ${mix(shape, 'o', v, `min(end - key, ${shape.columns}u)`)}
    key += ${shape.columns}u;
  }
  ${acrossRow(shape, 'weight', 'sum', (a, b) => `${a} + ${b}`)}
  let share = select(1.0 / weight, vec4f(), weight == vec4f());
  if (column == 0u && 4u * rows < query_rows) {
    let at = (b * p.heads + head) * p.lse_rows + first_row + 4u * rows;
    write_lse(at, select(most + log2(weight), vec4f(${UNSEEN}), weight == vec4f()));
  }
  let out_at = b * p.out_batch + head * p.out_head + (first_row + 4u * rows) * p.out_row;
  ${eachAccumulator(shape, 'o', (o, r, d) => `if ((4u * rows + ${r}u < query_rows) & (${d} < ${headVectors}u)) { write_out(out_at + ${r}u * p.out_row, ${d}, ${o} * share[${r}]); }`)}`,
  };
}

/** WGSL that declares the ranges of keys of a thread's four queries; rows that are not there see nothing. */
export const seenByRows = `var first_a = vec4u(); var count_a = vec4u(); var first_b = vec4u(); var count_b = vec4u();
  ${each(
    4,
    (r) => `if (4u * rows + ${r}u < query_rows) {
    let keys = visible(b, t + 4u * rows + ${r}u);
    first_a[${r}] = keys.x; count_a[${r}] = keys.y; first_b[${r}] = keys.z; count_b[${r}] = keys.w;
  }`,
    '\n  ',
  )}`;

/** WGSL: which of the four queries see `key`. What is before a range is, counted from it, far behind it. */
export function seen(end: string, key: string): string {
  return `((vec4u(${key}) - first_a < count_a) | (vec4u(${key}) - first_b < count_b)) & vec4<bool>(${key} < ${end})`;
}
