/**
 * The native attention kernels with the arguments of their twin (reference/attention.ts), synchronous: for tests and
 * benches. Models run theirs inside a program, without a call from JavaScript for each operation.
 */
import type { NativeAddon } from '../core/native-addon.ts';
import type { NativeAttentionArguments } from '../core/native-tensor.ts';
import type { AttentionChunks, AttentionMask, AttentionShape } from './reference/attention.ts';

export interface NativeAttentionOptions {
  /** Of this process; results do not depend on it. */
  threads: number;
  /** One of `native.attentionLevels()`; by default the fastest, or the one that CORPUSMILL_ISA names. */
  level?: string | undefined;
}

/** What attentionForward of the twin does, to the same arrays. Throws a TypeError about arrays that are too short. */
export function nativeAttentionForward(
  native: NativeAddon,
  options: NativeAttentionOptions,
  shape: AttentionShape,
  mask: AttentionMask,
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  out: Float32Array,
  lse: Float32Array,
  chunks?: AttentionChunks,
): void {
  const rotations = chunks === undefined ? [] : [chunks.successive, chunks.inter, chunks.length];
  native.attentionForward(...callArguments(native, options, shape, mask), q, k, v, out, lse, ...rotations);
}

/** What attentionBackward of the twin does, to the same arrays. */
export function nativeAttentionBackward(
  native: NativeAddon,
  options: NativeAttentionOptions,
  shape: AttentionShape,
  mask: AttentionMask,
  ...arrays: [
    dout: Float32Array,
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    out: Float32Array,
    lse: Float32Array,
    dq: Float32Array,
    dk: Float32Array,
    dv: Float32Array,
  ]
): void {
  native.attentionBackward(...callArguments(native, options, shape, mask), ...arrays);
}

function callArguments(
  native: NativeAddon,
  { threads, level }: NativeAttentionOptions,
  shape: AttentionShape,
  mask: AttentionMask,
): NativeAttentionArguments {
  const levels = native.attentionLevels();
  return [
    level === undefined ? levels.length : levels.indexOf(level),
    threads,
    Int32Array.of(shape.batch, shape.queries, shape.keys, shape.queryHeads, shape.keyHeads, shape.headSize),
    shape.scale,
    mask.causal ? 1 : 0,
    mask.window ?? 0,
    mask.segmentIds,
    mask.prefix,
    mask.keyRange,
  ];
}
