/**
 * A mixture of shard sets: one endless-looking row of draws, each naming a source and one of its rows. What the n-th draw
 * is follows from shards, weights, epochs, seed and n alone, not from who asks for it: ranks and batches are cut out of it
 * by loader.ts.
 *
 * A source's own order is one permutation per epoch, so an epoch gives each of its rows once before the next begins. Which
 * source comes next is decided by shares.ts. The state is the number of rows drawn of each source.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { hashJson } from '../../core/hash.ts';
import { mix32 } from '../../core/random.ts';
import type { ShardSet } from '../shard-set.ts';
import { type Fingerprints, formatCursor, type Position, parseCursor } from './cursor.ts';
import { hasLabels } from './read-batch.ts';
import { type OrderOptions, rowOrder } from './row-order.ts';
import { nextSource } from './shares.ts';

export interface MixtureSource {
  shards: ShardSet;
  /**
   * Share of the mixture relative to the other weights. All sources have one or none; without, each is read `epochs`
   * times, spread evenly over the whole.
   */
  weight?: number;
  /** How often its rows may come at most: a number, fractions allowed, or Infinity. Default: `epochs` of the options. */
  epochs?: number;
}

export interface MixtureOptions extends OrderOptions {
  seed: number;
  /** For sources that do not say; default 1. */
  epochs?: number;
  /** What weights are shares of: `tokens` (default; documents' tokens, padding not counted) or `rows`. */
  weightBy?: 'tokens' | 'rows';
  /**
   * When a source has been given `epochs` times: the others go on, sharing its part by their weights (`continue`, default), or
   * the mixture ends where its next row would be due, so that the shares hold to the end (`stop`).
   */
  whenExhausted?: 'continue' | 'stop';
  /** Where to go on: `cursor` of the last batch. */
  cursor?: string;
  /** Go on from a cursor of the same shards, seed and order with other weights or epochs: shares count from there. */
  allowOtherWeights?: boolean;
}

export interface Mixture {
  sets: readonly ShardSet[];
  /** Takes the next draw and returns its source, or -1 at the end. */
  draw(): number;
  /** Position of the last draw of a source among all draws of it. */
  positionOf(source: number): number;
  /** The row of the set at such a position. */
  rowAt(source: number, position: number): number;
  /** What to resume with after the last draw. */
  cursor(): string;
}

/** Throws CorpusmillError('USAGE'): options that make no sense, sources that do not fit, a cursor of another mixture. */
export function createMixture(sources: readonly MixtureSource[], options: MixtureOptions): Mixture {
  checkFit(sources);
  const sets = sources.map(({ shards }) => shards);
  const limits = sources.map((source, i) => {
    const epochs = source.epochs ?? options.epochs ?? 1;
    if (!(epochs > 0)) throw wrong(`source ${i} has epochs ${epochs}, expected a number above 0`);
    return Math.floor(epochs * source.shards.rows);
  });
  const rates = ratesOf(sources, limits, options.weightBy ?? 'tokens');
  const { seed, order = 'global', blockShards = 8, whenExhausted = 'continue' } = options;
  const fingerprints: Fingerprints = {
    shards: fingerprint(sets.map(({ manifest }) => manifest.shards.map(({ rows, sha256 }) => [rows, sha256]))),
    weights: fingerprint([rates, limits.map(String), whenExhausted]),
    order: fingerprint([seed, order, order === 'blocks' ? blockShards : 0]),
  };
  const start = startOf(options, fingerprints, limits);

  const drawn = Float64Array.from(start.drawn);
  const base = Float64Array.from(start.base);
  const phase = new Float64Array(sets.length);
  const shares = new Float64Array(sets.length);
  let phaseDraws = 0;
  const setShares = (): void => {
    const rows = rates.map((rate, i) => (whenExhausted === 'stop' || drawn[i] < limits[i] ? rate : 0));
    const sum = rows.reduce((total, rate) => total + rate, 0);
    phaseDraws = 0;
    for (let i = 0; i < sets.length; i++) {
      shares[i] = sum === 0 ? 0 : rows[i] / sum;
      phase[i] = drawn[i] - base[i];
      phaseDraws += phase[i];
    }
  };
  setShares();

  const orders = sets.map(() => ({ epoch: -1, rowAt: (position: number) => position }));
  return {
    sets,
    draw() {
      const source = nextSource(shares, phase, phaseDraws);
      if (source === -1 || drawn[source] >= limits[source]) return -1;
      drawn[source]++;
      phase[source]++;
      phaseDraws++;
      if (drawn[source] === limits[source] && whenExhausted === 'continue') {
        base.set(drawn);
        setShares();
      }
      return source;
    },
    positionOf: (source) => drawn[source] - 1,
    rowAt(source, position) {
      const { rows } = sets[source];
      const epoch = Math.floor(position / rows);
      const current = orders[source];
      if (current.epoch !== epoch) {
        const key = mix32(mix32(mix32(seed) + source) + epoch);
        orders[source] = { epoch, rowAt: rowOrder(sets[source], { order, blockShards }, key) };
      }
      return orders[source].rowAt(position - epoch * rows);
    },
    cursor: () => formatCursor(fingerprints, { drawn: [...drawn], base: [...base] }),
  };
}

/** Share of each source among draws, up to a common factor. */
function ratesOf(sources: readonly MixtureSource[], limits: readonly number[], weightBy: 'tokens' | 'rows'): number[] {
  const weights = sources.map(({ weight }) => weight);
  if (weights.every((weight) => weight === undefined)) {
    return limits.map((limit, i) => (Number.isFinite(limit) ? limit : sources[i].shards.rows));
  }
  return sources.map(({ weight, shards }, i) => {
    if (weight === undefined) throw wrong(`source ${i} has no weight, others have: give every source one, or none`);
    if (!(weight > 0 && Number.isFinite(weight))) {
      throw wrong(`source ${i} has weight ${weight}, expected a finite number above 0`);
    }
    return weightBy === 'rows' ? weight : weight / (shards.manifest.tokens / shards.rows);
  });
}

/** Rows of one batch lie in one array: they must be of one length, type and tokenizer. */
function checkFit(sources: readonly MixtureSource[]): void {
  if (sources.length === 0) throw wrong('there is no source');
  const first = sources[0].shards.manifest;
  for (const [i, { shards }] of sources.entries()) {
    const { contextLength, dtype, tokenizer } = shards.manifest;
    if (shards.rows === 0) throw wrong(`source ${i} (${shards.dir}) has no rows`);
    if (contextLength !== first.contextLength || dtype !== first.dtype) {
      const rows = `rows of ${contextLength} ${dtype}`;
      throw wrong(`source ${i} (${shards.dir}) has ${rows}, the first has ${first.contextLength} ${first.dtype}`);
    }
    if (hasLabels(shards.manifest) !== hasLabels(first)) {
      throw wrong(`some sources have labels and others have none (source ${i}, ${shards.dir})`);
    }
    if (tokenizer.sha256 !== first.tokenizer.sha256) {
      throw wrong(
        `source ${i} (${shards.dir}) was made with another tokenizer than the first: its ids mean other text`,
      );
    }
  }
}

function startOf(
  { cursor, allowOtherWeights = false }: MixtureOptions,
  expected: Fingerprints,
  limits: readonly number[],
): Position {
  if (cursor === undefined) return { drawn: limits.map(() => 0), base: limits.map(() => 0) };
  const { fingerprints, position } = parseCursor(cursor);
  const meanings = { shards: 'other shards', weights: 'other weights or epochs', order: 'another seed or order' };
  const differ = (Object.keys(meanings) as (keyof Fingerprints)[]).filter(
    (name) => fingerprints[name] !== expected[name] && !(name === 'weights' && allowOtherWeights),
  );
  if (differ.length > 0 || position.drawn.length !== limits.length) {
    const found = differ.map((name) => meanings[name]).join(' and ') || 'another number of sources';
    throw new CorpusmillError('USAGE', `resuming a loader: the cursor belongs to ${found} than are given`, {
      hint:
        'Resume with what the cursor was made with' +
        (differ.join() === 'weights' ? ', or set allowOtherWeights to change them from here on.' : '.'),
    });
  }
  return fingerprints.weights === expected.weights ? position : { drawn: position.drawn, base: [...position.drawn] };
}

function fingerprint(value: unknown): string {
  return hashJson(value).slice(0, 8);
}

function wrong(found: string): CorpusmillError {
  return new CorpusmillError('USAGE', `mixture of shards: ${found}`);
}
