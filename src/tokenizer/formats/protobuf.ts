/** Reading Protocol Buffers messages: fields of a message in order, as the wire has them. No schema, no writing. */

export interface WireField {
  number: number;
  /** Varints and fixed numbers as their value (64-bit ones rounded to a double); bytes for fields with a length. */
  value: number | Uint8Array;
  /** The four bytes of a fixed 32-bit field as a float. */
  float: number;
}

/** Fields of one message. Throws RangeError when the bytes are no message. */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      if (at >= bytes.length || shift > 2 ** 63) throw new RangeError(`a number at byte ${at} does not end`);
      const byte = bytes[at++];
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): number => {
    if (at + length > bytes.length) throw new RangeError(`a field at byte ${at} is cut off`);
    at += length;
    return at - length;
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number === 0) throw new RangeError(`no field number at byte ${at}`);
    const field: WireField = { number, value: 0, float: 0 };
    switch (tag % 8) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = view.getFloat64(take(8), true);
        break;
      case 2: {
        const length = varint();
        const start = take(length);
        field.value = bytes.subarray(start, start + length);
        break;
      }
      case 5: {
        const start = take(4);
        field.value = view.getUint32(start, true);
        field.float = view.getFloat32(start, true);
        break;
      }
      default:
        throw new RangeError(`wire type ${tag % 8} at byte ${at}`);
    }
    yield field;
  }
}
