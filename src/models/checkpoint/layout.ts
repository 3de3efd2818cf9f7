/**
 * What the tensors of a checkpoint file are called and how their values come from the parameters in memory. Every layout is the
 * same kind of list: a file tensor is the concatenation of ranges of parameters, transposed where GPT-2 wants it. So writing
 * and reading are one loop each (`gather`, `scatter`), and a new layout is a new list.
 *
 *   hf         Qwen2, Qwen3, Llama: as in memory. Experts one by one, `mlp.experts.I.gate_proj.weight`: what transformers 5
 *              writes too, though it holds them fused (`conversion_mapping.py`, "qwen2_moe").
 *   hf-fused   the same with experts as transformers 5 holds them: `mlp.experts.gate_up_proj` [experts, 2·width, hidden]
 *              and `mlp.experts.down_proj`. Read only.
 *   qwen       the first Qwen: one matrix `c_attn` for queries, keys and values; `w2` is the gate, `w1` the other branch.
 *   gpt2       GPT-2: `c_attn` too, and matrices [in, out] (Conv1D).
 *
 * Sources: QwenLM/Qwen `modeling_qwen.py`; transformers 5.18 `modeling_gpt2.py`, `pytorch_utils.py` (Conv1D).
 */
import type { ModelConfig } from '../config.ts';
import { sizeOf } from '../cost.ts';
import { type Parameter, parametersOf } from '../parameters.ts';

/** Values [start, start + count) of a parameter, row-major. */
export interface ParameterRange {
  parameter: string;
  start: number;
  count: number;
}

export interface FileTensor {
  name: string;
  /** As the file has it. */
  shape: readonly number[];
  /** In order, these make the tensor; none: the tensor is zero (a bias that the model does not have). */
  ranges: readonly ParameterRange[];
  /** The ranges make the transposed matrix. */
  transposed: boolean;
}

export type Layout = 'hf' | 'hf-fused' | 'qwen' | 'gpt2';

/** The layout that checkpoints of an architecture are written in. */
export function layoutOf(config: ModelConfig): Layout {
  return config.architecture === 'qwen' || config.architecture === 'gpt2' ? config.architecture : 'hf';
}

/** The tensors of a checkpoint, in order of use. */
export function fileTensors(config: ModelConfig, layout: Layout = layoutOf(config)): FileTensor[] {
  const parameters = parametersOf(config);
  if (layout === 'qwen') return qwenTensors(parameters);
  if (layout === 'gpt2') return gpt2Tensors(parameters, config.architecture === 'gpt2' && config.bias);
  return parameters.flatMap((parameter) => {
    if (parameter.group !== 'experts') return [whole(parameter.name, parameter)];
    return layout === 'hf' ? expertByExpert(parameter) : fused(parameter);
  });
}

/** A tensor's values from those of the parameters. The result may share memory with a parameter. */
export async function gather(
  tensor: FileTensor,
  valuesOf: (parameter: string) => Float32Array | Promise<Float32Array>,
): Promise<Float32Array> {
  const { ranges, shape } = tensor;
  let values: Float32Array;
  if (ranges.length === 1) {
    const [{ parameter, start, count }] = ranges;
    values = (await valuesOf(parameter)).subarray(start, start + count);
  } else {
    values = new Float32Array(sizeOf(tensor));
    let at = 0;
    for (const { parameter, start, count } of ranges) {
      values.set((await valuesOf(parameter)).subarray(start, start + count), at);
      at += count;
    }
  }
  return tensor.transposed ? transpose(values, shape[1], shape[0]) : values;
}

/** The inverse: a tensor's values into the parameters; ranges of parameters for which there is no array are left out. */
export function scatter(
  tensor: FileTensor,
  values: Float32Array,
  valuesOf: (parameter: string) => Float32Array | undefined,
): void {
  const { ranges, shape, transposed } = tensor;
  const rowMajor = transposed ? transpose(values, shape[0], shape[1]) : values;
  let at = 0;
  for (const { parameter, start, count } of ranges) {
    valuesOf(parameter)?.set(rowMajor.subarray(at, at + count), start);
    at += count;
  }
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column];
  }
  return out;
}

function whole(name: string, parameter: Parameter): FileTensor {
  const range = { parameter: parameter.name, start: 0, count: sizeOf(parameter) };
  return { name, shape: parameter.shape, ranges: [range], transposed: false };
}

function expertByExpert({ name, shape }: Parameter): FileTensor[] {
  const [experts, rows, columns] = shape;
  const count = rows * columns;
  return Array.from({ length: experts }, (_, expert) => ({
    name: name.replace('.experts.', `.experts.${expert}.`),
    shape: [rows, columns],
    ranges: [{ parameter: name, start: expert * count, count }],
    transposed: false,
  }));
}

function fused(parameter: Parameter): FileTensor[] {
  const { name, shape } = parameter;
  if (name.endsWith('up_proj.weight')) return [];
  if (name.endsWith('down_proj.weight')) return [whole(name.replace(/\.weight$/, ''), parameter)];
  const [experts, width, hidden] = shape;
  const count = width * hidden;
  const up = name.replace('gate_proj', 'up_proj');
  return [
    {
      name: name.replace('gate_proj.weight', 'gate_up_proj'),
      shape: [experts, 2 * width, hidden],
      ranges: Array.from({ length: experts }, (_, expert) => [
        { parameter: name, start: expert * count, count },
        { parameter: up, start: expert * count, count },
      ]).flat(),
      transposed: false,
    },
  ];
}

const QWEN_NAMES: Readonly<Record<string, string>> = {
  input_layernorm: 'ln_1',
  'self_attn.o_proj': 'attn.c_proj',
  post_attention_layernorm: 'ln_2',
  'mlp.gate_proj': 'mlp.w2',
  'mlp.up_proj': 'mlp.w1',
  'mlp.down_proj': 'mlp.c_proj',
};

function qwenTensors(parameters: readonly Parameter[]): FileTensor[] {
  const top: Readonly<Record<string, string>> = {
    'model.embed_tokens.weight': 'transformer.wte.weight',
    'model.norm.weight': 'transformer.ln_f.weight',
  };
  return parameters.flatMap((parameter) => {
    const { layer, module, kind } = partsOf(parameter.name);
    if (layer === undefined) return [whole(top[parameter.name] ?? parameter.name, parameter)];
    const prefix = `transformer.h.${layer}`;
    if (/^self_attn\.[kv]_proj$/.test(module)) return [];
    if (module === 'self_attn.q_proj') return [joined(`${prefix}.attn.c_attn.${kind}`, parameter, parameters)];
    return [whole(`${prefix}.${QWEN_NAMES[module]}.${kind}`, parameter)];
  });
}

const GPT2_NAMES: Readonly<Record<string, string>> = {
  input_layernorm: 'ln_1',
  'self_attn.q_proj': 'attn.c_attn',
  'self_attn.o_proj': 'attn.c_proj',
  post_attention_layernorm: 'ln_2',
  'mlp.up_proj': 'mlp.c_fc',
  'mlp.down_proj': 'mlp.c_proj',
};

function gpt2Tensors(parameters: readonly Parameter[], withBias: boolean): FileTensor[] {
  const top: Readonly<Record<string, string>> = {
    'model.embed_tokens.weight': 'transformer.wte.weight',
    'model.embed_positions.weight': 'transformer.wpe.weight',
    'model.norm.weight': 'transformer.ln_f.weight',
    'model.norm.bias': 'transformer.ln_f.bias',
  };
  return parameters.flatMap((parameter) => {
    const { layer, module, kind } = partsOf(parameter.name);
    if (/^self_attn\.[kv]_proj$/.test(module)) return [];
    const name =
      layer === undefined
        ? (top[parameter.name] ?? parameter.name)
        : `transformer.h.${layer}.${GPT2_NAMES[module]}.${kind}`;
    let tensor = module === 'self_attn.q_proj' ? joined(name, parameter, parameters) : whole(name, parameter);
    if (layer !== undefined && parameter.kind === 'matrix') {
      tensor = { ...tensor, shape: [...tensor.shape].reverse(), transposed: true };
    }
    if (withBias || (parameter.kind !== 'norm' && (parameter.kind !== 'matrix' || layer === undefined)))
      return [tensor];
    const out = tensor.shape[tensor.shape.length - 1];
    return [tensor, { name: name.replace(/weight$/, 'bias'), shape: [out], ranges: [], transposed: false }];
  });
}

/** Queries, keys and values one below the other. */
function joined(name: string, query: Parameter, parameters: readonly Parameter[]): FileTensor {
  const parts = ['q_proj', 'k_proj', 'v_proj'].map((part) => {
    const wanted = query.name.replace('q_proj', part);
    return parameters.find((parameter) => parameter.name === wanted)!;
  });
  return {
    name,
    shape: [parts.reduce((rows, { shape }) => rows + shape[0], 0), ...query.shape.slice(1)],
    ranges: parts.map((part) => ({ parameter: part.name, start: 0, count: sizeOf(part) })),
    transposed: false,
  };
}

/** `model.layers.3.mlp.up_proj.weight` as its layer, `mlp.up_proj` and `weight`. */
function partsOf(name: string): { layer: string | undefined; module: string; kind: string } {
  const match = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name);
  if (match === null) return { layer: undefined, module: '', kind: '' };
  return { layer: match[1], module: match[2], kind: match[3] };
}
