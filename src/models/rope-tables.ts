/**
 * The rotary angles of a model as tables: cos and sin of position · inverse frequency, [length, headDim / 2], computed in
 * float64 from float32 inverse frequencies (the Qwen report keeps them in float32; with bfloat16 the angle at position 2047
 * would be off by 2.5 rad) and stored as float32.
 *
 * Scalings of longer contexts: linear (Chen et al. 2023), dynamic NTK (transformers, and the first Qwen's own rule), YaRN
 * (Peng et al. 2023; as `_compute_yarn_parameters` of transformers), Llama 3's by wavelength.
 */
import type { RotaryConfig } from './config.ts';

export interface RopeTables {
  /** Row-major [length, headDim / 2]. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Tables for positions 0 to length − 1. Dynamic scalings take `length` as that of the sequence. */
export function ropeTables(config: RotaryConfig, length: number): RopeTables {
  const { inverse, attentionFactor } = inverseFrequencies(config, length);
  const half = inverse.length;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let position = 0; position < length; position++) {
    writeAngles({ cos, sin }, position, position, inverse, attentionFactor);
  }
  return { cos, sin };
}

/** Fills row `row` of the tables with the angles of `position`. */
export function writeAngles(
  { cos, sin }: RopeTables,
  row: number,
  position: number,
  inverse: Float32Array,
  attentionFactor: number,
): void {
  const half = inverse.length;
  for (let i = 0; i < half; i++) {
    // The product is rounded to float32 first, as it is where the angles are computed in that type.
    const angle = Math.fround(position * inverse[i]);
    cos[row * half + i] = Math.cos(angle) * attentionFactor;
    sin[row * half + i] = Math.sin(angle) * attentionFactor;
  }
}

/** Inverse frequency of each pair of a head, and what cos and sin are multiplied by. */
export function inverseFrequencies(
  config: RotaryConfig,
  length: number,
): { inverse: Float32Array; attentionFactor: number } {
  const { headDim, ropeTheta, ropeScaling: scaling, maxPositionEmbeddings } = config;
  const plain = (base: number): Float32Array =>
    Float32Array.from({ length: headDim / 2 }, (_, i) => 1 / base ** ((2 * i) / headDim));
  const stretched = (alpha: number): number => ropeTheta * alpha ** (headDim / (headDim - 2));
  switch (scaling.type) {
    case 'none':
      return { inverse: plain(ropeTheta), attentionFactor: 1 };
    case 'linear':
      return { inverse: plain(ropeTheta).map((f) => f / scaling.factor), attentionFactor: 1 };
    case 'dynamic': {
      const used = Math.max(length, maxPositionEmbeddings);
      const alpha = (scaling.factor * used) / maxPositionEmbeddings - (scaling.factor - 1);
      return { inverse: plain(stretched(alpha)), attentionFactor: 1 };
    }
    case 'qwen-dynamic-ntk':
      return { inverse: plain(stretched(qwenNtkAlpha(length, scaling.trainedLength))), attentionFactor: 1 };
    case 'yarn':
      return yarn(config, plain(ropeTheta));
    case 'llama3':
      return { inverse: llama3(plain(ropeTheta), scaling), attentionFactor: 1 };
  }
}

/** The first Qwen's factor of the base for a sequence of `length`: 1 up to the trained length, then 2^k − 1. */
export function qwenNtkAlpha(length: number, trainedLength: number): number {
  return Math.max(2 ** Math.ceil(Math.log2(length / trainedLength) + 1) - 1, 1);
}

/** By which queries at `position` are multiplied beyond the trained length (LogN attention; the first Qwen). */
export function logNScale(position: number, trainedLength: number): number {
  return position + 1 > trainedLength ? Math.log(position + 1) / Math.log(trainedLength) : 1;
}

/** The pairs between which YaRN blends: those that turn betaFast and betaSlow times over the original length. */
export function yarnRange(config: RotaryConfig): { low: number; high: number } {
  const { headDim, ropeTheta, ropeScaling: scaling } = config;
  if (scaling.type !== 'yarn') throw new TypeError('yarnRange: the scaling is not YaRN');
  const pairOf = (turns: number): number =>
    (headDim * Math.log(scaling.originalMaxPositionEmbeddings / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
  const low = Math.max(Math.floor(pairOf(scaling.betaFast)), 0);
  const high = Math.min(Math.ceil(pairOf(scaling.betaSlow)), headDim - 1);
  return { low, high };
}

function yarn(config: RotaryConfig, plain: Float32Array): { inverse: Float32Array; attentionFactor: number } {
  const scaling = config.ropeScaling;
  if (scaling.type !== 'yarn') throw new TypeError('yarn: the scaling is not YaRN');
  const { low, high } = yarnRange(config);
  const width = high === low ? 0.001 : high - low;
  const inverse = plain.map((frequency, i) => {
    const slow = Math.min(Math.max((i - low) / width, 0), 1);
    return (frequency / scaling.factor) * slow + frequency * (1 - slow);
  });
  const own = scaling.factor > 1 ? 0.1 * Math.log(scaling.factor) + 1 : 1;
  return { inverse, attentionFactor: scaling.attentionFactor ?? own };
}

function llama3(
  plain: Float32Array,
  scaling: {
    factor: number;
    originalMaxPositionEmbeddings: number;
    lowFreqFactor: number;
    highFreqFactor: number;
  },
): Float32Array {
  const { factor, originalMaxPositionEmbeddings: original, lowFreqFactor, highFreqFactor } = scaling;
  return plain.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < original / highFreqFactor) return frequency;
    if (wavelength > original / lowFreqFactor) return frequency / factor;
    const smooth = (original / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  });
}
