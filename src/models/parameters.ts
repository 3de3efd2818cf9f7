/**
 * The parameters of a model: names, shapes, how each begins and whether weight decay applies. Names are those of Hugging Face's
 * Qwen2 and Llama for every architecture, so that one forward pass reads them all; what a file calls them is a matter of
 * checkpoint/layout.ts. Matrices are [out, in], row-major, as nn.Linear has them.
 *
 * Experts lie stacked, `model.layers.N.mlp.experts.gate_proj.weight` [experts, out, in], because they are multiplied as
 * one batch.
 *
 * Initial values: normal with `initializerRange`, but 1/√(2·layers) of it for the matrices that write into the residual
 * stream, whose sum would otherwise grow with depth (GPT-2; the first Qwen, `_init_weights`); norms 1, biases 0.
 */
import { type Gpt2Config, isMoeLayer, type ModelConfig, type RotaryConfig } from './config.ts';

export type ParameterKind = 'embedding' | 'matrix' | 'norm' | 'bias';

/** Groups of `corpusmill model info`. */
export type ParameterGroup = 'embedding' | 'output' | 'attention' | 'feed-forward' | 'experts' | 'router' | 'norm';

export type Initialisation = { kind: 'normal'; std: number } | { kind: 'ones' } | { kind: 'zeros' };

export interface Parameter {
  name: string;
  shape: readonly number[];
  kind: ParameterKind;
  group: ParameterGroup;
  /** Layer it belongs to; null for embeddings and what follows the last layer. */
  layer: number | null;
  /** Weight decay applies: matrices and embeddings, not norms and biases. */
  decays: boolean;
  init: Initialisation;
}

/** All parameters in order of use. With tied embeddings `lm_head.weight` is none: the embedding serves for both. A head of scores is `score.weight` [1, hidden]. */
export function parametersOf(config: ModelConfig): Parameter[] {
  const list = createList(config);
  const { hiddenSize, vocabSize } = config;
  list.embedding('model.embed_tokens.weight', vocabSize);
  if (config.architecture === 'gpt2') list.embedding('model.embed_positions.weight', config.maxPositionEmbeddings);
  for (let layer = 0; layer < config.layers; layer++) {
    list.layer = layer;
    list.norm('input_layernorm', hiddenSize);
    addAttention(list, config);
    list.norm('post_attention_layernorm', hiddenSize);
    if (config.architecture === 'gpt2') addGelu(list, config);
    else if (isMoeLayer(config, layer)) addExperts(list, config);
    else addSwiglu(list, 'mlp', config.intermediateSize, hiddenSize);
  }
  list.layer = null;
  list.norm('model.norm', hiddenSize);
  if (config.head === 'score') list.matrix('score', [1, hiddenSize], 'output');
  else if (!config.tieWordEmbeddings) list.matrix('lm_head', [vocabSize, hiddenSize], 'output');
  return list.parameters;
}

type List = ReturnType<typeof createList>;

/** Collects parameters; the names of a layer's are given without their prefix. */
function createList(config: ModelConfig) {
  const parameters: Parameter[] = [];
  const std = config.initializerRange;
  const residualStd = std / Math.sqrt(2 * config.layers);
  const withBias = config.architecture === 'gpt2' && config.bias;
  const list = {
    parameters,
    layer: null as number | null,
    add(name: string, fields: Omit<Parameter, 'name' | 'layer' | 'decays'>): void {
      const { layer } = list;
      const full = layer === null ? name : `model.layers.${layer}.${name}`;
      const decays = fields.kind === 'matrix' || fields.kind === 'embedding';
      parameters.push({ name: full, layer, decays, ...fields });
    },
    embedding(name: string, rows: number): void {
      const shape = [rows, config.hiddenSize];
      list.add(name, { shape, kind: 'embedding', group: 'embedding', init: { kind: 'normal', std } });
    },
    matrix(
      name: string,
      shape: readonly number[],
      group: ParameterGroup,
      options: { writesResidual?: boolean; bias?: boolean } = {},
    ): void {
      const init = { kind: 'normal', std: options.writesResidual ? residualStd : std } as const;
      list.add(`${name}.weight`, { shape, kind: 'matrix', group, init });
      if (options.bias) {
        list.add(`${name}.bias`, { shape: [shape[0]], kind: 'bias', group, init: { kind: 'zeros' } });
      }
    },
    norm(name: string, width: number): void {
      list.add(`${name}.weight`, { shape: [width], kind: 'norm', group: 'norm', init: { kind: 'ones' } });
      if (withBias) list.add(`${name}.bias`, { shape: [width], kind: 'bias', group: 'norm', init: { kind: 'zeros' } });
    },
  };
  return list;
}

function addAttention(list: List, config: ModelConfig): void {
  const { hiddenSize, heads, kvHeads, headDim } = config;
  const inputBias = config.architecture === 'gpt2' ? config.bias : config.qkvBias;
  const outputBias = config.architecture === 'gpt2' ? config.bias : config.attentionBias;
  list.matrix('self_attn.q_proj', [heads * headDim, hiddenSize], 'attention', { bias: inputBias });
  list.matrix('self_attn.k_proj', [kvHeads * headDim, hiddenSize], 'attention', { bias: inputBias });
  list.matrix('self_attn.v_proj', [kvHeads * headDim, hiddenSize], 'attention', { bias: inputBias });
  if (config.architecture !== 'gpt2' && config.qkNorm) {
    list.norm('self_attn.q_norm', headDim);
    list.norm('self_attn.k_norm', headDim);
  }
  list.matrix('self_attn.o_proj', [hiddenSize, heads * headDim], 'attention', {
    writesResidual: true,
    bias: outputBias,
  });
}

function addGelu(list: List, { hiddenSize, intermediateSize, bias }: Gpt2Config): void {
  list.matrix('mlp.up_proj', [intermediateSize, hiddenSize], 'feed-forward', { bias });
  list.matrix('mlp.down_proj', [hiddenSize, intermediateSize], 'feed-forward', { writesResidual: true, bias });
}

function addSwiglu(list: List, prefix: string, width: number, hiddenSize: number): void {
  list.matrix(`${prefix}.gate_proj`, [width, hiddenSize], 'feed-forward');
  list.matrix(`${prefix}.up_proj`, [width, hiddenSize], 'feed-forward');
  list.matrix(`${prefix}.down_proj`, [hiddenSize, width], 'feed-forward', { writesResidual: true });
}

function addExperts(list: List, { hiddenSize, moe }: RotaryConfig): void {
  if (moe === null) return;
  const { experts, expertIntermediate: width, sharedExpertIntermediate: shared } = moe;
  list.matrix('mlp.gate', [experts, hiddenSize], 'router');
  list.matrix('mlp.experts.gate_proj', [experts, width, hiddenSize], 'experts');
  list.matrix('mlp.experts.up_proj', [experts, width, hiddenSize], 'experts');
  list.matrix('mlp.experts.down_proj', [experts, hiddenSize, width], 'experts', { writesResidual: true });
  if (shared === null) return;
  addSwiglu(list, 'mlp.shared_expert', shared, hiddenSize);
  list.matrix('mlp.shared_expert_gate', [1, hiddenSize], 'router');
}
