/**
 * Log-probabilities of given tokens: what a model says of texts, without a gradient. Sequences of similar length are
 * computed together, padded on the right, where no token of theirs looks; the logits never exist for all rows at once
 * (`linearLogProb`). Each sequence is by itself: the result does not depend on its neighbours.
 *
 * Perplexity, multiple choice, and the old and reference log-probabilities of alignment are sums of these.
 */
import { forward, outputWeight } from '../../models/forward.ts';
import type { ModelWeights } from '../../models/weights.ts';
import type { Backend, Buffer, Executable } from '../../tensor/backend.ts';
import { Graph } from '../../tensor/graph.ts';
import { linearLogProb } from '../../tensor/ops/loss.ts';
import { plan } from '../../tensor/plan.ts';
import { bucketOf } from '../generation/cached-decoder.ts';
import { contextLimit, createPlaceInputs } from '../generation/place-inputs.ts';

export interface SequenceScorerOptions {
  /** The longest sequence. */
  readonly maxLength: number;
  /** Tokens computed together, padding included; at least one sequence whatever its length. Default 2048. */
  readonly maxRows?: number;
  /** Log-probabilities are those of softmax(logits / temperature). Default 1. */
  readonly temperature?: number;
}

export interface SequenceScorer {
  readonly maxLength: number;
  /**
   * For each sequence, ln p(ids[t + 1] | ids[0 … t]) at t: one value fewer than it has tokens. Throws a RangeError for a
   * sequence that is too long, INPUT_CORRUPT for an id outside of the vocabulary.
   */
  logProbs(sequences: readonly ArrayLike<number>[]): Promise<Float32Array[]>;
  dispose(): void;
}

/** A scorer over the model's weights as they stand at each call. */
export function createSequenceScorer(
  backend: Backend,
  weights: ModelWeights,
  options: SequenceScorerOptions,
): SequenceScorer {
  const { config } = weights;
  const { maxLength, temperature = 1 } = options;
  if (maxLength > contextLimit(config)) {
    throw new RangeError(`scorer of ${maxLength} tokens: the model is made for ${contextLimit(config)}`);
  }
  const maxTime = timeOf(maxLength);
  const maxRows = Math.max(options.maxRows ?? 2048, maxTime);
  const create = (dtype: 'f32' | 'i32', name: string): Buffer => backend.createBuffer(dtype, maxRows, name);
  const ids = create('i32', 'token ids');
  const labels = create('i32', 'next tokens');
  const out = create('f32', 'log-probabilities');
  const places = createPlaceInputs(backend, config, { maxRows, maxLength });
  const programs = new Map<string, Executable>();

  function program(batch: number, time: number): Executable {
    const key = `${batch} ${time}`;
    const known = programs.get(key);
    if (known !== undefined) return known;
    const rows = batch * time;
    const graph = new Graph(`scoring ${batch} × ${time}`);
    graph.withTape('off', () => {
      const tensors = weights.tensors(graph);
      const { hidden } = forward(config, tensors, {
        batch,
        ids: graph.buffer(ids, [rows]),
        ...places.tensors(graph, rows),
      });
      const head = outputWeight(config, tensors);
      graph.assign(out, linearLogProb(hidden, head, graph.buffer(labels, [rows]), { temperature }).logProb);
    });
    const executable = backend.compile(plan(graph));
    programs.set(key, executable);
    return executable;
  }

  /** Sequences of one padded length. */
  async function score(sequences: readonly ArrayLike<number>[], time: number): Promise<Float32Array[]> {
    const rows = sequences.length * time;
    const input = new Int32Array(rows);
    const next = new Int32Array(rows).fill(-1);
    const positions = new Int32Array(rows);
    const lengths = new Int32Array(rows);
    sequences.forEach((sequence, b) => {
      for (let t = 0; t < time; t++) {
        const row = b * time + t;
        const isToken = t < sequence.length;
        input[row] = isToken ? sequence[t] : 0;
        positions[row] = isToken ? t : sequence.length - 1;
        lengths[row] = sequence.length;
        if (t + 1 < sequence.length) next[row] = sequence[t + 1];
      }
    });
    backend.write(ids, input);
    backend.write(labels, next);
    places.write(positions, lengths);
    await program(sequences.length, time).run();
    const found = (await backend.read(out, 0, rows)) as Float32Array;
    return sequences.map((sequence, b) => found.slice(b * time, b * time + sequence.length - 1));
  }

  return {
    maxLength,
    async logProbs(sequences) {
      const results = sequences.map((): Float32Array => new Float32Array());
      const order = sequences.map((_, index) => index).filter((index) => sequences[index].length > 1);
      for (const index of order) {
        if (sequences[index].length <= maxLength) continue;
        throw new RangeError(`scorer: sequence ${index} has ${sequences[index].length} tokens, at most ${maxLength}`);
      }
      order.sort((a, b) => sequences[b].length - sequences[a].length || a - b);
      for (let from = 0; from < order.length; ) {
        const time = timeOf(sequences[order[from]].length);
        const most = Math.max(1, Math.floor(maxRows / time));
        let to = from;
        while (to < order.length && to - from < most && timeOf(sequences[order[to]].length) === time) to++;
        const taken = order.slice(from, from + batchOf(to - from, most));
        const scored = await score(
          taken.map((index) => sequences[index]),
          time,
        );
        taken.forEach((index, i) => {
          results[index] = scored[i];
        });
        from += taken.length;
      }
      return results;
    },
    dispose() {
      for (const executable of programs.values()) executable.dispose();
      places.dispose();
      for (const buffer of [ids, labels, out]) backend.disposeBuffer(buffer);
    },
  };
}

/** The padded length: a multiple of a quarter of the power of two below, so that there are few programs and little padding. */
function timeOf(length: number): number {
  if (length <= 16) return bucketOf(length);
  const step = 2 ** Math.max(2, Math.floor(Math.log2(length - 1)) - 2);
  return Math.ceil(length / step) * step;
}

/** Full batches, and powers of two of what is left: few programs for each length. */
function batchOf(available: number, most: number): number {
  return available >= most ? most : 2 ** Math.floor(Math.log2(available));
}
