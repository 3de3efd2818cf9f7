/** What a comparison of two corpora says; apart from the stage, so that the command line can load it alone. */
import type { Volume } from '../../core/stats.ts';

/** What became of a document. */
export const CHANGES = ['unchanged', 'renamed', 'changed', 'near', 'removed', 'new'] as const;
export type Change = (typeof CHANGES)[number];

/** `details` of the stage. */
export interface ComparisonDetails extends Record<string, unknown> {
  kind: 'comparison';
  /** Documents and bytes of text: of the first corpus (`a`) and of the second (`b`). */
  total: Sides;
  /** By verdict. Each document is counted once; `removed` has none of `b`, `new` none of `a`. */
  changes: Record<Change, Sides>;
  examples: Partial<Record<Change, ChangeExample[]>>;
  settings: Record<string, unknown>;
}

export interface Sides {
  a: Volume;
  b: Volume;
}

/** A document and its partner; one of them alone where it is new or removed. */
export interface ChangeExample {
  a?: ExampleDocument;
  b?: ExampleDocument;
  /** UTF-16 units that both begin with and the excerpts leave out. */
  skipped: number;
}

export interface ExampleDocument {
  id: string;
  /** UTF-8 bytes of the whole text. */
  bytes: number;
  excerpt: string;
}
