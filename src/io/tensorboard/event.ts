/**
 * TensorBoard's events as protocol buffers, written by hand: the few messages that scalars, texts and histograms need.
 * Source: tensorboard, `compat/proto/event.proto`, `summary.proto`, `tensor.proto`; `plugins/text/metadata.py`.
 */

/** Counts of values between limits; the last limit is the largest value's. */
export interface Histogram {
  min: number;
  max: number;
  count: number;
  sum: number;
  sumOfSquares: number;
  /** Upper limit of each bucket, rising. */
  limits: readonly number[];
  counts: readonly number[];
}

export type SummaryValue =
  | { kind: 'scalar'; tag: string; value: number }
  | { kind: 'text'; tag: string; text: string }
  | { kind: 'histogram'; tag: string; histogram: Histogram };

/** The first event of a file: without it no reader takes the file for one. */
export function versionEvent(wallTime: number): Uint8Array {
  return message(double(1, wallTime), bytes(3, utf8('brain.Event:2')));
}

/** An event with values of one step. `wallTime` is in seconds. */
export function summaryEvent(step: number, wallTime: number, values: readonly SummaryValue[]): Uint8Array {
  return message(
    double(1, wallTime),
    varint(2, step),
    bytes(5, message(...values.map((value) => bytes(1, valueMessage(value))))),
  );
}

/** The step of an event; 0 where it has none. */
export function stepOf(event: Uint8Array): number {
  const view = new DataView(event.buffer, event.byteOffset, event.byteLength);
  for (let at = 0; at < event.length; ) {
    const [key, next] = readVarint(event, at);
    at = next;
    if (key === ((2 << 3) | 0)) return readVarint(event, at)[0];
    if ((key & 7) === 0) at = readVarint(event, at)[1];
    else if ((key & 7) === 1) at += 8;
    else if ((key & 7) === 5) at += 4;
    else {
      const [length, start] = readVarint(event, at);
      at = start + length;
    }
    if (at > view.byteLength) return 0;
  }
  return 0;
}

function valueMessage(value: SummaryValue): Uint8Array {
  const tag = bytes(1, utf8(value.tag));
  switch (value.kind) {
    case 'scalar':
      return message(tag, float(2, value.value), metadata('scalars', 1));
    case 'text': {
      const shape = message(bytes(2, message(varint(1, 1))));
      const tensor = message(varint(1, 7), bytes(2, shape), bytes(8, utf8(value.text)));
      return message(tag, bytes(8, tensor), metadata('text', 2));
    }
    case 'histogram': {
      const { min, max, count, sum, sumOfSquares, limits, counts } = value.histogram;
      const histogram = message(
        ...[min, max, count, sum, sumOfSquares].map((number, i) => double(i + 1, number)),
        bytes(6, doubles(limits)),
        bytes(7, doubles(counts)),
      );
      return message(tag, bytes(5, histogram));
    }
  }
}

/** Which of TensorBoard's panels shows a value, and the class of its data: 1 scalar, 2 tensor. */
function metadata(plugin: string, dataClass: number): Uint8Array {
  return bytes(9, message(bytes(1, message(bytes(1, utf8(plugin)))), varint(4, dataClass)));
}

// The wire format: a key of field number and type, then the value.

function message(...fields: Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

function varintBytes(value: number): Uint8Array {
  const out: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) out.push((value % 0x80) | 0x80);
  out.push(value);
  return Uint8Array.from(out);
}

function varint(field: number, value: number): Uint8Array {
  return message(varintBytes(field << 3), varintBytes(value));
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return message(varintBytes((field << 3) | 2), varintBytes(value.length), value);
}

function double(field: number, value: number): Uint8Array {
  return message(varintBytes((field << 3) | 1), doubles([value]));
}

function float(field: number, value: number): Uint8Array {
  return message(varintBytes((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer));
}

function doubles(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(values).buffer);
}

function utf8(text: string): Uint8Array {
  return Buffer.from(text);
}

function readVarint(from: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let scale = 1; at < from.length; scale *= 0x80) {
    const byte = from[at++];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return [value, at];
}
