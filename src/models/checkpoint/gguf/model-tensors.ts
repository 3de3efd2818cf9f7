/**
 * A model's parameters as the tensors of a GGUF file: llama.cpp's names, the type of each, and the two places where the values
 * differ from Hugging Face's: Llama's queries and keys are reordered within each head, because llama.cpp turns
 * neighbours (2i, 2i+1) there and Hugging Face the halves (i, i + d/2); and Llama 3's scaling is a tensor of divisors.
 * Source: ggml-org/llama.cpp, `convert_hf_to_gguf.py` (`LlamaModel.permute`, `generate_extra_tensors`), `gguf-py/gguf/tensor_mapping.py`.
 */
import type { RotaryConfig } from '../../config.ts';
import { type Parameter, parametersOf } from '../../parameters.ts';
import { TENSOR_TYPES, type TensorType } from './format.ts';
import type { GgufTensor } from './writer.ts';

const TOP: Readonly<Record<string, string>> = {
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
  'lm_head.weight': 'output.weight',
};

const IN_LAYER: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
  'mlp.gate': 'ffn_gate_inp',
  'mlp.experts.gate_proj': 'ffn_gate_exps',
  'mlp.experts.up_proj': 'ffn_up_exps',
  'mlp.experts.down_proj': 'ffn_down_exps',
  'mlp.shared_expert_gate': 'ffn_gate_inp_shexp',
  'mlp.shared_expert.gate_proj': 'ffn_gate_shexp',
  'mlp.shared_expert.up_proj': 'ffn_up_shexp',
  'mlp.shared_expert.down_proj': 'ffn_down_shexp',
};

/** The tensors of a model in the order of its parameters. */
export function modelTensors(
  config: RotaryConfig,
  type: TensorType,
  valuesOf: (parameter: string) => Float32Array | Promise<Float32Array>,
): GgufTensor[] {
  const tensors = parametersOf(config).map((parameter): GgufTensor => {
    const { name } = parameter;
    const turned = config.architecture === 'llama' && /\.[qk]_proj\.weight$/.test(name);
    return {
      name: ggufName(name),
      // The gate of the shared expert is a vector there.
      shape: name.endsWith('shared_expert_gate.weight') ? [config.hiddenSize] : parameter.shape,
      type: typeOf(parameter, type),
      values: turned
        ? async () => pairNeighbours(await valuesOf(name), parameter.shape, config.headDim)
        : () => valuesOf(name),
    };
  });
  if (config.ropeScaling.type === 'llama3') {
    const divisors = llama3Divisors(config);
    tensors.push({ name: 'rope_freqs.weight', shape: [divisors.length], type: 'F32', values: () => divisors });
  }
  return tensors;
}

/** llama.cpp's name of a parameter. */
export function ggufName(parameter: string): string {
  const match = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(parameter);
  return match === null ? TOP[parameter] : `blk.${match[1]}.${IN_LAYER[match[2]]}.${match[3]}`;
}

/** Vectors and routers stay float32. Rows that no block divides are float16; Q4_0 is too coarse for the vocabulary. */
function typeOf({ shape, group }: Parameter, wanted: TensorType): TensorType {
  if (shape.length === 1 || group === 'router') return 'F32';
  const type = wanted === 'Q4_0' && (group === 'embedding' || group === 'output') ? 'Q8_0' : wanted;
  return shape[shape.length - 1] % TENSOR_TYPES[type].block === 0 ? type : 'F16';
}

/** Within each head, row i + d/2 moves beside row i. */
function pairNeighbours(values: Float32Array, [rows, columns]: readonly number[], headDim: number): Float32Array {
  const out = new Float32Array(values.length);
  const half = headDim / 2;
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const to = row - within + (within < half ? 2 * within : 2 * (within - half) + 1);
    out.set(values.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return out;
}

/** By what each frequency is divided: 1 for the fast ones, `factor` for the slow ones, between them a mix. */
export function llama3Divisors(config: RotaryConfig): Float32Array {
  const { ropeScaling: scaling, headDim, ropeTheta } = config;
  if (scaling.type !== 'llama3') return new Float32Array(0);
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings: length } = scaling;
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * ropeTheta ** ((2 * i) / headDim);
    if (wavelength < length / highFreqFactor) return 1;
    if (wavelength > length / lowFreqFactor) return factor;
    const smooth = (length / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
