/** Paths in the configuration of an alignment stage made absolute: relative ones are relative to the configuration's folder. */
import { resolve } from 'node:path';
import type { TrainConfig } from '../../training/config/schema.ts';
import { modelFolder, namedModel } from '../../training/run-folder.ts';
import type { DpoConfig, OfflineStage, RewardConfig, SftConfig } from './schema.ts';

/** The configurations by their stages. */
export interface StageConfigs {
  sft: SftConfig;
  reward: RewardConfig;
  dpo: DpoConfig;
}

export type ResolvedStageConfig<S extends OfflineStage> = StageConfigs[S] & {
  readonly name: string;
  readonly output: string;
};

/** Templates that have names. */
const NAMED_TEMPLATES = ['chatml', 'dialogue'];

/** The same configuration with absolute paths, and the output folder filled in. `cwd` is where `runs/NAME` goes. */
export function withAbsoluteStagePaths<S extends OfflineStage>(
  config: StageConfigs[S],
  place: { folder: string; name: string; cwd: string },
): ResolvedStageConfig<S> {
  const { folder, cwd } = place;
  const name = config.name ?? place.name;
  const at = (path: string): string => resolve(folder, path);
  const all = (paths: string | string[]): string | string[] => (typeof paths === 'string' ? at(paths) : paths.map(at));
  const model = (word: string): string => namedModel(word, at(word));
  const modelOf = (given: TrainConfig['model']): TrainConfig['model'] =>
    typeof given === 'string' ? model(given) : { ...given, from: model(given.from) };
  const data: Record<string, unknown> = { ...config.data };
  for (const key of ['conversations', 'pairs', 'validation']) {
    if (data[key] !== undefined) data[key] = all(data[key] as string | string[]);
  }
  for (const key of ['shards', 'tokenizer']) if (data[key] !== undefined) data[key] = at(data[key] as string);
  const template = data['template'];
  if (typeof template === 'string' && !NAMED_TEMPLATES.includes(template)) data['template'] = at(template);
  return {
    ...config,
    name,
    output: config.output === undefined ? resolve(cwd, 'runs', name) : at(config.output),
    model: modelOf(config.model),
    data,
    ...('merging' in config &&
      config.merging?.base !== undefined && {
        merging: { ...config.merging, base: modelFolder(at(config.merging.base), 'merging.base') },
      }),
    ...('reference' in config && {
      reference: {
        ...config.reference,
        ...(config.reference.model !== undefined && {
          model: modelFolder(at(config.reference.model), 'reference.model'),
        }),
      },
    }),
  } as ResolvedStageConfig<S>;
}
