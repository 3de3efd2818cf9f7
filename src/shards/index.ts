/** `corpusmill/shards`: reading and verifying shard sets from a program, without the engine. */
export {
  cuSeqlens,
  type MixtureSource,
  openShards,
  positionIds,
  type ShardLoaderOptions,
  type ShardSet,
  shardLoader,
  type TokenBatch,
} from './loader.ts';
export { readManifest, type ShardManifest, shardManifestJsonSchema } from './manifest.ts';
export { verifyShards } from './verify.ts';
