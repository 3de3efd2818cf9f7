/**
 * The decoder of every architecture, written once against tensors: token ids in, the last norm's output out. The output
 * head comes after it (`outputWeight`), joined with a loss or with sampling, because its logits are the largest tensor.
 *
 * Rotary family (Qwen, Qwen2, Qwen2-MoE, Qwen3, Llama): pre-norm RMSNorm, RoPE, grouped-query attention, SwiGLU or experts. Between
 * blocks the residual stream and the block's output travel apart, so that adding them and the next norm are one pass.
 * GPT-2: LayerNorm, learned positions, GELU.
 */
import { checkpoint } from '../tensor/autograd.ts';
import { elements, type Tensor } from '../tensor/graph.ts';
import { swiglu } from '../tensor/ops/activation.ts';
import { type AttentionOptions, attention, dualChunkAttention, rope } from '../tensor/ops/attention.ts';
import { add, dropout, fill, multiply, unary } from '../tensor/ops/elementwise.ts';
import { cacheWrite, embedding } from '../tensor/ops/embedding.ts';
import { linear } from '../tensor/ops/matmul.ts';
import { combine, dispatch, expertLinear, type Routing, route } from '../tensor/ops/moe.ts';
import { addRmsNorm, layerNorm, rmsNorm } from '../tensor/ops/norm.ts';
import { type Gpt2Config, isMoeLayer, type ModelConfig, type RotaryConfig, windowOf } from './config.ts';

/** The model's parameters as tensors of a graph, by name; undefined for one that the configuration does not have. */
export type Weights = (name: string) => Tensor | undefined;

/** Keys and values of earlier tokens, for generation. */
export interface ForwardCache {
  /** [batch, capacity, kvHeads · headDim] of a layer. */
  keys(layer: number): Tensor;
  values(layer: number): Tensor;
  /** Where this run's tokens are written, by sequence (i32 [batch]). */
  readonly at: Tensor;
  /** First and end of the keys in use once they are written (i32 [batch, 2]). */
  readonly keyRange: Tensor;
}

/** Positions of dual chunk attention, each i32 [batch · time]. */
export interface DualChunkPositions {
  readonly key: Tensor;
  readonly intra: Tensor;
  readonly successive: Tensor;
  readonly inter: Tensor;
}

export interface ForwardInputs {
  readonly batch: number;
  /** i32 [batch · time]. */
  readonly ids: Tensor;
  /** i32 [batch · time], restarting with each packed document. */
  readonly positions: Tensor;
  /** cos and sin, [positions, headDim / 2]; not for GPT-2. */
  readonly rope?: { readonly cos: Tensor; readonly sin: Tensor };
  /** i32 [batch, time]: which document of its row a token belongs to. */
  readonly segmentIds?: Tensor | undefined;
  /** i32 [batch]: length of the part in which tokens see each other both ways. */
  readonly prefix?: Tensor | undefined;
  readonly cache?: ForwardCache | undefined;
  /** [batch · time, 1]: multiplies the queries (LogN). */
  readonly queryScale?: Tensor | undefined;
  readonly dualChunk?: DualChunkPositions | undefined;
  /** seed: i32 [2], another one for each step. */
  readonly dropout?: { readonly rate: number; readonly seed: Tensor } | undefined;
  /** [batch · time, hidden]: added to the token embeddings. */
  readonly embeddingNoise?: Tensor | undefined;
  /** Keep a layer's input alone and compute the rest again for the gradient. */
  readonly recompute?: boolean;
}

export interface ForwardResult {
  /** [batch · time, hidden], normed. */
  readonly hidden: Tensor;
  /** Of each layer with experts. */
  readonly routings: readonly Routing[];
}

/** Builds the decoder into the graph of `inputs`. */
export function forward(config: ModelConfig, weights: Weights, inputs: ForwardInputs): ForwardResult {
  return config.architecture === 'gpt2' ? gpt2Forward(config, weights, inputs) : rotaryForward(config, weights, inputs);
}

/** The output head [vocab, hidden]: the embedding itself where they are tied. */
export function outputWeight(config: ModelConfig, weights: Weights): Tensor {
  if (config.head === 'score') throw new TypeError('forward: a model with a head of scores has no output matrix');
  return parameter(weights, config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
}

/** The head of scores [1, hidden] of a reward or value model. */
export function scoreWeight(weights: Weights): Tensor {
  return parameter(weights, 'score.weight');
}

function parameter(weights: Weights, name: string): Tensor {
  const tensor = weights(name);
  if (tensor === undefined) throw new TypeError(`forward: the model has no parameter ${name}`);
  return tensor;
}

/** A layer's parameters by their names within it. */
type LayerWeights = (name: string) => Tensor;

function layerOf(weights: Weights, layer: number): { need: LayerWeights; maybe: Weights } {
  const prefix = `model.layers.${layer}.`;
  return { need: (name) => parameter(weights, prefix + name), maybe: (name) => weights(prefix + name) };
}

function rotaryForward(config: RotaryConfig, weights: Weights, inputs: ForwardInputs): ForwardResult {
  const embedded = embedTokens(weights, inputs);
  const routings: Routing[] = [];
  let stream = dropped(embedded, inputs, 0);
  let branch: Tensor | undefined;
  for (let layer = 0; layer < config.layers; layer++) {
    const build = ([x, delta]: readonly Tensor[]): [Tensor, Tensor] =>
      rotaryLayer(config, weights, inputs, layer, x, delta, routings);
    const given = branch === undefined ? [stream] : [stream, branch];
    // Routings of a layer that is computed twice would be those of the first time, which has no gradient.
    const again = inputs.recompute === true && !isMoeLayer(config, layer);
    [stream, branch] = again ? checkpoint(given, build) : build(given);
  }
  const norm = parameter(weights, 'model.norm.weight');
  const hidden =
    branch === undefined
      ? rmsNorm(stream, norm, config.rmsNormEps)
      : addRmsNorm(branch, stream, norm, config.rmsNormEps)[1];
  return { hidden, routings };
}

/** One layer: the stream with the last block's output still to be added, and the same again afterwards. */
function rotaryLayer(
  config: RotaryConfig,
  weights: Weights,
  inputs: ForwardInputs,
  layer: number,
  before: Tensor,
  delta: Tensor | undefined,
  routings: Routing[],
): [stream: Tensor, branch: Tensor] {
  const { need, maybe } = layerOf(weights, layer);
  const eps = config.rmsNormEps;
  const inputNorm = need('input_layernorm.weight');
  const [stream, normed] =
    delta === undefined ? [before, rmsNorm(before, inputNorm, eps)] : addRmsNorm(delta, before, inputNorm, eps);
  const attended = rotaryAttention(config, need, maybe, inputs, layer, normed);
  const attentionOut = dropped(
    linear(attended, need('self_attn.o_proj.weight'), maybe('self_attn.o_proj.bias')),
    inputs,
    2 * layer + 1,
  );
  const [middle, middleNormed] = addRmsNorm(attentionOut, stream, need('post_attention_layernorm.weight'), eps);
  const out = isMoeLayer(config, layer)
    ? expertBlock(config, need, maybe, middleNormed, routings)
    : swigluBlock((name) => need(`mlp.${name}`), middleNormed);
  return [middle, dropped(out, inputs, 2 * layer + 2)];
}

function rotaryAttention(
  config: RotaryConfig,
  need: LayerWeights,
  maybe: Weights,
  inputs: ForwardInputs,
  layer: number,
  x: Tensor,
): Tensor {
  const { heads, kvHeads, headDim, rmsNormEps } = config;
  const { batch, positions, cache, segmentIds, prefix } = inputs;
  const tables = inputs.rope;
  if (tables === undefined) throw new TypeError(`forward: ${config.architecture} needs its rotary tables`);
  const rotate = (t: Tensor, at: Tensor): Tensor => rope(t, tables.cos, tables.sin, at, { headDim });
  let q = linear(x, need('self_attn.q_proj.weight'), maybe('self_attn.q_proj.bias'));
  let k = linear(x, need('self_attn.k_proj.weight'), maybe('self_attn.k_proj.bias'));
  let v = linear(x, need('self_attn.v_proj.weight'), maybe('self_attn.v_proj.bias'));
  if (config.qkNorm) {
    q = rmsNorm(q, need('self_attn.q_norm.weight'), rmsNormEps);
    k = rmsNorm(k, need('self_attn.k_norm.weight'), rmsNormEps);
  }
  if (inputs.queryScale !== undefined) q = multiply(q, inputs.queryScale);
  k = rotate(k, inputs.dualChunk?.key ?? positions);
  [k, v] = withCached(cache, layer, k, v);
  const window = windowOf(config, layer) ?? 0;
  const options: AttentionOptions = {
    batch,
    heads,
    kvHeads,
    headDim,
    window,
    segmentIds,
    prefix,
    keyRange: cache?.keyRange,
  };
  if (inputs.dualChunk !== undefined && config.dualChunk !== null) {
    const { intra, successive, inter } = inputs.dualChunk;
    const queries = { intra: rotate(q, intra), successive: rotate(q, successive), inter: rotate(q, inter) };
    const chunkLength = config.dualChunk.chunkSize - config.dualChunk.localSize;
    return dualChunkAttention(queries, k, v, {
      batch,
      heads,
      kvHeads,
      headDim,
      keyRange: cache?.keyRange,
      chunkLength,
    });
  }
  return attention(rotate(q, positions), k, v, options);
}

function swigluBlock(need: LayerWeights, x: Tensor): Tensor {
  const gate = linear(x, need('gate_proj.weight'));
  const up = linear(x, need('up_proj.weight'));
  return linear(swiglu(gate, up), need('down_proj.weight'));
}

/** Experts for each token's choice, and the shared expert behind its sigmoid gate (Qwen2-MoE). */
function expertBlock(config: RotaryConfig, need: LayerWeights, maybe: Weights, x: Tensor, routings: Routing[]): Tensor {
  const { moe } = config;
  if (moe === null) throw new TypeError('forward: a layer with experts in a configuration without them');
  const routing = route(linear(x, need('mlp.gate.weight')), moe.perToken, moe.normTopkProb);
  routings.push(routing);
  const rows = dispatch(x, routing);
  const gate = expertLinear(rows, need('mlp.experts.gate_proj.weight'), routing);
  const up = expertLinear(rows, need('mlp.experts.up_proj.weight'), routing);
  const down = expertLinear(swiglu(gate, up), need('mlp.experts.down_proj.weight'), routing);
  const out = combine(down, routing);
  const sharedGate = maybe('mlp.shared_expert_gate.weight');
  if (sharedGate === undefined) return out;
  const shared = swigluBlock((name) => need(`mlp.shared_expert.${name}`), x);
  return add(out, multiply(shared, unary('sigmoid', linear(x, sharedGate))));
}

function gpt2Forward(config: Gpt2Config, weights: Weights, inputs: ForwardInputs): ForwardResult {
  const { heads, headDim, layerNormEps: eps } = config;
  const { batch, positions, cache, segmentIds, prefix } = inputs;
  const norm = (x: Tensor, need: LayerWeights, maybe: Weights, name: string): Tensor => {
    const weight = need(`${name}.weight`);
    return layerNorm(x, weight, maybe(`${name}.bias`) ?? fill(weight, 0), eps);
  };
  const activation = config.activation === 'gelu' ? 'gelu' : 'geluTanh';
  const tokens = embedTokens(weights, inputs);
  const places = embedding(parameter(weights, 'model.embed_positions.weight'), positions);
  let stream = dropped(add(tokens, places), inputs, 0);
  const buildLayer = (layer: number, x: Tensor): Tensor => {
    const { need, maybe } = layerOf(weights, layer);
    const project = (t: Tensor, name: string): Tensor => linear(t, need(`${name}.weight`), maybe(`${name}.bias`));
    const normed = norm(x, need, maybe, 'input_layernorm');
    const q = project(normed, 'self_attn.q_proj');
    let k = project(normed, 'self_attn.k_proj');
    let v = project(normed, 'self_attn.v_proj');
    [k, v] = withCached(cache, layer, k, v);
    const options = { batch, heads, kvHeads: config.kvHeads, headDim, segmentIds, prefix, keyRange: cache?.keyRange };
    const attended = project(attention(q, k, v, options), 'self_attn.o_proj');
    const middle = add(x, dropped(attended, inputs, 2 * layer + 1));
    const up = unary(activation, project(norm(middle, need, maybe, 'post_attention_layernorm'), 'mlp.up_proj'));
    return add(middle, dropped(project(up, 'mlp.down_proj'), inputs, 2 * layer + 2));
  };
  for (let layer = 0; layer < config.layers; layer++) {
    stream = inputs.recompute ? checkpoint([stream], ([x]) => [buildLayer(layer, x)])[0] : buildLayer(layer, stream);
  }
  const need = (name: string): Tensor => parameter(weights, name);
  return { hidden: norm(stream, need, weights, 'model.norm'), routings: [] };
}

function embedTokens(weights: Weights, { ids, embeddingNoise }: ForwardInputs): Tensor {
  const embedded = embedding(parameter(weights, 'model.embed_tokens.weight'), ids);
  return embeddingNoise === undefined ? embedded : add(embedded, embeddingNoise);
}

/** Keys and values to attend to: those given, or with a cache all that it holds once they are written to it. */
function withCached(
  cache: ForwardCache | undefined,
  layer: number,
  k: Tensor,
  v: Tensor,
): [keys: Tensor, values: Tensor] {
  if (cache === undefined) return [k, v];
  cacheWrite(cache.keys(layer), k, cache.at);
  cacheWrite(cache.values(layer), v, cache.at);
  return [cache.keys(layer), cache.values(layer)];
}

/** Dropout with a stream of random numbers of its own for each place in the model. */
function dropped(x: Tensor, inputs: ForwardInputs, stream: number): Tensor {
  if (inputs.dropout === undefined || inputs.dropout.rate === 0 || elements(x.shape) === 0) return x;
  return dropout(x, inputs.dropout.rate, inputs.dropout.seed, stream);
}
