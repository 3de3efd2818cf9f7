/**
 * What a stage is. A stage is declared once — name, option schema, factory — and that declaration gives YAML
 * validation, the JSON Schema for editors, `corpusmill stages` and the documentation.
 *
 * Three kinds:
 * - `map`: one document in; keep it (perhaps changed in place), split it, or drop it with a reason. Runs in workers.
 * - `barrier`: needs the whole corpus before the next stage may start (duplicate clusters, tokenizer merges). Its
 *   observer runs in workers over documents and leaves one feature blob per part; `decide` then runs once.
 * - `sink`: writes a product. A list of steps, each a list of independent tasks plus a merge.
 */
import type { z } from 'zod';
import type { Document, DocumentColumns, Ordinal } from './document.ts';
import type { StageStats } from './stats.ts';
import type { TextRows, Utf8Column } from './utf8-column.ts';

/** Any zod object schema whose every member has a default or is required with a `.describe()` text. */
export type OptionSchema = z.ZodObject;

interface StageDeclaration<S extends OptionSchema> {
  /** Registered name: `normalize`, `filter.gopher-quality`, `dedup.minhash` … */
  name: string;
  /** One line: what it does, in the imperative. */
  summary: string;
  /** Where the rule or algorithm comes from: paper, section, or reference implementation. */
  source: string;
  /** Raised whenever the same input and options would give another output; part of the key that decides what re-runs. */
  version: number;
  /** Options; every option has a default where one is sensible and a `.describe()` with unit and source. */
  options: S;
  /**
   * Files that options name (absolute, or relative to the pipeline file): their content is part of the stage's key. A
   * folder stands for its manifest.json, which must have checksums of all else in it.
   */
  optionFiles?(options: z.output<S>): readonly (string | undefined)[];
  /**
   * Absolute paths of the files whose content is part of the key, where one of `optionFiles` stands for several: a tokenizer,
   * its folder or one of its files, for its vocabulary and what lies beside that. May throw CorpusmillError.
   */
  keyFiles?(options: z.output<S>, baseDir: string): readonly string[];
  /** Mistakes in options that name inputs, given the names of the pipeline's inputs. */
  checkInputs?(options: z.output<S>, inputs: readonly string[]): readonly InputMistake[];
  /** Reasons this stage can give for a drop, with one line each. */
  reasons?: Record<string, string>;
  /** Artifacts that an earlier stage must have made, unless an option of the same name as the role names a file. Maps and sinks. */
  needs?: readonly Need[];
}

/** An artifact that a stage reads. */
export interface Need {
  /** `tokenizer`, `model` … */
  role: string;
  /** Option that names the stage that makes it, where there are several. */
  by?: string;
}

/** An option that names what is no input. */
export interface InputMistake {
  /** The way to it in the options. */
  path: readonly string[];
  /** The name that was found, or what else is wrong. */
  name: string;
  expected: string;
}

/** What a stage's factory is given besides its options. */
export interface StageContext {
  /** The instance's name in this pipeline. */
  name: string;
  seed: number;
  /** Folder of the pipeline file: relative paths in options are resolved against it. */
  baseDir: string;
  /**
   * Absolute path of an artifact that an earlier stage left, of the nearest one or of the one named `by`. Undefined where
   * there is none; the function is absent where nothing has been run.
   */
  artifact?(role: string, by?: string): string | undefined;
}

// ---- map -----------------------------------------------------------------------------------------------------------

/** What a map stage says of a document. Text may be changed by assigning `doc.text` before returning KEEP. */
export type Verdict =
  | { action: 'keep' }
  | { action: 'drop'; reason: string; value: number | undefined; threshold: number | undefined }
  | { action: 'split'; documents: Document[] };

/** Shared: compare by identity on hot paths. */
export const KEEP: Verdict = Object.freeze({ action: 'keep' as const });

/** `value` is what was measured and `threshold` the limit it broke, for the audit. */
export function drop(reason: string, value?: number, threshold?: number): Verdict {
  return { action: 'drop', reason, value, threshold };
}

/** One rule's measured value beside its limits, for `corpusmill explain`. */
export interface Measurement {
  /** The drop reason that the rule gives, or what else was measured. */
  rule: string;
  value: number | string;
  /** Smallest and largest allowed value, where there is one. */
  min?: number;
  max?: number;
  /** True when the rule alone would drop the document. */
  broken: boolean;
}

export interface MapStage {
  /** Called once per document; holds no document after it returns. */
  process(document: Document): Verdict;
  /**
   * What `process` counted the last document under, besides its verdict (benchmark items that it holds): becomes
   * `StageStats.counts`. The chain reads and empties it after each document.
   */
  readonly counted?: string[];
  /** Every value the stage measures on the document, also those behind a broken rule; changes nothing. */
  explain?(document: Document): Measurement[];
}

export interface MapDefinition<S extends OptionSchema = OptionSchema> extends StageDeclaration<S> {
  kind: 'map';
  /** What `create` needs and cannot wait for: awaited before it, in the same worker. */
  prepare?(options: z.output<S>, context: StageContext): Promise<void>;
  /** Called once per worker. Throws CorpusmillError('CONFIG_INVALID') for options no schema can catch. */
  create(options: z.output<S>, context: StageContext): MapStage;
}

// ---- barrier -------------------------------------------------------------------------------------------------------

export interface Observer {
  /** Called for each surviving document of the part, in row order. */
  observe(document: Document): void;
  /**
   * The same for several documents at once, where texts are all that is looked at and there is a faster way than document by
   * document; the rows are good until it returns.
   */
  observeTexts?(rows: TextRows): void;
  /** The part's features in the stage's own binary form. Called once, after the last document. */
  finish(): Uint8Array;
}

/** One part of the corpus as a barrier's `decide` sees it. */
export interface FeaturePart {
  part: number;
  /** Rows in the part (dropped ones included). */
  rows: number;
  /** Ordinal of the part's first row. */
  firstOrdinal: Ordinal;
  /** 1 for each row that earlier barriers left alive; undefined when all are. */
  alive: Uint8Array | undefined;
  /**
   * The feature blob that the observer left for this part, or `length` bytes of it from `offset`. `into`, which has as many
   * bytes as are asked for, may be filled and given back in place of new memory.
   */
  features(range?: { offset: number; length: number }, into?: Uint8Array): Promise<Uint8Array>;
  /** For every row the UTF-8 bytes of its text at [2r] and the index of its input at [2r + 1]. */
  rowInfo(): Promise<Uint32Array>;
}

/** What a worker is given that helps another to decide. */
export interface HelpContext extends StageContext {
  parts: readonly Pick<FeaturePart, 'part' | 'rows' | 'firstOrdinal'>[];
  /** Total rows over all parts. */
  rows: number;
  /** Scratch folder, that of `decide`. */
  workDir: string;
  /** Documents' texts by ordinal, in the order asked. Reads the parts they lie in: ask in ascending order, in bulk. */
  readTexts(ordinals: readonly Ordinal[]): Promise<string[]>;
  /** The texts of all rows of a part, dropped ones included, as they lie in its file; `use` keeps nothing of them. */
  withTexts(part: number, use: (texts: Utf8Column) => void): Promise<void>;
  signal: AbortSignal;
}

export interface BarrierContext extends HelpContext {
  parts: readonly FeaturePart[];
  /** Names of the pipeline's inputs. */
  inputs: readonly string[];
  /** Folder for what the stage leaves behind (artifacts); exists and is empty. */
  outputDir: string;
  /** Scratch folder; exists and is empty, and is removed after the decision. */
  workDir: string;
  /** Memory, in bytes, for tables that can be cut into passes. What is decided does not depend on it. */
  memoryBytes: number;
  /** Documents by ordinal, in the order asked. Reads the parts they lie in: ask in ascending order, in bulk. */
  readDocuments(ordinals: readonly Ordinal[]): Promise<Document[]>;
  /** `fraction` in [0, 1]. */
  progress(fraction: number, note?: string): void;
  /** Workers that may run the stage's `help` at the same time; what is decided does not depend on it. */
  helpers?: number;
  /** Runs the stage's `help` in another worker; the message is cloned, and what is shared in it is shared. */
  help?(message: unknown): Promise<unknown>;
}

/** In `keptAs`: dropped, and no other document stands for it. */
export const NOBODY = 0xffffffff;

/** Spans of text that a barrier takes out of the documents it keeps, or marks in them. */
export interface TextEdits {
  /** `remove`: the spans leave the text; `mark`: they stay, and `meta.<instance name>` is `{ spans: [[start, end], …] }`. */
  action: 'remove' | 'mark';
  /** Kept documents that are edited. */
  documents: number;
  /** UTF-8 bytes that leave kept documents; 0 for `mark`. */
  bytesRemoved: number;
  /**
   * Triples (row, start, end) in UTF-16 units of the row's text, rows ascending, the spans of a row ascending and
   * disjoint. Rows that are dropped have none.
   */
  spans(part: number): Promise<Uint32Array>;
}

export interface BarrierResult {
  /**
   * Duplicate decision: for each ordinal, the ordinal of the document that stands for it — itself when kept.
   * A document whose entry is another is dropped with reason `duplicate`; equal entries are one cluster. `NOBODY`
   * drops a document that no other stands for.
   */
  keptAs?: Uint32Array;
  /** Why a dropped document is dropped, where it is no duplicate. Asked of every dropped document. */
  reasonOf?(ordinal: Ordinal): { reason: string; value?: number; threshold?: number };
  /** Ids of documents outside of this run that stand for dropped ones, by the ordinal of the dropped one. */
  outsideIds?(ordinals: readonly Ordinal[]): Promise<Map<Ordinal, string>>;
  /** Only of a stage that declares `edits`. */
  edits?: TextEdits;
  /** Files the stage made, by role (`tokenizer`: path …), relative to `outputDir`. Later stages find them by role. */
  artifacts?: Record<string, string>;
  /** Anything worth reporting, JSON. Shown by the report under the stage's name. */
  details?: Record<string, unknown>;
  /** The rest of the details, where they take time: called once the decision is on disk and the next phases run on it. */
  describe?(): Promise<Record<string, unknown>>;
}

export interface BarrierDefinition<S extends OptionSchema = OptionSchema> extends StageDeclaration<S> {
  kind: 'barrier';
  /**
   * `document`: a document's features do not depend on other documents, so they are taken in the pass that precedes.
   * `corpus`: features are totals over surviving documents, so they need a pass after earlier decisions.
   */
  scope: 'document' | 'corpus';
  /** The stage cuts or marks spans of text: what is behind it reads the documents anew. */
  edits?: boolean;
  /** Roles of the artifacts that `decide` leaves (`tokenizer`), for the stages behind it that need them. */
  makes?: readonly string[];
  /** Called once per part, in workers. */
  createObserver(options: z.output<S>, context: StageContext): Observer;
  decide(options: z.output<S>, context: BarrierContext): Promise<BarrierResult>;
  /** A part of `decide`'s work, in another worker: see `BarrierContext.help`. */
  help?(message: unknown, context: HelpContext): Promise<unknown>;
}

// ---- sink ----------------------------------------------------------------------------------------------------------

/** One part of the documents that reach a sink. */
export interface SinkPart {
  part: number;
  /** Surviving documents and the UTF-8 bytes of their text. */
  documents: number;
  bytes: number;
}

/** Given to `plan` and `merge`, on the main thread. */
export interface SinkContext extends StageContext {
  parts: readonly SinkPart[];
  /** Final output folder of this sink; exists. Tasks write files into it under a temporary name and rename. */
  outputDir: string;
  /** Scratch folder that the sink's steps share; removed when the run has ended well. */
  workDir: string;
  artifact(role: string, by?: string): string | undefined;
  /** Hash of all that made this product: the inputs, the stages before it and its own options. For provenance. */
  pipelineHash: string;
}

/** Given to `run`, in a worker. */
export interface SinkTaskContext extends Omit<SinkContext, 'parts'> {
  /** The surviving documents of a part, in row order. */
  readPart(part: number): Promise<Document[]>;
  /** The same as columns, which `use` may not keep or look at once it is done. Several times faster. */
  withColumns<R>(part: number, use: (columns: DocumentColumns) => Promise<R>): Promise<R>;
}

/**
 * A step: independent tasks (JSON values) that workers run in any order, then a merge of their results (JSON values,
 * in task order). A finished task is remembered, so an interrupted step goes on where it stopped.
 */
export interface SinkStep<O = unknown> {
  name: string;
  /** With 2 a worker goes on with one task while another reads or writes, in the memory of both; 1 where it is not given. */
  tasksPerWorker?: 1 | 2;
  plan(options: O, context: SinkContext, earlier: readonly unknown[]): Promise<unknown[]>;
  run(options: O, task: never, context: SinkTaskContext): Promise<unknown>;
  /** Whether what a task left that an earlier process remembered is still there; true where it is not given. */
  isThere?(options: O, result: never, context: SinkContext): boolean;
  /** What the next step's `plan` finds in `earlier`; the last step's result is the sink's report, JSON. */
  merge(options: O, results: never[], context: SinkContext, earlier: readonly unknown[]): Promise<unknown>;
}

export interface SinkDefinition<S extends OptionSchema = OptionSchema> extends StageDeclaration<S> {
  kind: 'sink';
  steps: readonly SinkStep<z.output<S>>[];
  /** Called when the steps are done or have failed: lets go of what they hold in memory for `workDir`. */
  release?(workDir: string): void;
}

export type StageDefinition = MapDefinition | BarrierDefinition | SinkDefinition;

/** Typing aid: infers the option type and widens to the registry's common type. */
export function defineMap<S extends OptionSchema>(definition: MapDefinition<S>): MapDefinition<S> {
  return definition;
}
export function defineBarrier<S extends OptionSchema>(definition: BarrierDefinition<S>): BarrierDefinition<S> {
  return definition;
}
export function defineSink<S extends OptionSchema>(definition: SinkDefinition<S>): SinkDefinition<S> {
  return definition;
}

// ---- what a run leaves for the report --------------------------------------------------------------------------------

export type { StageStats };
