/**
 * The encodings that text is wrongly read in, turned round: from a character to the byte or bytes that it was read from.
 * Tables come from the engine's own decoders (WHATWG Encoding Standard), where undefined bytes of the Windows code pages
 * are C1 controls; code page 437 is not among them and stands here. Built when first asked for: 64 to 128 KB each.
 */

export const SINGLE_BYTE = ['windows-1252', 'windows-1251', 'windows-1250', 'macintosh', 'ibm437'] as const;
export type SingleByteEncoding = (typeof SINGLE_BYTE)[number];

/** Code page 437 from 0x80 on, after Unicode's mapping table CP437.TXT. */
const IBM437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/**
 * Windows-1252 from 0x80 to 0x9F (WHATWG index windows-1252). Not from the engine: Node 20 to 23 decode this label as
 * Latin-1.
 */
export const WINDOWS_1252_C1 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

const singleByte = new Map<SingleByteEncoding, Uint8Array>();

/** `table[unit]`: the byte (0x80–0xFF) that the encoding reads as this UTF-16 unit, or 0. */
export function bytesOfEncoding(encoding: SingleByteEncoding): Uint8Array {
  let table = singleByte.get(encoding);
  if (table === undefined) {
    table = new Uint8Array(0x10000);
    const characters = upperHalf(encoding);
    for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = 0x80 + i;
    // Latin-1 and Windows-1252 are mixed up freely, also within one text.
    if (encoding === 'windows-1252') for (let byte = 0x80; byte < 0x100; byte++) table[byte] ||= byte;
    singleByte.set(encoding, table);
  }
  return table;
}

/** The characters of the bytes from 0x80 on; of Windows-1252 those that Latin-1 has not. */
function upperHalf(encoding: SingleByteEncoding): string {
  if (encoding === 'ibm437') return IBM437;
  if (encoding === 'windows-1252') return WINDOWS_1252_C1;
  return new TextDecoder(encoding).decode(Uint8Array.from({ length: 128 }, (_, i) => 0x80 + i));
}

let gbk: Uint16Array | undefined;

/** `table[unit]`: the two GBK bytes of this UTF-16 unit, the first one high; the single byte 0x80 of the euro sign; or 0. */
export function gbkBytes(): Uint16Array {
  if (gbk === undefined) {
    gbk = new Uint16Array(0x10000);
    const pair = new Uint8Array(2);
    const decoder = new TextDecoder('gbk');
    for (let lead = 0x81; lead <= 0xfe; lead++) {
      for (let trail = 0x40; trail <= 0xfe; trail++) {
        if (trail === 0x7f) continue;
        pair[0] = lead;
        pair[1] = trail;
        const character = decoder.decode(pair);
        if (character.length !== 1 || character === '\ufffd') continue;
        const unit = character.charCodeAt(0);
        if (unit >= 0x80 && gbk[unit] === 0) gbk[unit] = (lead << 8) | trail;
      }
    }
    gbk[0x20ac] = 0x80;
  }
  return gbk;
}
