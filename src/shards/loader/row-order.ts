/**
 * The order in which an epoch takes the rows of a set: position → row, computed by a keyed permutation without a table
 * (core/random.ts), so that an order over billions of rows takes no memory and any position is found at once.
 */
import { keyedPermutation, mix32 } from '../../core/random.ts';
import type { ShardSet } from '../shard-set.ts';

export interface OrderOptions {
  /**
   * `global` (default): any row may follow any other; reads single rows. `blocks`: shards in shuffled order, rows
   * shuffled within groups of `blockShards` shards, for disks that seek slowly. `sequential`: as stored.
   */
  order?: 'global' | 'blocks' | 'sequential';
  /** Shards of a block; default 8. */
  blockShards?: number;
}

/** Position in an epoch → row of the set. Each `key` has an order of its own. */
export function rowOrder(
  set: Pick<ShardSet, 'rows' | 'manifest' | 'firstRow'>,
  { order = 'global', blockShards = 8 }: OrderOptions,
  key: number,
): (position: number) => number {
  if (order === 'sequential') return (position) => position;
  if (order === 'global') return keyedPermutation(set.rows, key);

  const shards = set.manifest.shards;
  const shardAt = keyedPermutation(shards.length, key);
  /** Per block: first position, and its shards with the first position of each within the block. */
  const blocks: { first: number; shards: number[]; firsts: number[]; permute: (position: number) => number }[] = [];
  let first = 0;
  for (let i = 0; i < shards.length; i += blockShards) {
    const members = Array.from({ length: Math.min(blockShards, shards.length - i) }, (_, k) => shardAt(i + k));
    let size = 0;
    const firsts = members.map((shard) => {
      size += shards[shard].rows;
      return size - shards[shard].rows;
    });
    blocks.push({ first, shards: members, firsts, permute: keyedPermutation(size, mix32(key + 1 + i)) });
    first += size;
  }
  return (position) => {
    const block = blocks[lastAtMost(blocks.length, (b) => blocks[b].first, position)];
    const inBlock = block.permute(position - block.first);
    const member = lastAtMost(block.firsts.length, (m) => block.firsts[m], inBlock);
    return set.firstRow(block.shards[member]) + inBlock - block.firsts[member];
  };
}

/** The last index whose value is at most `value`; values ascend, the first is 0. */
function lastAtMost(count: number, valueAt: (index: number) => number, value: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (valueAt(middle) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
