/**
 * The worker: a backend, at most one model that was loaded and one that is trained, and one thing done at a time. `stop` ends it
 * after the micro-batch or token under way.
 */
import {
  type Backend,
  type BrowserModel,
  blobFolder,
  type CorpusmillError,
  contextLimit,
  createGenerator,
  createTextTraining,
  nextTurn,
  openBrowserBackend,
  openBrowserModel,
  streamTexts,
  type TextTraining,
  webFolder,
} from 'corpusmill/training/browser';
import type { Activity, Answer, Ask, ModelPlace, TrainingSettings } from './messages.ts';

const page = globalThis as unknown as {
  postMessage(answer: Answer): void;
  onmessage: ((event: MessageEvent<Ask>) => void) | null;
};

/** Tokens of a text that is written while the model trains. */
const SAMPLE_TOKENS = 120;

const ACTIVITIES = {
  backend: 'opening',
  train: 'training',
  continue: 'training',
  load: 'loading',
  write: 'writing',
} as const satisfies Record<Exclude<Ask['kind'], 'stop'>, Activity>;

let backend: Backend;
let training: TextTraining | undefined;
let loaded: BrowserModel | undefined;
let stopping = new AbortController();
/** What was asked before is done before what is asked next. */
let last: Promise<void> = Promise.resolve();

page.onmessage = ({ data: ask }) => {
  if (ask.kind === 'stop') {
    stopping.abort();
    return;
  }
  last = last.then(() => answer(ask));
};
page.postMessage({ kind: 'ready' });

async function answer(ask: Exclude<Ask, { kind: 'stop' }>): Promise<void> {
  const activity = ACTIVITIES[ask.kind];
  stopping = new AbortController();
  page.postMessage({ kind: 'activity', activity });
  try {
    switch (ask.kind) {
      case 'backend':
        await open(ask.choice);
        break;
      case 'train':
        begin(ask.text, ask.settings);
        await train();
        break;
      case 'continue':
        await train();
        break;
      case 'load':
        await load(ask.place);
        break;
      case 'write':
        await write(ask);
        break;
    }
  } catch (error) {
    const { message, hint, code } = error as Partial<CorpusmillError> & Error;
    if (code !== 'INTERRUPTED') page.postMessage({ kind: 'failed', during: activity, message, hint });
  }
  page.postMessage({ kind: 'activity', activity: 'idle' });
}

async function open(choice: Extract<Ask, { kind: 'backend' }>['choice']): Promise<void> {
  const opened = await openBrowserBackend(choice, {
    onCompile: (compiled, begun) => page.postMessage({ kind: 'compiling', compiled, begun }),
  });
  // Models lie in the memory of the backend that they were made in.
  training?.dispose();
  loaded?.dispose();
  training = undefined;
  loaded = undefined;
  await backend?.dispose();
  backend = opened.backend;
  const { adapter, reason } = opened;
  page.postMessage({
    kind: 'backend',
    name: backend.name === 'webgpu' ? 'webgpu' : 'reference',
    adapter:
      adapter &&
      [adapter.vendor, adapter.description || adapter.device || adapter.architecture].filter(Boolean).join(' '),
    isSoftware: adapter?.isSoftware ?? false,
    reason,
  });
}

function begin(text: string, { prompt, sampleEvery, ...settings }: TrainingSettings): void {
  const made = createTextTraining(backend, text, {
    ...settings,
    samples: { every: sampleEvery, prompts: [prompt], tokens: SAMPLE_TOKENS, temperature: 0.8, topP: 0.95, topK: 0 },
    pause: nextTurn,
    onRecord: (record) => page.postMessage({ kind: 'record', record }),
  });
  training?.dispose();
  training = made;
  const { parameters, tokens, tokenizer } = made;
  page.postMessage({ kind: 'model', parameters, tokens, vocabSize: tokenizer.vocabSize });
}

async function train(): Promise<void> {
  if (training === undefined) return;
  await training.trainer.run(stopping.signal);
  page.postMessage({ kind: 'paused', step: training.trainer.state().step });
}

async function load(place: ModelPlace): Promise<void> {
  loaded?.dispose();
  loaded = undefined;
  const folder =
    place.kind === 'files'
      ? blobFolder(place.files, place.name)
      : webFolder(place.url, {
          signal: stopping.signal,
          onProgress: (file, received, total) =>
            page.postMessage({
              kind: 'progress',
              text: `fetching ${file}, ${megabytes(received)}${total === undefined ? '' : ` of ${megabytes(total)}`} MB`,
              share: total === undefined ? undefined : received / total,
            }),
        });
  loaded = await openBrowserModel(backend, folder, {
    onProgress: (share) => page.postMessage({ kind: 'progress', text: 'reading the weights', share }),
  });
  const { config, weights, name, defaults } = loaded;
  const parameters = weights.parameters.reduce((sum, { buffer }) => sum + buffer.length, 0);
  const limit = contextLimit(config);
  const context = Number.isFinite(limit) ? `${limit.toLocaleString('en')} tokens` : 'texts of any length';
  page.postMessage({
    kind: 'loaded',
    name,
    facts: `${config.architecture}, ${parameters.toLocaleString('en')} parameters, ${config.layers} layers, ${context}`,
    sampling: defaults.sampling,
  });
}

async function write(ask: Extract<Ask, { kind: 'write' }>): Promise<void> {
  const model = ask.model === 'loaded' ? loaded : training;
  if (model === undefined) return;
  const { config, weights, tokenizer } = model;
  const ids = model.encode(ask.prompt);
  const capacity = Math.min(contextLimit(config), ids.length + ask.maxNewTokens);
  const generator = createGenerator(backend, weights, {
    slots: 1,
    capacity,
    vocabSize: Math.min(config.vocabSize, tokenizer.vocabSize),
  });
  try {
    const { sampling, maxNewTokens, seed } = ask;
    const stopTokens = loaded !== undefined && ask.model === 'loaded' ? loaded.defaults.stopTokens : [];
    const request = { ids, maxNewTokens, sampling, seed, stopTokens };
    let tokens = 0;
    let begun = 0;
    for await (const { text, finish } of streamTexts(generator, tokenizer, [request], { signal: stopping.signal })) {
      // Reading the prompt, and on a GPU compiling its kernels, is no part of the speed.
      if (tokens === 0) begun = performance.now();
      const seconds = (performance.now() - begun) / 1000;
      const tokensPerSecond = tokens > 0 && seconds > 0 ? tokens / seconds : undefined;
      tokens++;
      page.postMessage({ kind: 'piece', text, tokens, tokensPerSecond });
      if (finish !== undefined) page.postMessage({ kind: 'written', finish, tokens });
      await nextTurn();
    }
  } finally {
    generator.dispose();
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
