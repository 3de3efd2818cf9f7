/** Everything a trainer knows beside weights and moments: with them it makes a run go on to the bit where it was. */
import { z } from 'zod';

const count = z.int().nonnegative();

export const trainerStateSchema = z.object({
  version: z.literal(1),
  /** Steps done, skipped ones included. */
  step: count,
  /** Updates made: AdamW's own count, which a skipped step does not raise. */
  updates: count,
  /** Trained tokens (for pairs: pairs) so far. */
  tokens: count,
  /** Where the data stand; null: at the beginning. */
  cursor: z.string().nullable(),
  lossScale: z.object({ scale: z.number().positive(), goodSteps: count }),
  guard: z.object({ norms: z.array(z.number()), skipsInARow: count }),
  /** Of the last step; null before the first, or when it was not finite. */
  loss: z.number().nullable(),
  /** Last step that was followed by an evaluation, and by samples. */
  evaluatedAt: count,
  sampledAt: count,
  validationLoss: z.number().nullable(),
  bestValidationLoss: z.number().nullable(),
  /** Time trained, pauses not counted: for the predicted end and the limit in minutes alone. */
  seconds: z.number().nonnegative(),
});

export type TrainerState = z.infer<typeof trainerStateSchema>;

export function initialTrainerState(lossScale: number): TrainerState {
  return {
    version: 1,
    step: 0,
    updates: 0,
    tokens: 0,
    cursor: null,
    lossScale: { scale: lossScale, goodSteps: 0 },
    guard: { norms: [], skipsInARow: 0 },
    loss: null,
    evaluatedAt: 0,
    sampledAt: 0,
    validationLoss: null,
    bestValidationLoss: null,
    seconds: 0,
  };
}
