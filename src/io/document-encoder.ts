/** What a file format does for the document writer. */
import type { Document } from '../core/document.ts';

/** Turns documents into a file's bytes, handing out pieces as they become ready. */
export interface DocumentEncoder {
  add(document: Document): void;
  /** True when enough has been added to hand out a piece. */
  ready(): boolean;
  /** The bytes of what has been added since the last call. */
  take(): Promise<Uint8Array[]>;
  /** The bytes that end the file, with what `take` has not handed out. */
  finish(): Promise<Uint8Array[]>;
}
