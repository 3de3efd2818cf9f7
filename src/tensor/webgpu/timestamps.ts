/** Times of passes on the device, by timestamp queries. */

const RESOLVE = 0x0200 | 0x0004; // GPUBufferUsage QUERY_RESOLVE | COPY_SRC
const READ_BACK = 0x01 | 0x08; // GPUBufferUsage MAP_READ | COPY_DST
/** Queries that a set may have. */
const SET_SIZE = 4096;

export interface Timestamps {
  /** The descriptor of pass `index`. */
  around(index: number): GPUComputePassDescriptor;
  /** After the last pass, before the submission. */
  resolve(encoder: GPUCommandEncoder): void;
  /** After the submission; 0 for passes that were not run. */
  milliseconds(): Promise<Float64Array>;
}

export function createTimestamps(device: GPUDevice, passes: number): Timestamps {
  const sets = Array.from({ length: Math.ceil((2 * passes) / SET_SIZE) }, (_, i) =>
    device.createQuerySet({ type: 'timestamp', count: Math.min(SET_SIZE, 2 * passes - i * SET_SIZE) }),
  );
  const used = new Uint8Array(passes);
  const size = Math.max(256, 16 * passes);
  const resolved = device.createBuffer({ size, usage: RESOLVE });
  const page = device.createBuffer({ size, usage: READ_BACK });
  return {
    around(index) {
      used[index] = 1;
      const at = (2 * index) % SET_SIZE;
      const querySet = sets[Math.floor((2 * index) / SET_SIZE)];
      return { timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } };
    },
    resolve(encoder) {
      sets.forEach((set, i) => {
        encoder.resolveQuerySet(set, 0, set.count, resolved, 8 * SET_SIZE * i);
      });
      encoder.copyBufferToBuffer(resolved, 0, page, 0, size);
    },
    async milliseconds() {
      await page.mapAsync(1);
      const ticks = new BigUint64Array(page.getMappedRange().slice(0));
      page.unmap();
      for (const buffer of [resolved, page]) buffer.destroy();
      for (const set of sets) set.destroy();
      return Float64Array.from(
        used,
        (wasRun, i) => wasRun * Math.max(0, Number(ticks[2 * i + 1] - ticks[2 * i]) / 1e6),
      );
    },
  };
}
