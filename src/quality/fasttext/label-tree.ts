/**
 * Hierarchical softmax: a Huffman tree over the labels; a label's probability is the product of the decisions on its
 * way from the root. The most likely label is found by following the likelier side first and leaving every branch that
 * is already below the best label found: some ten vector products in place of one for each label.
 *
 * Source: fastText, loss.cc (`HierarchicalSoftmaxLoss`), which adds 1e-5 to every factor before it takes logarithms.
 */
import type { FastTextModel } from './model-file.ts';
import { type Label, type OutputLayer, STD_LOG_OFFSET } from './output-layer.ts';

/** Counts of nodes not made yet: more than any label has. */
const UNMADE = 1e15;

export function createLabelTree(model: FastTextModel): OutputLayer {
  const { dim } = model;
  const weights = model.output.values;
  const labels = model.labels.length;
  const { left, right } = buildTree(model.labelCounts);
  const root = 2 * labels - 2;

  /** Probability of going right at an inner node. */
  function goRight(node: number, hidden: Float64Array): number {
    let dot = 0;
    for (let k = 0, at = (node - labels) * dim; k < dim; k++) dot += weights[at + k] * hidden[k];
    return Math.fround(1 / (1 + Math.exp(-dot)));
  }

  let bestLabel = 0;
  let bestProbability = 0;
  function seek(node: number, probability: number, hidden: Float64Array): void {
    while (node >= labels) {
      if (probability <= bestProbability) return;
      const p = goRight(node, hidden);
      const toRight = probability * (p + STD_LOG_OFFSET);
      const toLeft = probability * (1 - p + STD_LOG_OFFSET);
      if (toRight > toLeft) {
        seek(right[node], toRight, hidden);
        node = left[node];
        probability = toLeft;
      } else {
        seek(left[node], toLeft, hidden);
        node = right[node];
        probability = toRight;
      }
    }
    if (probability > bestProbability) {
      bestProbability = probability;
      bestLabel = node;
    }
  }

  const reached = new Float64Array(root + 1);
  return {
    best(hidden): Label {
      bestProbability = -1;
      seek(root, 1, hidden);
      return { label: bestLabel, probability: bestProbability };
    },
    probabilities(hidden, out) {
      reached[root] = 1;
      for (let node = root; node >= labels; node--) {
        const p = goRight(node, hidden);
        reached[left[node]] = reached[node] * (1 - p + STD_LOG_OFFSET);
        reached[right[node]] = reached[node] * (p + STD_LOG_OFFSET);
      }
      out.set(reached.subarray(0, labels));
    },
  };
}

/** Leaves are 0 … labels - 1 in falling order of count, inner nodes follow in the order they are made, the root last. */
function buildTree(counts: Float64Array): { left: Int32Array; right: Int32Array } {
  const labels = counts.length;
  const nodes = 2 * labels - 1;
  const left = new Int32Array(nodes);
  const right = new Int32Array(nodes);
  const weight = new Float64Array(nodes).fill(UNMADE);
  weight.set(counts);
  let leaf = labels - 1;
  let inner = labels;
  const rarest = (): number => (leaf >= 0 && weight[leaf] < weight[inner] ? leaf-- : inner++);
  for (let node = labels; node < nodes; node++) {
    left[node] = rarest();
    right[node] = rarest();
    weight[node] = weight[left[node]] + weight[right[node]];
  }
  return { left, right };
}
