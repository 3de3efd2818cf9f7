/** Paths in the configuration of an online stage made absolute: relative ones are relative to the configuration's folder. */
import { resolve } from 'node:path';
import { modelFolder, namedModel } from '../../training/run-folder.ts';
import type { OnlineConfigs, OnlineStage, ResolvedOnlineConfig } from './online-schema.ts';

type ShardSource = string | { readonly path: string };

const NAMED_TEMPLATES = ['chatml', 'dialogue', 'none'];

/** The same configuration with absolute paths, and the output folder filled in. `cwd` is where `runs/NAME` goes. */
export function withAbsoluteOnlinePaths<S extends OnlineStage>(
  config: OnlineConfigs[S],
  place: { folder: string; name: string; cwd: string },
): ResolvedOnlineConfig<S> {
  const { folder, cwd } = place;
  const name = config.name ?? place.name;
  const at = (path: string): string => resolve(folder, path);
  const all = (paths: string | string[]): string | string[] => (typeof paths === 'string' ? at(paths) : paths.map(at));
  const model = (word: string): string => namedModel(word, at(word));
  const other = (path: string, member: string): string => modelFolder(at(path), member);
  const { data, reward } = config;
  const source = (given: ShardSource): ShardSource =>
    typeof given === 'string' ? at(given) : { ...given, path: at(given.path) };
  return {
    ...config,
    name,
    output: config.output === undefined ? resolve(cwd, 'runs', name) : at(config.output),
    model: typeof config.model === 'string' ? model(config.model) : { ...config.model, from: model(config.model.from) },
    data: {
      ...data,
      prompts: all(data.prompts),
      ...(data.tokenizer !== undefined && { tokenizer: at(data.tokenizer) }),
      ...(data.template !== undefined && {
        template: NAMED_TEMPLATES.includes(data.template) ? data.template : at(data.template),
      }),
    },
    reward: { ...reward, ...(reward.model !== undefined && { model: other(reward.model, 'reward.model') }) },
    ...('reference' in config && config.reference !== undefined && { reference: other(config.reference, 'reference') }),
    ...('pretraining' in config &&
      config.pretraining !== undefined && {
        pretraining: {
          ...config.pretraining,
          shards: Array.isArray(config.pretraining.shards)
            ? config.pretraining.shards.map(source)
            : config.pretraining.shards && source(config.pretraining.shards),
        },
      }),
    ...('merging' in config &&
      config.merging?.base !== undefined && {
        merging: { ...config.merging, base: other(config.merging.base, 'merging.base') },
      }),
    ...('critic' in config &&
      config.critic.model !== undefined && {
        critic: { ...config.critic, model: other(config.critic.model, 'critic.model') },
      }),
  } as ResolvedOnlineConfig<S>;
}
