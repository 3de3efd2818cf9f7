/**
 * A checkpoint in any folder (src/io/byte-source.ts): its configuration, and its weights as the parameters of
 * `parametersOf(config)`, whatever the layout of the file. Every tensor must be there with the shape that the configuration
 * says, and none beside.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { type FileFolder, readFileOf } from '../../io/byte-source.ts';
import { readTensorFolder, type TensorFolder } from '../../io/safetensors/sharded.ts';
import type { ModelConfig } from '../config.ts';
import { noConfig } from '../config-error.ts';
import { readConfigText } from '../hf-config.ts';
import { type FileTensor, fileTensors, type Layout, layoutOf, scatter } from './layout.ts';

export interface OpenedCheckpoint {
  readonly folder: string;
  readonly config: ModelConfig;
  readonly layout: Layout;
  /** Types of the stored tensors, such as `BF16`. */
  readonly dtypes: readonly string[];
  /**
   * Reads all weights into the arrays that `valuesOf` gives for each parameter, tensor by tensor: beside them only one tensor
   * is in memory. Throws INPUT_CORRUPT.
   */
  readInto(valuesOf: (parameter: string) => Float32Array): Promise<void>;
  /**
   * One parameter, of models larger than memory. The last few are kept, because a file may hold a parameter in many tensors
   * or several in one. Throws INPUT_CORRUPT.
   */
  read(parameter: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Buffers of older checkpoints, which are computed and not weights. */
const COMPUTED = /(^|\.)(rotary_emb\.inv_freq|attn\.masked_bias|h\.\d+\.attn\.bias)$/;

/**
 * Opens a folder and compares its tensors with its configuration. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, CONFIG_INVALID, and
 * INPUT_CORRUPT naming the tensors that are missing, unexpected or of another shape. Close it after use.
 */
export async function openCheckpointIn(opened: FileFolder): Promise<OpenedCheckpoint> {
  const folder = opened.name;
  const config = await readConfigOf(opened);
  const files = await readTensorFolder(opened);
  try {
    const found = inFile(files, config);
    const { layout, tensors } = found;
    compare(folder, files, tensors, config, found.name);
    return {
      folder,
      config,
      layout,
      dtypes: [...new Set([...files.tensors.values()].map(({ dtype }) => dtype))].sort(),
      read: createParameterReader(tensors, (tensor) => files.readFloat32(found.name(tensor))),
      async readInto(valuesOf) {
        for (const tensor of tensors) {
          if (tensor.ranges.length === 1 && !tensor.transposed) {
            const [{ parameter, start, count }] = tensor.ranges;
            await files.readFloat32(found.name(tensor.name), valuesOf(parameter).subarray(start, start + count));
            continue;
          }
          const values = await files.readFloat32(found.name(tensor.name));
          if (tensor.ranges.length === 0 && values.some((value) => value !== 0)) {
            throw mismatch(folder, `${tensor.name} is not zero, but the configuration says that there are no biases`);
          }
          scatter(tensor, values, valuesOf);
        }
        if (config.tieWordEmbeddings) await compareTied(folder, files, valuesOf('model.embed_tokens.weight'));
      },
      close: () => files.close(),
    };
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** The configuration of a model folder. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, CONFIG_INVALID. */
export async function readConfigOf(folder: FileFolder): Promise<ModelConfig> {
  const path = folder.pathOf('config.json');
  const bytes = await readFileOf(folder, 'config.json');
  if (bytes === undefined) throw noConfig(path);
  return readConfigText(new TextDecoder().decode(bytes), path).config;
}

/** Parameters kept: the three stacks of a layer's experts, whose tensors a file has in turn. */
const KEPT = 3;

function createParameterReader(
  tensors: readonly FileTensor[],
  readTensor: (name: string) => Promise<Float32Array>,
): (parameter: string) => Promise<Float32Array> {
  const holders = new Map<string, FileTensor[]>();
  for (const tensor of tensors) {
    for (const name of new Set(tensor.ranges.map(({ parameter }) => parameter))) {
      holders.set(name, [...(holders.get(name) ?? []), tensor]);
    }
  }
  const kept = new Map<string, Promise<Float32Array>>();
  const read = async (parameter: string): Promise<Float32Array> => {
    const own = holders.get(parameter) ?? [];
    const ranges = own.flatMap((tensor) => tensor.ranges).filter((range) => range.parameter === parameter);
    const values = new Float32Array(ranges.reduce((sum, { count }) => sum + count, 0));
    for (const tensor of own) {
      scatter(tensor, await readTensor(tensor.name), (name) => (name === parameter ? values : undefined));
    }
    return values;
  };
  return (parameter) => {
    const values = kept.get(parameter) ?? read(parameter);
    // The one used last goes last.
    kept.delete(parameter);
    kept.set(parameter, values);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
    return values;
  };
}

/** The layout that the names show, and what the file calls a tensor of it. */
function inFile(
  files: TensorFolder,
  config: ModelConfig,
): { layout: Layout; tensors: FileTensor[]; name: (tensor: string) => string } {
  const names = files.tensors;
  const fused = [...names.keys()].some((name) => name.endsWith('.mlp.experts.gate_up_proj'));
  const layout = fused ? 'hf-fused' : layoutOf(config);
  // GPT-2's own files leave the prefix away.
  const bare = layout === 'gpt2' && names.has('wte.weight');
  return {
    layout,
    tensors: fileTensors(config, layout),
    name: bare ? (tensor) => tensor.replace(/^transformer\./, '') : (tensor) => tensor,
  };
}

function compare(
  folder: string,
  files: TensorFolder,
  tensors: readonly FileTensor[],
  config: ModelConfig,
  nameOf: (tensor: string) => string,
): void {
  const expected = new Map(tensors.map((tensor) => [nameOf(tensor.name), tensor]));
  const missing = [...expected.keys()].filter((name) => !files.tensors.has(name));
  const unexpected = [...files.tensors.keys()].filter(
    (name) => !expected.has(name) && !COMPUTED.test(name) && !(config.tieWordEmbeddings && name === 'lm_head.weight'),
  );
  if (missing.length > 0 || unexpected.length > 0) {
    const parts = [
      listed('is missing', 'are missing', missing),
      listed('is not expected', 'are not expected', unexpected),
    ];
    throw mismatch(folder, parts.filter((part) => part !== '').join('; '));
  }
  for (const [name, { shape }] of expected) {
    const found = files.tensors.get(name)!.shape;
    if (found.length !== shape.length || found.some((size, axis) => size !== shape[axis])) {
      throw mismatch(folder, `${name} has the shape [${found.join(', ')}], expected [${shape.join(', ')}]`);
    }
  }
}

function listed(one: string, many: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const shown = names.slice(0, 4).join(', ');
  const rest = names.length > 4 ? ` and ${names.length - 4} more` : '';
  return `${shown}${rest} ${names.length === 1 ? one : many}`;
}

/** Some programs store the output matrix of tied embeddings as well: it must then be the embedding. */
async function compareTied(folder: string, files: TensorFolder, embedding: Float32Array): Promise<void> {
  if (!files.tensors.has('lm_head.weight')) return;
  const head = await files.readFloat32('lm_head.weight');
  if (head.length !== embedding.length || head.some((value, i) => value !== embedding[i])) {
    throw mismatch(folder, 'lm_head.weight differs from the embedding, though tie_word_embeddings is true');
  }
}

function mismatch(folder: string, found: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `reading the checkpoint ${folder}: ${found}`, {
    hint: 'The tensors must be those that its config.json describes.',
  });
}
