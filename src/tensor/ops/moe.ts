/**
 * Mixture of experts: tokens are sent to their top-k experts, sorted so that each expert's rows lie together, and brought
 * back weighted (Shazeer et al. 2017; softmax before top-k and load balancing as Qwen2-MoE in transformers does).
 */
import { asMatrix, type Tensor } from '../graph.ts';
import { add, affine, divide, multiply, sum } from './elementwise.ts';
import { groupedLinear } from './matmul.ts';

export interface Routing {
  /** [tokens, experts]: softmax over all experts. */
  readonly probabilities: Tensor;
  /** [tokens, perToken]. */
  readonly weights: Tensor;
  /** [tokens, perToken] (i32). */
  readonly chosen: Tensor;
  /** Slots in order of expert, their inverse, and where each expert's begin: see `routeSort` in ../operations.ts. */
  readonly order: Tensor;
  readonly inverse: Tensor;
  readonly offsets: Tensor;
  readonly perToken: number;
}

/** Chooses perToken experts for each row of logits [tokens, experts]. */
export function route(logits: Tensor, perToken: number, normalize: boolean): Routing {
  const graph = logits.graph;
  const { rows, columns: experts } = asMatrix(logits);
  const attributes = [rows, experts, perToken, Number(normalize)];
  const outputs = [
    { shape: [rows, experts] },
    { shape: [rows, perToken] },
    { shape: [rows, perToken], dtype: 'i32' as const },
  ];
  const made = graph.emit('routeTopK', [logits], attributes, outputs, ([dprobabilities, dweights], sink) => {
    if (dweights === undefined && dprobabilities === undefined) return;
    const given = dweights ?? graph.emit('fill', [], [rows * perToken, 0], [{ shape: [rows, perToken] }])[0];
    const inputs = [given, made[0], made[1], made[2], dprobabilities];
    sink.add(logits, graph.emit('routeTopKGrad', inputs, attributes, [{ shape: logits.shape }])[0]);
  });
  const [probabilities, weights, chosen] = made as [Tensor, Tensor, Tensor];
  const slots = rows * perToken;
  const [order, inverse, offsets] = graph.emit(
    'routeSort',
    [chosen],
    [slots, experts],
    [
      { shape: [slots], dtype: 'i32' },
      { shape: [slots], dtype: 'i32' },
      { shape: [experts + 1], dtype: 'i32' },
    ],
  ) as [Tensor, Tensor, Tensor];
  return { probabilities, weights, chosen, order, inverse, offsets, perToken };
}

/** Rows of x [tokens, hidden] in order of expert: [tokens·perToken, hidden]. */
export function dispatch(x: Tensor, routing: Routing): Tensor {
  const { rows, columns } = asMatrix(x);
  const attributes = [rows, columns, routing.perToken];
  const outputs = [{ shape: [rows * routing.perToken, columns] }];
  return x.graph.emit('moeDispatch', [x, routing.order], attributes, outputs, ([dy], sink) => {
    if (dy === undefined) return;
    sink.add(x, x.graph.emit('moeCombine', [dy, undefined, routing.inverse], attributes, [{ shape: x.shape }])[0]);
  })[0];
}

/** The weighted sum of each token's expert outputs y [tokens·perToken, hidden] (in order of expert): [tokens, hidden]. */
export function combine(y: Tensor, routing: Routing): Tensor {
  const { rows: slots, columns } = asMatrix(y);
  const rows = slots / routing.perToken;
  const attributes = [rows, columns, routing.perToken];
  const { weights, order, inverse } = routing;
  return y.graph.emit('moeCombine', [y, weights, inverse], attributes, [{ shape: [rows, columns] }], ([dout], sink) => {
    if (dout === undefined) return;
    const outputs = [{ shape: y.shape }, { shape: weights.shape }];
    const [dy, dweights] = y.graph.emit('moeCombineGrad', [dout, y, weights, order, inverse], attributes, outputs);
    sink.add(y, dy!);
    sink.add(weights, dweights!);
  })[0];
}

/** Each expert's linear layer over its rows: weights [experts, out, in]. */
export function expertLinear(x: Tensor, weights: Tensor, routing: Routing): Tensor {
  return groupedLinear(x, weights, routing.offsets);
}

/**
 * experts · Σ_i f_i · P_i over the layers together: f_i the share of tokens whose choices include expert i (it sums over the
 * choices, so the balanced value is perToken), P_i the mean probability. `mask` [tokens] has 1 for the tokens that count
 * and `tokens` is their number; without it all count. As `load_balancing_loss_func` of transformers, to be multiplied by its coefficient.
 */
export function loadBalancingLoss(routings: readonly Routing[], mask?: Tensor, tokens?: Tensor): Tensor {
  const first = routings[0].probabilities;
  const graph = first.graph;
  const { rows, columns: experts } = asMatrix(first);
  let counts: Tensor | undefined;
  let probabilities: Tensor | undefined;
  for (const { chosen, probabilities: p, perToken } of routings) {
    const count = graph.emit('expertCounts', [chosen, mask], [rows, experts, perToken], [{ shape: [experts] }])[0];
    counts = counts === undefined ? count : add(counts, count);
    const masked = mask === undefined ? p : multiply(p, graph.reshape(mask, [rows, 1]));
    const total = sum(masked, 'columns');
    probabilities = probabilities === undefined ? total : add(probabilities, total);
  }
  const product = sum(multiply(probabilities!, counts!));
  const layers = routings.length;
  if (tokens === undefined) return affine(product, experts / (layers * rows) ** 2);
  return affine(divide(divide(product, tokens), tokens), experts / layers ** 2);
}
