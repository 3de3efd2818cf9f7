/** The output head together with what is computed from its logits, which never exist for all rows at once. */
import { asMatrix, type Tensor } from '../graph.ts';
import { add, multiply } from './elementwise.ts';

export interface CrossEntropyOptions {
  /** Adds zLoss · logsumexp² per token (PaLM: 1e-4). */
  readonly zLoss?: number;
  readonly labelSmoothing?: number;
}

/**
 * Σ tokenWeights[r] · cross-entropy of softmax(x·weightᵀ) at labels[r]: x [rows, hidden], weight [vocab, hidden], labels
 * [rows] (i32, negative: not counted, and already shifted by the caller), tokenWeights [rows]. Returns the loss [1] and
 * each row's negative log-likelihood [rows], which has no gradient of its own.
 *
 * The gradients for a loss gradient of 1 come out of the same pass over the logits (they are left out of a program that
 * does not use them), which saves computing the logits a second time: a quarter of the head's arithmetic.
 */
export function linearCrossEntropy(
  x: Tensor,
  weight: Tensor,
  labels: Tensor,
  tokenWeights: Tensor,
  options: CrossEntropyOptions = {},
): { loss: Tensor; nll: Tensor } {
  const graph = x.graph;
  const { rows, columns } = asMatrix(x);
  const vocab = asMatrix(weight).rows;
  const attributes = [rows, columns, vocab, options.zLoss ?? 0, options.labelSmoothing ?? 0];
  const outputs = [{ shape: [1] }, { shape: [rows] }, { shape: x.shape }, { shape: weight.shape }];
  const inputs = [x, weight, labels, tokenWeights, undefined];
  const { result: made } = graph.withTape('off', () => graph.emit('linearCrossEntropy', inputs, attributes, outputs));
  const [loss, nll, dx, dweight] = made as [Tensor, Tensor, Tensor, Tensor];
  const sources = [x, weight].filter((tensor) => tensor.requiresGradient);
  if (graph.tape === undefined || sources.length === 0) return { loss, nll };
  const differentiable: Tensor = { ...loss, requiresGradient: true };
  graph.record(sources, [differentiable], ([dloss], sink) => {
    if (dloss === undefined) return;
    const isUnit = isOne(dloss);
    if (sink.wants(x)) sink.add(x, isUnit ? dx : multiply(dx, dloss));
    if (!sink.wants(weight)) return;
    sink.accumulate(weight, (before) => {
      const scaled = isUnit ? dweight : multiply(dweight, dloss);
      if (before === undefined) return scaled;
      if (!isUnit || before.source.kind !== 'buffer') return add(before, scaled);
      setAddend(loss, before);
      return dweight;
    });
  });
  return { loss: differentiable, nll };
}

/**
 * Per row: log-probability of labels[r] under softmax(x·weightᵀ / temperature) and the entropy of that distribution (without
 * a gradient), both [rows] and 0 where the label is negative. For losses on log-probabilities (DPO, PPO).
 */
export function linearLogProb(
  x: Tensor,
  weight: Tensor,
  labels: Tensor,
  options: { temperature?: number } = {},
): { logProb: Tensor; entropy: Tensor } {
  const { rows, columns } = asMatrix(x);
  const vocab = asMatrix(weight).rows;
  const attributes = [rows, columns, vocab, 1 / (options.temperature ?? 1)];
  const outputs = [{ shape: [rows] }, { shape: [rows] }, { shape: [rows] }];
  const made = x.graph.emit('linearLogProb', [x, weight, labels], attributes, outputs, ([dlogProb], sink) => {
    if (dlogProb === undefined) return;
    const emit = (before: Tensor | undefined): Tensor[] =>
      x.graph.emit('linearLogProbGrad', [dlogProb, x, weight, labels, made[1], before], attributes, [
        { shape: x.shape },
        { shape: weight.shape },
      ]);
    let dx: Tensor | undefined;
    sink.accumulate(weight, (before) => {
      const both = emit(before);
      dx = both[0];
      return both[1];
    });
    if (sink.wants(x)) sink.add(x, dx ?? emit(undefined)[0]);
  });
  return { logProb: made[0], entropy: made[2] };
}

/** True for the gradient of a loss by itself. */
function isOne(tensor: Tensor): boolean {
  const { source } = tensor;
  return source.kind === 'node' && source.node.operation === 'fill' && source.node.attributes[1] === 1;
}

/** Lets the operation that made `loss` add to a buffer's entries, which it reads when it runs. */
function setAddend(loss: Tensor, addend: Tensor): void {
  if (loss.source.kind === 'node') (loss.source.node.inputs as (Tensor | undefined)[])[4] = addend;
}
