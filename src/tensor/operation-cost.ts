/**
 * What an instruction costs at least: floating-point operations, and bytes that must come from memory or go to it. With the time
 * that it took they say how far a kernel is from what the machine can do. Pure: from attributes and lengths alone.
 *
 * A multiply and an add are two operations; exponentials, roots and comparisons count as one. Products are counted in full,
 * attention by the pairs of query and key that mask and window leave (segments and prefixes are data, and not known). What
 * a kernel computes a second time counts only where every known algorithm does: the scores in the gradient of attention
 * (FlashAttention-2, arXiv:2307.08691: 2.5 times the forward pass), the logits in the gradient of linearLogProb.
 * Bytes are each operand once, inputs that are written to twice, and of tables and caches only the rows in use.
 */
import type { Instruction, OperationTiming, Program } from './backend.ts';
import { type OperationName, operationSpec } from './operations.ts';

export interface OperationCost {
  readonly flops: number;
  readonly bytes: number;
}

/** Operations of one kind in a profiled run: how often, how long, and what they did. */
export interface OperationProfile extends OperationTiming, OperationCost {}

export function costOfInstruction(instruction: Instruction): OperationCost {
  return { flops: flopsOf(instruction), bytes: 4 * wordsOf(instruction) };
}

/** Timings of a run of these programs, with what each operation did in it; slowest first. */
export function withCosts(timings: readonly OperationTiming[], programs: readonly Program[]): OperationProfile[] {
  const sums = new Map<OperationName, { calls: number; milliseconds: number; flops: number; bytes: number }>();
  const sumOf = (operation: OperationName) => {
    const sum = sums.get(operation) ?? { calls: 0, milliseconds: 0, flops: 0, bytes: 0 };
    sums.set(operation, sum);
    return sum;
  };
  for (const { operation, calls, milliseconds } of timings) {
    const sum = sumOf(operation);
    sum.calls += calls;
    sum.milliseconds += milliseconds;
  }
  for (const instruction of programs.flatMap(({ instructions }) => instructions)) {
    const { flops, bytes } = costOfInstruction(instruction);
    const sum = sumOf(instruction.operation);
    sum.flops += flops;
    sum.bytes += bytes;
  }
  return [...sums]
    .map(([operation, sum]) => ({ operation, ...sum }))
    .sort((a, b) => b.milliseconds - a.milliseconds || (a.operation < b.operation ? -1 : 1));
}

/** For each entry of the first output, or for operations without one, of what they write to. */
const PER_ENTRY: Partial<Record<OperationName, number>> = {
  addRmsNorm: 5,
  affine: 2,
  binary: 1,
  clamp: 2,
  clampGrad: 3,
  dropout: 2,
  layerNorm: 8,
  layerNormGrad: 14,
  rmsNorm: 4,
  rmsNormGrad: 10,
  rope: 3,
  roundTo: 1,
  select: 1,
  swiglu: 5,
  swigluGrad: 11,
  unary: 4,
  unaryGrad: 6,
};

function flopsOf({ operation, attributes, inputs, outputs }: Instruction): number {
  const [a0, a1, a2, a3] = attributes;
  const input = (index: number): number => inputs[index]?.length ?? 0;
  const output = (index: number): number => outputs[index]?.length ?? 0;
  switch (operation) {
    case 'matmul':
      return 2 * a0 * a1 * a2 + (inputs[2] === undefined ? 0 : a0 * a1) + input(3);
    case 'groupedMatmul':
      return 2 * a0 * a1 * a2;
    case 'groupedMatmulWeightGrad':
      return 2 * a0 * a1 * a2 + input(3);
    case 'attention':
      return 4 * visiblePairs(attributes) * a3 * attributes[5];
    case 'attentionGrad':
      return 10 * visiblePairs(attributes) * a3 * attributes[5];
    case 'dualChunkAttention':
      return 4 * visiblePairs([...attributes.slice(0, 7), 1, 0]) * a3 * attributes[5];
    case 'linearCrossEntropy': {
      const product = 2 * a0 * a1 * a2;
      return product + (outputs[2] ? product : 0) + (outputs[3] ? product : 0) + 4 * a0 * a2;
    }
    case 'linearLogProb':
      return 2 * a0 * a1 * a2 + 6 * a0 * a2;
    case 'linearLogProbGrad':
      return 6 * a0 * a1 * a2 + 4 * a0 * a2;
    case 'embeddingGrad':
    case 'reduce':
      return input(0);
    case 'routeTopK':
    case 'routeTopKGrad':
      return 5 * a0 * a1;
    case 'moeCombine':
      return 2 * input(0);
    case 'moeCombineGrad':
      return 3 * input(1);
    case 'globalNorm':
    case 'countNonFinite':
      return 2 * inputs.reduce((sum, place) => sum + (place?.length ?? 0), 0);
    case 'adamw':
      return 14 * inputs.reduce((sum, place, i) => sum + (i >= 2 && i % 4 === 2 ? (place?.length ?? 0) : 0), 0);
    default:
      return (PER_ENTRY[operation] ?? 0) * output(0);
  }
}

/** Pairs of a query and a key that it sees, of all rows of the batch. */
function visiblePairs(attributes: readonly number[]): number {
  const [batch, queries, keys] = attributes;
  const [causal, window] = attributes.slice(7, 9);
  if (causal === 0 && window === 0) return batch * queries * keys;
  let pairs = 0;
  for (let row = 0; row < queries; row++) {
    const place = row + keys - queries;
    const end = causal === 0 ? keys : Math.min(keys, place + 1);
    const first = window === 0 ? 0 : Math.max(0, place - window + 1);
    pairs += Math.max(0, end - first);
  }
  return batch * pairs;
}

function wordsOf({ operation, attributes, inputs, outputs }: Instruction): number {
  const { mutates = [], variadic = 0, inputs: names } = operationSpec(operation);
  const fixed = names.length - variadic;
  const nameIndex = (i: number): number => (i < fixed || variadic === 0 ? i : fixed + ((i - fixed) % variadic));
  let words = 0;
  inputs.forEach((place, i) => {
    if (place === undefined) return;
    words += usedWords(operation, attributes, i, place.length) * (mutates.includes(nameIndex(i)) ? 2 : 1);
  });
  for (const place of outputs) words += place?.length ?? 0;
  // Rows are written into the cache; it is not read.
  return operation === 'cacheWrite' ? 2 * (inputs[1]?.length ?? 0) + (inputs[2]?.length ?? 0) : words;
}

/** Of tables that rows are chosen from, no more than all chosen rows. */
function usedWords(operation: OperationName, attributes: readonly number[], input: number, length: number): number {
  if (operation === 'embedding' && input === 0) return Math.min(length, attributes[0] * attributes[1]);
  if (operation === 'rope' && (input === 1 || input === 2)) {
    return Math.min(length, (attributes[0] * attributes[2]) / 2);
  }
  return length;
}
