/**
 * The loss scale of float16: gradients below 6e-8 would be zero, so the loss is multiplied by a power of two and the update
 * divides by it. It begins at 65,536, doubles after 2,000 good steps and halves when a gradient overflows, whose step is
 * left out (Micikevicius et al. 2018, Mixed Precision Training; the figures of PyTorch's GradScaler).
 */
export interface LossScaleState {
  scale: number;
  /** Good steps since the scale was last changed. */
  goodSteps: number;
}

export interface LossScaleOptions {
  readonly initial: number;
  readonly growthInterval: number;
}

export const LOSS_SCALE_DEFAULTS: LossScaleOptions = { initial: 65536, growthInterval: 2000 };

/** Below this the loss itself must be broken: overflow is no longer the scale's doing. */
export const LEAST_LOSS_SCALE = 1;

export function initialLossScale({ initial }: LossScaleOptions = LOSS_SCALE_DEFAULTS): LossScaleState {
  return { scale: initial, goodSteps: 0 };
}

/** The state after a step; `overflow`: one of its gradients was not finite. */
export function nextLossScale(
  { scale, goodSteps }: LossScaleState,
  overflow: boolean,
  { growthInterval }: LossScaleOptions = LOSS_SCALE_DEFAULTS,
): LossScaleState {
  if (overflow) return { scale: Math.max(LEAST_LOSS_SCALE, scale / 2), goodSteps: 0 };
  if (goodSteps + 1 < growthInterval) return { scale, goodSteps: goodSteps + 1 };
  return { scale: 2 * scale, goodSteps: 0 };
}
