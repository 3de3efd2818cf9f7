/**
 * LZ4 frames, decoded (lz4_Frame_format.md and lz4_Block_format.md of lz4/lz4): what pyarrow's Feather files use by
 * default. Blocks may refer back to earlier ones, so a frame is decoded into one buffer. Checksums are not verified.
 */
import { BrokenInput } from './broken-input.ts';

const LZ4_FRAME_MAGIC = 0x184d2204;

/** Decodes one frame of known size. Throws BrokenInput `corrupt lz4`. */
export function decompressLz4Frame(bytes: Uint8Array, outputBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 7 || view.getUint32(0, true) !== LZ4_FRAME_MAGIC) throw corrupt('no frame header');
  const flags = bytes[4];
  const blockChecksum = (flags & 0x10) !== 0;
  let at = 6 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0) + 1;
  const out = new Uint8Array(outputBytes);
  let written = 0;
  for (;;) {
    if (at + 4 > bytes.length) throw corrupt('the frame has no end mark');
    const header = view.getUint32(at, true);
    at += 4;
    if (header === 0) break;
    const size = header & 0x7fffffff;
    if (at + size > bytes.length) throw corrupt('a block runs past the end');
    const block = bytes.subarray(at, at + size);
    if (header >>> 31 === 1) {
      if (written + size > outputBytes) throw corrupt('more output than announced');
      out.set(block, written);
      written += size;
    } else written = decodeBlock(block, out, written);
    at += size + (blockChecksum ? 4 : 0);
  }
  if (written !== outputBytes) throw corrupt(`${written} bytes of output; ${outputBytes} were announced`);
  return out;
}

/** Decodes a block behind what `out` already holds; returns the new end. */
function decodeBlock(block: Uint8Array, out: Uint8Array, outStart: number): number {
  let at = 0;
  let to = outStart;
  while (at < block.length) {
    const token = block[at++];
    let literals = token >> 4;
    if (literals === 15) {
      let more: number;
      do literals += more = block[at++] ?? 0;
      while (more === 255);
    }
    if (at + literals > block.length || to + literals > out.length) throw corrupt('literals run past the end');
    out.set(block.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    // The last sequence of a block has literals only.
    if (at >= block.length) break;
    const distance = block[at] | (block[at + 1] << 8);
    at += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more: number;
      do length += more = block[at++] ?? 0;
      while (more === 255);
    }
    if (distance === 0 || distance > to || to + length > out.length) throw corrupt('a match lies outside the output');
    if (distance >= length) out.copyWithin(to, to - distance, to - distance + length);
    else for (let i = 0; i < length; i++) out[to + i] = out[to + i - distance];
    to += length;
  }
  return to;
}

function corrupt(detail: string): BrokenInput {
  return new BrokenInput('corrupt lz4', detail);
}
