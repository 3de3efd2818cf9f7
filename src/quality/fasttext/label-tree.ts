/**
 * Hierarchical softmax: a Huffman tree over the labels; a label's probability is the product of the decisions on its
 * way from the root. The most likely label is found by following the likelier side first and leaving every branch that
 * is already below the best label found: some ten vector products in place of one for each label.
 *
 * Source: fastText, loss.cc (`HierarchicalSoftmaxLoss`), which adds 1e-5 to every factor before it takes logarithms.
 */
import type { FastTextModel } from './model.ts';
import { dotRow, type Label, type OutputLayer, STD_LOG_OFFSET } from './output-layer.ts';

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
    return Math.fround(1 / (1 + Math.exp(-dotRow(weights, (node - labels) * dim, hidden))));
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
  function probabilities(hidden: Float64Array, out: Float64Array): void {
    reached[root] = 1;
    for (let node = root; node >= labels; node--) {
      const p = goRight(node, hidden);
      reached[left[node]] = reached[node] * (1 - p + STD_LOG_OFFSET);
      reached[right[node]] = reached[node] * (p + STD_LOG_OFFSET);
    }
    out.set(reached.subarray(0, labels));
  }
  return {
    best(hidden): Label {
      bestProbability = -1;
      seek(root, 1, hidden);
      return { label: bestLabel, probability: bestProbability };
    },
    probabilities,
    logits(hidden, out) {
      probabilities(hidden, out);
      for (let label = 0; label < labels; label++) out[label] = Math.log(out[label]);
    },
  };
}

/** A label's way from its leaf to the root. */
export interface LabelPaths {
  /** Label i's inner nodes are nodes[starts[i]] to nodes[starts[i + 1]], as rows of the output matrix. */
  starts: Float64Array;
  nodes: Int32Array;
  /** 1 where the way comes from the right. */
  fromRight: Uint8Array;
}

/** The ways of all labels, for training. */
export function labelPaths(counts: Float64Array): LabelPaths {
  const labels = counts.length;
  const { left, right } = buildTree(counts);
  const parent = new Int32Array(2 * labels - 1).fill(-1);
  for (let node = labels; node < parent.length; node++) parent[left[node]] = parent[right[node]] = node;
  const starts = new Float64Array(labels + 1);
  const nodes: number[] = [];
  const fromRight: number[] = [];
  for (let label = 0; label < labels; label++) {
    for (let node = label; parent[node] >= 0; node = parent[node]) {
      nodes.push(parent[node] - labels);
      fromRight.push(right[parent[node]] === node ? 1 : 0);
    }
    starts[label + 1] = nodes.length;
  }
  return { starts, nodes: Int32Array.from(nodes), fromRight: Uint8Array.from(fromRight) };
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
