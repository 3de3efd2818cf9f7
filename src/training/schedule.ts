/**
 * The learning rate over a run, as a function of how far it is: in steps, or in tokens trained.
 *
 *   cosine     linear warm-up, then half a cosine down to `floor` of the peak (GPT-3, Llama, Qwen: 10 %)
 *   constant   linear warm-up, then the peak
 *   wsd        warm-up, stable, decay: the peak until the last `decay` of the run, then down to `floor`; linear or as
 *              1 − √x (MiniCPM, arXiv 2404.06395; Hägele et al., arXiv 2405.18392: 1 − √x over the last 20 %)
 *
 * Step i of a warm-up of w steps has (i + 1)/w of the peak, so that the first step trains already.
 */
export type Schedule =
  | { readonly kind: 'constant'; readonly warmup: number }
  | { readonly kind: 'cosine'; readonly warmup: number; readonly length: number; readonly floor: number }
  | {
      readonly kind: 'wsd';
      readonly warmup: number;
      readonly length: number;
      readonly floor: number;
      /** Length of the decay at the end. */
      readonly decay: number;
      readonly shape: 'linear' | 'sqrt';
    };

/**
 * The factor of the peak learning rate. `at` and `unit` are steps (and 1) or tokens (and the tokens of a step): `at` is what
 * was done before this step. Beyond `length` the floor stays.
 */
export function scheduleFactor(schedule: Schedule, at: number, unit = 1): number {
  const { warmup } = schedule;
  // Clipped, because a warm-up in tokens need not end with a step.
  if (at < warmup) return Math.min(1, (at + unit) / warmup);
  if (schedule.kind === 'constant') return 1;
  const { length, floor } = schedule;
  if (schedule.kind === 'cosine') {
    const done = fraction(at - warmup, length - warmup);
    return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * done));
  }
  const start = Math.max(warmup, length - schedule.decay);
  const done = fraction(at - start, length - start);
  return floor + (1 - floor) * (schedule.shape === 'linear' ? 1 - done : 1 - Math.sqrt(done));
}

function fraction(part: number, whole: number): number {
  if (part <= 0) return 0;
  return whole <= 0 ? 1 : Math.min(1, part / whole);
}
