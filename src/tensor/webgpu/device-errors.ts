/**
 * What goes wrong on a device and is told only later: error scopes, uncaptured errors, the loss of the device. The first
 * such error stands for all that follows, because what memory holds after it is unknown.
 */
import { CorpusmillError } from '../../core/errors.ts';

/** How long a failed read waits to be told that the device is lost, which WebGPU says by another way. */
const LOSS_TOLD_MS = 1000;

export class DeviceErrors {
  readonly #pending = new Set<Promise<unknown>>();
  #failure: Error | undefined;
  #told: (() => void) | undefined;
  readonly #failed = new Promise<void>((resolve) => {
    this.#told = resolve;
  });

  report(error: Error): void {
    this.#failure ??= error;
    this.#told?.();
  }

  /** A check under way, which reports what it finds. */
  watch(check: Promise<unknown>): void {
    // A scope of a lost device is never answered with more than a rejection.
    const settled: Promise<unknown> = check.catch(() => {}).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  /** Waits for the checks under way; rejects with the first error there was. */
  async settled(): Promise<void> {
    if (this.#pending.size > 0) await Promise.all(this.#pending);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Rejects with what is behind an operation that failed with `cause`: the first error there was, or else the cause itself. */
  async explain(cause: unknown): Promise<never> {
    await this.settled();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const waited = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LOSS_TOLD_MS);
    });
    await Promise.race([this.#failed, waited]);
    clearTimeout(timer);
    await this.settled();
    throw cause;
  }
}

const WITHOUT_GPU = '`--backend native` does without the GPU.';

/** The device went away: a driver that was reset, a card that was taken, a time limit of the system. */
export function deviceLost(cause: string): CorpusmillError {
  return new CorpusmillError('BACKEND_LOST', `the WebGPU device was lost: ${cause}`, {
    hint: `Run the same command again; training goes on from its last checkpoint. ${WITHOUT_GPU}`,
  });
}

/** A buffer for which there is no room, or that is larger than a buffer may be. */
export function noRoom(what: string, bytes: number, limit?: number): CorpusmillError {
  const why =
    limit === undefined
      ? `the GPU has no room for its ${bytes} bytes`
      : `it has ${bytes} bytes, a buffer of this adapter holds ${limit}`;
  return new CorpusmillError('BACKEND_MEMORY', `${what}: ${why}`, {
    hint: `Take fewer rows (training: batch.rows with more batch.accumulation, or recompute: true) or a smaller model. ${WITHOUT_GPU}`,
  });
}

/** A tensor of which a kernel would have to see more than the adapter lets it. */
export function tooLarge(what: string, bytes: number, limit: number): CorpusmillError {
  const message = `${what} has ${bytes} bytes that a kernel must see at once, on this adapter it sees ${limit}`;
  return new CorpusmillError('BACKEND_MEMORY', message, {
    hint: `Take smaller steps (batch.rows with more batch.accumulation, shorter sequences), a smaller model, or another adapter: \`corpusmill doctor\` shows its limit as max storage buffer binding size. ${WITHOUT_GPU}`,
  });
}

/** A kernel that does not compile, a command that the device refuses. */
export function deviceRefuses(what: string): CorpusmillError {
  return new CorpusmillError('BACKEND_FAILED', what, {
    hint: `This is a defect in corpusmill or in the driver: please report it with what \`corpusmill doctor --json\` prints. ${WITHOUT_GPU}`,
  });
}
