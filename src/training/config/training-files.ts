/** Paths in a training configuration made absolute: relative ones are relative to the configuration's folder. */
import { resolve } from 'node:path';
import { namedModel } from '../run-folder.ts';
import type { TrainConfig } from './schema.ts';

/** The same configuration with absolute paths, and the output folder filled in. `cwd` is where `runs/NAME` goes. */
export function withAbsolutePaths(
  config: TrainConfig,
  place: { folder: string; name: string; cwd: string },
): TrainConfig & { name: string; output: string } {
  const { folder, cwd } = place;
  const name = config.name ?? place.name;
  const at = (path: string): string => resolve(folder, path);
  const model = (word: string): string => namedModel(word, at(word));
  const { data } = config;
  const shards = data.shards;
  return {
    ...config,
    name,
    output: config.output === undefined ? resolve(cwd, 'runs', name) : at(config.output),
    model: typeof config.model === 'string' ? model(config.model) : { ...config.model, from: model(config.model.from) },
    data: {
      ...data,
      ...(shards !== undefined && {
        shards:
          typeof shards === 'string'
            ? at(shards)
            : shards.map((source) => (typeof source === 'string' ? at(source) : { ...source, path: at(source.path) })),
      }),
      ...(data.text !== undefined && { text: at(data.text) }),
      ...(data.tokens !== undefined && { tokens: at(data.tokens) }),
      ...(data.validation !== undefined && { validation: at(data.validation) }),
      ...(data.tokenizer !== undefined &&
        data.tokenizer !== 'characters' &&
        data.tokenizer !== 'bytes' && { tokenizer: at(data.tokenizer) }),
    },
  };
}
