/** `corpusmill/shards`: reading, verifying and exporting shard sets from a program, without the engine. */
export {
  EXPORT_FORMATS,
  type ExportFormat,
  type ExportOptions,
  type ExportResult,
  exportShards,
} from './export/export.ts';
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
