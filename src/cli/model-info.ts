/** `corpusmill model info`: what a configuration costs. */
import { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { ModelInfo } from '../models/model-info.ts';
import type { CliContext, ExitCode } from './context.ts';
import { wholeNumber } from './flags.ts';
import { columns, print, printJson, widthOf } from './print.ts';

const EXAMPLES = `
Arithmetic is that of training: forward and backward, 6 operations for each weight that a token is multiplied with, and
attention over the sequence. Memory for training is float32 weights, gradients and AdamW's two moments; activations, which
depend on the batch, come on top.

Examples:
  $ corpusmill model info qwen2-0.5b
  $ corpusmill model info checkpoint/ --sequence-length 1024 --json`;

interface InfoFlags {
  sequenceLength?: number;
  json?: boolean;
}

export function modelInfoCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('info')
    .description('parameters, arithmetic and memory of a model')
    .argument('<model>', 'a name of `model list`, a config.json or a folder with one')
    .option('--sequence-length <n>', 'tokens that attention sees (default: all it is made for)', wholeNumber(1))
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, flags: InfoFlags) => {
      // Loaded here: every command imports this file.
      const { resolve } = await import('node:path');
      const { describeModel } = await import('../models/model-info.ts');
      const info = describeModel(model, resolve(context.cwd, model), flags.sequenceLength);
      if (flags.json) await printJson(context, info);
      else await print(context.stdout, `${textOf(info, widthOf(context.stdout))}\n`);
      setExitCode(EXIT.ok);
    });
}

function textOf(info: ModelInfo, width: number): string {
  const { config, parameters, flopsPerToken, trainingBytes, kvCacheBytesPerToken: cache } = info;
  const count = (n: number): string => n.toLocaleString('en-US');
  const giga = (n: number): string => `${(n / 1e9).toPrecision(4)} GFLOP`;
  const rows = [
    ['architecture', `${config.architecture}${info.dtype === undefined ? '' : `, stored as ${info.dtype}`}`],
    ['shape', shapeOf(info)],
    ['positions', `${count(config.maxPositionEmbeddings)}${positionsOf(info)}`],
    ['parameters', `${count(parameters.total)}${config.tieWordEmbeddings ? ' (tied embeddings)' : ''}`],
    ...(parameters.active === parameters.total ? [] : [['active', count(parameters.active)]]),
    ['without embeddings', count(parameters.nonEmbedding)],
    ...Object.entries(parameters.byGroup).map(([group, size]) => [`  ${group}`, count(size)]),
    [
      'a training token',
      `${giga(flopsPerToken.causal)} (${giga(flopsPerToken.full)} without a causal mask) in sequences of ${count(flopsPerToken.sequenceLength)}`,
    ],
    [
      'training memory',
      `${bytes(trainingBytes.total)}: weights ${bytes(trainingBytes.weights)}, gradients ${bytes(trainingBytes.gradients)}, moments ${bytes(trainingBytes.moments)}; activations on top`,
    ],
    ['key-value cache', `${count(cache.float32)} B a token in float32, ${count(cache.bfloat16)} B in bfloat16`],
    ...(info.source === undefined ? [] : [['source', info.source]]),
  ];
  return `${info.name}\n${columns(rows, width)}`;
}

function shapeOf({ config }: ModelInfo): string {
  const { layers, hiddenSize, heads, kvHeads, headDim, intermediateSize, vocabSize } = config;
  const shared = kvHeads === heads ? '' : ` sharing ${kvHeads} of keys and values`;
  const parts = [
    `${layers} layers of ${hiddenSize}`,
    `${heads} heads of ${headDim}${shared}`,
    `feed-forward ${intermediateSize}`,
    `vocabulary ${vocabSize.toLocaleString('en-US')}`,
  ];
  const moe = config.architecture === 'gpt2' ? null : config.moe;
  if (moe !== null) {
    const one = moe.sharedExpertIntermediate === null ? '' : ` and one of ${moe.sharedExpertIntermediate} for all`;
    parts.push(`${moe.perToken} of ${moe.experts} experts of ${moe.expertIntermediate}${one}`);
  }
  return parts.join(', ');
}

function positionsOf({ config }: ModelInfo): string {
  if (config.architecture === 'gpt2') return ', learned';
  const scaling = config.ropeScaling.type === 'none' ? '' : `, ${config.ropeScaling.type}`;
  const sliding = config.slidingLayers.filter(Boolean).length;
  const window = sliding === 0 ? '' : `, window of ${config.slidingWindow} in ${sliding} layers`;
  return `, rotary with base ${config.ropeTheta.toLocaleString('en-US')}${scaling}${window}`;
}

function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; count >= 1024 && unit < units.length - 1; unit++) count /= 1024;
  return `${unit === 0 ? count : count.toPrecision(3)} ${units[unit]}`;
}
