/** What a file format does for the document writer. */
import type { DocumentColumns } from '../core/document.ts';

/** Turns documents into a file's bytes, handing out pieces as they become ready. */
export interface DocumentEncoder {
  /** Adds rows from `from` on until a piece is ready; returns the first that it left. The columns may change after it. */
  add(columns: DocumentColumns, from: number): number;
  /** True when enough has been added to hand out a piece. */
  ready(): boolean;
  /** The bytes of what has been added since the last call; to be used before anything is added again. */
  take(): Promise<Uint8Array[]>;
  /** The bytes that end the file, with what `take` has not handed out. Called once, last. */
  finish(): Promise<Uint8Array[]>;
  /** Gives memory back once those bytes are written. */
  release?(): void;
}
