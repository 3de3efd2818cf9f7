/**
 * Online merging optimizers (Lu et al. 2024, arXiv 2405.17931; Qwen2 uses them against the tax of alignment): every update of the
 * policy is merged with a little of what supervised fine-tuning changed, τ = reference − base, so that learning from rewards goes on in
 * the direction of what was learnt before.
 *
 *   dare   both are thinned out at random, a share `reserve` kept and divided by it; weights += α·τ' + (1 − α)·Δ'
 *   ties   of both the largest share `reserve` is kept; where their signs differ, the one against the sign of their sum is left
 *          out; weights += α·τ' + (1 − α)·Δ'
 *
 * Δ is what AdamW would have done. It is taken as the difference of the weights before and after the update, so any optimizer will do;
 * the price is that weights go to the host and back in each update: fine for models of some million weights. Draws are functions of the
 * seed, the parameter's name and the update's number, so a run goes on to the bit without more to save.
 * Defaults are those of QwenLM/online_merging_optimizers' example: reserve 0.01, α 1e-7.
 */
import { CorpusmillError } from '../core/errors.ts';
import { hashString32, mix32 } from '../core/random.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { AroundUpdate } from '../training/trainer.ts';

export interface OnlineMergingOptions {
  readonly kind: 'dare' | 'ties';
  /** Share of entries that is kept, above 0. Default 0.01. */
  readonly reserve?: number;
  /** Weight of τ. Default 1e-7. */
  readonly alpha?: number;
  readonly seed: number;
}

/** Of dare, τ is held between −1 and 1, so that an entry divided by a small share cannot be thrown far. */
const LARGEST = 1;

/**
 * What is to be done around each update of `policy`. `reference` is the policy as it was at first, `base` what that was fine-tuned
 * from; both are read once. Throws CONFIG_INVALID where their shapes differ.
 */
export async function onlineMerging(
  policy: ModelWeights,
  reference: Pick<ModelWeights, 'parameters' | 'read'>,
  base: Pick<ModelWeights, 'parameters' | 'read'>,
  { kind, reserve = 0.01, alpha = 1e-7, seed }: OnlineMergingOptions,
): Promise<AroundUpdate> {
  const learnt = new Map<string, Float32Array>();
  for (const { name, buffer } of reference.parameters) {
    const there = base.parameters.find((parameter) => parameter.name === name);
    if (there?.buffer.length !== buffer.length) {
      throw new CorpusmillError('CONFIG_INVALID', `online merging: ${name} is not of one shape in reference and base`, {
        hint: 'The base must be the model that the policy was fine-tuned from.',
      });
    }
    const [after, before] = [await reference.read(name), await base.read(name)];
    const difference = Float32Array.from(after, (value, i) => value - before[i]);
    if (kind === 'ties') keepLargest(difference, reserve);
    else thinOut(difference, reserve, hashString32(name, seed));
    learnt.set(
      name,
      kind === 'dare' ? difference.map((value) => Math.min(LARGEST, Math.max(-LARGEST, value))) : difference,
    );
  }
  const held = new Map<string, Float32Array>();
  return {
    async before() {
      for (const name of learnt.keys()) held.set(name, await policy.read(name));
    },
    async after(update) {
      for (const [name, tau] of learnt) {
        const start = held.get(name)!;
        const delta = (await policy.read(name)).map((value, i) => value - start[i]);
        if (kind === 'ties') keepLargest(delta, reserve);
        else thinOut(delta, reserve, mix32(hashString32(name, seed ^ 0x2545f491) + mix32(update)));
        policy.write(name, merged(start, tau, delta, kind, alpha));
      }
      held.clear();
    },
  };
}

function merged(
  start: Float32Array,
  tau: Float32Array,
  delta: Float32Array,
  kind: OnlineMergingOptions['kind'],
  alpha: number,
): Float32Array {
  return start.map((value, i) => {
    let [ours, theirs] = [delta[i], tau[i]];
    if (kind === 'ties') {
      const sign = ours + theirs >= 0 ? 1 : -1;
      if (Math.sign(ours) !== sign) ours = 0;
      if (Math.sign(theirs) !== sign) theirs = 0;
    }
    return value + alpha * theirs + (1 - alpha) * ours;
  });
}

/** Keeps each entry with probability `reserve`, divided by it, in place. */
export function thinOut(values: Float32Array, reserve: number, seed: number): void {
  if (reserve >= 1) return;
  const below = reserve * 2 ** 32;
  for (let i = 0; i < values.length; i++) {
    values[i] = mix32(mix32(seed + Math.imul(i, 0x9e3779b9)) ^ i) < below ? values[i] / reserve : 0;
  }
}

/** Keeps the largest share `reserve` by magnitude, of equals the first, in place; all where that is less than one entry. */
export function keepLargest(values: Float32Array, reserve: number): void {
  const kept = Math.floor(reserve * values.length);
  if (reserve >= 1 || kept < 1) return;
  const magnitudes = values.map(Math.abs).sort();
  const least = magnitudes[magnitudes.length - kept];
  const above = magnitudes.length - 1 - magnitudes.findLastIndex((value) => value <= least);
  let equals = kept - above;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]);
    if (magnitude > least) continue;
    if (magnitude === least && equals > 0) equals--;
    else values[i] = 0;
  }
}
