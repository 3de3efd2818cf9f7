/**
 * A mixture of experts made from a dense checkpoint (sparse upcycling with fine-grained experts, arXiv 2407.10671, section 2.2.2):
 * the feed-forward layer is repeated ⌈experts · width / its width⌉ times, each copy is shuffled along its inner dimension, the
 * copies are cut into experts, what is left over is dropped, and half of each expert's entries are drawn anew, which lets
 * experts differ. The shared expert is cut from copies of its own and keeps its values; routers begin at random.
 *
 * An inner unit is a row of gate_proj, a row of up_proj and a column of down_proj: the three move together, so that without the
 * new draws the experts' outputs add up to that of the copies.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import { createRandom, hashString32, shuffle } from '../../core/random.ts';
import { checkConfig, type MoeConfig, type RotaryConfig } from '../config.ts';
import { type Parameter, parametersOf } from '../parameters.ts';
import { initialValues } from '../weights.ts';
import { openCheckpoint } from './read.ts';
import { TOKENIZER_FILES, writeCheckpoint } from './write.ts';

export interface UpcycleOptions {
  experts: number;
  perToken: number;
  /** Width of one branch of an expert. */
  expertWidth: number;
  /** Width of the shared expert (Qwen2-MoE); none unless given. */
  sharedWidth?: number;
  /** Share of each expert's entries that are drawn anew; .5 unless given. */
  reinitialize?: number;
  seed?: number;
}

/** Reads a dense Qwen2 or Qwen3 and writes the mixture. Throws CONFIG_INVALID for what cannot be one, and what reading and writing throw. */
export async function upcycleCheckpoint(
  from: string,
  to: string,
  options: UpcycleOptions,
): Promise<{ config: RotaryConfig; files: string[] }> {
  if (resolve(from) === resolve(to)) {
    throw new CorpusmillError('USAGE', `upcycling ${from}: the output is the same folder`, {
      hint: 'Give another folder.',
    });
  }
  const { seed = 1, reinitialize = 0.5 } = options;
  const opened = await openCheckpoint(from);
  try {
    const dense = opened.config;
    if (dense.architecture !== 'qwen2' && dense.architecture !== 'qwen3') {
      throw new CorpusmillError('CONFIG_INVALID', `upcycling ${from}: it is a ${dense.architecture}`, {
        hint: 'A dense Qwen2 or Qwen3 can become a mixture of experts.',
      });
    }
    const config = upcycledConfig(dense, options, from);
    const parameters = new Map(parametersOf(config).map((parameter) => [parameter.name, parameter]));
    const files = await writeCheckpoint(to, {
      config,
      async values(name) {
        const parameter = parameters.get(name) as Parameter;
        const place = /^(model\.layers\.\d+\.mlp)\.(experts|shared_expert)\.(gate|up|down)_proj\.weight$/.exec(name);
        if (place === null) return parameter.group === 'router' ? initialValues(parameter, seed) : opened.read(name);
        const [, prefix, kind, projection] = place;
        const source = await opened.read(`${prefix}.${projection}_proj.weight`);
        const isDown = projection === 'down';
        const units = unitsOf(`${prefix}.${kind}`, unitCount(parameter, isDown), dense.intermediateSize, seed);
        const values = cut(source, units, parameter, isDown, dense);
        return kind === 'experts' ? redraw(values, parameter, reinitialize, seed) : values;
      },
      ...(TOKENIZER_FILES.some((file) => existsSync(join(from, file))) && { tokenizer: from }),
    });
    return { config, files };
  } finally {
    await opened.close();
  }
}

function upcycledConfig(dense: RotaryConfig, options: UpcycleOptions, source: string): RotaryConfig {
  const { experts, perToken, expertWidth, sharedWidth } = options;
  if (dense.architecture === 'qwen3' && sharedWidth !== undefined) {
    throw new CorpusmillError('CONFIG_INVALID', `upcycling ${source}: Qwen3's experts have no shared one beside them`, {
      hint: 'Leave the width of the shared expert out.',
    });
  }
  const isQwen2 = dense.architecture === 'qwen2';
  if (isQwen2 && sharedWidth === undefined) {
    throw new CorpusmillError('CONFIG_INVALID', `upcycling ${source}: a Qwen2 mixture has a shared expert`, {
      hint: 'Give its width; 57B-A14B has eight times that of an expert.',
    });
  }
  const moe: MoeConfig = {
    experts,
    perToken,
    expertIntermediate: expertWidth,
    sharedExpertIntermediate: sharedWidth ?? null,
    normTopkProb: !isQwen2,
    decoderSparseStep: 1,
    mlpOnlyLayers: [],
    auxLossCoef: 0.001,
  };
  return checkConfig({ ...dense, architecture: isQwen2 ? 'qwen2-moe' : 'qwen3-moe', moe }, source);
}

/** Inner units of all experts of a parameter together, [experts, out, in] or [out, in]. */
function unitCount({ shape }: Parameter, isDown: boolean): number {
  const [experts, out, inner] = shape.length === 3 ? shape : [1, ...shape];
  return experts * (isDown ? inner : out);
}

/** Which unit of the dense layer each unit is: copies, each shuffled, one after another. */
function unitsOf(place: string, count: number, width: number, seed: number): Uint32Array {
  const units = new Uint32Array(count);
  for (let copy = 0; copy * width < count; copy++) {
    const order = shuffle(
      Uint32Array.from({ length: width }, (_, unit) => unit),
      hashString32(`${place} ${copy}`, seed),
    );
    units.set(order.subarray(0, Math.min(width, count - copy * width)), copy * width);
  }
  return units;
}

/** The chosen units of a dense matrix, expert by expert. */
function cut(
  source: Float32Array,
  units: Uint32Array,
  { shape }: Parameter,
  isDown: boolean,
  { hiddenSize, intermediateSize }: RotaryConfig,
): Float32Array {
  const out = new Float32Array(units.length * hiddenSize);
  if (!isDown) {
    units.forEach((unit, i) => out.set(source.subarray(unit * hiddenSize, (unit + 1) * hiddenSize), i * hiddenSize));
    return out;
  }
  const width = shape[shape.length - 1];
  units.forEach((unit, i) => {
    const expert = Math.floor(i / width);
    const column = i % width;
    for (let row = 0; row < hiddenSize; row++) {
      out[(expert * hiddenSize + row) * width + column] = source[row * intermediateSize + unit];
    }
  });
  return out;
}

/** Draws about `rate` of the entries anew, each by itself, as the parameter would begin. */
function redraw(values: Float32Array, parameter: Parameter, rate: number, seed: number): Float32Array {
  const random = createRandom(hashString32(`${parameter.name} redrawn`, seed));
  const fresh = initialValues(parameter, seed);
  return values.map((value, i) => (random.float() < rate ? fresh[i] : value));
}
