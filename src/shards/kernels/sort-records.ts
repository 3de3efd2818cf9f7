/** Records of a few words in the order of their buckets, within one as they come: by the add-on, or here. */
import type { NativeAddon } from '../../core/native-addon.ts';

/**
 * Records of `width` words, the first `bucket.length` of `records`, sorted by bucket; `starts` are the numbers of the first
 * record of each bucket, and go along. Throws RangeError for a bucket without a place.
 */
export function sortRecords(
  bucket: Uint32Array,
  records: Uint32Array,
  width: number,
  starts: Float64Array,
  addon: NativeAddon | undefined,
): Uint32Array {
  const out = new Uint32Array(width * bucket.length);
  if (addon !== undefined) {
    addon.sortRecords(bucket, records, width, starts, out);
    return out;
  }
  for (let i = 0; i < bucket.length; i++) {
    const at = width * starts[bucket[i]]++;
    for (let k = 0; k < width; k++) out[at + k] = records[width * i + k];
  }
  return out;
}
