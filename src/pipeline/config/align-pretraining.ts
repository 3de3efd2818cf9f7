/**
 * The block `pretraining` of an item of `align` (PPO-ptx): which shards it reads. Without a word those that the pipeline's own model
 * was pretrained on; otherwise the name of a stage `shards`, or paths.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AlignLink, StageInstance } from '../pipeline.ts';
import { type ConfigPath, quote } from './issues.ts';
import { nearestName } from './suggest.ts';

interface Place {
  readonly baseDir: string;
  readonly stages: readonly StageInstance[];
  /** The stage whose shards the block `train` reads. */
  readonly trainShards: string | undefined;
}

/** Puts a link in place of a stage's name; `pretraining.shards` is then undefined. Adds what is wrong. */
export function chainPretraining(
  filled: Record<string, unknown>,
  { baseDir, stages, trainShards }: Place,
  links: AlignLink[],
  add: (path: ConfigPath, found: string, expected: string, suggestion?: string) => void,
): void {
  const block = filled['pretraining'] as { shards?: unknown } | undefined;
  if (block === undefined) return;
  const names = stages.filter(({ definition }) => definition.name === 'shards').map(({ name }) => name);
  const link = (from: string): void => {
    links.push({ member: 'pretraining.shards', from });
    filled['pretraining'] = { ...block, shards: undefined };
  };
  const { shards } = block;
  if (shards === undefined) {
    const own = trainShards ?? names.at(-1);
    if (own !== undefined) link(own);
    else {
      const expected = "'shards': a folder of shards, or the stage 'shards' among the stages";
      add(['pretraining'], "no 'shards', and the pipeline makes none", expected);
    }
    return;
  }
  if (typeof shards === 'string' && names.includes(shards)) {
    link(shards);
    return;
  }
  const check = (path: string, at: ConfigPath): void => {
    if (existsSync(resolve(baseDir, path))) return;
    const named = names.length === 0 ? '' : `the name of a stage 'shards' (${names.map(quote).join(', ')}) or `;
    add(at, quote(path), `${named}a folder of shards`, nearestName(path, names));
  };
  const list = Array.isArray(shards) ? (shards as unknown[]) : [shards];
  list.forEach((source, index) => {
    const path = typeof source === 'string' ? source : (source as { path: string }).path;
    check(path, ['pretraining', 'shards', ...(Array.isArray(shards) ? [index] : [])]);
  });
}
