/**
 * The scratch file that the `encode` step leaves per part of the corpus: token counts, document ids and tokens of its
 * documents, one after another. Little-endian, sections in this order:
 *
 *   header   8 × uint32: magic, version, documents, bytes per token, tokens, bytes of ids, 0, 0
 *   lengths  uint32[documents]   tokens of each document
 *   idEnds   uint32[documents]   end of each document's id within the ids
 *   ids      UTF-8, padded to 4 bytes
 *   tokens   uint16 or uint32 [tokens]
 *
 * Packing reads only the lengths; the shard writer reads ids and, by position, the tokens it needs.
 */
import type { FileHandle } from 'node:fs/promises';
import { CorpusmillError } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { bytesOf, openToRead, readBytes, readWords } from './positioned-read.ts';
import type { TokenArray } from './shard-rows.ts';

const MAGIC = 0x4b544d43; // "CMTK"
const VERSION = 1;
const HEADER_BYTES = 32;

/** File name of a part's tokens within the work folder. */
export function encodedPartName(part: number): string {
  return `tokens-${String(part).padStart(5, '0')}.bin`;
}

/** Writes a part. `lengths` add up to `tokens.length`; `ids` has one id per document. */
export async function writeEncodedPart(
  path: string,
  part: { lengths: Uint32Array; ids: readonly string[]; tokens: TokenArray },
): Promise<{ documents: number; tokens: number; idBytes: number }> {
  const { lengths, tokens } = part;
  const encodedIds = part.ids.map((id) => Buffer.from(id, 'utf8'));
  const ids = Buffer.concat(encodedIds);
  const idEnds = new Uint32Array(lengths.length);
  let end = 0;
  for (let d = 0; d < encodedIds.length; d++) {
    end += encodedIds[d].length;
    idEnds[d] = end;
  }
  const header = Uint32Array.of(
    MAGIC,
    VERSION,
    lengths.length,
    tokens.BYTES_PER_ELEMENT,
    tokens.length,
    ids.length,
    0,
    0,
  );
  await writeFileAtomic(
    path,
    Buffer.concat([
      bytesOf(header),
      bytesOf(lengths),
      bytesOf(idEnds),
      ids,
      new Uint8Array(paddedTo4(ids.length) - ids.length),
      bytesOf(tokens),
    ]),
  );
  return { documents: lengths.length, tokens: tokens.length, idBytes: ids.length };
}

/** An open part; `close` it. */
export interface EncodedPart {
  file: FileHandle;
  documents: number;
  tokens: number;
  bytesPerToken: number;
  /** Position of the first token in the file. */
  tokensAt: number;
  /** Tokens of each document. */
  lengths(): Promise<Uint32Array>;
  /** Document ids as UTF-8 with the end of each. */
  ids(): Promise<{ ends: Uint32Array; bytes: Uint8Array }>;
  close(): Promise<void>;
}

/** Opens a part's file. Throws CorpusmillError('INPUT_CORRUPT') when it is not one, or shorter than its header says. */
export async function openEncodedPart(path: string): Promise<EncodedPart> {
  const file = await openToRead(path, 'reading encoded tokens');
  try {
    const header = await readWords(file, path, 0, HEADER_BYTES / 4);
    const [magic, version, documents, bytesPerToken, tokens, idBytes] = header;
    const tokensAt = HEADER_BYTES + documents * 8 + paddedTo4(idBytes);
    const { size } = await file.stat();
    if (magic !== MAGIC || version !== VERSION || size !== tokensAt + tokens * bytesPerToken) {
      throw new CorpusmillError(
        'INPUT_CORRUPT',
        `reading encoded tokens: ${path} (${size} bytes) is not a complete token file of version ${VERSION}`,
        { hint: 'Remove the run directory and run again; if it recurs, the disk loses writes.' },
      );
    }
    return {
      file,
      documents,
      tokens,
      bytesPerToken,
      tokensAt,
      lengths: () => readWords(file, path, HEADER_BYTES, documents),
      ids: async () => ({
        ends: await readWords(file, path, HEADER_BYTES + documents * 4, documents),
        bytes: await readBytes(file, path, HEADER_BYTES + documents * 8, new Uint8Array(idBytes)),
      }),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function paddedTo4(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
