/**
 * Turns for whatever else runs in a thread. The reference backend computes where it is called: without a turn now and then a
 * page does not draw and a worker does not hear that it should stop.
 */

/** One turn of the event loop: some microseconds, where a timer of a page would wait four milliseconds. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    (port1 as unknown as EventTarget).addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}
