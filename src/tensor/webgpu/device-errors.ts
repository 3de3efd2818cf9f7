/**
 * What goes wrong on a device and is told only later: error scopes, uncaptured errors, the loss of the device. The first
 * such error stands for all that follows, because what memory holds after it is unknown.
 */

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
