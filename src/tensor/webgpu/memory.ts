/**
 * The device's memory: buffers of programs, the arena, the scratch memory of kernels and the pages that results are read
 * through. Arena and scratch are one buffer each, as large as the largest program needs; when one grows, `generation`
 * changes and programs bind theirs anew, so that after warm-up nothing is made.
 */

import { type DeviceErrors, noRoom } from './device-errors.ts';

/** Buffers are whole vectors of four words, so that kernels may see them so. */
const GRAIN = 16;

const STORAGE = 0x80 | 0x04 | 0x08; // GPUBufferUsage STORAGE | COPY_SRC | COPY_DST
const READ_BACK = 0x01 | 0x08; // GPUBufferUsage MAP_READ | COPY_DST

export interface MemoryCounts {
  /** Buffers made since the device was opened. */
  buffers: number;
  /** Bytes of those that are not freed. */
  bytes: number;
}

export class DeviceMemory {
  readonly #device: GPUDevice;
  readonly #errors: DeviceErrors;
  readonly #pages = new Map<number, GPUBuffer[]>();
  readonly counts: MemoryCounts = { buffers: 0, bytes: 0 };
  #arena: GPUBuffer | undefined;
  #scratch: GPUBuffer | undefined;
  /** Counts how often arena or scratch were made. */
  generation = 0;

  constructor(device: GPUDevice, errors: DeviceErrors) {
    this.#device = device;
    this.#errors = errors;
  }

  /** A buffer of zeros. That there is no room for it is told later: see device-errors.ts. */
  create(words: number, label: string, usage: number = STORAGE): GPUBuffer {
    const size = Math.max(GRAIN, Math.ceil((4 * words) / GRAIN) * GRAIN);
    const { maxBufferSize } = this.#device.limits;
    if (size > maxBufferSize) throw noRoom(label, size, maxBufferSize);
    this.#device.pushErrorScope('out-of-memory');
    const buffer = this.#device.createBuffer({ size, usage, label });
    const check = this.#device.popErrorScope().then((error) => {
      if (error !== null) this.#errors.report(noRoom(label, size));
    });
    this.#errors.watch(check);
    this.counts.buffers++;
    this.counts.bytes += size;
    return buffer;
  }

  free(buffer: GPUBuffer): void {
    this.counts.bytes -= buffer.size;
    buffer.destroy();
  }

  reserve(arenaWords: number, scratchWords: number): void {
    this.#arena = this.#grown(this.#arena, arenaWords, 'arena');
    this.#scratch = this.#grown(this.#scratch, scratchWords, 'scratch memory');
  }

  #grown(buffer: GPUBuffer | undefined, words: number, label: string): GPUBuffer {
    if (buffer !== undefined && buffer.size >= 4 * words) return buffer;
    if (buffer !== undefined) this.free(buffer);
    this.generation++;
    return this.create(words, label);
  }

  get arena(): GPUBuffer {
    return this.#arena as GPUBuffer;
  }

  get scratch(): GPUBuffer {
    return this.#scratch as GPUBuffer;
  }

  /** A buffer of at least so many bytes that the processor can read; give it back with `release`. */
  page(bytes: number): GPUBuffer {
    // Powers of two: few sizes, so that a step finds the pages of the one before.
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, 256)));
    return this.#pages.get(size)?.pop() ?? this.create(size / 4, 'page of results', READ_BACK);
  }

  release(page: GPUBuffer): void {
    const pages = this.#pages.get(page.size);
    if (pages === undefined) this.#pages.set(page.size, [page]);
    else pages.push(page);
  }

  /** Frees what no program owns. Dawn gives memory back at the next submission. */
  dispose(): void {
    for (const buffer of [this.#arena, this.#scratch, ...[...this.#pages.values()].flat()]) {
      if (buffer !== undefined) this.free(buffer);
    }
    this.#pages.clear();
    this.#device.queue.submit([]);
  }
}
