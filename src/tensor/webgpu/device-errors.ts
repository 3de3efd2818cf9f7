/**
 * What goes wrong on a device and is told only later: error scopes, uncaptured errors, the loss of the device. The first
 * such error stands for all that follows, because what memory holds after it is unknown.
 */
export class DeviceErrors {
  readonly #pending = new Set<Promise<unknown>>();
  #failure: Error | undefined;

  report(error: Error): void {
    this.#failure ??= error;
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
}
