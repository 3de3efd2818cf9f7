/**
 * Calls in the order in which they are made, also while one of them waits for kernels that are still being compiled: a
 * backend's calls take effect in that order, and a queue of WebGPU keeps only the order of what it has been given.
 */
export class Turns {
  #last: Promise<void> | undefined;

  /** Whether a call waits. */
  get areTaken(): boolean {
    return this.#last !== undefined;
  }

  /**
   * What `act` returns: called at once where no call waits and there is nothing to wait for, else once all calls before it have
   * been made and `ready` has come, which must not reject. The next call does not wait for a promise that `act` returns.
   */
  take<T>(act: () => T | Promise<T>, ready?: Promise<unknown>): Promise<T> {
    const before = this.#last;
    if (before === undefined && ready === undefined) return new Promise((resolve) => resolve(act()));
    return new Promise((resolve, reject) => {
      const turn = Promise.all([before, ready]).then(() => {
        if (this.#last === turn) this.#last = undefined;
        try {
          resolve(act());
        } catch (error) {
          reject(error);
        }
      });
      this.#last = turn;
    });
  }
}
