/**
 * Attention where the processor draws: a lane takes a query (for dk and dv a key) and walks over all that it sees, with no
 * workgroup memory and no waits. The kernels of tiles share what they read, which a GPU must have; in software there is nothing
 * to win by it, every wait of a workgroup is dear, and clearing 26 KB of workgroup memory, which a browser insists on, takes
 * SwiftShader 17 to 30 seconds of compiling for each kernel (all kernels of a training step: 91 s with tiles in Chromium).
 *
 * Operands, parameters and results are those of the kernels of tiles without `vectors`: forwardKernel, queryGradKernel, keyGradKernel.
 */
import { type KernelSource, type Operand, reads, updates, writes } from '../kernel.ts';
import { BACKWARD_PARAMETERS } from './attention-backward.ts';
import { FORWARD_PARAMETERS, UNSEEN } from './attention-forward.ts';
import { headReader, headWriter, TILE_ROWS } from './attention-tiles.ts';
import type { Visibility } from './attention-visibility.ts';

const READ_ONLY_BACKWARD = ['dout', 'q', 'k', 'v', 'delta', 'log_sum'];

/** WGSL that walks over the keys `key` that query `t` sees, of those of the operands; `k_at` is the head of each. */
function overKeys(body: string): string {
  return `let seen = visible(b, t);
  let first_end = min(seen.x + seen.y, p.end_key);
  // What both ranges hold is met once.
  let second = max(max(seen.z, seen.x + seen.y), p.first_key);
  let end = max(first_end, min(seen.z + seen.w, p.end_key));
  var key = max(seen.x, p.first_key);
  loop {
    if (key >= first_end && key < second) { key = second; }
    if (key >= end) { break; }
    let k_at = k_head + (key - p.first_key) * p.k_row;
    ${body}
    key++;
  }`;
}

/** WGSL that declares `name`, the product of two heads by expressions of their vector `d`. */
function product(name: string, vectors: number, a: string, b: string): string {
  return `var ${name} = 0.0;
    for (var d = 0u; d < ${vectors}u; d++) { ${name} += dot(${a}, ${b}); }`;
}

/** WGSL of the query of a lane: `b`, `head`, `row` of the operands, its key/value head. */
const QUERY_OF_LANE = `if (group >= p.groups) { return; }
  let row = group % p.tiles * ${TILE_ROWS}u + lane;
  if (row >= p.query_count) { return; }
  let head = (group / p.tiles) % p.heads;
  let b = group / (p.tiles * p.heads);
  let t = p.first_query + row;
  let q_at = b * p.q_batch + row * p.q_row + head * p.head;
  let k_head = b * p.k_batch + head / p.heads_per_key * p.head;`;

function kernelOf(
  name: string,
  headDim: number,
  visibility: Visibility,
  operands: readonly Operand[],
  [read, written]: readonly [readonly string[], readonly string[]],
  parameters: KernelSource['parameters'],
  body: string,
): KernelSource {
  return {
    name: `${name} direct d${headDim} ${visibility.name}`,
    operands,
    parameters: { ...parameters, ...visibility.parameters },
    workgroupSize: [TILE_ROWS],
    declarations: [
      ...read.map((operand) => headReader(operand, headDim, false)),
      ...written.map((operand) => headWriter(operand, headDim, false)),
      visibility.declarations(false),
    ].join('\n'),
    body,
  };
}

/** As forwardKernel. */
export function directForwardKernel(headDim: number, visibility: Visibility, isDualChunk: boolean): KernelSource {
  const vectors = Math.ceil(headDim / 4);
  const queries = isDualChunk ? ['q', 'q_successive', 'q_inter'] : ['q'];
  // A query that sees no key may stand at a negative place.
  const chunk = 'let chunk = max(place_of(b, t), 0) / i32(p.chunk_length);';
  const rotated = `let kind = clamp(chunk - i32(key / p.chunk_length), 0, 2);
    for (var d = 0u; d < ${vectors}u; d++) {
      if (kind == 0) { own[d] = read_q(q_at, d); } else if (kind == 1) { own[d] = read_q_successive(q_at, d); } else { own[d] = read_q_inter(q_at, d); }
    }`;
  return kernelOf(
    isDualChunk ? 'dual chunk attention' : 'attention',
    headDim,
    visibility,
    [
      ...queries.map((name) => reads(name)),
      reads('k'),
      reads('v'),
      ...visibility.operands,
      writes('out'),
      writes('lse'),
    ],
    [[...queries, 'k', 'v'], ['out']],
    { ...FORWARD_PARAMETERS, ...(isDualChunk && { chunk_length: 'u32' as const }) },
    `${QUERY_OF_LANE}
  var own: array<vec4f, ${vectors}>;
  var o: array<vec4f, ${vectors}>;
  for (var d = 0u; d < ${vectors}u; d++) { own[d] = read_q(q_at, d); o[d] = vec4f(); }
  var most = ${UNSEEN};
  var sum = 0.0;
  ${isDualChunk ? chunk : ''}
  ${overKeys(`${isDualChunk ? rotated : ''}
    ${product('score', vectors, 'own[d]', 'read_k(k_at, d)')}
    score *= p.scale;
    if (score > most) {
      let shrink = exp2(most - score);
      most = score;
      sum *= shrink;
      for (var d = 0u; d < ${vectors}u; d++) { o[d] *= shrink; }
    }
    let weight = exp2(score - most);
    sum += weight;
    for (var d = 0u; d < ${vectors}u; d++) { o[d] += weight * read_v(k_at, d); }`)}
  let is_seen = sum != 0.0;
  set_lse((b * p.heads + head) * p.lse_rows + row, select(${UNSEEN}, most + log2(sum), is_seen));
  let share = select(0.0, 1.0 / sum, is_seen);
  let out_at = b * p.out_batch + head * p.out_head + row * p.out_row;
  for (var d = 0u; d < ${vectors}u; d++) { write_out(out_at, d, o[d] * share); }`,
  );
}

/** WGSL that writes a lane's head, or adds it. */
function writeHead(name: string, vectors: number, at: string): string {
  return `for (var d = 0u; d < ${vectors}u; d++) {
    var v = ${name}_own[d];
    if (p.accumulate != 0u) { v += read_${name}(${at}, d); }
    write_${name}(${at}, d, v);
  }`;
}

/** As queryGradKernel. */
export function directQueryGradKernel(headDim: number, visibility: Visibility): KernelSource {
  const vectors = Math.ceil(headDim / 4);
  return kernelOf(
    'attention dq',
    headDim,
    visibility,
    [...READ_ONLY_BACKWARD.map((name) => reads(name)), ...visibility.operands, updates('dq')],
    [['q', 'k', 'v', 'dout', 'dq'], ['dq']],
    BACKWARD_PARAMETERS,
    `${QUERY_OF_LANE}
  let stats_at = (b * p.heads + head) * p.stat_rows + t;
  let own_delta = delta(stats_at);
  let own_log = log_sum(stats_at);
  var q_own: array<vec4f, ${vectors}>;
  var dout_own: array<vec4f, ${vectors}>;
  var dq_own: array<vec4f, ${vectors}>;
  for (var d = 0u; d < ${vectors}u; d++) { q_own[d] = read_q(q_at, d); dout_own[d] = read_dout(q_at, d); dq_own[d] = vec4f(); }
  ${overKeys(`${product('score', vectors, 'q_own[d]', 'read_k(k_at, d)')}
    ${product('g', vectors, 'dout_own[d]', 'read_v(k_at, d)')}
    let ds = exp2(score * p.score_scale - own_log) * (g - own_delta) * p.scale;
    for (var d = 0u; d < ${vectors}u; d++) { dq_own[d] += ds * read_k(k_at, d); }`)}
  ${writeHead('dq', vectors, 'q_at')}`,
  );
}

/** As keyGradKernel. */
export function directKeyGradKernel(headDim: number, visibility: Visibility): KernelSource {
  const vectors = Math.ceil(headDim / 4);
  return kernelOf(
    'attention dk dv',
    headDim,
    visibility,
    [...READ_ONLY_BACKWARD.map((name) => reads(name)), ...visibility.operands, updates('dk'), updates('dv')],
    [
      ['q', 'k', 'v', 'dout', 'dk', 'dv'],
      ['dk', 'dv'],
    ],
    BACKWARD_PARAMETERS,
    `if (group >= p.groups) { return; }
  let row = group % p.tiles * ${TILE_ROWS}u + lane;
  let key = p.first_key + row;
  if (key >= p.end_key) { return; }
  let key_heads = p.heads / p.heads_per_key;
  let key_head = (group / p.tiles) % key_heads;
  let b = group / (p.tiles * key_heads);
  let k_at = b * p.k_batch + row * p.k_row + key_head * p.head;
  var k_own: array<vec4f, ${vectors}>;
  var v_own: array<vec4f, ${vectors}>;
  var dk_own: array<vec4f, ${vectors}>;
  var dv_own: array<vec4f, ${vectors}>;
  for (var d = 0u; d < ${vectors}u; d++) { k_own[d] = read_k(k_at, d); v_own[d] = read_v(k_at, d); dk_own[d] = vec4f(); dv_own[d] = vec4f(); }
  for (var query = 0u; query < p.query_count; query++) {
    let seen = visible(b, p.first_query + query);
    if (key - seen.x >= seen.y && key - seen.z >= seen.w) { continue; }
    for (var n = 0u; n < p.heads_per_key; n++) {
      let head = key_head * p.heads_per_key + n;
      let q_at = b * p.q_batch + query * p.q_row + head * p.head;
      let stats_at = (b * p.heads + head) * p.stat_rows + p.first_query + query;
      ${product('score', vectors, 'k_own[d]', 'read_q(q_at, d)')}
      ${product('g', vectors, 'v_own[d]', 'read_dout(q_at, d)')}
      let weight = exp2(score * p.score_scale - log_sum(stats_at));
      let ds = weight * (g - delta(stats_at)) * p.scale;
      for (var d = 0u; d < ${vectors}u; d++) { dk_own[d] += ds * read_q(q_at, d); dv_own[d] += weight * read_dout(q_at, d); }
    }
  }
  ${writeHead('dk', vectors, 'k_at')}
  ${writeHead('dv', vectors, 'k_at')}`,
  );
}
