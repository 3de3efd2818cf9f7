/** `corpusmill eval`: perplexity on texts and shards, accuracy on multiple choice. */
import { basename, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { CorpusmillError, EXIT } from '../core/errors.ts';
import { INPUT_FORMATS, type InputFormat } from '../io/input.ts';
import type { OpenedTokenizer } from '../tokenizer/formats/load-tokenizer.ts';
import type { MultipleChoice } from '../training/scoring/multiple-choice.ts';
import type { Perplexity } from '../training/scoring/perplexity.ts';
import type { SequenceScorer } from '../training/scoring/sequence-scorer.ts';
import type { CliContext, ExitCode } from './context.ts';
import { wholeNumber } from './flags.ts';
import { type BackendFlags, backendOptions } from './model-flags.ts';
import { colorsFor, columns, plural, print, printJson, widthOf } from './print.ts';

const EXAMPLES = `
An input is packed shards (a folder or a file of them), questions (JSONL with {"prompt", "choices", "answer"}), or texts in
any format that pipelines read. Documents are separate. Perplexity is by token and by byte, and bits a byte compare models
with different tokenizers. Questions are answered by log-likelihood as lm-evaluation-harness does: acc by the sum, acc_norm
by the sum a character, acc_bytes by the sum a byte. ± is one standard error.

Examples:
  $ corpusmill eval checkpoint held-out.jsonl
  $ corpusmill eval checkpoint book.txt --window 512 --stride 128
  $ corpusmill eval checkpoint runs/web/output/shards/validation --limit 200
  $ corpusmill eval checkpoint questions.jsonl --json`;

interface EvalFlags extends BackendFlags {
  window?: number;
  stride?: number;
  limit?: number;
  textField: string;
  inputFormat: InputFormat | 'auto';
  delimiter: string;
  tokenizer?: string;
  maxRows: number;
  json?: boolean;
}

type Result = { input: string } & (
  | ({ kind: 'perplexity'; window: number; stride: number } & Perplexity)
  | ({ kind: 'questions' } & MultipleChoice)
);

export function evalCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  const command = new Command('eval')
    .description('perplexity of a model on texts or shards, its accuracy on questions')
    .argument('<model>', "a folder with config.json, model.safetensors and a tokenizer, or a run's")
    .argument('<input...>', 'texts, shards, or questions')
    .option(
      '--window <n>',
      'tokens that are read together (default: what the model is made for, at most 2048)',
      wholeNumber(2),
    )
    .option('--stride <n>', 'tokens between windows of a long document (default: half a window)', wholeNumber(1))
    .option('--limit <n>', 'documents, rows or questions of each input', wholeNumber(1))
    .option('--text-field <name>', 'field that holds the text', 'text')
    .addOption(
      new Option('--input-format <name>', 'format of texts')
        .choices(['auto', ...INPUT_FORMATS])
        .default('auto', 'by file'),
    )
    .option('--delimiter <text>', 'between prompt and choice', ' ')
    .option('--tokenizer <path>', 'tokenizer of another place than the folder')
    .option('--max-rows <n>', 'tokens computed together', wholeNumber(1), 2048)
    .option('--json', 'print one JSON object on standard output');
  return backendOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, inputs: string[], flags: EvalFlags) => {
      await evaluate(model, inputs, flags, context);
      setExitCode(EXIT.ok);
    });
}

async function evaluate(given: string, inputs: string[], flags: EvalFlags, context: CliContext): Promise<void> {
  const [open, { loadWeights }, { createSequenceScorer }, { contextLimit }, { openBackend }, { readConfigFile }] =
    await Promise.all([
      import('../training/generation/open-model.ts'),
      import('../models/checkpoint/load-weights.ts'),
      import('../training/scoring/sequence-scorer.ts'),
      import('../training/generation/place-inputs.ts'),
      import('../tensor/open-backend.ts'),
      import('../models/known-configs.ts'),
    ]);
  const { modelFolder } = await import('../training/run-folder.ts');
  const folder = modelFolder(resolve(context.cwd, given), 'model');
  const { config } = readConfigFile(resolve(folder, 'config.json'));
  const window = flags.window ?? Math.min(config.maxPositionEmbeddings, 2048);
  const limit = contextLimit(config);
  if (window > limit) {
    throw new CorpusmillError('USAGE', `eval --window ${window}: the model ${folder} is made for ${limit} positions`);
  }
  const stride = flags.stride ?? Math.max(1, Math.floor(window / 2));
  if (stride >= window) {
    throw new CorpusmillError('USAGE', `eval --stride ${stride}: windows of ${window} tokens would leave tokens out`, {
      hint: 'A stride is shorter than a window.',
    });
  }
  const opened = open.modelTokenizer(folder, config, flags.tokenizer && resolve(context.cwd, flags.tokenizer));
  const start = open.textStart(opened) ?? config.bosTokenId ?? config.eosTokenIds[0];
  const backend = await openBackend(flags.backend, flags.threads === undefined ? {} : { threads: flags.threads });
  try {
    const weights = await loadWeights(backend, folder);
    const scorer = createSequenceScorer(backend, weights, { maxLength: window, maxRows: flags.maxRows });
    const results: Result[] = [];
    for (const input of inputs) {
      const path = resolve(context.cwd, input);
      const result = await evaluateInput(path, { scorer, opened, start, stride, flags, context });
      results.push({ ...result, input });
      if (flags.json !== true) await print(context.stdout, `${textOf(results.at(-1)!, context)}\n`);
    }
    if (flags.json === true) await printJson(context, { model: folder, backend: backend.name, results });
  } finally {
    await backend.dispose();
  }
}

interface Evaluation {
  readonly scorer: SequenceScorer;
  readonly opened: OpenedTokenizer;
  readonly start: number | undefined;
  readonly stride: number;
  readonly flags: EvalFlags;
  readonly context: CliContext;
}

async function evaluateInput(path: string, evaluation: Evaluation): Promise<Result> {
  const { scorer, opened, start, stride, flags, context } = evaluation;
  const { tokenizer } = opened;
  const [input, { answerQuestions }, { createPerplexityMeter }, { textStart }] = await Promise.all([
    import('../training/scoring/evaluation-input.ts'),
    import('../training/scoring/multiple-choice.ts'),
    import('../training/scoring/perplexity.ts'),
    import('../training/generation/open-model.ts'),
  ]);
  const kind = await input.kindOfInput(path);
  const isTerminal = context.stderr.isTTY === true;
  const progress = (count: number, noun: string): void => {
    if (isTerminal) context.stderr.write(`\r${basename(path)}: ${plural(count, noun)}\x1b[K`);
  };
  const clear = (): void => {
    if (isTerminal) context.stderr.write('\r\x1b[K');
  };
  if (kind === 'questions') {
    const questions = await input.readQuestions(path, flags.limit);
    const options = { delimiter: flags.delimiter, start: textStart(opened), prefix: start };
    return { input: path, kind: 'questions', ...(await answerQuestions(scorer, tokenizer, questions, options)) };
  }
  const window = scorer.maxLength;
  const isShards = kind === 'shards';
  // Pieces of shards begin where the packing cut them: what stood before is not known.
  const meter = createPerplexityMeter(scorer, { window, stride, start: isShards ? undefined : start });
  if (isShards) {
    const bytesOf = (ids: ArrayLike<number>): number =>
      Array.from(ids).reduce((sum, id) => sum + tokenizer.tokenBytes(id).length, 0);
    for await (const pieces of input.readPieces(path, flags.limit)) {
      // The first token is not predicted, so its bytes do not count.
      await meter.add(pieces.map((ids) => ({ ids, bytes: bytesOf(Array.from(ids).slice(1)) })));
      progress(meter.documents, 'piece');
    }
  } else {
    const spec = {
      name: basename(path),
      paths: [path],
      format: flags.inputFormat,
      textField: flags.textField,
      idField: undefined,
      metaFields: 'none' as const,
      limit: flags.limit,
      sample: undefined,
      seed: 0,
      maxRecordBytes: 256 << 20,
      maxExpansionRatio: 1000,
    };
    for await (const texts of input.readTexts(spec)) {
      await meter.add(texts.map((text) => ({ ids: tokenizer.encode(text), bytes: Buffer.byteLength(text) })));
      progress(meter.documents, 'document');
    }
  }
  clear();
  if (meter.documents === 0) {
    throw new CorpusmillError('INPUT_UNREADABLE', `eval ${path}: there is no text of at least two tokens in it`);
  }
  return { input: path, kind: 'perplexity', window, stride, ...meter.result() };
}

function textOf(result: Result, { stdout, env }: CliContext): string {
  const { bold } = colorsFor(stdout, env);
  const withError = (value: number, error: number | null, digits: number): string =>
    error === null ? value.toFixed(digits) : `${value.toFixed(digits)} ± ${error.toFixed(digits)}`;
  const rows =
    result.kind === 'perplexity'
      ? [
          [
            'read',
            `${plural(result.documents, 'document')}, ${plural(result.tokens, 'token')}, ${plural(result.bytes, 'byte')}`,
          ],
          ['windows', `${result.window} tokens, ${result.stride} apart`],
          ['perplexity a token', withError(result.tokenPerplexity, result.tokenPerplexityError, 4)],
          ['perplexity a byte', result.bytePerplexity.toFixed(4)],
          ['bits a byte', withError(result.bitsPerByte, result.bitsPerByteError, 4)],
        ]
      : [
          ['read', plural(result.questions, 'question')],
          ['acc', withError(result.acc.value, result.acc.error, 4)],
          ['acc_norm', withError(result.accNorm.value, result.accNorm.error, 4)],
          ['acc_bytes', withError(result.accBytes.value, result.accBytes.error, 4)],
        ];
  return `${bold(result.input)}\n${columns(
    rows.map(([name, value]) => [`  ${name}`, value]),
    widthOf(stdout),
  )}`;
}
