/**
 * The operations of attention: which kernels run, over which parts of their operands.
 *
 * Up to eight queries a row, as in generation, take the kernel that splits the keys (attention-decode.ts), more the one of
 * tiles (attention-forward.ts); where the processor draws, all take those without workgroup memory (attention-direct.ts). Operands that a binding does not hold are cut: by batch rows, then by queries and by keys,
 * where results over some of the keys are merged, and gradients over some are added to, in order.
 */
import { areVectors, type Dispatch, type KernelPlace, type KernelSource, part } from '../kernel.ts';
import type { Lowering, LoweringContext } from '../lowering.ts';
import { DELTA_QUERIES, deltaKernel, keyGradKernel, queryGradKernel } from './attention-backward.ts';
import { DECODE_KEYS, decodeKernel, decodeRows } from './attention-decode.ts';
import { directForwardKernel, directKeyGradKernel, directQueryGradKernel } from './attention-direct.ts';
import { forwardKernel } from './attention-forward.ts';
import { mergeDispatch } from './attention-merge.ts';
import { TILE_ROWS, tileShape } from './attention-tiles.ts';
import { type AttentionSizes, QUERY_TILE, type Visibility, visibilityOf } from './attention-visibility.ts';

/** Queries up to which keys are split instead of queries. */
const FEW_QUERIES = 8;
/** Workgroups that the keys of a head are split over, at most. */
const MOST_SPLITS = 64;
/** Words that partial results may take. */
const MOST_PART_WORDS = 2 ** 24;

/** Heads up to which a thread holds more columns: it accumulates 32 numbers of the head then. */
const NARROW_FORWARD = 64;
const NARROW_BACKWARD = 32;

interface Range {
  readonly start: number;
  readonly count: number;
}

interface Cuts {
  readonly batches: readonly Range[];
  readonly queries: readonly Range[];
  readonly keys: readonly Range[];
}

/** 0 to `total` in ranges of at most `most`, each but the last a multiple of `grain`; one empty range where total is 0. */
function ranges(total: number, most: number, grain: number): Range[] {
  // Where not even a grain fits the binding is refused later, by the name of the kernel.
  const size = most >= total ? Math.max(total, 1) : Math.max(grain, most - (most % grain));
  return Array.from({ length: Math.max(1, Math.ceil(total / size)) }, (_, i) => ({
    start: i * size,
    count: Math.min(size, total - i * size),
  }));
}

/** Queries and keys are cut only where not even one row of the batch fits. */
function cutsOf({ limits }: LoweringContext, sizes: AttentionSizes): Cuts {
  const { batch, queries, keys, heads, kvHeads, headDim } = sizes;
  // A place may begin and end inside an alignment.
  const most = limits.maxBindingWords - 2 * limits.alignmentWords;
  const [queryWords, keyWords] = [heads * headDim, kvHeads * headDim];
  const rowWords = Math.max(queries * queryWords, keys * keyWords);
  const keyRanges = ranges(keys, Math.floor(most / keyWords), TILE_ROWS);
  // A merge sees the parts of all ranges of keys.
  const mostParts = keyRanges.length === 1 ? most : Math.min(most, MOST_PART_WORDS) / keyRanges.length;
  return {
    batches: ranges(batch, Math.max(1, Math.floor(most / Math.max(1, rowWords))), 1),
    queries: ranges(queries, Math.floor(mostParts / queryWords), QUERY_TILE),
    keys: keyRanges,
  };
}

/** Everything that dispatches over cut operands need. */
interface Cutting {
  readonly sizes: AttentionSizes;
  /** Words that strides and starts of heads count: 4 in kernels with `vectors`. */
  readonly unit: number;
}

function queryPart({ sizes }: Cutting, place: KernelPlace, batches: Range, queries: Range, width: number): KernelPlace {
  const words = sizes.heads * width;
  const count = batches.count > 1 ? batches.count * sizes.queries : queries.count;
  return part(place, (batches.start * sizes.queries + queries.start) * words, count * words);
}

function keyPart({ sizes }: Cutting, place: KernelPlace, batches: Range, keys: Range): KernelPlace {
  const words = sizes.kvHeads * sizes.headDim;
  const count = batches.count > 1 ? batches.count * sizes.keys : keys.count;
  return part(place, (batches.start * sizes.keys + keys.start) * words, count * words);
}

function strides({ sizes, unit }: Cutting) {
  const { queries, keys, heads, kvHeads, headDim } = sizes;
  const [q, k] = [(heads * headDim) / unit, (kvHeads * headDim) / unit];
  return { q_batch: queries * q, q_row: q, k_batch: keys * k, k_row: k, head: headDim / unit };
}

interface Forward {
  readonly context: LoweringContext;
  readonly cutting: Cutting;
  readonly visibility: Visibility;
  /** Under the names of the kernels' operands. */
  readonly queries: Readonly<Record<string, KernelPlace>>;
  readonly k: KernelPlace;
  readonly v: KernelPlace;
  readonly out: KernelPlace;
  readonly lse: KernelPlace;
  /** 0 where there is one rotation. */
  readonly chunkLength: number;
}

/** log₂ e: scores times this are in powers of two. */
const LOG2_E = Math.LOG2E;

const roundUp = (value: number, grain: number): number => Math.ceil(value / grain) * grain;

function commonParameters({ cutting, visibility, chunkLength }: Forward, keys: Range) {
  const { heads, kvHeads, scale } = cutting.sizes;
  return {
    ...strides(cutting),
    ...visibility.values,
    ...(chunkLength > 0 && { chunk_length: chunkLength }),
    heads_per_key: heads / kvHeads,
    scale: scale * LOG2_E,
    first_key: keys.start,
    end_key: keys.start + keys.count,
  };
}

function forward(given: Forward): Dispatch[] {
  const cuts = cutsOf(given.context, given.cutting.sizes);
  const { queries } = given.cutting.sizes;
  const isFew = queries <= FEW_QUERIES && !given.context.products.isSoftware;
  return [...given.visibility.dispatches, ...(isFew ? fewQueries(given, cuts) : tiles(given, cuts))];
}

function tiles(given: Forward, cuts: Cuts): Dispatch[] {
  const { context, cutting, visibility, queries, k, v, out, lse, chunkLength } = given;
  const { sizes, unit } = cutting;
  const { heads, headDim } = sizes;
  const shape = tileShape(headDim, context.limits, chunkLength > 0 ? NARROW_BACKWARD : NARROW_FORWARD);
  const kernel = context.products.isSoftware
    ? directForwardKernel(headDim, visibility, chunkLength > 0)
    : forwardKernel(shape, visibility, unit === 4, chunkLength > 0);
  const parts = cuts.keys.length;
  const lseRows = roundUp(cuts.queries[0].count, 4);
  const rows = cuts.batches[0].count * heads * lseRows;
  const partLse = context.scratch(parts * rows);
  const partOut = parts > 1 ? context.scratch(parts * rows * headDim) : undefined;
  const dispatches: Dispatch[] = [];
  for (const batches of cuts.batches) {
    for (const block of cuts.queries) {
      const tileCount = Math.ceil(block.count / TILE_ROWS);
      const groups = batches.count * heads * tileCount;
      const partRows = batches.count * heads * lseRows;
      const outPart = queryPart(cutting, out, batches, block, headDim);
      const strided = strides(cutting);
      const outStrides =
        partOut === undefined
          ? { out_batch: strided.q_batch, out_head: strided.head, out_row: strided.q_row }
          : { out_batch: heads * lseRows * strided.head, out_head: lseRows * strided.head, out_row: strided.head };
      cuts.keys.forEach((keys, i) => {
        dispatches.push({
          kernel,
          places: {
            ...partsOf(cutting, queries, batches, block),
            k: keyPart(cutting, k, batches, keys),
            v: keyPart(cutting, v, batches, keys),
            ...visibility.places(batches.start, batches.count),
            out: partOut === undefined ? outPart : part(partOut, i * partRows * headDim, partRows * headDim),
            lse: part(partLse, i * partRows, partRows),
          },
          parameters: {
            ...commonParameters(given, keys),
            ...outStrides,
            groups,
            tiles: tileCount,
            heads,
            first_query: block.start,
            query_count: block.count,
            lse_rows: lseRows,
          },
          workgroups: context.grid(groups),
        });
      });
      dispatches.push(
        mergeDispatch(context, {
          batch: batches.count,
          queries: block.count,
          heads,
          headDim,
          group: 1,
          rows: lseRows,
          parts,
          partLse: part(partLse, 0, parts * partRows),
          partOut: partOut && part(partOut, 0, parts * partRows * headDim),
          out: outPart,
          lse: queryPart(cutting, lse, batches, block, 1),
        }),
      );
    }
  }
  return dispatches;
}

function partsOf(cutting: Cutting, places: Readonly<Record<string, KernelPlace>>, batches: Range, block: Range) {
  const { headDim } = cutting.sizes;
  return Object.fromEntries(
    Object.entries(places).map(([name, place]) => [name, queryPart(cutting, place, batches, block, headDim)]),
  );
}

function fewQueries(given: Forward, cuts: Cuts): Dispatch[] {
  const { context, cutting, visibility, queries, k, v, out, lse, chunkLength } = given;
  const { sizes, unit } = cutting;
  const { heads, kvHeads, headDim } = sizes;
  const group = heads / kvHeads;
  const rows = sizes.queries * group;
  const tileRows = decodeRows(headDim, rows, context.limits, chunkLength > 0);
  const kernel = decodeKernel(headDim, tileRows, visibility, unit === 4, chunkLength > 0);
  const rowTiles = Math.ceil(rows / tileRows);
  const partRows = cuts.batches[0].count * kvHeads * rowTiles * tileRows;
  const most = Math.min(MOST_PART_WORDS, context.limits.maxBindingWords) / (cuts.keys.length * partRows * headDim);
  const splits = Math.max(1, Math.min(MOST_SPLITS, Math.ceil(cuts.keys[0].count / DECODE_KEYS), Math.floor(most)));
  const parts = splits * cuts.keys.length;
  const partLse = context.scratch(parts * partRows);
  const partOut = context.scratch(parts * partRows * headDim);
  const [block] = cuts.queries;
  return cuts.batches.flatMap((batches) => {
    const perSplit = batches.count * kvHeads * rowTiles * tileRows;
    const groups = splits * batches.count * kvHeads * rowTiles;
    const split = cuts.keys.map((keys, i): Dispatch => {
      const words = splits * perSplit;
      return {
        kernel,
        places: {
          ...partsOf(cutting, queries, batches, block),
          k: keyPart(cutting, k, batches, keys),
          v: keyPart(cutting, v, batches, keys),
          ...visibility.places(batches.start, batches.count),
          out: part(partOut, i * words * headDim, words * headDim),
          lse: part(partLse, i * words, words),
        },
        parameters: {
          ...commonParameters(given, keys),
          groups,
          splits,
          row_tiles: rowTiles,
          key_heads: kvHeads,
          rows,
        },
        workgroups: context.grid(groups),
      };
    });
    const merge = mergeDispatch(context, {
      batch: batches.count,
      queries: sizes.queries,
      heads,
      headDim,
      group,
      rows: rowTiles * tileRows,
      parts,
      partLse: part(partLse, 0, parts * perSplit),
      partOut: part(partOut, 0, parts * perSplit * headDim),
      out: queryPart(cutting, out, batches, block, headDim),
      lse: queryPart(cutting, lse, batches, block, 1),
    });
    return [...split, merge];
  });
}

function backward(context: LoweringContext): Dispatch[] {
  const sizes = attentionSizes(context);
  const [dout, q, k, v, out, lse] = [0, 1, 2, 3, 4, 5].map((index) => context.in(index));
  const { batch, queries, heads, kvHeads, headDim, scale } = sizes;
  if (batch * Math.max(queries, sizes.keys) === 0) return [];
  const masks = { segmentIds: context.maybeIn(6), prefix: context.maybeIn(7), keyRange: context.maybeIn(8) };
  const visibility = visibilityOf(context, sizes, masks, false);
  const [dq, dk, dv] = [0, 1, 2].map((index) => context.out(index));
  const cutting = { sizes, unit: unitOf(context, headDim, dout, q, k, v, out, dq, dk, dv) };
  const vectors = cutting.unit === 4;
  const cuts = cutsOf(context, sizes);
  const shape = tileShape(headDim, context.limits, NARROW_BACKWARD);
  const statRows = roundUp(queries, 4);
  const [delta, logSum] = [0, 1].map(() => context.scratch(cuts.batches[0].count * heads * statRows));
  const dispatches: Dispatch[] = [...visibility.dispatches];
  for (const batches of cuts.batches) {
    const statWords = batches.count * heads * statRows;
    const stats = { delta: part(delta, 0, statWords), log_sum: part(logSum, 0, statWords) };
    const common = { ...strides(cutting), heads, stat_rows: statRows };
    for (const block of cuts.queries) {
      const tileCount = Math.ceil(block.count / DELTA_QUERIES);
      const groups = batches.count * heads * tileCount;
      dispatches.push({
        kernel: deltaKernel(headDim, vectors),
        places: {
          ...partsOf(cutting, { dout, out }, batches, block),
          lse: queryPart(cutting, lse, batches, block, 1),
          ...stats,
        },
        parameters: { ...common, groups, tiles: tileCount, first_query: block.start, query_count: block.count },
        workgroups: context.grid(groups),
      });
    }
    /** Over the tiles of `rows`, queries or keys, of so many heads; what the results hold is added to after the first part. */
    const dispatch = (
      kernel: KernelSource,
      block: Range,
      keys: Range,
      rows: Range,
      rowHeads: number,
      isFirst: boolean,
    ): Dispatch => {
      const tileCount = Math.ceil(rows.count / TILE_ROWS);
      const groups = batches.count * rowHeads * tileCount;
      return {
        kernel,
        places: {
          ...partsOf(cutting, { dout, q, dq }, batches, block),
          k: keyPart(cutting, k, batches, keys),
          v: keyPart(cutting, v, batches, keys),
          dk: keyPart(cutting, dk, batches, keys),
          dv: keyPart(cutting, dv, batches, keys),
          ...visibility.places(batches.start, batches.count),
          ...stats,
        },
        parameters: {
          ...common,
          ...visibility.values,
          groups,
          tiles: tileCount,
          heads_per_key: heads / kvHeads,
          scale,
          score_scale: scale * LOG2_E,
          first_query: block.start,
          query_count: block.count,
          first_key: keys.start,
          end_key: keys.start + keys.count,
          accumulate: Number(!isFirst),
        },
        workgroups: context.grid(groups),
      };
    };
    const [queryKernel, keyKernel] = context.products.isSoftware
      ? [directQueryGradKernel(headDim, visibility), directKeyGradKernel(headDim, visibility)]
      : [queryGradKernel(shape, visibility, vectors), keyGradKernel(shape, visibility, vectors)];
    for (const block of cuts.queries) {
      for (const keys of cuts.keys) {
        dispatches.push(dispatch(queryKernel, block, keys, block, heads, keys.start === 0));
        dispatches.push(dispatch(keyKernel, block, keys, keys, kvHeads, block.start === 0));
      }
    }
  }
  return dispatches;
}

/** Whether kernels see the operands as vectors of four. */
function unitOf({ products }: LoweringContext, headDim: number, ...places: readonly KernelPlace[]): 1 | 4 {
  return !products.isSoftware && headDim % 4 === 0 && areVectors(...places) ? 4 : 1;
}

function attentionSizes({ attributes }: LoweringContext): AttentionSizes {
  const [batch, queries, keys, heads, kvHeads, headDim, scale, causal, window] = attributes;
  return { batch, queries, keys, heads, kvHeads, headDim, scale, causal: causal !== 0, window };
}

export const attentionLowerings = {
  attention(context) {
    const sizes = attentionSizes(context);
    const [q, k, v] = [0, 1, 2].map((index) => context.in(index));
    const masks = { segmentIds: context.maybeIn(3), prefix: context.maybeIn(4), keyRange: context.maybeIn(5) };
    const out = context.out(0);
    return forward({
      context,
      cutting: { sizes, unit: unitOf(context, sizes.headDim, q, k, v, out) },
      visibility: visibilityOf(context, sizes, masks, true),
      queries: { q },
      k,
      v,
      out,
      lse: context.out(1),
      chunkLength: 0,
    });
  },
  dualChunkAttention(context) {
    const [batch, queries, keys, heads, kvHeads, headDim, scale, chunkLength] = context.attributes;
    const sizes = { batch, queries, keys, heads, kvHeads, headDim, scale, causal: true, window: 0 };
    const [intra, successive, inter, k, v] = [0, 1, 2, 3, 4].map((index) => context.in(index));
    const out = context.out(0);
    return forward({
      context,
      cutting: { sizes, unit: unitOf(context, headDim, intra, successive, inter, k, v, out) },
      visibility: visibilityOf(context, sizes, { keyRange: context.maybeIn(5) }, true),
      queries: { q: intra, q_successive: successive, q_inter: inter },
      k,
      v,
      out,
      lse: context.out(1),
      chunkLength,
    });
  },
  attentionGrad: backward,
} satisfies Record<string, Lowering>;
