/** What the page asks of its worker and what the worker answers. Computing is the worker's alone, so that the page stays awake. */
import type {
  BrowserBackendChoice,
  LogRecord,
  SamplingOptions,
  TextTrainingOptions,
} from 'corpusmill/training/browser';

export type TrainingSettings = Required<
  Pick<
    TextTrainingOptions,
    'tokenizer' | 'layers' | 'hiddenSize' | 'heads' | 'context' | 'rows' | 'learningRate' | 'seed'
  >
> & { readonly prompt: string; readonly sampleEvery: number };

export type ModelPlace =
  | { readonly kind: 'address'; readonly url: string }
  | { readonly kind: 'files'; readonly name: string; readonly files: readonly File[] };

export type Ask =
  | { readonly kind: 'backend'; readonly choice: BrowserBackendChoice }
  | { readonly kind: 'train'; readonly text: string; readonly settings: TrainingSettings }
  | { readonly kind: 'continue' }
  | { readonly kind: 'load'; readonly place: ModelPlace }
  | {
      readonly kind: 'write';
      /** The model of the other tab, or the one that was loaded. */
      readonly model: 'trained' | 'loaded';
      readonly prompt: string;
      readonly sampling: SamplingOptions;
      readonly maxNewTokens: number;
      readonly seed: number;
    }
  | { readonly kind: 'stop' };

/** What is being done; `idle` when nothing is. */
export type Activity = 'idle' | 'opening' | 'training' | 'loading' | 'writing';

export type Answer =
  /** The first: what was asked before it would not be heard, since a worker's modules may take a while to load. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'activity'; readonly activity: Activity }
  | {
      readonly kind: 'backend';
      readonly name: 'webgpu' | 'reference';
      /** Of WebGPU. */
      readonly adapter: string | undefined;
      readonly isSoftware: boolean;
      /** Why it is not WebGPU, where that was asked for. */
      readonly reason: string | undefined;
    }
  | { readonly kind: 'model'; readonly parameters: number; readonly tokens: number; readonly vocabSize: number }
  | { readonly kind: 'record'; readonly record: LogRecord }
  | { readonly kind: 'paused'; readonly step: number }
  /** Kernels of WebGPU that are compiled, of those that were begun. */
  | { readonly kind: 'compiling'; readonly compiled: number; readonly begun: number }
  | { readonly kind: 'progress'; readonly text: string; readonly share: number | undefined }
  | {
      readonly kind: 'loaded';
      readonly name: string;
      readonly facts: string;
      readonly sampling: SamplingOptions | undefined;
    }
  | {
      readonly kind: 'piece';
      readonly text: string;
      readonly tokens: number;
      readonly tokensPerSecond: number | undefined;
    }
  | { readonly kind: 'written'; readonly finish: string; readonly tokens: number }
  | { readonly kind: 'failed'; readonly during: Activity; readonly message: string; readonly hint: string | undefined };
