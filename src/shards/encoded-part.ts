/**
 * The scratch file that the `encode` step leaves per part of the corpus: token counts, document ids and tokens of its
 * documents, one after another. Little-endian, sections in this order:
 *
 *   header   8 × uint32: magic, version, documents, bytes per token, tokens, bytes of ids, bytes of names, flags
 *   lengths  uint32[documents]   tokens of each document
 *   idEnds   uint32[documents]   end of each document's id within the ids
 *   sources  uint32[documents]   index of each document's source in the names
 *   ids      UTF-8, padded to 4 bytes
 *   names    of sources: a JSON array, padded to 4 bytes
 *   keys     float64[documents]  of the split into training and validation (split.ts); flag 1
 *   tokens   uint16 or uint32 [tokens]
 *   trained  uint8[tokens]       1 where a loss is taken; flag 2, of conversations
 *
 * The split reads keys and ids, dealing the lengths, routing the rest.
 */
import type { SourceNumbers } from '../core/document.ts';
import { columnOf, type Utf8Column } from '../core/utf8-column.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { bytesOf } from './positioned-read.ts';
import { keepScratch, notWhole, ScratchFile } from './scratch-file.ts';
import type { TokenArray } from './shard-rows.ts';

const MAGIC = 0x4b544d43; // "CMTK"
const VERSION = 2;
const HEADER_BYTES = 32;
const HAS_KEYS = 1;
const HAS_TRAINED = 2;

/** File name of a part's tokens within the work folder. */
export function encodedPartName(part: number): string {
  return `tokens-${String(part).padStart(5, '0')}.bin`;
}

/** The documents of a part as tokens, end to end: `lengths` add up to `tokens.length`, `ids` has one id per document. */
export interface EncodedDocuments {
  lengths: Uint32Array;
  ids: readonly string[] | Utf8Column;
  tokens: TokenArray;
}

/** What else is known of them. */
export interface DocumentFacts {
  /** [documents]: where each comes from. */
  sources: readonly string[] | SourceNumbers;
  /** [documents] */
  splitKeys?: Float64Array | undefined;
  /** [tokens] */
  trained?: Uint8Array | undefined;
}

/** Writes a part, or keeps it in memory while all that are kept take at most `mostKept` bytes. */
export async function writeEncodedPart(
  path: string,
  part: EncodedDocuments,
  facts: DocumentFacts,
  mostKept: number,
): Promise<{ documents: number; tokens: number; kept: boolean }> {
  const { lengths, tokens } = part;
  const { bytes, offsets } = 'offsets' in part.ids ? part.ids : columnOf(part.ids);
  const ids = bytes.subarray(offsets[0], offsets[lengths.length]);
  const idEnds = Uint32Array.from(offsets.subarray(1), (end) => end - offsets[0]);
  const sources = 'numbers' in facts.sources ? facts.sources : numberSources(facts.sources);
  const names = Buffer.from(JSON.stringify(sources.names));
  const { splitKeys, trained } = facts;
  const header = Uint32Array.of(
    MAGIC,
    VERSION,
    lengths.length,
    tokens.BYTES_PER_ELEMENT,
    tokens.length,
    ids.length,
    names.length,
    (splitKeys ? HAS_KEYS : 0) | (trained ? HAS_TRAINED : 0),
  );
  const pieces = [
    Buffer.concat([
      bytesOf(header),
      bytesOf(lengths),
      bytesOf(idEnds),
      bytesOf(sources.numbers),
      ids,
      new Uint8Array(paddedTo4(ids.length) - ids.length),
      names,
      new Uint8Array(paddedTo4(names.length) - names.length),
      splitKeys ? bytesOf(splitKeys) : new Uint8Array(),
    ]),
    bytesOf(tokens),
    trained ?? new Uint8Array(),
  ];
  const kept = keepScratch(path, pieces, mostKept);
  if (!kept) await writeFileAtomic(path, pieces);
  return { documents: lengths.length, tokens: tokens.length, kept };
}

function numberSources(sources: readonly string[]): SourceNumbers {
  const known = new Map<string, number>();
  const numbers = Uint32Array.from(sources, (name) => {
    const number = known.get(name) ?? known.size;
    known.set(name, number);
    return number;
  });
  return { numbers, names: [...known.keys()] };
}

/** An open part; `close` it. */
export interface EncodedPart {
  fd: number;
  path: string;
  documents: number;
  tokens: number;
  bytesPerToken: number;
  /** Position of the first token in the file, and of the first byte that says whether a loss is taken (0: none do). */
  tokensAt: number;
  trainedAt: number;
  /** Tokens of each document. */
  lengths(): Uint32Array;
  /** Document ids as UTF-8 with the end of each. */
  ids(): { ends: Uint32Array; bytes: Uint8Array };
  sources(): { numbers: Uint32Array; names: string[] };
  splitKeys(): Float64Array;
  /** Fills `into` from a byte of the file. */
  read<A extends ArrayBufferView>(position: number, into: A): A;
  close(): void;
}

/** Opens a part's file. Throws CorpusmillError('INPUT_CORRUPT') when it is not one, or shorter than its header says. */
export function openEncodedPart(path: string): EncodedPart {
  const file = new ScratchFile(path, 'reading encoded tokens');
  try {
    const [magic, version, documents, bytesPerToken, tokens, idBytes, nameBytes, flags] = file.words(
      0,
      HEADER_BYTES / 4,
    );
    const idsAt = HEADER_BYTES + documents * 12;
    const namesAt = idsAt + paddedTo4(idBytes);
    const keysAt = namesAt + paddedTo4(nameBytes);
    const tokensAt = keysAt + (flags & HAS_KEYS ? documents * 8 : 0);
    const trainedAt = tokensAt + tokens * bytesPerToken;
    const { size } = file;
    const whole = trainedAt + (flags & HAS_TRAINED ? tokens : 0);
    if (magic !== MAGIC || version !== VERSION || size !== whole) {
      throw notWhole(
        `reading encoded tokens: ${path} (${size} bytes) is not a complete token file of version ${VERSION}`,
      );
    }
    const bytes = (at: number, count: number): Uint8Array => file.read(at, new Uint8Array(count));
    return {
      fd: file.fd,
      path,
      documents,
      tokens,
      bytesPerToken,
      tokensAt,
      trainedAt: flags & HAS_TRAINED ? trainedAt : 0,
      lengths: () => file.words(HEADER_BYTES, documents),
      ids: () => ({ ends: file.words(HEADER_BYTES + documents * 4, documents), bytes: bytes(idsAt, idBytes) }),
      sources: () => ({
        numbers: file.words(HEADER_BYTES + documents * 8, documents),
        names: JSON.parse(Buffer.from(bytes(namesAt, nameBytes)).toString()) as string[],
      }),
      splitKeys: () => file.read(keysAt, new Float64Array(documents)),
      read: (position, into) => file.read(position, into),
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function paddedTo4(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
