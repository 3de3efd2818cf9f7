/** `corpusmill generate`: text from a model folder. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { CorpusmillError, EXIT } from '../core/errors.ts';
import type { TextTokenizer } from '../tokenizer/text-tokenizer.ts';
import type { SamplingOptions } from '../training/generation/sampling.ts';
import type { GeneratedText, TextRequest } from '../training/generation/text-generator.ts';
import type { CliContext, ExitCode } from './context.ts';
import { collect, wholeNumber } from './flags.ts';
import { type BackendFlags, backendOptions, number } from './model-flags.ts';
import { colorsFor, plural, print, printJson } from './print.ts';

const EXAMPLES = `
Without options of sampling the folder's generation_config.json decides, and without one the likeliest token is taken each
time. A prompt, its options and its seed give the same text whatever is generated beside it; sample i of a prompt has the
seed --seed + i. A file of prompts has one a line, or is JSONL with {"prompt": "…"} or {"messages": […]} (with --chat).

Examples:
  $ corpusmill generate checkpoint --prompt 'Once upon a time'
  $ corpusmill generate checkpoint --prompt 'Once upon a time' --temperature 0.8 --top-p 0.95 --samples 3 --seed 1
  $ corpusmill generate qwen2.5-0.5b-instruct --chat --prompt 'What is a quay?' --max-new-tokens 100
  $ corpusmill generate checkpoint --prompts prompts.jsonl --json > answers.json`;

interface GenerateFlags extends BackendFlags {
  prompt?: string[];
  prompts?: string;
  chat?: boolean;
  system?: string;
  samples: number;
  maxNewTokens: number;
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  seed: number;
  stop?: string[];
  stopToken?: string[];
  tokenizer?: string;
  batch: number;
  logProbs?: boolean;
  json?: boolean;
}

/** A prompt as given: a text, or the turns of a conversation. */
type Prompt = string | unknown[];

export function generateCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  const command = new Command('generate')
    .description('let a model go on from prompts')
    .argument('<model>', "a folder with config.json, model.safetensors and a tokenizer, or a run's")
    .option('-p, --prompt <text>', 'a prompt; may be given several times', collect)
    .option('--prompts <file>', 'prompts of a file: one a line, or JSONL')
    .option('--chat', "the prompt is what a user says, in the folder's chat template")
    .option('--system <text>', 'what the system says before it')
    .option('-n, --max-new-tokens <n>', 'tokens to make at most', wholeNumber(1), 128)
    .option('--temperature <t>', 'divides the logits; 0: the likeliest token', number)
    .option('--top-k <k>', 'only the k likeliest tokens', wholeNumber(0))
    .option('--top-p <p>', 'only the likeliest tokens that have this probability together', number)
    .option('--min-p <p>', "only tokens with this share of the likeliest one's probability", number)
    .option('--repetition-penalty <x>', 'divides the logits of tokens that the text has', number)
    .option('--seed <n>', 'of the draws', wholeNumber(0), 0)
    .option('--samples <n>', 'texts for each prompt', wholeNumber(1), 1)
    .option('--stop <text>', 'end before this text; may be given several times', collect)
    .option('--stop-token <token>', "end at this token, by name or id, besides the model's own", collect)
    .option('--tokenizer <path>', 'tokenizer of another place than the folder')
    .option('--batch <n>', 'texts computed together', wholeNumber(1), 8)
    .option('--log-probs', 'with --json: the log-probability of each token')
    .option('--json', 'print one JSON object on standard output');
  return backendOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, flags: GenerateFlags) => {
      await generate(model, flags, context);
      setExitCode(EXIT.ok);
    });
}

async function generate(given: string, flags: GenerateFlags, context: CliContext): Promise<void> {
  const [open, { loadWeights }, { createGenerator }, { contextLimit }, texts, { openBackend }] = await Promise.all([
    import('../training/generation/open-model.ts'),
    import('../models/checkpoint/load-weights.ts'),
    import('../training/generation/generator.ts'),
    import('../training/generation/place-inputs.ts'),
    import('../training/generation/text-generator.ts'),
    import('../tensor/open-backend.ts'),
  ]);
  const { modelFolder } = await import('../training/run-folder.ts');
  const folder = modelFolder(resolve(context.cwd, given), 'model');
  const prompts = await promptsOf(flags, context.cwd);
  const { readConfigFile } = await import('../models/known-configs.ts');
  const { config } = readConfigFile(resolve(folder, 'config.json'));
  const opened = open.modelTokenizer(folder, config, flags.tokenizer && resolve(context.cwd, flags.tokenizer));
  const { tokenizer } = opened;
  const defaults = await open.generationDefaults(folder, config);
  const stops = (flags.stopToken ?? []).map((token) => texts.stopTokenId(tokenizer, token));
  const encode = flags.chat === true ? await chatEncoder(opened, flags.system) : await plainEncoder(opened, folder);
  const requests = prompts.flatMap((prompt, i): TextRequest[] => {
    const ids = encode(prompt, i);
    const request = {
      ids,
      maxNewTokens: flags.maxNewTokens,
      sampling: samplingOf(flags, defaults.sampling),
      stopTokens: [...defaults.stopTokens, ...stops],
      stopStrings: flags.stop ?? [],
      logProbs: flags.logProbs === true,
    };
    return Array.from({ length: flags.samples }, (_, sample) => ({ ...request, seed: flags.seed + sample }));
  });
  const limit = contextLimit(config);
  const longest = requests.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  if (longest >= limit) {
    const at = requests.findIndex(({ ids }) => ids.length >= limit);
    throw new CorpusmillError(
      'USAGE',
      `generating from ${folder}: prompt ${Math.floor(at / flags.samples) + 1} has ${requests[at].ids.length} tokens, the model is made for ${limit}`,
      { hint: 'Shorten the prompt; a model with dynamic scaling of its positions takes longer ones.' },
    );
  }
  const backend = await openBackend(flags.backend, flags.threads === undefined ? {} : { threads: flags.threads });
  const controller = new AbortController();
  const onSignal = (): void => controller.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) context.signals.on(signal, onSignal);
  try {
    const weights = await loadWeights(backend, folder);
    const generator = createGenerator(backend, weights, {
      slots: Math.min(flags.batch, requests.length),
      capacity: Math.min(limit, longest + flags.maxNewTokens),
      vocabSize: tokenizer.vocabSize,
    });
    const pieces = texts.streamTexts(generator, tokenizer, requests, { signal: controller.signal });
    if (flags.json === true) {
      const made = await texts.collectTexts(pieces, requests);
      await printJson(context, jsonOf(folder, backend.name, requests, made, prompts, flags.samples));
    } else {
      await show(pieces, requests, tokenizer, flags.chat === true, context);
    }
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) context.signals.off(signal, onSignal);
    await backend.dispose();
  }
}

async function promptsOf(flags: GenerateFlags, cwd: string): Promise<Prompt[]> {
  const prompts: Prompt[] = [...(flags.prompt ?? [])];
  if (flags.prompts !== undefined) prompts.push(...(await promptsOfFile(resolve(cwd, flags.prompts))));
  if (prompts.length > 0) return prompts;
  throw new CorpusmillError('USAGE', 'generate: there is no prompt', {
    hint: "Give --prompt 'Once upon a time', or a file of prompts with --prompts.",
  });
}

async function promptsOfFile(path: string): Promise<Prompt[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const found = missing ? 'there is no such file' : (error as Error).message;
    throw new CorpusmillError(
      missing ? 'INPUT_NOT_FOUND' : 'INPUT_UNREADABLE',
      `reading the prompts ${path}: ${found}`,
    );
  }
  const lines = text.split(/\r?\n/).map((line, i) => ({ line, number: i + 1 }));
  const filled = lines.filter(({ line }) => line.trim() !== '');
  if (!path.endsWith('.jsonl')) return filled.map(({ line }) => line);
  return filled.map(({ line, number: at }) => {
    let record: { prompt?: unknown; messages?: unknown } | null;
    try {
      record = JSON.parse(line) as typeof record;
    } catch (error) {
      throw new CorpusmillError(
        'INPUT_CORRUPT',
        `reading the prompts ${path}, line ${at}: ${(error as Error).message}`,
      );
    }
    if (typeof record?.prompt === 'string') return record.prompt;
    if (Array.isArray(record?.messages)) return record.messages;
    throw new CorpusmillError('INPUT_CORRUPT', `reading the prompts ${path}, line ${at}: no prompt and no messages`, {
      hint: 'A line is {"prompt": "…"} or {"messages": [{"role": "user", "content": "…"}]}.',
    });
  });
}

type Opened = import('../tokenizer/formats/load-tokenizer.ts').OpenedTokenizer;
type Encoder = (prompt: Prompt, index: number) => Uint32Array;

/** A text as it is, after the token that begins every text where the tokenizer has one; an empty text is that token. */
async function plainEncoder(opened: Opened, folder: string): Promise<Encoder> {
  const { textStart } = await import('../training/generation/open-model.ts');
  const { tokenizer, config } = opened;
  const start = textStart(opened);
  return (prompt, index) => {
    if (typeof prompt !== 'string') {
      throw new CorpusmillError('USAGE', `generate: prompt ${index + 1} is a conversation`, { hint: 'Add --chat.' });
    }
    const ids = tokenizer.encode(prompt);
    if (start !== undefined) return Uint32Array.of(start, ...ids);
    if (ids.length > 0) return ids;
    const token = config.tokens['bos_token'] ?? config.tokens['eos_token'] ?? '<|endoftext|>';
    const first = tokenizer.specialId(token);
    if (first !== undefined) return Uint32Array.of(first);
    throw new CorpusmillError('USAGE', `generating from ${folder}: prompt ${index + 1} is empty`, {
      hint: 'Its tokenizer has no token that begins a text: give a prompt.',
    });
  };
}

/** What a user says, or a conversation, in the folder's chat template, up to where the assistant begins. */
async function chatEncoder({ tokenizer, config, path }: Opened, system: string | undefined): Promise<Encoder> {
  const [{ createChatTemplate }, { encodeGenerationPrompt }, { readConversation }] = await Promise.all([
    import('../tokenizer/chat/chat-template.ts'),
    import('../tokenizer/chat/encode-conversation.ts'),
    import('../io/conversation.ts'),
  ]);
  if (config.chatTemplate === undefined) {
    throw new CorpusmillError('USAGE', `generate --chat: the tokenizer ${path} has no chat template`, {
      hint: 'Leave --chat out: the model was perhaps not trained on conversations.',
    });
  }
  const template = createChatTemplate(config.chatTemplate, { tokens: config.tokens });
  return (prompt, index) => {
    const said = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
    const messages = system === undefined ? said : [{ role: 'system', content: system }, ...said];
    const conversation = readConversation({ messages });
    if ('reason' in conversation) {
      throw new CorpusmillError('INPUT_CORRUPT', `generate --chat: prompt ${index + 1}: ${conversation.detail}`);
    }
    return encodeGenerationPrompt(tokenizer, template, conversation.messages, conversation.tools);
  };
}

/** Flags over what the folder says; any flag of sampling without a temperature means temperature 1. */
function samplingOf(flags: GenerateFlags, defaults: SamplingOptions | undefined): SamplingOptions {
  const { temperature, topK, topP, minP, repetitionPenalty } = flags;
  const given = Object.fromEntries(
    Object.entries({ temperature, topK, topP, minP, repetitionPenalty }).filter(([, value]) => value !== undefined),
  );
  const draws = topK !== undefined || topP !== undefined || minP !== undefined;
  return { ...(defaults ?? { temperature: draws ? 1 : 0 }), ...given };
}

function jsonOf(
  model: string,
  backend: string,
  requests: readonly TextRequest[],
  made: readonly GeneratedText[],
  prompts: readonly Prompt[],
  samples: number,
): object {
  return {
    model,
    backend,
    texts: made.map(({ text, ids, logProbs, finish }, i) => ({
      prompt: prompts[Math.floor(i / samples)],
      seed: requests[i].seed,
      promptIds: Array.from(requests[i].ids),
      text,
      ids: Array.from(ids),
      ...(logProbs && { logProbs: Array.from(logProbs) }),
      finish,
    })),
  };
}

/** Texts one below the other, the first unfinished one as it grows. */
async function show(
  pieces: AsyncIterable<import('../training/generation/text-generator.ts').TextPiece>,
  requests: readonly TextRequest[],
  tokenizer: TextTokenizer,
  isChat: boolean,
  { stdout, stderr, env }: CliContext,
): Promise<void> {
  const colors = colorsFor(stdout, env);
  const waiting = requests.map(() => ({ text: '', finished: false }));
  let shown = -1;
  const begin = async (): Promise<void> => {
    shown++;
    if (shown >= requests.length) return;
    if (shown > 0) await print(stdout, '\n');
    if (!isChat)
      await print(stdout, colors.dim(tokenizer.decode(Array.from(requests[shown].ids), { skipSpecial: true })));
    await print(stdout, waiting[shown].text);
  };
  await begin();
  const started = performance.now();
  let tokens = 0;
  for await (const { request, text, finish } of pieces) {
    tokens++;
    const one = waiting[request];
    one.finished = finish !== undefined;
    if (request === shown) await print(stdout, text);
    else one.text += text;
    while (shown < requests.length && waiting[shown].finished) {
      await print(stdout, '\n');
      await begin();
    }
  }
  if (stderr.isTTY !== true) return;
  const seconds = (performance.now() - started) / 1000;
  const speed = `${plural(tokens, 'token')} in ${seconds.toFixed(1)} s, ${(tokens / seconds).toFixed(0)} a second`;
  stderr.write(`${colorsFor(stderr, env).dim(speed)}\n`);
}
