/**
 * Training step by step: between steps the event loop runs, so that progress is shown and Ctrl-C heard. A step takes about
 * a twentieth of a second; which merges are made does not depend on it.
 */
import { setImmediate } from 'node:timers/promises';
import type { BpeTraining } from './train-bpe.ts';

export interface StepOptions {
  /** Rejects with its reason between two steps. */
  signal?: AbortSignal;
  /** `fraction` in [0, 1]; `note`: merges made and time left. */
  onProgress?: (fraction: number, note: string) => void;
}

const STEP_MS = 50;

export async function advanceInSteps(training: BpeTraining, { signal, onProgress }: StepOptions): Promise<void> {
  const { maxMerges } = training;
  let most = 1;
  for (let more = maxMerges > 0; more; ) {
    signal?.throwIfAborted();
    const before = training.merges;
    const started = performance.now();
    more = training.advance(most);
    const perMerge = (performance.now() - started) / Math.max(1, training.merges - before);
    // Merges become cheaper as training goes on, so the time left is at most about this.
    const secondsLeft = Math.ceil(((maxMerges - training.merges) * perMerge) / 1000);
    onProgress?.(
      training.merges / maxMerges,
      `merge ${training.merges} of ${maxMerges}, ${timeText(secondsLeft)} left`,
    );
    most = Math.max(1, Math.min(2 * most, Math.round(STEP_MS / Math.max(perMerge, 1e-3))));
    await setImmediate();
  }
  signal?.throwIfAborted();
}

function timeText(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
